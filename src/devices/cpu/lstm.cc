// SPDX-License-Identifier: MIT
#include "devices/cpu/recurrent.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

template <typename T>
class Lstm final : public Recurrent<T> {
 public:
  explicit Lstm(const operators::RecurrentParameters& parameters)
      : Recurrent<T>(parameters, {operators::RecurrentKind::kLstm, 4, {{0, 4, 0}}, {{0, 4, 0}}}) {}

 private:
  void Step(const RecurrentStep<T>& step) const override {
    this->AddRecurrent(step, 0, step.hidden_rows);
    for (int64_t m = 0; m < step.rows; ++m) {
      if (!step.Active(m)) continue;
      const int64_t state = m * step.width();
      LstmCell(step.arguments, step.Sums(m, 0), step.cell + state, step.hidden + state);
    }
  }
};

Result<std::unique_ptr<Executable>> MakeLstm(const Node& node, WeightStore& weights) {
  return MakeRecurrent<Lstm>(node, weights, operators::RecurrentKind::kLstm);
}

}  // namespace

void RegisterLstm(KernelRegistry& registry) {
  registry.Add({.name = "LSTM", .types = types::kFloatDouble, .make = MakeLstm});
}

}  // namespace mullion::cpu
