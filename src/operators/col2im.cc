// SPDX-License-Identifier: MIT
#include "operators/col2im.h"

#include "base/str_cat.h"
#include "operators/registry.h"
#include "operators/window_attributes.h"

namespace mullion::operators {

namespace {

Status InferCol2Im(InferenceContext& context) {
  const ElementType type = context.InputType(0);
  MULLION_RETURN_IF_ERROR(context.RequireType(1, SetOf(ElementType::kInt64)));
  MULLION_RETURN_IF_ERROR(context.RequireType(2, SetOf(ElementType::kInt64)));
  MULLION_RETURN_IF_ERROR(context.RequireRank(0, 3));
  MULLION_ASSIGN_OR_RETURN(const auto image, KnownInts(context, 1, "input 1 'image_shape'"));
  MULLION_ASSIGN_OR_RETURN(const auto block, KnownInts(context, 2, "input 2 'block_shape'"));
  const Shape* const columns = context.InputShape(0);
  if (image.has_value() && block.has_value() && columns != nullptr && columns->IsConcrete()) {
    const auto geometry = Col2ImGeometry::Make(context.node(), *columns, *image, *block);
    if (!geometry.ok()) return context.Error(geometry.status().message());
    context.SetOutput(0, type, geometry->output);
  } else if (image.has_value() && image->size() + 2 <= kMaxRank) {
    Shape output{columns != nullptr ? (*columns)[0] : kUnknownDim, kUnknownDim};
    for (const int64_t dim : *image) output.Append(dim);
    context.SetOutput(0, type, output);
  } else {
    context.SetOutput(0, type);
  }
  return OkStatus();
}

}  // namespace

Result<Col2ImGeometry> Col2ImGeometry::Make(const Node& node, const Shape& columns,
                                            const IntList& image_shape,
                                            const IntList& block_shape) {
  Col2ImGeometry geometry;
  const int rank = image_shape.size();
  if (rank < 1 || rank + 2 > kMaxRank || block_shape.size() != rank) {
    return InvalidModel("inputs 1 'image_shape' and 2 'block_shape' have ", rank, " and ",
                        block_shape.size(),
                        " elements; they must have as many, one for each spatial axis");
  }
  geometry.rank = rank;
  std::array<int64_t, kMaxRank> strides, dilations;
  std::array<int64_t, 2 * kMaxRank> pads;
  MULLION_RETURN_IF_ERROR(ReadWindowSizes(node, "strides", rank, 1, 1, strides.data()));
  MULLION_RETURN_IF_ERROR(ReadWindowSizes(node, "dilations", rank, 1, 1, dilations.data()));
  MULLION_RETURN_IF_ERROR(ReadWindowSizes(node, "pads", 2 * rank, 0, 0, pads.data()));
  constexpr int64_t kLargest = int64_t{1} << 31;
  for (int i = 0; i < rank; ++i) {
    const auto a = static_cast<size_t>(i);
    Axis& axis = geometry.axes[a];
    axis = {image_shape[i], block_shape[i], 0, strides[a], dilations[a], pads[a]};
    if (axis.image < 0 || axis.image > kLargest || axis.block < 1 || axis.block > kLargest) {
      return InvalidModel("inputs 1 'image_shape' and 2 'block_shape' must not be negative");
    }
    const int64_t extent = (axis.block - 1) * axis.dilation + 1;
    const int64_t room = axis.image + pads[a] + pads[a + static_cast<size_t>(rank)] - extent;
    axis.blocks = room < 0 ? 0 : room / axis.stride + 1;
    const auto elements = CheckedProduct(geometry.block_elements, axis.block);
    const auto blocks = CheckedProduct(geometry.blocks, axis.blocks);
    if (!elements.has_value() || !blocks.has_value()) {
      return InvalidModel("inputs 1 'image_shape' and 2 'block_shape' are too large");
    }
    geometry.block_elements = *elements;
    geometry.blocks = *blocks;
  }
  if (columns.rank() != 3 || columns[1] % geometry.block_elements != 0 ||
      columns[2] != geometry.blocks) {
    return InvalidModel("input 0 is ", columns.ToString(), " but must be [N, C * ",
                        geometry.block_elements, ", ", geometry.blocks,
                        "] for these image and block shapes");
  }
  geometry.output = Shape{columns[0], columns[1] / geometry.block_elements};
  for (const int64_t dim : image_shape) geometry.output.Append(dim);
  if (geometry.output.CheckedElementCount().has_value()) return geometry;
  return InvalidModel("input 1 'image_shape' is too large");
}

void RegisterCol2im(OperatorRegistry& registry) {
  registry.Add({.name = "Col2Im", .since = 18, .inputs = {3, 3}, .infer = InferCol2Im});
}

}  // namespace mullion::operators
