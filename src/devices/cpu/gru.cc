// SPDX-License-Identifier: MIT
#include "devices/cpu/recurrent.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

// With `linear_before_reset` the hidden gate's product with the state and its bias are scaled by
// the reset gate, so they stand apart from its product with the input: a fourth block. Without, the
// state is scaled first, so its product with the hidden gate waits for the reset gate.
GatePlan Plan(bool linear_before_reset) {
  constexpr auto kGru = operators::RecurrentKind::kGru;
  if (linear_before_reset) return {kGru, 4, {{0, 2, 0}, {2, 1, 3}}, {{0, 3, 0}}, 2};
  return {kGru, 3, {{0, 3, 0}}, {{0, 2, 0}, {2, 1, 2}}};
}

template <typename T>
class Gru final : public Recurrent<T> {
 public:
  explicit Gru(const operators::RecurrentParameters& parameters)
      : Recurrent<T>(parameters, Plan(parameters.linear_before_reset)),
        linear_before_reset_(parameters.linear_before_reset) {}

 private:
  void Step(const RecurrentStep<T>& step) const override {
    this->AddRecurrent(step, 0, step.hidden_rows);
    const int64_t width = step.width();
    for (int64_t m = 0; m < step.rows; ++m) {
      GruGates(step.arguments, step.Sums(m, 0), step.hidden + m * width,
               linear_before_reset_ ? nullptr : step.spare + m * width);
    }
    if (!linear_before_reset_) this->AddRecurrent(step, 1, step.spare_rows);
    for (int64_t m = 0; m < step.rows; ++m) {
      if (!step.Active(m)) continue;
      const T* const input = step.Sums(m, linear_before_reset_ ? 3 : 2);
      const T* const recurrent = linear_before_reset_ ? step.Sums(m, 2) : nullptr;
      GruOutput(step.arguments, step.Sums(m, 0), input, recurrent, step.hidden + m * width);
    }
  }

  bool linear_before_reset_;
};

Result<std::unique_ptr<Executable>> MakeGru(const Node& node, WeightStore& weights) {
  return MakeRecurrent<Gru>(node, weights, operators::RecurrentKind::kGru);
}

}  // namespace

void RegisterGru(KernelRegistry& registry) {
  registry.Add({.name = "GRU", .types = types::kFloatDouble, .make = MakeGru});
}

}  // namespace mullion::cpu
