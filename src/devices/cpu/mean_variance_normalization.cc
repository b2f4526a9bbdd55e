// SPDX-License-Identifier: MIT
// MeanVarianceNormalization: (x - mean) / (standard deviation + 1e-9) over some axes.
#include <cmath>

#include "devices/cpu/registry.h"
#include "operators/int_list.h"

namespace mullion::cpu {

namespace {

// The axes sorted into those that choose a group of elements and those within a group.
struct Groups {
  struct Axis {
    int64_t size;
    int64_t stride;
  };
  int64_t count = 1;    // of groups
  int64_t members = 1;  // of each
  int outer_rank = 0;
  int inner_rank = 0;
  std::array<Axis, kMaxRank> outer;
  std::array<Axis, kMaxRank> inner;

  Groups(const Shape& shape, const IntList& axes) {
    const auto strides = RowMajorStrides(shape);
    std::array<bool, kMaxRank> within{};
    for (const int64_t axis : axes) within[static_cast<size_t>(axis)] = true;
    for (int i = 0; i < shape.rank(); ++i) {
      const Axis axis{shape[i], strides[static_cast<size_t>(i)]};
      if (within[static_cast<size_t>(i)] && i > 0 && within[static_cast<size_t>(i - 1)]) {
        Axis& before = inner[static_cast<size_t>(inner_rank - 1)];  // one axis of both
        before = {before.size * axis.size, axis.stride};
        members *= axis.size;
      } else if (within[static_cast<size_t>(i)]) {
        inner[static_cast<size_t>(inner_rank++)] = axis;
        members *= axis.size;
      } else {
        outer[static_cast<size_t>(outer_rank++)] = axis;
        count *= axis.size;
      }
    }
  }

  static int64_t Offset(const std::array<Axis, kMaxRank>& axes, int rank, int64_t index) {
    int64_t offset = 0;
    for (int i = rank - 1; i >= 0; --i) {
      const Axis& axis = axes[static_cast<size_t>(i)];
      offset += index % axis.size * axis.stride;
      index /= axis.size;
    }
    return offset;
  }

  // Calls visit(offset, size, stride) for the runs of group `group` along the innermost axis.
  template <typename Visit>
  void ForEach(int64_t group, Visit&& visit) const {
    const int64_t base = Offset(outer, outer_rank, group);
    const Axis run = inner_rank == 0 ? Axis{1, 1} : inner[static_cast<size_t>(inner_rank - 1)];
    const int64_t runs = run.size == 0 ? 0 : members / run.size;
    for (int64_t r = 0; r < runs; ++r) {
      visit(base + Offset(inner, std::max(inner_rank - 1, 0), r), run.size, run.stride);
    }
  }
};

template <typename T>
class MeanVarianceNormalization final : public Executable {
 public:
  explicit MeanVarianceNormalization(const Node& node)
      : keep_variance_(node.IntAttribute("keep_variance", 0) != 0) {
    if (!node.HasAttribute("axes")) {
      for (const int64_t axis : {0, 2, 3}) axes_.Append(axis);
      return;
    }
    const Result<IntList> axes = ToIntList(node.IntsAttribute("axes"), "attribute 'axes'");
    if (axes.ok()) axes_ = *axes;  // inference has refused others
  }

  Status Bind(BindContext& context) const override {
    context.AllowInPlace(0, 0);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    IntList axes = axes_;
    const Status valid = NormalizeAxes(axes, input.shape.rank());
    if (!valid.ok()) return context.Error(valid.message());
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, input.shape));
    const Groups groups(input.shape, axes);
    if (output.count() == 0) return OkStatus();
    context.parallel().For(groups.count, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t group = begin; group < end; ++group) {
        Normalize(groups, group, input.as<T>(), output.as<T>());
      }
    });
    return OkStatus();
  }

 private:
  void Normalize(const Groups& groups, int64_t group, const T* x, T* y) const {
    // Relative to one of the elements, so that a large mean does not swallow the differences.
    double origin = 0;
    groups.ForEach(
        group, [&](int64_t first, int64_t, int64_t) { origin = static_cast<double>(x[first]); });
    Sums sums;
    groups.ForEach(group, [&](int64_t first, int64_t size, int64_t stride) {
      if (stride == 1) {
        sums.Add(x + first, size, 1, origin);
      } else {
        sums.Add(x + first, size, stride, origin);
      }
    });
    const double count = static_cast<double>(groups.members);
    const double shift = sums.Total(sums.sum) / count;
    const double mean = origin + shift;
    const double variance = std::max(sums.Total(sums.squares) / count - shift * shift, 0.0);
    // The constant is that of the operator's definition as a function.
    const double factor = keep_variance_ ? 1 : 1 / (std::sqrt(variance) + 1e-9);
    groups.ForEach(group, [&](int64_t first, int64_t size, int64_t stride) {
      const auto run = [&](int64_t step) {
        for (int64_t i = first; i < first + size * step; i += step) {
          y[i] = static_cast<T>((static_cast<double>(x[i]) - mean) * factor);
        }
      };
      stride == 1 ? run(1) : run(stride);
    });
  }

  // Of differences from the origin, in parts that do not wait for each other.
  struct Sums {
    static constexpr int kParts = 8;
    double sum[kParts] = {};
    double squares[kParts] = {};

    void Add(const T* x, int64_t n, int64_t stride, double origin) {
      int64_t i = 0;
      for (; i + kParts <= n; i += kParts, x += kParts * stride) {
        for (int part = 0; part < kParts; ++part) Take(x[part * stride], part, origin);
      }
      for (int part = 0; i < n; ++i, ++part) Take(x[part * stride], part, origin);
    }
    void Take(T value, int part, double origin) {
      const double difference = static_cast<double>(value) - origin;
      sum[part] += difference;
      squares[part] += difference * difference;
    }
    static double Total(const double* parts) {
      double total = 0;
      for (int part = 0; part < kParts; ++part) total += parts[part];
      return total;
    }
  };

  IntList axes_;
  bool keep_variance_;
};

}  // namespace

void RegisterMeanVarianceNormalization(KernelRegistry& registry) {
  registry.Add({.name = "MeanVarianceNormalization",
                .types = types::kFloat,
                .make = MakeKernel<MeanVarianceNormalization<float>>});
  registry.Add({.name = "MeanVarianceNormalization",
                .types = SetOf(ElementType::kDouble),
                .make = MakeKernel<MeanVarianceNormalization<double>>});
}

}  // namespace mullion::cpu
