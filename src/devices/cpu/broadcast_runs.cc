// SPDX-License-Identifier: MIT
#include "devices/cpu/broadcast_runs.h"

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

namespace mullion::cpu {

namespace {

struct State final : BoundState {
  BroadcastPlan plan;
};

// Operators with more inputs than this take their operands' list from the heap.
constexpr size_t kFewOperands = 8;

}  // namespace

BroadcastRuns::BroadcastRuns(std::vector<Operand> operands, size_t output_bytes, int64_t chunk,
                             int in_place)
    : operands_(std::move(operands)),
      output_bytes_(output_bytes),
      chunk_(chunk),
      in_place_(in_place) {
  for (const Operand& operand : operands_) widest_ = std::max(widest_, operand.bytes);
}

Status BroadcastRuns::Bind(BindContext& context) const {
  std::vector<Shape> shapes;
  shapes.reserve(operands_.size());
  for (const Operand& operand : operands_) shapes.push_back(context.input(operand.input)->shape);
  auto state = std::make_unique<State>();
  std::optional<BroadcastPlan> plan = PlanBroadcast(shapes);
  if (!plan.has_value()) {
    return context.node().Error(StatusCode::kSizeMismatch, "its inputs' shapes do not broadcast");
  }
  state->plan = *std::move(plan);
  state->plan.long_run =
      std::max(state->plan.long_run, int64_t{1024} / static_cast<int64_t>(widest_));
  for (size_t k = 0; k < std::min(static_cast<size_t>(in_place_), shapes.size()); ++k) {
    if (state->plan.operands[k].dense && operands_[k].bytes == output_bytes_) {
      context.AllowInPlace(0, operands_[k].input);
    }
  }
  if (state->plan.NeedsTiles()) {
    context.RequestScratch(static_cast<size_t>(context.threads()) * shapes.size() *
                           sizeof(OperandTile));
  }
  context.SetState(std::move(state));
  return OkStatus();
}

const BroadcastPlan& BroadcastRuns::PlanOf(const RunContext& context) {
  return context.state<State>()->plan;
}

Status BroadcastRuns::Run(RunContext& context, Compute compute) const {
  const BroadcastPlan& plan = PlanOf(context);
  MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, plan.output));
  const size_t operand_count = operands_.size();
  auto* const tiles = static_cast<OperandTile*>(context.scratch());
  const auto work = [&](int64_t begin, int64_t end, int worker) {
    OperandTile* const own = tiles + static_cast<size_t>(worker) * operand_count;
    if (plan.NeedsTiles()) {
      for (size_t k = 0; k < operand_count; ++k) new (own + k) OperandTile;
    }
    AnyOperand few[kFewOperands];
    std::vector<AnyOperand> many(operand_count > kFewOperands ? operand_count : 0);
    AnyOperand* const operands = many.empty() ? few : many.data();
    const BroadcastReader reader(plan, widest_);
    for (int64_t position = begin; position < end;) {
      const int64_t count = reader.RunLength(position, end);
      for (size_t k = 0; k < operand_count; ++k) {
        const auto [input, bytes] = operands_[k];
        operands[k] = reader.Read(static_cast<int>(k), context.Input(input).data, bytes, position,
                                  count, own + k);
      }
      compute({operands, operand_count},
              static_cast<std::byte*>(output.data) + static_cast<size_t>(position) * output_bytes_,
              static_cast<size_t>(count));
      position += count;
    }
  };
  context.parallel().For(plan.count, chunk_, work);
  return OkStatus();
}

}  // namespace mullion::cpu
