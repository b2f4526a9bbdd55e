// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "codecs/decode.h"
#include "tests/codecs/make_files.h"

namespace mullion::codecs {
namespace {

using image::PixelFormat;

TEST(Webp, LosslessWithAlpha) {
  // Smaller than the size at which a channel comes round to 0: the encoder forgets the colours of
  // pixels that cannot be seen.
  const image::Bitmap picture = MakePicture(PixelFormat::kRgba8, 7, 5);
  const Result<image::Bitmap> bitmap = DecodeImage(MakeWebp(picture.view(), true));
  ASSERT_TRUE(bitmap.ok()) << bitmap.status().message();
  EXPECT_EQ(bitmap->format(), PixelFormat::kRgba8);
  EXPECT_EQ(bitmap->width(), 7);
  EXPECT_EQ(bitmap->height(), 5);
  EXPECT_EQ(PixelsOf(bitmap->view()), PixelsOf(picture.view()));
}

TEST(Webp, OpaqueIsWithoutAlpha) {
  image::Bitmap picture = MakePicture(PixelFormat::kRgba8, 16, 8);
  for (int64_t i = 0; i < 16 * 8; ++i) picture.mutable_view().pixels[4 * i + 3] = 255;
  Result<image::Bitmap> bitmap = DecodeImage(MakeWebp(picture.view(), true));
  ASSERT_TRUE(bitmap.ok()) << bitmap.status().message();
  EXPECT_EQ(bitmap->format(), PixelFormat::kRgb8);

  bitmap = DecodeImage(MakeWebp(picture.view(), false));
  ASSERT_TRUE(bitmap.ok()) << bitmap.status().message();
  ASSERT_EQ(bitmap->format(), PixelFormat::kRgb8);
  for (int64_t y = 0; y < 8; ++y) {
    for (int64_t x = 0; x < 16; ++x) {
      for (int c = 0; c < 3; ++c) {
        ASSERT_NEAR(bitmap->view().row(y)[3 * x + c], picture.view().row(y)[4 * x + c], 16);
      }
    }
  }
}

// An extended header (VP8X) whose flags say animation, with an empty frame behind it.
TEST(Webp, AnimationsAreNamed) {
  const uint8_t file[] = {'R', 'I', 'F', 'F', 22, 0, 0, 0, 'W', 'E', 'B', 'P', 'V', 'P', '8',
                          'X', 10,  0,   0,   0,  2, 0, 0, 0,   7,   0,   0,   7,   0,   0};
  const Result<image::Bitmap> bitmap = DecodeImage(file);
  ASSERT_FALSE(bitmap.ok());
  EXPECT_EQ(bitmap.status().code(), StatusCode::kUnsupported) << bitmap.status().message();
  EXPECT_NE(bitmap.status().message().find("animation"), std::string::npos);
}

}  // namespace
}  // namespace mullion::codecs
