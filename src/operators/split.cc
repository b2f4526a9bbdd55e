// SPDX-License-Identifier: MIT
#include "operators/split.h"

#include <algorithm>

#include "base/str_cat.h"
#include "operators/attribute_inputs.h"
#include "operators/int_list.h"
#include "operators/registry.h"

namespace mullion::operators {

Pieces Pieces::Even(int64_t dim, int64_t count) {
  Pieces pieces;
  pieces.dim_ = dim;
  pieces.count_ = count;
  pieces.each_ = count == 0 ? 0 : dim / count + (dim % count != 0 ? 1 : 0);
  return pieces;
}

Result<Pieces> Pieces::OfSize(int64_t dim, int64_t size) {
  if (size <= 0) {
    return InvalidModel("input 'split' is ", size, " but must be greater than 0");
  }
  Pieces pieces;
  pieces.dim_ = dim;
  pieces.count_ = dim / size + (dim % size != 0 ? 1 : 0);
  pieces.each_ = size;
  return pieces;
}

Result<Pieces> Pieces::FromSizes(int64_t dim, const TensorView& sizes) {
  Pieces pieces;
  pieces.dim_ = dim;
  pieces.count_ = sizes.count();
  pieces.sizes_ = sizes;
  int64_t left = dim;
  for (int64_t i = 0; i < pieces.count_; ++i) {
    const int64_t size = IntAt(sizes, i);
    if (size < 0 || size > left) {
      left = -1;
      break;
    }
    left -= size;
  }
  if (left != 0) {
    return InvalidModel("the ", pieces.count_,
                        " sizes of input 'split' must be 0 or more "
                        "and sum up to the axis's dimension of ",
                        dim);
  }
  return pieces;
}

int64_t Pieces::size(int64_t i) const {
  if (sizes_.has_value()) return IntAt(*sizes_, i);
  return std::clamp<int64_t>(dim_ - i * each_, 0, each_);
}

namespace {

// The piece sizes as far as they are known: nothing when they are not.
Result<std::optional<Pieces>> KnownPieces(const InferenceContext& context, int64_t dim,
                                          int64_t count) {
  if (!context.HasInput(1)) {
    if (dim < 0) return std::optional<Pieces>();
    // Before num_outputs came with Split-18, pieces had to be equal.
    if (!context.node().HasAttribute("num_outputs") && (count == 0 || dim % count != 0)) {
      return context.Error("a dimension of ", dim, " cannot be cut into ", count,
                           " equal pieces; give their sizes in input 'split'");
    }
    return std::optional<Pieces>(Pieces::Even(dim, count));
  }
  const TensorView* const data = context.InputData(1);
  if (data == nullptr) return std::optional<Pieces>();
  if (data->count() != count) {
    return context.Error("input 'split' has ", data->count(), " sizes but there are ", count,
                         " outputs");
  }
  // An unknown dimension must be what the sizes sum up to. No real one passes 2^40.
  int64_t sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    sum += std::clamp<int64_t>(IntAt(*data, i), 0, int64_t{1} << 40);
  }
  const Result<Pieces> pieces = Pieces::FromSizes(dim < 0 ? sum : dim, *data);
  if (!pieces.ok()) return context.Error(pieces.status().message());
  return std::optional<Pieces>(*pieces);
}

Status InferSplit(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, SetOf(ElementType::kInt64)));
  const ElementType type = context.InputType(0);
  const int64_t count = context.node().IntAttribute("num_outputs", context.output_count());
  if (count < context.output_count()) {
    return context.Error("attribute 'num_outputs' is ", count, " but the node has ",
                         context.output_count(), " outputs");
  }
  if (context.HasInput(1) && context.node().HasAttribute("num_outputs")) {
    return context.Error("input 'split' and attribute 'num_outputs' may not be given both");
  }
  const Shape* const input = context.InputShape(0);
  if (input == nullptr) {
    for (int i = 0; i < context.output_count(); ++i) context.SetOutput(i, type);
    return OkStatus();
  }
  MULLION_ASSIGN_OR_RETURN(const int axis,
                           context.Axis(context.node().IntAttribute("axis", 0), input->rank()));
  MULLION_ASSIGN_OR_RETURN(const std::optional<Pieces> pieces,
                           KnownPieces(context, (*input)[axis], count));
  for (int i = 0; i < context.output_count(); ++i) {
    Shape shape = *input;
    shape[axis] = pieces.has_value() ? pieces->size(i) : kUnknownDim;
    context.SetOutput(i, type, shape);
  }
  return OkStatus();
}

// Split-13 takes the sizes as an input. Split-1 had both an attribute and an input; the input had
// the type of the data.
Status UpgradeSplit(Node& node) {
  if (node.input(1) != nullptr && node.input(1)->type.element_type != ElementType::kInt64) {
    return node.Error(StatusCode::kUnsupported,
                      "input 'split' of Split-1 is not supported; export the model with opset 13");
  }
  MoveIntsToInput(node, "split", 1);
  node.set_opset(13);
  return OkStatus();
}

}  // namespace

void RegisterSplit(OperatorRegistry& registry) {
  registry.Add(
      {.name = "Split", .inputs = {1, 2}, .outputs = {1, kVariadic}, .upgrade = UpgradeSplit});
  registry.Add({.name = "Split",
                .since = 13,
                .inputs = {1, 2},
                .outputs = {1, kVariadic},
                .infer = InferSplit});
}

}  // namespace mullion::operators
