// SPDX-License-Identifier: MIT
// If, Loop, Scan and SequenceMap: what their outputs are, given their bodies.
#include <algorithm>

#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

// What two branches or iterations agree on.
TypeInfo Common(const TypeInfo& a, const TypeInfo& b) {
  if (a.kind == ValueKind::kOptional && b.kind != ValueKind::kOptional) return a;
  if (b.kind == ValueKind::kOptional && a.kind != ValueKind::kOptional) return b;
  TypeInfo common = a;
  if (!a.has_shape || !b.has_shape || a.shape.rank() != b.shape.rank()) {
    common.has_shape = false;
    return common;
  }
  for (int i = 0; i < a.shape.rank(); ++i) {
    if (a.shape[i] != b.shape[i]) common.shape[i] = kUnknownDim;
  }
  return common;
}

Result<Graph*> Body(InferenceContext& context, std::string_view attribute) {
  Graph* const body = context.node().GraphAttribute(attribute);
  if (body != nullptr) return body;
  return context.Error("the attribute '", attribute,
                       "' is missing or not a graph; export the model again");
}

Status InferIf(InferenceContext& context) {
  MULLION_ASSIGN_OR_RETURN(const Graph* const then_branch, Body(context, "then_branch"));
  MULLION_ASSIGN_OR_RETURN(const Graph* const else_branch, Body(context, "else_branch"));
  MULLION_RETURN_IF_ERROR(context.RequireType(0, types::kBool));
  const auto count = static_cast<size_t>(context.output_count());
  if (then_branch->outputs().size() < count || else_branch->outputs().size() < count) {
    return context.Error("a branch has fewer outputs than the node; export the model again");
  }
  for (size_t i = 0; i < count; ++i) {
    const TypeInfo& a = then_branch->outputs()[i]->type;
    const TypeInfo& b = else_branch->outputs()[i]->type;
    if (a.kind == b.kind && a.IsTensor() && a.element_type != b.element_type) {
      return context.Error("its branches give ", a.ToString(), " and ", b.ToString(), " as output ",
                           i, "; both must have one element type");
    }
    context.SetOutput(static_cast<int>(i), Common(a, b));
  }
  return OkStatus();
}

void EnterLoop(InferenceContext& context, std::string_view /*attribute*/, Graph& body) {
  for (size_t i = 0; i < body.inputs().size(); ++i) {
    TypeInfo& type = body.inputs()[i]->type;
    if (i == 0) {
      type = TypeInfo::Tensor(ElementType::kInt64, Shape{});
    } else if (i == 1) {
      type = TypeInfo::Tensor(ElementType::kBool, Shape{});
    } else if (context.HasInput(static_cast<int>(i))) {
      // A loop-carried value may change its shape from one iteration to the next. It keeps its
      // rank where the body says so.
      const Shape* const shape = context.InputShape(static_cast<int>(i));
      const bool keeps_rank =
          shape != nullptr && type.has_shape && type.shape.rank() == shape->rank();
      type = WithoutShape(context.InputInfo(static_cast<int>(i)));
      if (!keeps_rank) continue;
      type.has_shape = true;
      type.shape = Shape::Filled(shape->rank(), kUnknownDim);
    }
  }
}

Status InferLoop(InferenceContext& context) {
  MULLION_ASSIGN_OR_RETURN(const Graph* const body, Body(context, "body"));
  const int carried = std::max(context.input_count() - 2, 0);
  if (body->outputs().size() < static_cast<size_t>(1 + carried) ||
      body->inputs().size() != static_cast<size_t>(2 + carried) ||
      context.output_count() > static_cast<int>(body->outputs().size()) - 1) {
    return context.Error(
        "the inputs and outputs of its body do not fit its own; export the model again");
  }
  for (int i = 0; i < context.output_count(); ++i) {
    const TypeInfo& type = body->outputs()[static_cast<size_t>(1 + i)]->type;
    if (i < carried) {
      context.SetOutput(i, WithoutShape(type));
    } else {
      TypeInfo stacked = type;
      if (stacked.has_shape && stacked.shape.rank() < kMaxRank) {
        stacked.shape.Insert(0, kUnknownDim);
      } else {
        stacked.has_shape = false;
      }
      context.SetOutput(i, stacked);
    }
  }
  return OkStatus();
}

int64_t ListItem(std::span<const int64_t> list, int i) {
  return static_cast<size_t>(i) < list.size() ? list[static_cast<size_t>(i)] : 0;
}

// How many of a Scan's inputs from `first` on are state, what is not walked along; -1 where the
// attribute says nonsense.
int ScanStates(const InferenceContext& context, int first) {
  const int inputs = context.input_count() - first;
  const int64_t walked = context.node().IntAttribute("num_scan_inputs", 0);
  return walked >= 1 && walked <= inputs ? inputs - static_cast<int>(walked) : -1;
}

// Whether a body takes what the node has from input `first` on, nothing of it left out.
bool Feeds(const InferenceContext& context, int first, const Graph& body) {
  bool all = body.inputs().size() == static_cast<size_t>(context.input_count() - first);
  for (int i = first; i < context.input_count(); ++i) all = all && context.HasInput(i);
  return all;
}

void EnterScan(InferenceContext& context, std::string_view /*attribute*/, Graph& body) {
  const Node& node = context.node();
  const int states = ScanStates(context, 0);
  for (int i = 0; i < static_cast<int>(body.inputs().size()); ++i) {
    if (!context.HasInput(i)) continue;
    TypeInfo& type = body.inputs()[static_cast<size_t>(i)]->type;
    type = WithoutShape(context.InputInfo(i));
    if (context.InputShape(i) == nullptr) continue;
    if (i < states) {
      // The state's shape is the same in all iterations, says the specification. The rank is what
      // rewrites need; a body that changes a size is let alone.
      type.has_shape = true;
      type.shape = Shape::Filled(context.InputShape(i)->rank(), kUnknownDim);
      continue;
    }
    const auto axis = NormalizeAxis(ListItem(node.IntsAttribute("scan_input_axes"), i - states),
                                    context.InputShape(i)->rank());
    if (!axis.has_value()) continue;
    type.has_shape = true;
    type.shape = *context.InputShape(i);
    type.shape.Remove(*axis);
  }
}

Status InferScan(InferenceContext& context) {
  MULLION_ASSIGN_OR_RETURN(const Graph* const body, Body(context, "body"));
  const Node& node = context.node();
  const int states = ScanStates(context, 0);
  if (states < 0 || !Feeds(context, 0, *body) ||
      static_cast<int>(body->outputs().size()) < context.output_count()) {
    return context.Error(
        "the inputs and outputs of its body do not fit its own; export the model again");
  }
  for (int i = 0; i < context.output_count(); ++i) {
    TypeInfo type = body->outputs()[static_cast<size_t>(i)]->type;
    if (i >= states && type.has_shape && type.shape.rank() < kMaxRank) {
      const auto axis = NormalizeAxis(ListItem(node.IntsAttribute("scan_output_axes"), i - states),
                                      type.shape.rank() + 1);
      if (!axis.has_value())
        return context.Error("scan output axis of output ", i, " is out of range");
      type.shape.Insert(*axis, kUnknownDim);
    } else if (i < states) {
      type = WithoutShape(type);
    }
    context.SetOutput(i, type);
  }
  return OkStatus();
}

// Scan-8: input 0 are lengths, everything has a batch as axis 0, scan inputs the elements as
// axis 1. Nothing may change its shape from one iteration to the next.
void EnterBatchedScan(InferenceContext& context, std::string_view /*attribute*/, Graph& body) {
  const int states = ScanStates(context, 1);
  for (int i = 0; i < static_cast<int>(body.inputs().size()); ++i) {
    if (!context.HasInput(1 + i)) continue;
    TypeInfo& type = body.inputs()[static_cast<size_t>(i)]->type;
    type = WithoutShape(context.InputInfo(1 + i));
    const Shape* const shape = context.InputShape(1 + i);
    const int outer = i < states ? 1 : 2;
    if (shape == nullptr || shape->rank() < outer) continue;
    type.has_shape = true;
    type.shape = Shape(shape->dims().subspan(static_cast<size_t>(outer)));
  }
}

Status InferBatchedScan(InferenceContext& context) {
  MULLION_ASSIGN_OR_RETURN(const Graph* const body, Body(context, "body"));
  const int states = ScanStates(context, 1);
  if (states < 0 || !Feeds(context, 1, *body) ||
      static_cast<int>(body->outputs().size()) < std::max(states, context.output_count())) {
    return context.Error(
        "the inputs and outputs of its body do not fit its own; export the model again");
  }
  if (context.HasInput(0)) {
    MULLION_RETURN_IF_ERROR(context.RequireType(0, SetOf(ElementType::kInt64)));
  }
  const Shape* const walked = context.InputShape(1 + states);
  for (int i = 0; i < context.output_count(); ++i) {
    TypeInfo type = body->outputs()[static_cast<size_t>(i)]->type;
    const int outer = i < states ? 1 : 2;
    if (!type.has_shape || type.shape.rank() + outer > kMaxRank) {
      type = WithoutShape(type);
    } else {
      for (int axis = outer - 1; axis >= 0; --axis) {
        const bool known = walked != nullptr && axis < walked->rank();
        type.shape.Insert(0, known ? (*walked)[axis] : kUnknownDim);
      }
    }
    context.SetOutput(i, type);
  }
  return OkStatus();
}

void EnterSequenceMap(InferenceContext& context, std::string_view /*attribute*/, Graph& body) {
  for (int i = 0; i < static_cast<int>(body.inputs().size()); ++i) {
    if (!context.HasInput(i)) continue;
    const TypeInfo& input = context.InputInfo(i);
    const bool sequence = input.kind == ValueKind::kSequence && input.element != nullptr;
    body.inputs()[static_cast<size_t>(i)]->type = WithoutShape(sequence ? *input.element : input);
  }
}

Status InferSequenceMap(InferenceContext& context) {
  MULLION_ASSIGN_OR_RETURN(const Graph* const body, Body(context, "body"));
  if (!Feeds(context, 0, *body) ||
      static_cast<int>(body->outputs().size()) < context.output_count()) {
    return context.Error(
        "the inputs and outputs of its body do not fit its own; export the model again");
  }
  for (int i = 0; i < context.output_count(); ++i) {
    context.SetOutput(
        i, TypeInfo::Sequence(WithoutShape(body->outputs()[static_cast<size_t>(i)]->type)));
  }
  return OkStatus();
}

}  // namespace

void RegisterControlFlow(OperatorRegistry& registry) {
  registry.Add({.name = "If", .inputs = {1, 1}, .outputs = {1, kVariadic}, .infer = InferIf});
  registry.Add({.name = "Loop",
                .inputs = {2, kVariadic},
                .outputs = {0, kVariadic},
                .optional = 0b11,
                .infer = InferLoop,
                .enter_subgraph = EnterLoop});
  registry.Add({.name = "Scan",
                .since = 8,
                .inputs = {2, kVariadic},
                .outputs = {1, kVariadic},
                .optional = 0b1,
                .infer = InferBatchedScan,
                .enter_subgraph = EnterBatchedScan});
  registry.Add({.name = "Scan",
                .since = 9,
                .inputs = {1, kVariadic},
                .outputs = {1, kVariadic},
                .infer = InferScan,
                .enter_subgraph = EnterScan});
  registry.Add({.name = "SequenceMap",
                .since = 17,
                .inputs = {1, kVariadic},
                .outputs = {1, kVariadic},
                .infer = InferSequenceMap,
                .enter_subgraph = EnterSequenceMap});
}

}  // namespace mullion::operators
