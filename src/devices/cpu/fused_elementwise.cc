// SPDX-License-Identifier: MIT
// Runs fused elementwise programs tile by tile, so that what one instruction leaves behind is still
// in the first cache when the next one reads it.
#include "operators/fused_elementwise.h"

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "devices/cpu/broadcast.h"
#include "devices/cpu/kernels/elementwise/float_binary.h"
#include "devices/cpu/kernels/elementwise/float_unary.h"
#include "devices/cpu/kernels/elementwise/scale_shift.h"
#include "devices/cpu/registry.h"
#include "operators/registry.h"

namespace mullion::cpu {

namespace {

using operators::ElementwiseOp;
using operators::ElementwiseProgram;
using operators::Instruction;
using operators::kMostInstructions;

// Floats of a tile: 4 KiB, so that the few that an instruction touches stay in a first cache of 32.
constexpr int64_t kTile = 1024;

// An instruction with a place for its result.
struct Step {
  Instruction instruction;
  int slot = 0;  // which temporary takes the result; kOutput for the last one
  // A product that only the next instruction reads, as what is added to: where both other operands
  // are single, the two are one walk.
  bool scales = false;
};
constexpr int kOutput = -1;

// Gives each result a temporary, and a temporary to another result once it was read last.
// Returns how many temporaries there are.
int AssignSlots(const ElementwiseProgram& program, int inputs, std::vector<Step>& steps) {
  std::vector<size_t> last_read(static_cast<size_t>(inputs) + program.size(), 0);
  for (size_t i = 0; i < program.size(); ++i) {
    last_read[static_cast<size_t>(program[i].a)] = i;
    if (program[i].b >= 0) last_read[static_cast<size_t>(program[i].b)] = i;
  }
  std::vector<int> free;
  int slots = 0;
  for (size_t i = 0; i < program.size(); ++i) {
    // Operands that are read last here make room for the result: the kernels work in place.
    const int operands[] = {program[i].a, program[i].b};
    const int distinct = operands[0] == operands[1] ? 1 : 2;
    for (int k = 0; k < distinct; ++k) {
      const int result = operands[k] - inputs;
      if (result < 0 || last_read[static_cast<size_t>(operands[k])] != i) continue;
      free.push_back(steps[static_cast<size_t>(result)].slot);
    }
    Step step{program[i], kOutput};
    if (i + 1 < program.size()) {
      if (free.empty()) free.push_back(slots++);
      step.slot = free.back();
      free.pop_back();
    }
    const int own = inputs + static_cast<int>(i);
    step.scales = program[i].step.op == ElementwiseOp::kMul && i + 1 < program.size() &&
                  last_read[static_cast<size_t>(own)] == i + 1 &&
                  program[i + 1].step.op == ElementwiseOp::kAdd &&
                  program[i + 1].a != program[i + 1].b;
    steps.push_back(step);
  }
  return slots;
}

// Elements that one thread takes at once: some ten microseconds of work.
int64_t ChunkOf(const ElementwiseProgram& program) {
  int64_t cost = 4;
  for (const Instruction& instruction : program) {
    const ElementwiseOp op = instruction.step.op;
    const bool plain = (op >= ElementwiseOp::kSin && op <= ElementwiseOp::kAtanh) ||
                       op == ElementwiseOp::kPow || op == ElementwiseOp::kFmod;
    const bool exponential = (op >= ElementwiseOp::kExp && op <= ElementwiseOp::kSigmoid) ||
                             (op >= ElementwiseOp::kElu && op <= ElementwiseOp::kSwish);
    cost += plain ? 32 : (exponential ? 8 : 1);
  }
  return std::max<int64_t>(262144 / cost / kTile, 2) * kTile;
}

struct State final : BoundState {
  BroadcastPlan plan;
  size_t worker_bytes = 0;  // scratch of one worker
};

class FusedElementwise final : public Executable {
 public:
  FusedElementwise(const Node& node, const ElementwiseProgram& program)
      : inputs_(node.input_count()), chunk_(ChunkOf(program)) {
    steps_.reserve(program.size());
    slots_ = AssignSlots(program, inputs_, steps_);
  }

  Status Bind(BindContext& context) const override {
    std::vector<Shape> shapes;
    for (int i = 0; i < inputs_; ++i) shapes.push_back(context.input(i)->shape);
    std::optional<BroadcastPlan> plan = PlanBroadcast(shapes);
    if (!plan.has_value()) {
      return context.node().Error(StatusCode::kSizeMismatch, "its inputs' shapes do not broadcast");
    }
    auto state = std::make_unique<State>();
    state->plan = *std::move(plan);
    for (int i = 0; i < inputs_; ++i) {
      if (state->plan.operands[static_cast<size_t>(i)].dense) context.AllowInPlace(0, i);
    }
    state->worker_bytes = static_cast<size_t>(slots_) * kTile * sizeof(float);
    if (state->plan.NeedsTiles()) {
      state->worker_bytes += static_cast<size_t>(inputs_) * sizeof(OperandTile);
    }
    context.RequestScratch(state->worker_bytes * static_cast<size_t>(context.threads()));
    context.SetState(std::move(state));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const State& state = *context.state<State>();
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, state.plan.output));
    context.parallel().For(state.plan.count, chunk_, [&](int64_t begin, int64_t end, int worker) {
      RunPart(context, state, output.as<float>(), begin, end, worker);
    });
    return OkStatus();
  }

 private:
  using Values = std::array<Operand<float>, 2 * kMostInstructions + 1>;

  void RunPart(const RunContext& context, const State& state, float* output, int64_t begin,
               int64_t end, int worker) const {
    auto* const scratch = static_cast<std::byte*>(context.scratch()) +
                          static_cast<size_t>(worker) * state.worker_bytes;
    auto* const temporaries = reinterpret_cast<float*>(scratch);
    auto* const tiles = reinterpret_cast<OperandTile*>(temporaries + slots_ * kTile);
    const bool spreads = state.plan.NeedsTiles();
    for (int i = 0; spreads && i < inputs_; ++i) new (tiles + i) OperandTile;
    // Elements count as 8 bytes, so that a tile that is spread out has at most kTile of them.
    const BroadcastReader reader(state.plan, OperandTile::kBytes / kTile);
    Values values;
    for (int64_t position = begin; position < end;) {
      const int64_t count = std::min(reader.RunLength(position, end), kTile);
      for (int i = 0; i < inputs_; ++i) {
        values[static_cast<size_t>(i)] = reader
                                             .Read(i, context.Input(i).data, sizeof(float),
                                                   position, count, spreads ? tiles + i : nullptr)
                                             .As<float>();
      }
      RunTile(values, temporaries, output + position, static_cast<size_t>(count));
      position += count;
    }
  }

  void RunTile(Values& values, float* temporaries, float* output, size_t count) const {
    size_t number = static_cast<size_t>(inputs_);
    for (size_t i = 0; i < steps_.size(); ++i) {
      const Step& step = steps_[i];
      const Instruction& instruction = step.instruction;
      if (step.scales && ScaleAndShift(values, i, temporaries, output, count)) {
        number += 2;
        ++i;
        continue;
      }
      const Operand<float> a = values[static_cast<size_t>(instruction.a)];
      const bool binary = instruction.b >= 0;
      const Operand<float> b = binary ? values[static_cast<size_t>(instruction.b)] : a;
      // What comes of single elements is a single element.
      const bool single = a.step == 0 && b.step == 0;
      float* const y = Result(step, temporaries, output);
      const size_t elements = single ? 1 : count;
      if (binary) {
        const int step_a = single ? 1 : a.step;
        const int step_b = single ? 1 : b.step;
        FloatBinary(instruction.step, {a.data, step_a}, {b.data, step_b}, y, elements);
      } else {
        FloatUnary(instruction.step, a.data, y, elements);
      }
      if (single && step.slot == kOutput) std::fill_n(y, count, *y);
      values[number++] = {y, single ? 0 : 1};
    }
  }

  // Steps i and i + 1 as one. False where they multiply by or add more than one element.
  bool ScaleAndShift(Values& values, size_t i, float* temporaries, float* output,
                     size_t count) const {
    const Instruction& product = steps_[i].instruction;
    const Instruction& sum = steps_[i + 1].instruction;
    const size_t number = static_cast<size_t>(inputs_) + i;
    Operand<float> x = values[static_cast<size_t>(product.a)];
    Operand<float> scale = values[static_cast<size_t>(product.b)];
    if (x.step == 0) std::swap(x, scale);
    const auto other = static_cast<size_t>(static_cast<size_t>(sum.a) == number ? sum.b : sum.a);
    const Operand<float> shift = values[other];
    if (x.step == 0 || scale.step != 0 || shift.step != 0) return false;
    float* const y = Result(steps_[i + 1], temporaries, output);
    ScaleShift(x.data, y, count, *scale.data, *shift.data);
    values[number + 1] = {y, 1};
    return true;
  }

  static float* Result(const Step& step, float* temporaries, float* output) {
    return step.slot == kOutput ? output : temporaries + step.slot * kTile;
  }

  std::vector<Step> steps_;
  int inputs_;
  int slots_ = 0;
  int64_t chunk_;
};

Result<std::unique_ptr<Executable>> MakeFused(const Node& node, WeightStore& /*weights*/) {
  MULLION_ASSIGN_OR_RETURN(const ElementwiseProgram program, operators::LoadProgram(node));
  return std::unique_ptr<Executable>(std::make_unique<FusedElementwise>(node, program));
}

}  // namespace

void RegisterFusedElementwise(KernelRegistry& registry) {
  registry.Add({.name = operators::kFusedElementwise,
                .domain = operators::kInternalDomain,
                .types = types::kFloat,
                .make = MakeFused});
}

}  // namespace mullion::cpu
