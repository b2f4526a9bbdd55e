// SPDX-License-Identifier: MIT
// Scatter, ScatterElements, ScatterND, TensorScatter.
#include "operators/scatter.h"

#include "base/str_cat.h"
#include "operators/gather.h"
#include "operators/registry.h"

namespace mullion::operators {

Result<ScatterReduction> ScatterReductionOf(const Node& node) {
  const std::string_view name = node.StringAttribute("reduction", "none");
  if (name == "none") return ScatterReduction::kNone;
  if (name == "add") return ScatterReduction::kAdd;
  if (name == "mul") return ScatterReduction::kMul;
  if (name == "max") return ScatterReduction::kMax;
  if (name == "min") return ScatterReduction::kMin;
  return node.Error(StatusCode::kInvalidModel, "attribute 'reduction' is '", name,
                    "' but may only be none, add, mul, max or min");
}

Status CheckScatterNd(const Shape& data, const Shape& indices, const Shape& updates) {
  const int64_t depth = indices.rank() < 1 ? 0 : indices.Back(0);
  bool fits = indices.rank() >= 1 && depth <= data.rank();
  if (fits && depth >= 0) {
    const int first = static_cast<int>(depth);
    const int lead = indices.rank() - 1;
    fits = updates.rank() == lead + data.rank() - first;
    for (int i = 0; fits && i < updates.rank(); ++i) {
      const int64_t wanted = i < lead ? indices[i] : data[i - lead + first];
      fits = wanted < 0 || updates[i] < 0 || wanted == updates[i];
    }
  }
  if (fits) return OkStatus();
  return InvalidModel("updates of shape ", updates.ToString(), " and indices of shape ",
                      indices.ToString(), " do not fit data of shape ", data.ToString(),
                      "; updates must have the shape of the indices without the last axis, "
                      "followed by the axes of the data that they do not address");
}

namespace {

// What all scattering has in common: the output is like the data, the updates have its type.
Status InferScatter(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, types::kIndices));
  MULLION_RETURN_IF_ERROR(context.RequireSameType(0, 2));
  const Result<ScatterReduction> reduction = ScatterReductionOf(context.node());
  if (!reduction.ok()) return reduction.status();
  if (*reduction != ScatterReduction::kNone) {
    MULLION_RETURN_IF_ERROR(context.RequireType(0, types::kNumeric));
  }
  return InferSameAsFirst(context);
}

Status InferScatterElements(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(InferScatter(context));
  MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(0, 1));
  const Shape* const data = context.InputShape(0);
  const Shape* const indices = context.InputShape(1);
  const Shape* const updates = context.InputShape(2);
  if (data == nullptr || indices == nullptr || updates == nullptr) return OkStatus();
  MULLION_ASSIGN_OR_RETURN(const int axis,
                           context.Axis(context.node().IntAttribute("axis", 0), data->rank()));
  const Status status = CheckElementIndices(*data, *indices, axis);
  if (!status.ok()) return context.Error(status.message());
  MULLION_RETURN_IF_ERROR(context.RequireRank(2, indices->rank()));
  for (int i = 0; i < indices->rank(); ++i) {
    const int64_t a = (*indices)[i];
    const int64_t b = (*updates)[i];
    if (a >= 0 && b >= 0 && a != b) {
      return context.Error(context.DescribeInput(1), " and ", context.DescribeInput(2),
                           " but both must have the same shape");
    }
  }
  return OkStatus();
}

Status InferScatterNd(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(InferScatter(context));
  if (context.InputShape(0) == nullptr || context.InputShape(1) == nullptr ||
      context.InputShape(2) == nullptr) {
    return OkStatus();
  }
  const Status status =
      CheckScatterNd(*context.InputShape(0), *context.InputShape(1), *context.InputShape(2));
  return status.ok() ? status : context.Error(status.message());
}

// TensorScatter-24 writes `update` into a cache along `axis`, each sample of the batch (axis 0) at
// its own position.
Status InferTensorScatter(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireSameType(0, 1));
  MULLION_RETURN_IF_ERROR(context.RequireType(2, SetOf(ElementType::kInt64)));
  const std::string_view mode = context.node().StringAttribute("mode", "linear");
  if (mode != "linear" && mode != "circular") {
    return context.Error("attribute 'mode' is '", mode, "' but may only be linear or circular");
  }
  MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(0, 2));
  const Shape* const cache = context.InputShape(0);
  const Shape* const update = context.InputShape(1);
  if (cache != nullptr && update != nullptr) {
    MULLION_ASSIGN_OR_RETURN(const int axis,
                             context.Axis(context.node().IntAttribute("axis", -2), cache->rank()));
    if (axis == 0) return context.Error("attribute 'axis' is 0, which is the batch");
    MULLION_RETURN_IF_ERROR(context.RequireRank(1, cache->rank()));
    for (int i = 0; i < cache->rank(); ++i) {
      const int64_t a = (*cache)[i];
      const int64_t b = (*update)[i];
      if (a >= 0 && b >= 0 && (i == axis ? b > a : a != b)) {
        return context.Error(context.DescribeInput(1), " does not fit ", context.DescribeInput(0),
                             " along axis ", axis);
      }
    }
  }
  MULLION_RETURN_IF_ERROR(context.RequireRank(2, 1));
  return InferSameAsFirst(context);
}

// Scatter-9 was renamed.
Status UpgradeScatter(Node& node) {
  node.SetOperator("", "ScatterElements", 11);
  return OkStatus();
}

}  // namespace

void RegisterScatter(OperatorRegistry& registry) {
  registry.Add({.name = "Scatter", .since = 9, .inputs = {3, 3}, .upgrade = UpgradeScatter});
  registry.Add(
      {.name = "ScatterElements", .since = 11, .inputs = {3, 3}, .infer = InferScatterElements});
  registry.Add({.name = "ScatterND", .since = 11, .inputs = {3, 3}, .infer = InferScatterNd});
  registry.Add(
      {.name = "TensorScatter", .since = 24, .inputs = {2, 3}, .infer = InferTensorScatter});
}

}  // namespace mullion::operators
