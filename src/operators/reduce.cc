// SPDX-License-Identifier: MIT
// ReduceSum, ReduceMean, ReduceMax, ReduceMin, ReduceProd, ReduceL1, ReduceL2, ReduceLogSum,
// ReduceLogSumExp, ReduceSumSquare.
#include "operators/reduce.h"

#include <optional>

#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferReduce(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, types::kIndices));
  const ReduceParameters parameters(context.node());
  const Shape* const shape = context.InputShape(0);
  IntList axes;
  if (context.HasInput(1)) {
    MULLION_ASSIGN_OR_RETURN(const std::optional<IntList> known,
                             KnownInts(context, 1, "input 1 'axes'"));
    if (!known.has_value()) {
      // Which axes vanish is unknown; that they all stay can be known.
      if (shape != nullptr && parameters.keep_dims) {
        context.SetOutput(0, context.InputType(0), Shape::Filled(shape->rank(), kUnknownDim));
      } else {
        context.SetOutput(0, context.InputType(0));
      }
      return OkStatus();
    }
    axes = *known;
  }
  if (shape == nullptr) {
    context.SetOutput(0, context.InputType(0));
    return OkStatus();
  }
  const Result<uint32_t> reduced = parameters.ReducedAxes(axes, shape->rank());
  if (!reduced.ok()) return context.Error(reduced.status().message());
  context.SetOutput(0, context.InputType(0), parameters.OutputShape(*shape, *reduced));
  return OkStatus();
}

// Axes were an attribute until opset 13 (ReduceSum) or 18 (the others).
template <int kSince>
Status MoveAxesToInput(Node& node) {
  if (node.HasAttribute("axes")) {
    const Tensor axes = Tensor::Vector<int64_t>(node.IntsAttribute("axes"));
    node.SetInput(1, &node.graph().AddConstant("axes", axes));
    node.RemoveAttribute("axes");
  }
  node.set_opset(kSince);
  return OkStatus();
}

void Register(OperatorRegistry& registry, std::string_view name, ElementTypeSet types,
              int axes_since = 18) {
  registry.Add({.name = name,
                .inputs = {1, 1},
                .types = types,
                .upgrade = axes_since == 13 ? MoveAxesToInput<13> : MoveAxesToInput<18>});
  registry.Add(
      {.name = name, .since = axes_since, .inputs = {1, 2}, .types = types, .infer = InferReduce});
}

}  // namespace

ReduceParameters::ReduceParameters(const Node& node)
    : keep_dims(node.IntAttribute("keepdims", 1) != 0),
      noop_with_empty_axes(node.IntAttribute("noop_with_empty_axes", 0) != 0) {}

Result<uint32_t> ReduceParameters::ReducedAxes(const IntList& axes, int rank) const {
  if (axes.size() == 0) return noop_with_empty_axes ? 0 : (uint32_t{1} << rank) - 1;
  IntList normal = axes;
  MULLION_RETURN_IF_ERROR(NormalizeAxes(normal, rank));
  uint32_t reduced = 0;
  for (const int64_t axis : normal) reduced |= uint32_t{1} << axis;
  return reduced;
}

Shape ReduceParameters::OutputShape(const Shape& input, uint32_t reduced) const {
  Shape output;
  for (int axis = 0; axis < input.rank(); ++axis) {
    if (((reduced >> axis) & 1) == 0) {
      output.Append(input[axis]);
    } else if (keep_dims) {
      output.Append(1);
    }
  }
  return output;
}

Result<uint32_t> ReducedAxesOf(const Node& node, int rank) {
  MULLION_ASSIGN_OR_RETURN(const IntList axes,
                           ToIntList(node.IntsAttribute("axes"), "attribute 'axes'"));
  return ReduceParameters(node).ReducedAxes(axes, rank);
}

void RegisterReduce(OperatorRegistry& registry) {
  constexpr ElementTypeSet kNumbers =
      types::kAllFloats | types::kIndices | SetOf(ElementType::kUint32, ElementType::kUint64);
  // ReduceMax and ReduceMin took 8-bit types in opset 12 and bool in opset 20.
  constexpr ElementTypeSet kOrdered =
      kNumbers | types::kBool | SetOf(ElementType::kInt8, ElementType::kUint8);
  Register(registry, "ReduceSum", kNumbers, 13);
  Register(registry, "ReduceMean", kNumbers);
  Register(registry, "ReduceMax", kOrdered);
  Register(registry, "ReduceMin", kOrdered);
  Register(registry, "ReduceProd", kNumbers);
  Register(registry, "ReduceL1", kNumbers);
  Register(registry, "ReduceL2", kNumbers);
  Register(registry, "ReduceLogSum", kNumbers);
  Register(registry, "ReduceLogSumExp", kNumbers);
  Register(registry, "ReduceSumSquare", kNumbers);
}

}  // namespace mullion::operators
