// SPDX-License-Identifier: MIT
// GridSample. Opset 20 named the modes linear and cubic, which were bilinear and bicubic before;
// the operator of com.microsoft is the older form.
#include "operators/grid_sample.h"

#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferGridSample(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, types::kAllFloats));
  MULLION_RETURN_IF_ERROR(GridSampleParameters::FromNode(context.node()).status());
  MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(0, 3));
  const Shape* const input = context.InputShape(0);
  const Shape* const grid = context.InputShape(1);
  if (input == nullptr || grid == nullptr) {
    context.SetOutput(0, context.InputType(0));
    return OkStatus();
  }
  const Result<Shape> output = GridSampleShape(*input, *grid);
  if (!output.ok()) return context.Error(output.status().message());
  context.SetOutput(0, context.InputType(0), *output);
  return OkStatus();
}

Status UpgradeGridSample(Node& node) {
  const std::string_view mode = node.StringAttribute("mode", "bilinear");
  if (mode == "bilinear") node.SetAttribute("mode", std::string("linear"));
  if (mode == "bicubic") node.SetAttribute("mode", std::string("cubic"));
  node.SetOperator("", "GridSample", 20);
  return OkStatus();
}

}  // namespace

Result<GridSampleParameters> GridSampleParameters::FromNode(const Node& node) {
  GridSampleParameters parameters;
  const std::string_view mode = node.StringAttribute("mode", "linear");
  if (mode == "nearest") {
    parameters.mode = Mode::kNearest;
  } else if (mode == "cubic") {
    parameters.mode = Mode::kCubic;
  } else if (mode != "linear") {
    return node.Error(StatusCode::kInvalidModel, "attribute 'mode' is '", mode,
                      "' but must be linear, nearest or cubic");
  }
  const std::string_view padding = node.StringAttribute("padding_mode", "zeros");
  if (padding == "border") {
    parameters.padding = Padding::kBorder;
  } else if (padding == "reflection") {
    parameters.padding = Padding::kReflection;
  } else if (padding != "zeros") {
    return node.Error(StatusCode::kInvalidModel, "attribute 'padding_mode' is '", padding,
                      "' but must be zeros, border or reflection");
  }
  parameters.align_corners = node.IntAttribute("align_corners", 0) != 0;
  return parameters;
}

Result<Shape> GridSampleShape(const Shape& input, const Shape& grid) {
  const int spatial_rank = input.rank() - 2;
  const auto differ = [](int64_t a, int64_t b) { return a >= 0 && b >= 0 && a != b; };
  if (grid.rank() != input.rank() || differ(grid.Back(0), spatial_rank) ||
      differ(grid[0], input[0])) {
    return InvalidModel("input 1 is a grid ", grid.ToString(), " for an image ", input.ToString(),
                        " but must be [", input[0], ", ..., ", spatial_rank, "] of the same rank");
  }
  Shape output{input[0], input[1]};
  for (int i = 0; i < spatial_rank; ++i) output.Append(grid[i + 1]);
  return output;
}

void RegisterGridSample(OperatorRegistry& registry) {
  constexpr ElementTypeSet kTypes = types::kNumeric | types::kBool | types::kString |
                                    SetOf(ElementType::kComplex64, ElementType::kComplex128);
  registry.Add({.name = "GridSample",
                .since = 16,
                .inputs = {2, 2},
                .types = kTypes,
                .upgrade = UpgradeGridSample});
  registry.Add({.name = "GridSample",
                .domain = "com.microsoft",
                .inputs = {2, 2},
                .types = kTypes,
                .upgrade = UpgradeGridSample});
  registry.Add({.name = "GridSample",
                .since = 20,
                .inputs = {2, 2},
                .types = kTypes,
                .infer = InferGridSample});
}

}  // namespace mullion::operators
