// SPDX-License-Identifier: MIT
#include "operators/fused_elementwise.h"

#include <utility>

#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferFused(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(LoadProgram(context.node()).status());
  return InferBroadcast(context);
}

// Reads one instruction whose operands must be numbered below `known`.
bool ReadInstruction(std::span<const int64_t> code, std::span<const float> parameters,
                     int64_t known, Instruction& instruction) {
  if (code[0] < 0 || code[0] > static_cast<int64_t>(ElementwiseOp::kSwiGlu)) return false;
  instruction.step = {static_cast<ElementwiseOp>(code[0]), parameters[0], parameters[1]};
  const bool binary = IsBinary(instruction.step.op);
  if (code[1] < 0 || code[1] >= known) return false;
  if (binary ? code[2] < 0 || code[2] >= known : code[2] != -1) return false;
  instruction.a = static_cast<int>(code[1]);
  instruction.b = static_cast<int>(code[2]);
  return true;
}

}  // namespace

void StoreProgram(const ElementwiseProgram& program, Node& node) {
  std::vector<int64_t> code;
  std::vector<float> parameters;
  for (const Instruction& instruction : program) {
    code.insert(code.end(),
                {static_cast<int64_t>(instruction.step.op), instruction.a, instruction.b});
    parameters.insert(parameters.end(), {instruction.step.alpha, instruction.step.beta});
  }
  node.SetAttribute("program", std::move(code));
  node.SetAttribute("parameters", std::move(parameters));
}

Result<ElementwiseProgram> LoadProgram(const Node& node) {
  const std::span<const int64_t> code = node.IntsAttribute("program");
  const std::span<const float> parameters = node.FloatsAttribute("parameters");
  const size_t count = code.size() / 3;
  if (count == 0 || count > kMostInstructions || code.size() != 3 * count ||
      parameters.size() != 2 * count) {
    return node.Error(StatusCode::kInvalidModel, "its program has the wrong length");
  }
  ElementwiseProgram program(count);
  for (size_t i = 0; i < count; ++i) {
    const auto known = node.input_count() + static_cast<int64_t>(i);
    if (!ReadInstruction(code.subspan(3 * i, 3), parameters.subspan(2 * i, 2), known, program[i])) {
      return node.Error(StatusCode::kInvalidModel, "its program has an instruction that is none");
    }
  }
  return program;
}

void RegisterFusedElementwise(OperatorRegistry& registry) {
  registry.Add({.name = kFusedElementwise,
                .domain = kInternalDomain,
                .inputs = {1, kMostInstructions + 1},
                .types = types::kFloat,
                .infer = InferFused});
}

}  // namespace mullion::operators
