// SPDX-License-Identifier: MIT
// MeanVarianceNormalization: (x - mean) / (standard deviation + 1e-9) over some axes.
#include <cmath>

#include "base/element_traits.h"
#include "devices/cpu/kernels/reduction/shifted_sums.h"
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
  int64_t columns = 1;  // neighbouring groups that lie side by side
  int outer_rank = 0;
  int inner_rank = 0;
  std::array<Axis, kMaxRank> outer;
  std::array<Axis, kMaxRank> inner;

  Groups(const Shape& shape, const IntList& axes) {
    const auto strides = RowMajorStrides(shape);
    std::array<bool, kMaxRank> within{};
    for (const int64_t axis : axes) within[static_cast<size_t>(axis)] = true;
    bool last_is_inner = false;
    for (int i = 0; i < shape.rank(); ++i) {
      const Axis axis{shape[i], strides[static_cast<size_t>(i)]};
      if (axis.size == 1) continue;
      const bool is_inner = within[static_cast<size_t>(i)];
      (is_inner ? members : count) *= axis.size;
      if (is_inner && last_is_inner) {
        Axis& before = inner[static_cast<size_t>(inner_rank - 1)];  // one axis of both
        before = {before.size * axis.size, axis.stride};
      } else if (is_inner) {
        inner[static_cast<size_t>(inner_rank++)] = axis;
      } else {
        outer[static_cast<size_t>(outer_rank++)] = axis;
      }
      last_is_inner = is_inner;
    }
    if (outer_rank > 0 && outer[static_cast<size_t>(outer_rank - 1)].stride == 1) {
      columns = outer[static_cast<size_t>(outer_rank - 1)].size;
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
    const int64_t blocks = (groups.columns + kColumns - 1) / kColumns;
    const int64_t tasks = groups.count / groups.columns * blocks;
    context.parallel().For(tasks, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t first = task % blocks * kColumns;
        const int64_t group = task / blocks * groups.columns + first;
        if (groups.columns == 1) {
          Normalize(groups, group, input.as<T>(), output.as<T>());
        } else {
          NormalizeColumns(groups, group, std::min(kColumns, groups.columns - first), input.as<T>(),
                           output.as<T>());
        }
      }
    });
    return OkStatus();
  }

 private:
  static constexpr int64_t kColumns = 64;  // normalized at once
  static constexpr ElementType kType = kElementTypeOf<T>;

  // Makes the mean and the factor of the sums, which are relative to the origin: one of the
  // elements, so that a large mean does not swallow the differences.
  void Finish(const Groups& groups, double origin, ShiftedSums sums, double& mean,
              double& factor) const {
    const double count = static_cast<double>(groups.members);
    const double shift = sums.sum / count;
    mean = origin + shift;
    const double variance = std::max(sums.squares / count - shift * shift, 0.0);
    // The constant is that of the operator's definition as a function.
    factor = keep_variance_ ? 1 : 1 / (std::sqrt(variance) + 1e-9);
  }

  // One group, whose runs are contiguous.
  void Normalize(const Groups& groups, int64_t group, const T* x, T* y) const {
    double origin = 0;
    groups.ForEach(
        group, [&](int64_t first, int64_t, int64_t) { origin = static_cast<double>(x[first]); });
    ShiftedSums sums;
    groups.ForEach(group, [&](int64_t first, int64_t size, int64_t) {
      AddShifted(kType, x + first, static_cast<size_t>(size), origin, sums);
    });
    double mean;
    double factor;
    Finish(groups, origin, sums, mean, factor);
    groups.ForEach(group, [&](int64_t first, int64_t size, int64_t) {
      ScaleShifted(kType, x + first, static_cast<size_t>(size), mean, factor, y + first);
    });
  }

  // `n` groups side by side from `group` on.
  void NormalizeColumns(const Groups& groups, int64_t group, int64_t n, const T* x, T* y) const {
    double origins[kColumns];
    double sums[kColumns] = {};
    double squares[kColumns] = {};
    const auto columns = static_cast<size_t>(n);
    groups.ForEach(group, [&](int64_t first, int64_t, int64_t) {
      for (size_t i = 0; i < columns; ++i)
        origins[i] = static_cast<double>(x[first + static_cast<int64_t>(i)]);
    });
    groups.ForEach(group, [&](int64_t first, int64_t size, int64_t stride) {
      AddShiftedColumns(kType, x + first, static_cast<size_t>(size), static_cast<size_t>(stride),
                        columns, origins, sums, squares);
    });
    for (size_t i = 0; i < columns; ++i) {
      Finish(groups, origins[i], {sums[i], squares[i]}, sums[i], squares[i]);
    }
    groups.ForEach(group, [&](int64_t first, int64_t size, int64_t stride) {
      ScaleShiftedColumns(kType, x + first, static_cast<size_t>(size), static_cast<size_t>(stride),
                          columns, sums, squares, y + first);
    });
  }

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
