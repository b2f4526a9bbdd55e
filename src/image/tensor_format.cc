// SPDX-License-Identifier: MIT
#include "image/tensor_format.h"

#include <cmath>

#include "base/str_cat.h"
#include "image/bitmap.h"

namespace mullion::image {

namespace {

Status CheckElements(const TensorView& tensor, const TensorFormat& format) {
  constexpr ElementTypeSet kTypes =
      SetOf(ElementType::kFloat, ElementType::kFloat16, ElementType::kUint8);
  if (!Contains(kTypes, tensor.type)) {
    return InvalidBinding("an image cannot be bound to ", Describe(tensor),
                          ": its elements must be float, float16 or uint8");
  }
  if (tensor.location != MemoryLocation::kHost || tensor.data == nullptr) {
    return InvalidBinding("an image cannot be bound to ", Describe(tensor),
                          ": the tensor has no memory that the CPU can reach");
  }
  for (const float deviation : format.deviation) {
    if (!std::isfinite(deviation) || deviation == 0.0f) {
      return InvalidArgument("the standard deviation ", deviation,
                             " of an image tensor must be finite and not zero");
    }
  }
  for (const float mean : format.mean) {
    if (!std::isfinite(mean)) {
      return InvalidArgument("the mean ", mean, " of an image tensor must be finite");
    }
  }
  const bool plain = format.range == PixelRange::kZeroTo255 && format.mean == TensorFormat{}.mean &&
                     format.deviation == TensorFormat{}.deviation;
  if (tensor.type == ElementType::kUint8 && !plain) {
    return InvalidArgument("pixels of ", Describe(tensor),
                           " are bytes and cannot be normalised: use the range 0 to 255 "
                           "without mean and standard deviation, or a float tensor");
  }
  return OkStatus();
}

}  // namespace

Result<TensorGrid> CheckImageTensor(const TensorView& tensor, const TensorFormat& format) {
  if (BytesPerPixel(format.pixels) == 0) {
    return InvalidArgument("unknown pixel format ", static_cast<int>(format.pixels), " for ",
                           Describe(tensor));
  }
  MULLION_RETURN_IF_ERROR(CheckElements(tensor, format));
  const int channels = ColorChannels(format.pixels);
  const bool nchw = format.layout == TensorLayout::kNchw;
  const Shape& shape = tensor.shape;
  const bool image_rank = shape.rank() == 3 || (shape.rank() == 4 && shape[0] == 1);
  if (!image_rank || shape.Back(nchw ? 2 : 0) != channels) {
    return SizeMismatch("one ", PixelFormatName(format.pixels), " image needs a tensor of ",
                        nchw ? "[1,C,H,W] or [C,H,W]" : "[1,H,W,C] or [H,W,C]",
                        " with C = ", channels, ", not ", Describe(tensor));
  }
  TensorGrid grid;
  grid.channels = channels;
  grid.height = shape.Back(nchw ? 1 : 2);
  grid.width = shape.Back(nchw ? 0 : 1);
  MULLION_RETURN_IF_ERROR(CheckImageSize("the image tensor", grid.width, grid.height));
  grid.channel_stride = nchw ? grid.height * grid.width : 1;
  grid.pixel_stride = nchw ? 1 : channels;
  grid.row_stride = grid.width * grid.pixel_stride;
  return grid;
}

}  // namespace mullion::image
