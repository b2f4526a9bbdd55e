// SPDX-License-Identifier: MIT
// Resize, and Upsample, which is turned into it.
#include "operators/resize.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

// Longer axes than this cannot be resized; coordinates are float and indices 32 bits.
constexpr int64_t kLongestAxis = int64_t{1} << 30;

template <typename Enum>
struct Spelling {
  std::string_view text;
  Enum value;
};

template <typename Enum, size_t kCount>
Status ReadEnum(const Node& node, const char* name, const Spelling<Enum> (&spellings)[kCount],
                Enum& value) {
  if (!node.HasAttribute(name)) return OkStatus();
  const std::string_view text = node.StringAttribute(name, "");
  std::string allowed;
  for (const Spelling<Enum>& spelling : spellings) {
    if (spelling.text == text) {
      value = spelling.value;
      return OkStatus();
    }
    allowed += StrCat(allowed.empty() ? "" : ", ", spelling.text);
  }
  return node.Error(StatusCode::kInvalidModel, "attribute '", name, "' is '", text,
                    "' but must be one of ", allowed);
}

Status InferResize(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireType(1, types::kAllFloats));
  MULLION_RETURN_IF_ERROR(context.RequireType(2, types::kFloat));
  MULLION_RETURN_IF_ERROR(context.RequireType(3, SetOf(ElementType::kInt64)));
  MULLION_ASSIGN_OR_RETURN(const ResizeParameters parameters,
                           ResizeParameters::FromNode(context.node()));
  if (parameters.mode != ResizeParameters::Mode::kNearest) {
    MULLION_RETURN_IF_ERROR(context.RequireType(0, types::kNumeric));
  }
  const Shape* const shape = context.InputShape(0);
  if (shape == nullptr) {
    context.SetOutput(0, context.InputType(0));
    return OkStatus();
  }
  const Result<IntList> axes = parameters.ResizedAxes(shape->rank());
  if (!axes.ok()) return context.Error(axes.status().message());
  Shape unknown = *shape;
  for (const int64_t axis : *axes) unknown[static_cast<int>(axis)] = kUnknownDim;
  context.SetOutput(0, context.InputType(0), unknown);

  const bool crops = parameters.coordinates == ResizeParameters::Coordinates::kTfCropAndResize;
  const auto known = [&](int i) { return !context.HasInput(i) || context.InputData(i) != nullptr; };
  if (!known(2) || !known(3) || (crops && !known(1))) return OkStatus();
  const std::vector<float> scales = context.InputFloats(2).value_or(std::vector<float>());
  const std::vector<int64_t> sizes = context.InputInts(3).value_or(std::vector<int64_t>());
  const std::vector<float> roi = context.InputFloats(1).value_or(std::vector<float>());
  if (!shape->IsConcrete()) {
    // Sizes that are given need no input; those by scale do.
    if (sizes.size() == static_cast<size_t>(axes->size()) &&
        parameters.aspect_ratio == ResizeParameters::AspectRatio::kStretch) {
      for (int i = 0; i < axes->size(); ++i) {
        unknown[static_cast<int>((*axes)[i])] = sizes[static_cast<size_t>(i)];
      }
      context.SetOutput(0, context.InputType(0), unknown);
    }
    // So does a scale of 1, which the axes of samples and channels have.
    if (scales.size() == static_cast<size_t>(axes->size()) && !crops) {
      for (int i = 0; i < axes->size(); ++i) {
        const auto axis = static_cast<int>((*axes)[i]);
        if (scales[static_cast<size_t>(i)] == 1) unknown[axis] = (*shape)[axis];
      }
      context.SetOutput(0, context.InputType(0), unknown);
    }
    return OkStatus();
  }
  const auto resized = parameters.Axes(*shape, scales, sizes, roi);
  if (!resized.ok()) return context.Error(resized.status().message());
  for (int i = 0; i < shape->rank(); ++i) unknown[i] = (*resized)[static_cast<size_t>(i)].output;
  context.SetOutput(0, context.InputType(0), unknown);
  return OkStatus();
}

// Upsample-1 knew images only.
Status UpgradeUpsample1(Node& node) {
  const float height = node.FloatAttribute("height_scale", 1.0f);
  const float width = node.FloatAttribute("width_scale", 1.0f);
  node.SetAttribute("scales", std::vector<float>{1, 1, height, width});
  node.RemoveAttribute("height_scale");
  node.RemoveAttribute("width_scale");
  node.set_opset(7);
  return OkStatus();
}

Status UpgradeUpsample7(Node& node) {
  const Tensor scales = Tensor::Vector<float>(node.FloatsAttribute("scales"));
  node.SetInput(1, &node.graph().AddConstant("scales", scales));
  node.RemoveAttribute("scales");
  node.set_opset(9);
  return OkStatus();
}

Status UpgradeUpsample9(Node& node) {
  if (node.StringAttribute("mode", "nearest") == "bilinear") {
    node.SetAttribute("mode", std::string("linear"));
  }
  node.SetOperator("", "Resize", 10);
  return OkStatus();
}

Status UpgradeResize10(Node& node) {
  Value* const scales = node.input(1);
  node.SetInput(1, nullptr);
  node.SetInput(2, scales);
  node.SetAttribute("coordinate_transformation_mode", std::string("asymmetric"));
  node.SetAttribute("nearest_mode", std::string("simple"));
  node.set_opset(11);
  return OkStatus();
}

Status ResizeByScale(const ResizeParameters& parameters, float scale, ResizeAxis& axis) {
  if (!(scale > 0) || scale > static_cast<float>(kLongestAxis)) {
    return InvalidModel("input 2 'scales' holds ", scale, " but must be more than 0");
  }
  axis.scale = scale;
  float length = static_cast<float>(axis.input) * scale;
  const bool crops = parameters.coordinates == ResizeParameters::Coordinates::kTfCropAndResize;
  if (crops) length *= axis.roi_end - axis.roi_begin;
  axis.exact_output = length;
  if (!(length < static_cast<float>(kLongestAxis))) {
    return InvalidModel("scale ", scale, " makes an axis of ", axis.input, " too long");
  }
  axis.output = std::max<int64_t>(static_cast<int64_t>(std::floor(length)), 0);
  // Also where a float does not hold it: what is not known yet stays the same, too.
  if (scale == 1 && !crops) axis.output = axis.input;
  return OkStatus();
}

// One scale for all axes, so that none gets larger (or smaller) than asked for.
float CommonScale(const ResizeParameters& parameters, const Shape& input, const IntList& axes,
                  std::span<const int64_t> sizes) {
  float common = 0;
  for (int i = 0; i < axes.size(); ++i) {
    const auto length = static_cast<float>(input[static_cast<int>(axes[i])]);
    const float scale = static_cast<float>(sizes[static_cast<size_t>(i)]) / length;
    const bool smaller = parameters.aspect_ratio == ResizeParameters::AspectRatio::kNotLarger;
    common = i == 0 ? scale : smaller ? std::min(common, scale) : std::max(common, scale);
  }
  return common;
}

Status CheckCount(const char* what, size_t count, size_t wanted) {
  if (count == wanted) return OkStatus();
  return InvalidModel(what, " has ", count, " elements but must have ", wanted);
}

}  // namespace

Result<ResizeParameters> ResizeParameters::FromNode(const Node& node) {
  ResizeParameters parameters;
  parameters.layout = ChannelLayout(node);
  static constexpr Spelling<Mode> kModes[] = {
      {"nearest", Mode::kNearest}, {"linear", Mode::kLinear}, {"cubic", Mode::kCubic}};
  static constexpr Spelling<Coordinates> kCoordinates[] = {
      {"half_pixel", Coordinates::kHalfPixel},
      {"half_pixel_symmetric", Coordinates::kHalfPixelSymmetric},
      {"pytorch_half_pixel", Coordinates::kPytorchHalfPixel},
      {"align_corners", Coordinates::kAlignCorners},
      {"asymmetric", Coordinates::kAsymmetric},
      {"tf_half_pixel_for_nn", Coordinates::kTfHalfPixelForNn},
      {"tf_crop_and_resize", Coordinates::kTfCropAndResize}};
  static constexpr Spelling<Nearest> kNearest[] = {
      {"round_prefer_floor", Nearest::kRoundPreferFloor},
      {"round_prefer_ceil", Nearest::kRoundPreferCeil},
      {"floor", Nearest::kFloor},
      {"ceil", Nearest::kCeil},
      {"simple", Nearest::kByDirection}};
  static constexpr Spelling<AspectRatio> kPolicies[] = {{"stretch", AspectRatio::kStretch},
                                                        {"not_larger", AspectRatio::kNotLarger},
                                                        {"not_smaller", AspectRatio::kNotSmaller}};
  MULLION_RETURN_IF_ERROR(ReadEnum(node, "mode", kModes, parameters.mode));
  MULLION_RETURN_IF_ERROR(
      ReadEnum(node, "coordinate_transformation_mode", kCoordinates, parameters.coordinates));
  MULLION_RETURN_IF_ERROR(ReadEnum(node, "nearest_mode", kNearest, parameters.nearest));
  MULLION_RETURN_IF_ERROR(
      ReadEnum(node, "keep_aspect_ratio_policy", kPolicies, parameters.aspect_ratio));
  parameters.antialias = node.IntAttribute("antialias", 0) != 0;
  parameters.exclude_outside = node.IntAttribute("exclude_outside", 0) != 0;
  parameters.cubic_coefficient = node.FloatAttribute("cubic_coeff_a", -0.75f);
  parameters.extrapolation_value = node.FloatAttribute("extrapolation_value", 0.0f);
  parameters.has_axes = node.HasAttribute("axes");
  const Result<IntList> axes = ToIntList(node.IntsAttribute("axes"), "attribute 'axes'");
  if (!axes.ok()) return node.Error(StatusCode::kInvalidModel, axes.status().message());
  parameters.axes = *axes;
  return parameters;
}

Result<IntList> ResizeParameters::ResizedAxes(int rank) const {
  IntList named = has_axes ? axes : IntList::Iota(rank);
  MULLION_RETURN_IF_ERROR(NormalizeAxes(named, rank));
  if (!layout.last || rank < 3) return named;
  for (int i = 0; i < named.size(); ++i) {
    if (named[i] == 0) continue;
    named[i] = named[i] == 1 ? rank - 1 : named[i] - 1;
  }
  return named;
}

Result<std::array<ResizeAxis, kMaxRank>> ResizeParameters::Axes(const Shape& input,
                                                                std::span<const float> scales,
                                                                std::span<const int64_t> sizes,
                                                                std::span<const float> roi) const {
  std::array<ResizeAxis, kMaxRank> result;
  for (int i = 0; i < input.rank(); ++i) {
    const auto length = static_cast<float>(input[i]);
    result[static_cast<size_t>(i)] = {
        .input = input[i], .output = input[i], .exact_output = length};
  }
  MULLION_ASSIGN_OR_RETURN(const IntList named, ResizedAxes(input.rank()));
  const auto count = static_cast<size_t>(named.size());
  if (scales.empty() == sizes.empty() && count > 0) {
    return InvalidModel(
        "exactly one of inputs 2 'scales' and 3 'sizes' must be given and not be empty");
  }
  const bool crops = coordinates == Coordinates::kTfCropAndResize;
  if (crops) MULLION_RETURN_IF_ERROR(CheckCount("input 1 'roi'", roi.size(), 2 * count));
  if (scales.empty()) {
    MULLION_RETURN_IF_ERROR(CheckCount("input 3 'sizes'", sizes.size(), count));
  } else {
    MULLION_RETURN_IF_ERROR(CheckCount("input 2 'scales'", scales.size(), count));
  }
  const bool stretches = aspect_ratio == AspectRatio::kStretch;
  const float common =
      scales.empty() && !stretches ? CommonScale(*this, input, named, sizes) : 1.0f;
  for (size_t i = 0; i < count; ++i) {
    ResizeAxis& axis = result[static_cast<size_t>(named[static_cast<int>(i)])];
    if (axis.input > kLongestAxis) {
      return InvalidModel("an axis of ", axis.input, " elements is too long to resize");
    }
    if (crops) {
      axis.roi_begin = roi[i];
      axis.roi_end = roi[count + i];
    }
    if (!scales.empty()) {
      MULLION_RETURN_IF_ERROR(ResizeByScale(*this, scales[i], axis));
      continue;
    }
    const int64_t size = sizes[i];
    if (size < 0 || size > kLongestAxis) {
      return InvalidModel("input 3 'sizes' holds ", size, " which is negative or too large");
    }
    axis.output = size;
    axis.exact_output = static_cast<float>(size);
    axis.scale = axis.input == 0 ? 1 : axis.exact_output / static_cast<float>(axis.input);
    if (!stretches && axis.input > 0) {
      axis.scale = common;
      axis.exact_output = common * static_cast<float>(axis.input);
      axis.output = static_cast<int64_t>(std::floor(axis.exact_output + 0.5f));
    }
  }
  for (const ResizeAxis& axis : result) {
    if (axis.input == 0 && axis.output > 0) {
      return InvalidModel("an axis without elements cannot be resized to one that has some");
    }
  }
  return result;
}

void RegisterResize(OperatorRegistry& registry) {
  registry.Add({.name = "Upsample", .inputs = {1, 1}, .upgrade = UpgradeUpsample1});
  registry.Add({.name = "Upsample", .since = 7, .inputs = {1, 1}, .upgrade = UpgradeUpsample7});
  registry.Add({.name = "Upsample", .since = 9, .inputs = {2, 2}, .upgrade = UpgradeUpsample9});
  registry.Add({.name = "Resize", .since = 10, .inputs = {2, 2}, .upgrade = UpgradeResize10});
  // Later forms only add attributes: antialias, axes and keep_aspect_ratio_policy in opset 18,
  // half_pixel_symmetric in 19. Opset 13 dropped tf_half_pixel_for_nn.
  registry.Add({.name = "Resize", .since = 11, .inputs = {1, 4}, .infer = InferResize});
}

}  // namespace mullion::operators
