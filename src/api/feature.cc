// SPDX-License-Identifier: MIT
#include "api/feature.h"

#include <utility>

#include "base/str_cat.h"

namespace mullion::api {

namespace {

constexpr ElementTypeSet kImageTypes =
    SetOf(ElementType::kFloat, ElementType::kFloat16, ElementType::kUint8);

MullionFeatureKind KindOf(const TypeInfo& type) {
  switch (type.kind) {
    case ValueKind::kSequence:
      return MULLION_FEATURE_SEQUENCE;
    case ValueKind::kMap:
      return MULLION_FEATURE_MAP;
    case ValueKind::kOptional:
      return MULLION_FEATURE_OPTIONAL;
    case ValueKind::kTensor:
    case ValueKind::kUnknown:
      break;
  }
  return MULLION_FEATURE_TENSOR;
}

bool IsImage(const FeatureInfo& info, const ImageMetadata& image) {
  return info.denotation == "IMAGE" && info.type.IsTensor() && info.type.has_shape &&
         Contains(kImageTypes, info.type.element_type) && image.problem.empty() &&
         FindImageAxes(info.type.shape, info.dim_denotations, -1).ok();
}

// What a sequence, map or optional holds has neither a name nor a description.
std::unique_ptr<const MullionFeature> MakeElement(const TypeInfo& type) {
  auto feature = std::make_unique<MullionFeature>();
  feature->type = type;
  feature->kind = KindOf(type);
  if (type.element != nullptr) feature->element = MakeElement(*type.element);
  return feature;
}

}  // namespace

std::vector<MullionFeature> MakeFeatures(const std::vector<FeatureInfo>& infos,
                                         const std::shared_ptr<const ImageMetadata>& image) {
  std::vector<MullionFeature> features;
  features.reserve(infos.size());
  for (const FeatureInfo& info : infos) {
    MullionFeature& feature = features.emplace_back();
    feature.name = info.name;
    feature.description = info.description;
    feature.kind = IsImage(info, *image) ? MULLION_FEATURE_IMAGE : KindOf(info.type);
    feature.type = info.type;
    feature.dim_names = info.dim_names;
    feature.dim_denotations = info.dim_denotations;
    feature.image = image;
    if (info.type.element != nullptr) feature.element = MakeElement(*info.type.element);
  }
  return features;
}

namespace {

bool IsChannelCount(int64_t dim) { return dim == 1 || dim == 3; }

// The axis of the channels, or nothing when no axis can be it.
std::optional<int> ChannelAxis(const Shape& shape, const std::vector<std::string>& denotations,
                               int channels_last) {
  if (channels_last >= 0) return channels_last == 0 ? 1 : 3;
  for (const int axis : {1, 3}) {
    const auto index = static_cast<size_t>(axis);
    if (index < denotations.size() && denotations[index] == "DATA_CHANNEL") return axis;
  }
  for (const int axis : {1, 3}) {
    if (IsChannelCount(shape[axis])) return axis;
  }
  for (const int axis : {1, 3}) {
    if (shape[axis] < 0) return axis;
  }
  return std::nullopt;
}

}  // namespace

Result<ImageAxes> FindImageAxes(const Shape& shape, const std::vector<std::string>& denotations,
                                int channels_last) {
  if (shape.rank() != 4) {
    return SizeMismatch("images go into tensors of rank 4 ([N,C,H,W] or [N,H,W,C]), not ",
                        shape.ToString());
  }
  const std::optional<int> axis = ChannelAxis(shape, denotations, channels_last);
  if (!axis || (shape[*axis] >= 0 && !IsChannelCount(shape[*axis]))) {
    return SizeMismatch(
        "images go into tensors with 1 or 3 channels, and ", shape.ToString(), " has ",
        axis ? StrCat(shape[*axis]) : "neither in axis 1 (NCHW) nor in axis 3 (NHWC)");
  }
  if (*axis == 1)
    return ImageAxes{image::TensorLayout::kNchw, shape[0], shape[1], shape[2], shape[3]};
  return ImageAxes{image::TensorLayout::kNhwc, shape[0], shape[3], shape[1], shape[2]};
}

}  // namespace mullion::api

const char* MullionFeature_Name(const MullionFeature* feature) {
  return feature == nullptr ? "" : feature->name.c_str();
}

const char* MullionFeature_Description(const MullionFeature* feature) {
  return feature == nullptr ? "" : feature->description.c_str();
}

MullionFeatureKind MullionFeature_Kind(const MullionFeature* feature) {
  return feature == nullptr ? MULLION_FEATURE_TENSOR : feature->kind;
}

MullionTensorKind MullionFeature_TensorKind(const MullionFeature* feature) {
  return feature == nullptr ? MULLION_TENSOR_UNDEFINED
                            : static_cast<MullionTensorKind>(feature->type.element_type);
}

int MullionFeature_Rank(const MullionFeature* feature) {
  return feature == nullptr || !feature->type.has_shape ? -1 : feature->type.shape.rank();
}

int64_t MullionFeature_Dimension(const MullionFeature* feature, int axis) {
  if (axis < 0 || axis >= MullionFeature_Rank(feature)) return -1;
  return feature->type.shape[axis] < 0 ? -1 : feature->type.shape[axis];
}

const char* MullionFeature_DimensionName(const MullionFeature* feature, int axis) {
  if (feature == nullptr || axis < 0) return "";
  const auto index = static_cast<size_t>(axis);
  return index < feature->dim_names.size() ? feature->dim_names[index].c_str() : "";
}

// The format of a picture for this feature, as Windows ML's ImageFeatureDescriptor gives it: with
// the metadata's channel order, BGRA8 when it says nothing.
MullionPixelFormat MullionFeature_PixelFormat(const MullionFeature* feature) {
  if (feature == nullptr || feature->kind != MULLION_FEATURE_IMAGE) return MULLION_PIXEL_UNKNOWN;
  switch (feature->image->pixels.value_or(mullion::image::PixelFormat::kBgr8)) {
    case mullion::image::PixelFormat::kGray8:
      return MULLION_PIXEL_GRAY8;
    case mullion::image::PixelFormat::kRgb8:
      return MULLION_PIXEL_RGBA8;
    default:
      return MULLION_PIXEL_BGRA8;
  }
}

MullionPixelRange MullionFeature_PixelRange(const MullionFeature* feature) {
  if (feature == nullptr || feature->kind != MULLION_FEATURE_IMAGE) return MULLION_RANGE_0_255;
  return static_cast<MullionPixelRange>(feature->image->range);
}

namespace {

int64_t ImageSide(const MullionFeature* feature, int64_t mullion::api::ImageAxes::*side) {
  if (feature == nullptr || feature->kind != MULLION_FEATURE_IMAGE) return -1;
  const auto axes = mullion::api::FindImageAxes(feature->type.shape, feature->dim_denotations, -1);
  return axes.ok() && (*axes).*side >= 0 ? (*axes).*side : -1;
}

}  // namespace

int64_t MullionFeature_Width(const MullionFeature* feature) {
  return ImageSide(feature, &mullion::api::ImageAxes::width);
}

int64_t MullionFeature_Height(const MullionFeature* feature) {
  return ImageSide(feature, &mullion::api::ImageAxes::height);
}

MullionTensorKind MullionFeature_KeyKind(const MullionFeature* feature) {
  return feature == nullptr ? MULLION_TENSOR_UNDEFINED
                            : static_cast<MullionTensorKind>(feature->type.key_type);
}

const MullionFeature* MullionFeature_Element(const MullionFeature* feature) {
  return feature == nullptr ? nullptr : feature->element.get();
}
