// SPDX-License-Identifier: MIT
#include "devices/cpu/broadcast_kernel.h"

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

#include "devices/cpu/broadcast.h"

namespace mullion::cpu {

namespace {

struct State final : BoundState {
  BroadcastPlan plan;
};

// Operators with more inputs than this take their operands' list from the heap.
constexpr size_t kFewOperands = 8;

}  // namespace

BroadcastKernel::BroadcastKernel(std::vector<size_t> input_bytes, size_t output_bytes,
                                 int64_t chunk, int in_place)
    : input_bytes_(std::move(input_bytes)),
      output_bytes_(output_bytes),
      widest_(*std::max_element(input_bytes_.begin(), input_bytes_.end())),
      chunk_(chunk),
      in_place_(in_place) {}

Status BroadcastKernel::Bind(BindContext& context) const {
  std::vector<Shape> shapes;
  shapes.reserve(input_bytes_.size());
  for (int i = 0; i < context.input_count(); ++i) shapes.push_back(context.input(i)->shape);
  auto state = std::make_unique<State>();
  std::optional<BroadcastPlan> plan = PlanBroadcast(shapes);
  if (!plan.has_value()) {
    return context.node().Error(StatusCode::kSizeMismatch, "its inputs' shapes do not broadcast");
  }
  state->plan = *std::move(plan);
  for (int i = 0; i < std::min(in_place_, context.input_count()); ++i) {
    const auto k = static_cast<size_t>(i);
    if (state->plan.operands[k].dense && input_bytes_[k] == output_bytes_) {
      context.AllowInPlace(0, i);
    }
  }
  if (state->plan.NeedsTiles()) {
    context.RequestScratch(static_cast<size_t>(context.threads()) * shapes.size() *
                           sizeof(OperandTile));
  }
  context.SetState(std::move(state));
  return OkStatus();
}

Status BroadcastKernel::Run(RunContext& context) const {
  const BroadcastPlan& plan = context.state<State>()->plan;
  MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, plan.output));
  const size_t operand_count = input_bytes_.size();
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
        operands[k] = reader.Read(static_cast<int>(k), context.Input(static_cast<int>(k)).data,
                                  input_bytes_[k], position, count, own + k);
      }
      Compute({operands, operand_count},
              static_cast<std::byte*>(output.data) + static_cast<size_t>(position) * output_bytes_,
              static_cast<size_t>(count));
      position += count;
    }
  };
  context.parallel().For(plan.count, chunk_, work);
  return OkStatus();
}

}  // namespace mullion::cpu
