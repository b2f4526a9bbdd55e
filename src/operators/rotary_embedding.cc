// SPDX-License-Identifier: MIT
// RotaryEmbedding-23, and com.microsoft's operator of that name, which has the inputs in another
// order.
#include "operators/rotary_embedding.h"

#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferRotaryEmbedding(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireInput(1));
  MULLION_RETURN_IF_ERROR(context.RequireInput(2));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(0, 1));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(0, 2));
  MULLION_RETURN_IF_ERROR(context.RequireType(3, SetOf(ElementType::kInt64)));
  const Shape* const input = context.InputShape(0);
  const Shape* const cosines = context.InputShape(1);
  const Shape* const positions = context.InputShape(3);
  const bool positions_known = !context.HasInput(3) || (positions && positions->IsConcrete());
  if (input != nullptr && input->IsConcrete() && cosines != nullptr && cosines->IsConcrete() &&
      positions_known) {
    MULLION_RETURN_IF_ERROR(
        RotaryShape::FromShapes(context.node(), *input, *cosines, positions).status());
    const Shape* const sines = context.InputShape(2);
    if (sines != nullptr && sines->IsConcrete() && !(*sines == *cosines)) {
      return context.Error(context.DescribeInput(1), " and ", context.DescribeInput(2),
                           "; both must have the same shape");
    }
  }
  return InferSameAsFirst(context);
}

// input, position_ids, cos_cache, sin_cache
Status UpgradeMicrosoftRotary(Node& node) {
  Value* const positions = node.input(1);
  node.SetInput(1, node.input(2));
  node.SetInput(2, node.input(3));
  node.SetInput(3, positions);
  // The first only says that there may be more tokens than positions in the tables, and nothing is
  // multiplied by the second, in ONNX Runtime either.
  node.RemoveAttribute("is_packed_batching");
  node.RemoveAttribute("scale");
  node.SetOperator("", "RotaryEmbedding", 23);
  return OkStatus();
}

}  // namespace

Result<RotaryShape> RotaryShape::FromShapes(const Node& node, const Shape& input,
                                            const Shape& cosines, const Shape* positions) {
  const auto wrong = [&](const std::string& why) {
    return node.Error(StatusCode::kInvalidModel, "its input has shape ", input.ToString(),
                      " and its tables ", cosines.ToString(), ": ", why);
  };
  if (cosines.rank() != (positions != nullptr ? 2 : 3)) {
    return wrong(positions != nullptr ? "with positions the tables must have rank 2"
                                      : "without positions the tables must have rank 3");
  }
  RotaryShape s;
  const int64_t half = cosines.Back(0);
  s.rotated = node.IntAttribute("rotary_embedding_dim", 0);
  if (input.rank() == 4) {
    s.batch = input[0];
    s.heads = input[1];
    s.tokens = input[2];
    s.size = input[3];
    s.batch_stride = s.heads * s.tokens * s.size;
    s.head_stride = s.tokens * s.size;
    s.token_stride = s.size;
  } else if (input.rank() == 3) {
    s.heads = node.IntAttribute("num_heads", 0);
    // Microsoft's form may leave the heads to the tables.
    if (s.heads == 0 && half > 0) s.heads = input[2] / (2 * half);
    if (s.heads < 1 || input[2] % s.heads != 0) {
      return wrong(StrCat("attribute 'num_heads' is ", s.heads, ", which does not divide it"));
    }
    s.batch = input[0];
    s.tokens = input[1];
    s.size = input[2] / s.heads;
    s.batch_stride = s.tokens * input[2];
    s.head_stride = s.size;
    s.token_stride = input[2];
  } else {
    return wrong("the input must have rank 3 or 4");
  }
  if (s.rotated == 0) s.rotated = s.size;
  if (s.rotated < 0 || s.rotated % 2 != 0 || s.rotated > s.size || s.rotated != 2 * half) {
    return wrong(StrCat("of the ", s.size, " elements of a head ", s.rotated,
                        " turn, so the last axis of the tables must have half as many"));
  }
  if (positions == nullptr) {
    if (cosines[0] != s.batch || cosines[1] != s.tokens) {
      return wrong("the tables must have a row for each token of the batch");
    }
    return s;
  }
  s.positions = cosines[0];
  const bool each =
      positions->rank() == 2 && (*positions)[0] == s.batch && (*positions)[1] == s.tokens;
  // One number is the position of the first token.
  if (each || positions->ElementCount() == 1 || s.tokens == 0) return s;
  return wrong(StrCat("the positions have shape ", positions->ToString(),
                      " but must have one for each token of the batch"));
}

void RegisterRotaryEmbedding(OperatorRegistry& registry) {
  constexpr ElementTypeSet kTypes = types::kFloat | types::kHalfFloats;
  registry.Add({.name = "RotaryEmbedding",
                .since = 23,
                .inputs = {3, 4},
                .types = kTypes,
                .infer = InferRotaryEmbedding});
  registry.Add({.name = "RotaryEmbedding",
                .domain = "com.microsoft",
                .inputs = {4, 4},
                .upgrade = UpgradeMicrosoftRotary});
}

}  // namespace mullion::operators
