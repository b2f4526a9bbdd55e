// SPDX-License-Identifier: MIT
// Crop of opset 1: cuts a border off images. It was experimental and is gone from the standard; it
// becomes Slice.
#include <algorithm>
#include <limits>

#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

// Where an axis of `size` (negative when unknown) is cut: [begin, end) as Slice takes it.
Result<std::array<int64_t, 2>> Cut(const Node& node, int64_t size, int64_t before, int64_t after,
                                   int64_t wanted) {
  constexpr int64_t kMost = int64_t{1} << 40;  // so that sums hold
  const bool sane = before >= 0 && after >= 0 && std::max({before, after, wanted}) < kMost;
  const int64_t taken = !sane ? 0 : wanted >= 0 ? before + wanted : before + after;
  if (!sane || (size >= 0 && taken > size)) {
    return node.Error(StatusCode::kInvalidModel, "it cuts ", before, " and ", after,
                      " off an axis of ", size,
                      " (attributes 'border' and 'scale'), which is more than there is");
  }
  if (wanted >= 0) return std::array<int64_t, 2>{before, taken};
  return std::array<int64_t, 2>{before, after == 0 ? std::numeric_limits<int64_t>::max() : -after};
}

Status UpgradeCrop(Node& node) {
  const std::span<const int64_t> border = node.IntsAttribute("border");
  const std::span<const int64_t> size = node.IntsAttribute("scale");
  if (border.size() != 4 || (!size.empty() && size.size() != 2)) {
    return node.Error(StatusCode::kInvalidModel,
                      "attribute 'border' must have 4 elements (left, top, right, bottom), and "
                      "'scale', if given, 2 (height, width)");
  }
  const TypeInfo& type = node.input(0)->type;
  if (type.has_shape && type.shape.rank() != 4) {
    return node.Error(StatusCode::kInvalidModel, "input 0 is ", type.ToString(),
                      " but must have rank 4");
  }
  const auto dim = [&](int axis) { return type.has_shape ? type.shape[axis] : kUnknownDim; };
  const auto wanted = [&](size_t i) { return size.empty() ? -1 : size[i]; };
  MULLION_ASSIGN_OR_RETURN(const auto rows, Cut(node, dim(2), border[1], border[3], wanted(0)));
  MULLION_ASSIGN_OR_RETURN(const auto columns, Cut(node, dim(3), border[0], border[2], wanted(1)));
  const auto add = [&](int input, const char* name, int64_t a, int64_t b) {
    const int64_t values[] = {a, b};
    node.SetInput(input, &node.graph().AddConstant(name, Tensor::Vector<int64_t>(values)));
  };
  add(1, "starts", rows[0], columns[0]);
  add(2, "ends", rows[1], columns[1]);
  add(3, "axes", 2, 3);
  node.RemoveAttribute("border");
  node.RemoveAttribute("scale");
  node.SetOperator("", "Slice", 13);
  return OkStatus();
}

}  // namespace

void RegisterCrop(OperatorRegistry& registry) {
  registry.Add(
      {.name = "Crop", .inputs = {1, 1}, .types = types::kAllFloats, .upgrade = UpgradeCrop});
}

}  // namespace mullion::operators
