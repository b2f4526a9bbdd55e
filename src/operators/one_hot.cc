// SPDX-License-Identifier: MIT
#include "base/str_cat.h"
#include "operators/int_list.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

// The depth comes in as a new axis: at `axis` of the output, the last one when not named.
Status InferOneHot(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, types::kNumeric));
  const ElementType type = context.InputType(2);
  const Shape* const values = context.InputShape(2);
  if (values != nullptr && values->IsConcrete() && values->ElementCount() != 2) {
    return context.Error(context.DescribeInput(2), " but must hold two values: for off and for on");
  }
  const Shape* const indices = context.InputShape(0);
  if (indices == nullptr) {
    context.SetOutput(0, type);
    return OkStatus();
  }
  const int rank = indices->rank() + 1;
  if (rank > kMaxRank) return context.Error("its output has more than ", kMaxRank, " axes");
  MULLION_ASSIGN_OR_RETURN(const int axis,
                           context.Axis(context.node().IntAttribute("axis", -1), rank));
  std::optional<int64_t> depth;
  const TensorView* const data = context.InputData(1);
  if (data != nullptr && data->count() == 1) depth = NumberAt(*data, 0);
  if (depth.has_value() && *depth < 0) {
    return context.Error("input 'depth' is ", *depth, " but must be 0 or more");
  }
  Shape shape = *indices;
  shape.Insert(axis, depth.value_or(kUnknownDim));
  context.SetOutput(0, type, shape);
  return OkStatus();
}

}  // namespace

void RegisterOneHot(OperatorRegistry& registry) {
  registry.Add({.name = "OneHot",
                .since = 9,
                .inputs = {3, 3},
                .types = types::kNumeric,
                .infer = InferOneHot});
}

}  // namespace mullion::operators
