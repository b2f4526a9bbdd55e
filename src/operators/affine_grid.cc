// SPDX-License-Identifier: MIT
// AffineGrid: the grid that GridSample needs for an affine map of an image or volume.
#include "operators/affine_grid.h"

#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferAffineGrid(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, SetOf(ElementType::kInt64)));
  MULLION_RETURN_IF_ERROR(context.RequireRank(0, 3));
  const Shape* const theta = context.InputShape(0);
  MULLION_ASSIGN_OR_RETURN(const std::optional<IntList> size,
                           KnownInts(context, 1, "input 1 'size'"));
  if (theta == nullptr || !size.has_value()) {
    context.SetOutput(0, context.InputType(0));
    return OkStatus();
  }
  const Result<Shape> output = AffineGridShape(*theta, *size);
  if (!output.ok()) return context.Error(output.status().message());
  context.SetOutput(0, context.InputType(0), *output);
  return OkStatus();
}

}  // namespace

Result<Shape> AffineGridShape(const Shape& theta, const IntList& size) {
  const int rank = size.size() - 2;
  const auto fits = [](int64_t dim, int64_t wanted) { return dim < 0 || dim == wanted; };
  if ((rank != 2 && rank != 3) || theta.rank() != 3 || !fits(theta[1], rank) ||
      !fits(theta[2], rank + 1) || !fits(theta[0], size[0])) {
    return InvalidModel("input 0 is ", theta.ToString(), " and input 1 'size' has ", size.size(),
                        " elements; they must be [N, 2, 3] and 4 elements, or [N, 3, 4] and "
                        "5, for the same N");
  }
  Shape output{size[0]};
  for (int i = 0; i < rank; ++i) output.Append(size[i + 2]);
  output.Append(rank);
  if (output.CheckedElementCount().has_value()) return output;
  return InvalidModel("input 1 'size' would make a grid ", output.ToString(), ", which cannot be");
}

void RegisterAffineGrid(OperatorRegistry& registry) {
  registry.Add({.name = "AffineGrid",
                .since = 20,
                .inputs = {2, 2},
                .types = types::kAllFloats,
                .infer = InferAffineGrid});
}

}  // namespace mullion::operators
