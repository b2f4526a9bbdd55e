// SPDX-License-Identifier: MIT
#include "api/image_binding.h"

#include <span>
#include <utility>
#include <vector>

#include "api/image_value.h"
#include "base/str_cat.h"
#include "image/detensorize.h"
#include "image/image_to_tensor.h"
#include "runtime/block_cache.h"

namespace mullion::api {

namespace {

using Pictures = std::span<const Ref<MullionValue>>;

// An image is a batch of one.
std::vector<const image::Bitmap*> PicturesOf(const MullionValue& value) {
  std::vector<const image::Bitmap*> pictures;
  if (value.bitmap) pictures.push_back(&*value.bitmap);
  for (const Ref<MullionValue>& picture : value.pictures) pictures.push_back(&*picture->bitmap);
  return pictures;
}

Status Named(const MullionFeature& feature, const Status& status) {
  return status.WithPrefix(StrCat("an image for '", feature.name, "': "));
}

// Precedence: what the binding says, then the model's metadata, then the number of channels.
image::TensorFormat FormatFor(const MullionFeature& feature, const ImageOptions& options,
                              const ImageAxes& axes) {
  image::TensorFormat format = options.normalization;
  const image::PixelFormat by_channels =
      axes.channels == 1 ? image::PixelFormat::kGray8 : image::PixelFormat::kBgr8;
  format.pixels = options.pixels.value_or(feature.image->pixels.value_or(by_channels));
  format.range = options.range.value_or(feature.image->range);
  format.layout = axes.layout;
  return format;
}

Shape ShapeOf(const ImageAxes& axes) {
  return axes.layout == image::TensorLayout::kNchw
             ? Shape{axes.batch, axes.channels, axes.height, axes.width}
             : Shape{axes.batch, axes.height, axes.width, axes.channels};
}

// One image of a batch.
template <typename View>
View Slice(View batch, int64_t index) {
  using Bytes = std::conditional_t<std::is_same_v<View, TensorView>, const char, char>;
  View slice = batch;
  slice.shape[0] = 1;
  slice.data = static_cast<Bytes*>(batch.data) + static_cast<int64_t>(slice.bytes()) * index;
  return slice;
}

// Gives the free axes of an input the sizes that the pictures have.
Status FillAxes(const std::vector<const image::Bitmap*>& pictures, const ImageOptions& options,
                const image::TensorFormat& format, ImageAxes& axes) {
  const auto count = static_cast<int64_t>(pictures.size());
  if (axes.batch >= 0 && axes.batch != count) {
    return SizeMismatch("its batch is ", axes.batch, " but ", count,
                        " images were given; bind a sequence of one image per batch item");
  }
  axes.batch = count;
  if (axes.channels < 0) axes.channels = image::ColorChannels(format.pixels);
  const bool free_size = axes.height < 0 || axes.width < 0;
  for (const image::Bitmap* const picture : pictures) {
    if (options.bounds) {
      MULLION_RETURN_IF_ERROR(image::Crop(picture->view(), *options.bounds).status());
    }
    if (options.bounds || !free_size) continue;
    if (picture->width() != pictures[0]->width() || picture->height() != pictures[0]->height()) {
      return InvalidArgument("the images of a batch differ in size (", pictures[0]->width(), "x",
                             pictures[0]->height(), " and ", picture->width(), "x",
                             picture->height(),
                             ") and the model leaves the size free; scale them to one size");
    }
  }
  const image::Rect region = options.bounds.value_or(pictures[0]->view().bounds());
  if (axes.height < 0) axes.height = region.height;
  if (axes.width < 0) axes.width = region.width;
  return OkStatus();
}

}  // namespace

Status CheckImageFeature(const MullionFeature& feature, const ImageOptions& options) {
  constexpr ElementTypeSet kTypes =
      SetOf(ElementType::kFloat, ElementType::kFloat16, ElementType::kUint8);
  if (!feature.type.IsTensor() || !Contains(kTypes, feature.type.element_type)) {
    return InvalidBinding("an image cannot be bound to '", feature.name, "', which is ",
                          feature.type.ToString(),
                          "; images go into float, float16 and uint8 tensors");
  }
  if (!feature.image->problem.empty()) {
    return Named(feature, InvalidBinding(feature.image->problem));
  }
  if (!feature.type.has_shape) {
    return Named(feature, SizeMismatch("the model does not tell its rank; bind a tensor instead"));
  }
  return Named(
      feature,
      FindImageAxes(feature.type.shape, feature.dim_denotations, options.channels_last).status());
}

Result<image::Fit> ImageToInput(const MullionFeature& feature, const ImageOptions& options,
                                const MullionValue& value, Tensor& tensor) {
  MULLION_RETURN_IF_ERROR(CheckImageFeature(feature, options));
  MULLION_ASSIGN_OR_RETURN(
      ImageAxes axes,
      FindImageAxes(feature.type.shape, feature.dim_denotations, options.channels_last));
  const std::vector<const image::Bitmap*> pictures = PicturesOf(value);
  const image::TensorFormat format = FormatFor(feature, options, axes);
  if (Status status = FillAxes(pictures, options, format, axes); !status.ok()) {
    return Named(feature, status);
  }
  const Shape shape = ShapeOf(axes);
  // Nothing below fails after the first pixel was written.
  if (!tensor || tensor.type() != feature.type.element_type || !(tensor.shape() == shape)) {
    MULLION_ASSIGN_OR_RETURN(tensor,
                             BlockCache::AllocateForCaller(feature.type.element_type, shape));
  }
  const image::ImageToTensorOptions conversion{.bounds = options.bounds,
                                               .fit = options.fit,
                                               .filter = options.filter,
                                               .margin = options.margin,
                                               .format = format};
  image::Fit first;
  for (size_t i = 0; i < pictures.size(); ++i) {
    const auto fit = image::ImageToTensor(pictures[i]->view(), conversion,
                                          Slice(tensor.mutable_view(), static_cast<int64_t>(i)));
    if (!fit.ok()) return Named(feature, fit.status());
    if (i == 0) first = *fit;
  }
  return first;
}

Status OutputToImage(const MullionFeature& feature, const ImageOptions& options,
                     const TensorView& result, const MullionValue& value) {
  const auto axes = FindImageAxes(result.shape, feature.dim_denotations, options.channels_last);
  if (!axes.ok()) return Named(feature, axes.status());
  const std::vector<const image::Bitmap*> pictures = PicturesOf(value);
  if (static_cast<int64_t>(pictures.size()) != axes->batch) {
    return Named(feature, SizeMismatch("the output has a batch of ", axes->batch, " but ",
                                       pictures.size(), " images are bound to it"));
  }
  const image::TensorFormat format = FormatFor(feature, options, *axes);
  const image::Rect region = options.bounds.value_or(image::Rect{0, 0, axes->width, axes->height});
  for (size_t i = 0; i < pictures.size(); ++i) {
    const image::ImageView whole = pictures[i]->view();
    if (region.width > whole.width || region.height > whole.height) {
      return Named(feature, SizeMismatch("the output is ", axes->width, "x", axes->height,
                                         " pixels and the image bound to it only ", whole.width,
                                         "x", whole.height));
    }
    const auto part =
        image::Crop(image::MutableImageView{whole.format, whole.width, whole.height,
                                            whole.row_stride, const_cast<uint8_t*>(whole.pixels)},
                    region);
    if (!part.ok()) return Named(feature, part.status());
    const Status status = image::Detensorize(Slice(result, static_cast<int64_t>(i)), format, *part);
    if (!status.ok()) return Named(feature, status);
  }
  return OkStatus();
}

Result<Ref<MullionValue>> OutputToNewImage(const MullionFeature& feature,
                                           const TensorView& result) {
  const auto axes = FindImageAxes(result.shape, feature.dim_denotations, -1);
  if (!axes.ok()) return Named(feature, axes.status());
  MULLION_ASSIGN_OR_RETURN(const image::PixelFormat format,
                           ToPixelFormat(MullionFeature_PixelFormat(&feature)));
  std::vector<Ref<MullionValue>> pictures;
  for (int64_t i = 0; i < axes->batch; ++i) {
    MULLION_ASSIGN_OR_RETURN(image::Bitmap bitmap,
                             image::Bitmap::Allocate(format, axes->width, axes->height));
    pictures.push_back(MakeImage(std::move(bitmap)));
  }
  const Ref<MullionValue> value =
      pictures.size() == 1 ? std::move(pictures[0]) : MakeBatch(std::move(pictures));
  MULLION_RETURN_IF_ERROR(OutputToImage(feature, {}, result, *value));
  return value;
}

}  // namespace mullion::api
