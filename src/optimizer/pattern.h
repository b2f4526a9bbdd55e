// SPDX-License-Identifier: MIT
// Questions that fusions ask about the neighbourhood of a node.
#ifndef MULLION_OPTIMIZER_PATTERN_H_
#define MULLION_OPTIMIZER_PATTERN_H_

#include <optional>
#include <string_view>

#include "graph/graph.h"

namespace mullion::optimizer {

// `node` is `name` of ai.onnx.
inline bool Is(const Node& node, NameView name) {
  return node.domain().empty() && node.operator_name() == name;
}

// The node that makes `value`, if it is `name` of ai.onnx; else null.
inline Node* ProducerOf(const Value* value, NameView name) {
  if (value == nullptr || value->producer() == nullptr) return nullptr;
  return Is(*value->producer(), name) ? value->producer() : nullptr;
}

// Exactly one reader, and the graph does not give the value out.
inline bool HasOneReader(const Value& value) {
  return value.uses().size() == 1 && !value.IsGraphOutput();
}

inline bool IsFloat(const Value* value) {
  return value != nullptr && value->type.IsTensor() &&
         value->type.element_type == ElementType::kFloat;
}

inline bool IsConstantFloat(const Value* value) { return IsFloat(value) && value->IsConstant(); }

// The one element of a constant float of any rank.
inline std::optional<float> ScalarOf(const Value* value) {
  if (!IsConstantFloat(value) || value->constant.count() != 1) return std::nullopt;
  return value->constant.span<float>()[0];
}

// Known to have the same shape whatever the symbols stand for.
inline bool HaveSameShape(const Value& a, const Value& b) {
  if (!a.type.has_shape || !b.type.has_shape || !(a.type.shape == b.type.shape)) return false;
  for (const int64_t dim : a.type.shape.dims()) {
    if (dim == kUnknownDim) return false;
  }
  return true;
}

// Known to have the same rank: what is computed elementwise with numbers of one element has the
// shape of the other operand, unless theirs has more axes.
inline bool HaveSameRank(const Value& a, const Value& b) {
  return a.type.has_shape && b.type.has_shape && a.type.shape.rank() == b.type.shape.rank();
}

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_PATTERN_H_
