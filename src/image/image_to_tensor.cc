// SPDX-License-Identifier: MIT
#include "image/image_to_tensor.h"

#include <vector>

#include "image/scale.h"
#include "image/tensorize.h"

namespace mullion::image {

namespace {

// A row of `count` pixels of one colour.
std::vector<uint8_t> MarginRow(const Color& color, PixelFormat format, int64_t count) {
  const int bytes = BytesPerPixel(format);
  std::vector<uint8_t> row(static_cast<size_t>(count * bytes));
  const uint8_t rgb[3] = {color.red, color.green, color.blue};
  const RowConverter convert = ConverterFor(PixelFormat::kRgb8, format);
  for (int64_t x = 0; x < count; ++x) convert(rgb, row.data() + x * bytes, 1);
  return row;
}

}  // namespace

Result<Fit> ImageToTensor(const ImageView& image, const ImageToTensorOptions& options,
                          const MutableTensorView& target) {
  MULLION_RETURN_IF_ERROR(CheckImage("the image to bind", image));
  MULLION_ASSIGN_OR_RETURN(const TensorGrid grid, CheckImageTensor(target, options.format));
  const Rect region = options.bounds.value_or(image.bounds());
  MULLION_RETURN_IF_ERROR(Crop(image, region).status());  // refuses bounds that reach outside
  const FitMode mode =
      options.fit.value_or(options.bounds ? FitMode::kStretch : FitMode::kCenterCrop);
  MULLION_ASSIGN_OR_RETURN(const Fit fit, FitRegion(region, grid.width, grid.height, mode));
  MULLION_ASSIGN_OR_RETURN(const ImageView part, Crop(image, fit.source));

  RowScaler scaler(part, fit.target.width, fit.target.height, options.filter);
  RowTensorizer tensorizer(image.format, options.format, grid, target);
  const std::vector<uint8_t> margin = MarginRow(options.margin, image.format, grid.width);
  std::vector<uint8_t> row = margin;  // the scaled pixels are written between its margins
  uint8_t* const scaled = row.data() + fit.target.left * BytesPerPixel(image.format);
  for (int64_t y = 0; y < grid.height; ++y) {
    const int64_t scaled_y = y - fit.target.top;
    const bool within = scaled_y >= 0 && scaled_y < fit.target.height;
    if (within) scaler.Row(scaled_y, scaled);
    tensorizer.Row(within ? row.data() : margin.data(), y);
  }
  return fit;
}

}  // namespace mullion::image
