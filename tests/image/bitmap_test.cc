// SPDX-License-Identifier: MIT
#include "image/bitmap.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace mullion::image {
namespace {

TEST(Bitmap, RowsArePacked) {
  const Result<Bitmap> bitmap = Bitmap::Allocate(PixelFormat::kRgb8, 5, 3);
  ASSERT_TRUE(bitmap.ok());
  EXPECT_EQ(bitmap->view().row_stride, 15);
  EXPECT_EQ(bitmap->width(), 5);
  EXPECT_EQ(bitmap->height(), 3);
  EXPECT_EQ(bitmap->format(), PixelFormat::kRgb8);
}

TEST(Bitmap, RefusesSizesWithoutPixelsAndBeyondBounds) {
  const int64_t bad[][2] = {{0, 4},
                            {4, 0},
                            {-1, 4},
                            {kMaxImageSide + 1, 1},
                            {INT64_MAX, INT64_MAX},
                            {INT64_MIN, 2},
                            {kMaxImageSide, kMaxImageSide}};
  for (const auto& [width, height] : bad) {
    const Result<Bitmap> bitmap = Bitmap::Allocate(PixelFormat::kBgra8, width, height);
    ASSERT_FALSE(bitmap.ok()) << width << " by " << height;
    EXPECT_EQ(bitmap.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(bitmap.status().message().find(std::to_string(width)), std::string::npos);
  }
}

TEST(CheckImage, RefusesWhatCannotBeRead) {
  uint8_t pixels[64] = {};
  const ImageView good{PixelFormat::kBgra8, 4, 2, 16, pixels};
  EXPECT_TRUE(CheckImage("it", good).ok());

  ImageView bad = good;
  bad.row_stride = 15;
  EXPECT_EQ(CheckImage("the image", bad).message(),
            "the image has a row stride of 15 bytes: a row of 4 BGRA8 pixels needs 16");
  bad.row_stride = PTRDIFF_MAX;
  EXPECT_FALSE(CheckImage("it", bad).ok());
  bad.row_stride = PTRDIFF_MIN;
  EXPECT_FALSE(CheckImage("it", bad).ok());
  bad = good;
  bad.pixels = nullptr;
  EXPECT_FALSE(CheckImage("it", bad).ok());
  bad = good;
  bad.format = static_cast<PixelFormat>(77);
  EXPECT_FALSE(CheckImage("it", bad).ok());
}

TEST(CheckImage, TakesBottomUpRowsAndASingleRowWithoutStride) {
  uint8_t pixels[64] = {};
  EXPECT_TRUE(CheckImage("it", ImageView{PixelFormat::kGray8, 8, 4, -8, pixels + 24}).ok());
  EXPECT_TRUE(CheckImage("it", ImageView{PixelFormat::kGray8, 8, 1, 0, pixels}).ok());
}

TEST(Crop, SharesPixels) {
  uint8_t pixels[4 * 6] = {};
  const ImageView image{PixelFormat::kRgb8, 2, 4, 6, pixels};
  const Result<ImageView> part = Crop(image, {1, 2, 1, 2});
  ASSERT_TRUE(part.ok());
  EXPECT_EQ(part->pixels, pixels + 2 * 6 + 3);
  EXPECT_EQ(part->width, 1);
  EXPECT_EQ(part->height, 2);
  EXPECT_EQ(part->row_stride, 6);
}

TEST(Crop, RefusesBoundsOutsideOrEmpty) {
  uint8_t pixels[16] = {};
  const ImageView image{PixelFormat::kGray8, 4, 4, 4, pixels};
  const Rect bad[] = {{0, 0, 5, 1},         {1, 0, 4, 1},         {0, 4, 1, 1},
                      {-1, 0, 2, 2},        {0, 0, 0, 1},         {0, 0, 1, -1},
                      {INT64_MAX, 0, 2, 1}, {0, 0, INT64_MAX, 1}, {0, INT64_MIN, 1, INT64_MAX}};
  for (const Rect& rect : bad) {
    EXPECT_FALSE(Crop(image, rect).ok()) << rect.left << " " << rect.top;
  }
  EXPECT_TRUE(Crop(image, {0, 0, 4, 4}).ok());
  EXPECT_TRUE(Crop(image, {3, 3, 1, 1}).ok());
}

}  // namespace
}  // namespace mullion::image
