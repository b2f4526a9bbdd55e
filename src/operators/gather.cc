// SPDX-License-Identifier: MIT
// Gather, GatherElements, GatherND.
#include "operators/gather.h"

#include <algorithm>

#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status CheckRank(int rank) {
  if (rank <= kMaxRank) return OkStatus();
  return InvalidModel("the output has rank ", rank, " but at most ", kMaxRank, " is supported");
}

}  // namespace

Result<Shape> GatherTarget(const Shape& data, const Shape& indices, int axis) {
  MULLION_RETURN_IF_ERROR(CheckRank(data.rank() - 1 + indices.rank()));
  Shape shape;
  for (int i = 0; i < axis; ++i) shape.Append(data[i]);
  for (const int64_t dim : indices) shape.Append(dim);
  for (int i = axis + 1; i < data.rank(); ++i) shape.Append(data[i]);
  return shape;
}

Status CheckElementIndices(const Shape& data, const Shape& indices, int axis) {
  bool fits = data.rank() == indices.rank();
  for (int i = 0; fits && i < data.rank(); ++i) {
    fits = i == axis || data[i] < 0 || indices[i] <= data[i];
  }
  if (fits) return OkStatus();
  return InvalidModel("indices of shape ", indices.ToString(), " do not fit data of shape ",
                      data.ToString(), "; the ranks must be equal and no dimension but ",
                      "that of axis ", axis, " may be larger");
}

Result<Shape> GatherNdTarget(const Shape& data, const Shape& indices, int64_t batch_dims) {
  const int most = std::min(data.rank(), indices.rank() - 1);
  if (indices.rank() < 1 || batch_dims < 0 || batch_dims > most) {
    return InvalidModel("attribute 'batch_dims' is ", batch_dims, " but data ", data.ToString(),
                        " and indices ", indices.ToString(), " must have more axes");
  }
  const int batch = static_cast<int>(batch_dims);
  const int64_t depth = indices.Back(0);
  if (depth > data.rank() - batch) {
    return InvalidModel("indices of shape ", indices.ToString(), " address ", depth,
                        " axes but data ", data.ToString(), " has ", data.rank() - batch,
                        " after 'batch_dims'");
  }
  for (int i = 0; i < batch; ++i) {
    if (data[i] >= 0 && indices[i] >= 0 && data[i] != indices[i]) {
      return InvalidModel("axis ", i, " is one of 'batch_dims', but data ", data.ToString(),
                          " and indices ", indices.ToString(), " differ there");
    }
  }
  const int first = batch + static_cast<int>(depth);
  MULLION_RETURN_IF_ERROR(CheckRank(indices.rank() - 1 + data.rank() - first));
  Shape shape;
  for (int i = 0; i < indices.rank() - 1; ++i) shape.Append(indices[i]);
  for (int i = first; i < data.rank(); ++i) shape.Append(data[i]);
  return shape;
}

namespace {

Status InferGather(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, types::kIndices));
  MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(0, 1));
  const ElementType type = context.InputType(0);
  const Shape* const data = context.InputShape(0);
  const Shape* const indices = context.InputShape(1);
  if (data == nullptr) {
    context.SetOutput(0, type);
    return OkStatus();
  }
  MULLION_ASSIGN_OR_RETURN(const int axis,
                           context.Axis(context.node().IntAttribute("axis", 0), data->rank()));
  if (indices == nullptr) {
    context.SetOutput(0, type);
    return OkStatus();
  }
  const Result<Shape> shape = GatherTarget(*data, *indices, axis);
  if (!shape.ok()) return context.Error(shape.status().message());
  context.SetOutput(0, type, *shape);
  return OkStatus();
}

// The output has the shape of the indices, whose rank is that of the data.
Status InferGatherElements(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, types::kIndices));
  MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(0, 1));
  const Shape* const data = context.InputShape(0);
  const Shape* const indices = context.InputShape(1);
  if (data != nullptr) {
    MULLION_ASSIGN_OR_RETURN(const int axis,
                             context.Axis(context.node().IntAttribute("axis", 0), data->rank()));
    const Status status =
        indices != nullptr ? CheckElementIndices(*data, *indices, axis) : OkStatus();
    if (!status.ok()) return context.Error(status.message());
  }
  if (indices != nullptr) {
    context.SetOutput(0, context.InputType(0), *indices);
  } else {
    context.SetOutput(0, context.InputType(0));
  }
  return OkStatus();
}

Status InferGatherNd(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, types::kIndices));
  MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(1, 1));
  const ElementType type = context.InputType(0);
  const Shape* const data = context.InputShape(0);
  const Shape* const indices = context.InputShape(1);
  if (data == nullptr || indices == nullptr || indices->Back(0) < 0) {
    context.SetOutput(0, type);
    return OkStatus();
  }
  const Result<Shape> shape =
      GatherNdTarget(*data, *indices, context.node().IntAttribute("batch_dims", 0));
  if (!shape.ok()) return context.Error(shape.status().message());
  context.SetOutput(0, type, *shape);
  return OkStatus();
}

}  // namespace

void RegisterGather(OperatorRegistry& registry) {
  registry.Add({.name = "Gather", .inputs = {2, 2}, .infer = InferGather});
  registry.Add(
      {.name = "GatherElements", .since = 11, .inputs = {2, 2}, .infer = InferGatherElements});
  registry.Add({.name = "GatherND", .since = 11, .inputs = {2, 2}, .infer = InferGatherNd});
}

}  // namespace mullion::operators
