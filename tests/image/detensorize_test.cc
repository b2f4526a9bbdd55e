// SPDX-License-Identifier: MIT
#include "image/detensorize.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "image/tensorize.h"

namespace mullion::image {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes Detensorized(const std::vector<float>& elements, const Shape& shape,
                   const TensorFormat& format, PixelFormat pixels, int64_t width, int64_t height) {
  const int64_t stride = width * BytesPerPixel(pixels);
  Bytes bytes(static_cast<size_t>(stride * height));
  const Tensor tensor = Tensor::FromSpan<float>(shape, elements);
  const Status status = Detensorize(
      tensor.view(), format,
      MutableImageView{pixels, width, height, static_cast<ptrdiff_t>(stride), bytes.data()});
  EXPECT_TRUE(status.ok()) << status.message();
  return bytes;
}

TEST(Detensorize, PutsChannelsBack) {
  // Planes B, G, R of two pixels.
  const std::vector<float> planes = {30, 60, 20, 50, 10, 40};
  const TensorFormat bgr;
  EXPECT_EQ(Detensorized(planes, {1, 3, 1, 2}, bgr, PixelFormat::kBgra8, 2, 1),
            (Bytes{30, 20, 10, 255, 60, 50, 40, 255}));
  EXPECT_EQ(Detensorized(planes, {3, 1, 2}, bgr, PixelFormat::kRgb8, 2, 1),
            (Bytes{10, 20, 30, 40, 50, 60}));
  EXPECT_EQ(Detensorized(planes, {3, 1, 2}, bgr, PixelFormat::kGray8, 2, 1), (Bytes{18, 48}));
}

TEST(Detensorize, GrayFillsAllColours) {
  TensorFormat gray;
  gray.pixels = PixelFormat::kGray8;
  EXPECT_EQ(Detensorized({7, 8}, {1, 1, 1, 2}, gray, PixelFormat::kRgba8, 2, 1),
            (Bytes{7, 7, 7, 255, 8, 8, 8, 255}));
  EXPECT_EQ(Detensorized({7, 8}, {1, 1, 1, 2}, gray, PixelFormat::kGray8, 2, 1), (Bytes{7, 8}));
}

TEST(Detensorize, ClampsAndRounds) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  TensorFormat gray;
  gray.pixels = PixelFormat::kGray8;
  EXPECT_EQ(Detensorized({-1, 0.4f, 0.6f, 254.4f, 255, 300, kInfinity, -kInfinity,
                          std::numeric_limits<float>::quiet_NaN()},
                         {1, 1, 1, 9}, gray, PixelFormat::kGray8, 9, 1),
            (Bytes{0, 0, 1, 254, 255, 255, 255, 0, 0}));
  gray.range = PixelRange::kMinusOneToOne;
  EXPECT_EQ(Detensorized({-2, -1, -0.6f, 0, 1, 2}, {1, 1, 1, 6}, gray, PixelFormat::kGray8, 6, 1),
            (Bytes{0, 0, 51, 128, 255, 255}));
}

TEST(Detensorize, UndoesMeanAndDeviation) {
  TensorFormat format;
  format.mean = {10, 20, 30};
  format.deviation = {2, 4, -5};
  EXPECT_EQ(Detensorized({10, 25, 0, 7.5f, 4, -2}, {1, 3, 1, 2}, format, PixelFormat::kRgb8, 2, 1),
            (Bytes{10, 20, 30, 40, 50, 60}));
}

// What Tensorize wrote comes back, for every byte, format, layout, range and element type.
TEST(Detensorize, IsTheInverseOfTensorize) {
  for (const PixelFormat pixels : {PixelFormat::kBgra8, PixelFormat::kRgba8, PixelFormat::kRgb8,
                                   PixelFormat::kBgr8, PixelFormat::kGray8}) {
    const int bytes = BytesPerPixel(pixels);
    const int alpha = LayoutOf(pixels).alpha;
    Bytes source(static_cast<size_t>(256 * bytes));
    for (int x = 0; x < 256; ++x) {
      for (int c = 0; c < bytes; ++c) {
        source[static_cast<size_t>(x * bytes + c)] =
            c == alpha ? 255 : static_cast<uint8_t>(x + 85 * c);
      }
    }
    const ImageView image{pixels, 256, 1, 256 * bytes, source.data()};
    for (int combination = 0; combination < 2 * 3 * 2; ++combination) {
      TensorFormat format;
      format.pixels = pixels;
      format.layout = static_cast<TensorLayout>(combination % 2);
      format.range = static_cast<PixelRange>(combination / 2 % 3);
      const ElementType type = combination / 6 == 0 ? ElementType::kFloat : ElementType::kFloat16;
      if (type == ElementType::kFloat) format.mean = {0.5f, 0.4f, 0.3f};
      const int channels = ColorChannels(pixels);
      const Shape shape = format.layout == TensorLayout::kNchw ? Shape{1, channels, 1, 256}
                                                               : Shape{1, 1, 256, channels};
      Result<Tensor> tensor = Tensor::Allocate(type, shape);
      ASSERT_TRUE(Tensorize(image, format, tensor->mutable_view()).ok());
      Bytes back(source.size());
      ASSERT_TRUE(Detensorize(tensor->view(), format,
                              MutableImageView{pixels, 256, 1, 256 * bytes, back.data()})
                      .ok());
      EXPECT_EQ(back, source) << PixelFormatName(pixels) << " combination " << combination;
    }
  }
}

TEST(Detensorize, RefusesOtherSizes) {
  const Tensor tensor = Tensor::FromSpan<float>({1, 1, 2, 2}, std::vector<float>(4));
  TensorFormat gray;
  gray.pixels = PixelFormat::kGray8;
  uint8_t pixels[8] = {};
  const Status status =
      Detensorize(tensor.view(), gray, MutableImageView{PixelFormat::kGray8, 3, 2, 3, pixels});
  EXPECT_EQ(status.code(), StatusCode::kSizeMismatch);
}

}  // namespace
}  // namespace mullion::image
