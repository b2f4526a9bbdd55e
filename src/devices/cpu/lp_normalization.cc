// SPDX-License-Identifier: MIT
// LpNormalization: x / norm along an axis; 0 where the norm is 0.
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "devices/cpu/axis_loops.h"
#include "devices/cpu/kernels/elementwise/elements.h"
#include "devices/cpu/reduce_functions.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

template <typename T>
class LpNormalization final : public Executable {
 public:
  explicit LpNormalization(const Node& node)
      : axis_(node.IntAttribute("axis", -1)),
        is_l1_(node.IntAttribute("p", 2) == 1),
        norm_(FindReduceFunctions(is_l1_ ? ReduceKind::kL1 : ReduceKind::kL2, kElementTypeOf<T>)) {}

  Status Bind(BindContext& context) const override {
    context.AllowInPlace(0, 0);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const std::optional<int> axis = NormalizeAxis(axis_, input.shape.rank());
    if (!axis.has_value()) return context.Error("attribute 'axis' is outside the input's rank");
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, input.shape));
    const AxisView view(input.shape, *axis, *axis + 1);
    if (view.empty()) return OkStatus();
    const T* const x = input.as<T>();
    T* const y = output.as<T>();
    if (view.inner == 1) {
      ForRows(view, context.parallel(), [&](int64_t first, int64_t count) {
        Rows(view.n, count, x + first * view.n, y + first * view.n);
      });
      return OkStatus();
    }
    ForColumns(view, context.parallel(), [&](int64_t offset, int64_t count) {
      Columns(view, static_cast<size_t>(count), x + offset, y + offset);
    });
    return OkStatus();
  }

 private:
  static constexpr int64_t kTile = 512;

  // Several short rows are divided at once, by divisors that are written out.
  void Rows(int64_t n, int64_t rows, const T* x, T* y) const {
    T divisors[kTile];
    T norms[kTile];
    const bool is_short = n <= kTile / 2;
    const int64_t most = is_short ? kTile / n : 1;
    for (int64_t row = 0; row < rows; row += most, x += most * n, y += most * n) {
      const int64_t together = std::min(most, rows - row);
      Norms(x, n, together, norms);
      for (int64_t r = 0; r < together; ++r) {
        std::fill_n(divisors + r * n, is_short ? n : 1, norms[r] == 0 ? T{1} : norms[r]);
      }
      Divide(x, {divisors, is_short ? 1 : 0}, y, static_cast<size_t>(together * n));
    }
  }

  // Of at most kTile rows.
  void Norms(const T* x, int64_t n, int64_t rows, T* norms) const {
    if (std::is_same_v<T, double> && n < kShortRow) {
      for (int64_t r = 0; r < rows; ++r, x += n) {
        norms[r] = is_l1_ ? SumOf(x, n, [](T v) { return std::abs(v); })
                          : std::sqrt(SumOf(x, n, [](T v) { return v * v; }));
      }
      return;
    }
    const auto count = static_cast<size_t>(n);
    T sums[kTile];
    if (norm_.runs != nullptr && count <= kLongestOfRuns) {
      norm_.runs(x, static_cast<size_t>(rows), count, sums);
    } else {
      norm_.init(sums, static_cast<size_t>(rows));
      for (int64_t r = 0; r < rows; ++r) norm_.run(x + r * n, count, sums + r);
    }
    norm_.finish(sums, static_cast<size_t>(rows), n, norms);
  }

  // At most 64 columns, as ForColumns gives them.
  void Columns(const AxisView& view, size_t count, const T* x, T* y) const {
    T sums[64];
    T norms[64];
    norm_.init(sums, count);
    norm_.rows(x, static_cast<size_t>(view.n), static_cast<size_t>(view.inner), count, sums);
    norm_.finish(sums, count, view.n, norms);
    for (size_t j = 0; j < count; ++j) norms[j] = norms[j] == 0 ? T{1} : norms[j];
    for (int64_t k = 0; k < view.n; ++k, x += view.inner, y += view.inner) {
      Divide(x, {norms, 1}, y, count);
    }
  }

  // Of rows for which the functions of reductions have more to begin and end than to add up.
  static constexpr int64_t kShortRow = 256;
  template <typename Function>
  static T SumOf(const T* x, int64_t n, Function function) {
    T sums[8] = {};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
      for (int64_t j = 0; j < 8; ++j) sums[j] += function(x[i + j]);
    }
    for (; i < n; ++i) sums[i % 8] += function(x[i]);
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) +
           ((sums[4] + sums[5]) + (sums[6] + sums[7]));
  }

  static void Divide(const T* x, AnyOperand norms, T* y, size_t count) {
    BinaryElements({operators::ElementwiseOp::kDiv}, kElementTypeOf<T>, {x, 1}, norms, y, count);
  }

  int64_t axis_;
  bool is_l1_;
  ReduceFunctions norm_;
};

}  // namespace

void RegisterLpNormalization(KernelRegistry& registry) {
  registry.Add({.name = "LpNormalization",
                .types = types::kFloat,
                .make = MakeKernel<LpNormalization<float>>});
  registry.Add({.name = "LpNormalization",
                .types = SetOf(ElementType::kDouble),
                .make = MakeKernel<LpNormalization<double>>});
}

}  // namespace mullion::cpu
