// SPDX-License-Identifier: MIT
#include "devices/cpu/recurrent.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

template <typename T>
class Rnn final : public Recurrent<T> {
 public:
  explicit Rnn(const operators::RecurrentParameters& parameters)
      : Recurrent<T>(parameters, {operators::RecurrentKind::kRnn, 1, {{0, 1, 0}}, {{0, 1, 0}}}) {}

 private:
  void Step(const RecurrentStep<T>& step) const override {
    this->AddRecurrent(step, 0, step.hidden_rows);
    for (int64_t m = 0; m < step.rows; ++m) {
      if (step.Active(m)) RnnCell(step.arguments, step.Sums(m, 0), step.hidden + m * step.width());
    }
  }
};

Result<std::unique_ptr<Executable>> MakeRnn(const Node& node, WeightStore& weights) {
  return MakeRecurrent<Rnn>(node, weights, operators::RecurrentKind::kRnn);
}

}  // namespace

void RegisterRnn(KernelRegistry& registry) {
  registry.Add({.name = "RNN", .types = types::kFloatDouble, .make = MakeRnn});
}

}  // namespace mullion::cpu
