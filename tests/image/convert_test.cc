// SPDX-License-Identifier: MIT
#include "image/convert.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "image/luma.h"

namespace mullion::image {
namespace {

using Bytes = std::vector<uint8_t>;

// Converts two pixels side by side.
Bytes ConvertTwo(PixelFormat from, const Bytes& source, PixelFormat to) {
  Bytes target(static_cast<size_t>(2 * BytesPerPixel(to)));
  const Status status = Convert(ImageView{from, 2, 1, 2 * BytesPerPixel(from), source.data()},
                                MutableImageView{to, 2, 1, 2 * BytesPerPixel(to), target.data()});
  EXPECT_TRUE(status.ok()) << status.message();
  return target;
}

TEST(Convert, ReordersColours) {
  const Bytes rgb = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(ConvertTwo(PixelFormat::kRgb8, rgb, PixelFormat::kRgb8), rgb);
  EXPECT_EQ(ConvertTwo(PixelFormat::kRgb8, rgb, PixelFormat::kBgr8), (Bytes{3, 2, 1, 6, 5, 4}));
  EXPECT_EQ(ConvertTwo(PixelFormat::kRgb8, rgb, PixelFormat::kRgba8),
            (Bytes{1, 2, 3, 255, 4, 5, 6, 255}));
  EXPECT_EQ(ConvertTwo(PixelFormat::kRgb8, rgb, PixelFormat::kBgra8),
            (Bytes{3, 2, 1, 255, 6, 5, 4, 255}));
}

TEST(Convert, KeepsOrDropsAlpha) {
  const Bytes bgra = {3, 2, 1, 9, 6, 5, 4, 0};
  EXPECT_EQ(ConvertTwo(PixelFormat::kBgra8, bgra, PixelFormat::kRgba8),
            (Bytes{1, 2, 3, 9, 4, 5, 6, 0}));
  EXPECT_EQ(ConvertTwo(PixelFormat::kBgra8, bgra, PixelFormat::kRgb8), (Bytes{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(ConvertTwo(PixelFormat::kBgra8, bgra, PixelFormat::kBgr8), (Bytes{3, 2, 1, 6, 5, 4}));
}

TEST(Convert, GrayRepeats) {
  const Bytes gray = {7, 200};
  EXPECT_EQ(ConvertTwo(PixelFormat::kGray8, gray, PixelFormat::kBgr8),
            (Bytes{7, 7, 7, 200, 200, 200}));
  EXPECT_EQ(ConvertTwo(PixelFormat::kGray8, gray, PixelFormat::kRgba8),
            (Bytes{7, 7, 7, 255, 200, 200, 200, 255}));
}

// 0.2126 * 255 = 54.213, 0.7152 * 255 = 182.376, 0.0722 * 255 = 18.411, each cut.
TEST(Convert, ColourToGrayIsWeightedAndCut) {
  EXPECT_EQ(ConvertTwo(PixelFormat::kRgb8, {255, 0, 0, 0, 255, 0}, PixelFormat::kGray8),
            (Bytes{54, 182}));
  EXPECT_EQ(ConvertTwo(PixelFormat::kBgra8, {255, 0, 0, 1, 255, 255, 255, 2}, PixelFormat::kGray8),
            (Bytes{18, 255}));
}

TEST(Luma, IsExactForEveryColour) {
  int wrong = 0;
  for (int red = 0; red < 256; ++red) {
    for (int green = 0; green < 256; ++green) {
      for (int blue = 0; blue < 256; ++blue) {
        const int expected = (2126 * red + 7152 * green + 722 * blue) / 10000;
        wrong += Luma(static_cast<uint8_t>(red), static_cast<uint8_t>(green),
                      static_cast<uint8_t>(blue)) != expected;
      }
    }
  }
  EXPECT_EQ(wrong, 0);
}

TEST(Convert, HonoursStrides) {
  // Two rows of two gray pixels, stored bottom up with a byte between them.
  const Bytes source = {30, 40, 99, 10, 20};
  Bytes target(2 * 8, 77);
  ASSERT_TRUE(Convert(ImageView{PixelFormat::kGray8, 2, 2, -3, source.data() + 3},
                      MutableImageView{PixelFormat::kBgr8, 2, 2, 8, target.data()})
                  .ok());
  EXPECT_EQ(target, (Bytes{10, 10, 10, 20, 20, 20, 77, 77, 30, 30, 30, 40, 40, 40, 77, 77}));
}

TEST(Convert, RefusesOtherSizes) {
  uint8_t pixels[64] = {};
  const Status status = Convert(ImageView{PixelFormat::kGray8, 2, 3, 2, pixels},
                                MutableImageView{PixelFormat::kGray8, 3, 2, 3, pixels + 32});
  EXPECT_EQ(status.code(), StatusCode::kSizeMismatch);
  EXPECT_NE(status.message().find("2 by 3"), std::string::npos);
}

}  // namespace
}  // namespace mullion::image
