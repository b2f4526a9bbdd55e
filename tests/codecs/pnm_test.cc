// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "codecs/decode.h"
#include "tests/codecs/expect_decoded.h"
#include "tests/codecs/make_files.h"

namespace mullion::codecs {
namespace {

using image::PixelFormat;

void ExpectPixels(const Bytes& file, PixelFormat format, int64_t width, const Bytes& pixels) {
  const Result<image::Bitmap> bitmap = DecodeImage(file);
  ASSERT_TRUE(bitmap.ok()) << bitmap.status().message();
  EXPECT_EQ(bitmap->format(), format);
  EXPECT_EQ(bitmap->width(), width);
  EXPECT_EQ(PixelsOf(bitmap->view()), pixels);
}

TEST(Pnm, OneIsBlackInBitmaps) {
  ExpectPixels(MakePnm("P1\n3 2\n10 1\n001", {}), PixelFormat::kGray8, 3, {0, 255, 0, 255, 255, 0});
  ExpectPixels(MakePnm("P4 9 2\n", {0x80, 0x80, 0x7f, 0}), PixelFormat::kGray8, 9,
               {0, 255, 255, 255, 255, 255, 255, 255, 0, 255, 0, 0, 0, 0, 0, 0, 0, 255});
}

TEST(Pnm, ReadsGraymaps) {
  ExpectPixels(MakePnm("P2 # a comment\n2 #another\n2 255 0 1\r\n254\t255", {}),
               PixelFormat::kGray8, 2, {0, 1, 254, 255});
  ExpectPixels(MakePnm("P5 2 1 255\n", {10, 35}), PixelFormat::kGray8, 2, {10, 35});
}

TEST(Pnm, ReadsPixmaps) {
  ExpectPixels(MakePnm("P3 1 2 255 1 2 3 4 5 6", {}), PixelFormat::kRgb8, 1, {1, 2, 3, 4, 5, 6});
  ExpectPixels(MakePnm("P6\n1 2\n255\n", {1, 2, 3, 4, 5, 6}), PixelFormat::kRgb8, 1,
               {1, 2, 3, 4, 5, 6});
}

TEST(Pnm, ScalesSamplesToEightBits) {
  ExpectPixels(MakePnm("P5 4 1 3\n", {0, 1, 2, 3}), PixelFormat::kGray8, 4, {0, 85, 170, 255});
  ExpectPixels(MakePnm("P5 3 1 65535\n", {0, 0, 0x80, 0x80, 0xff, 0xff}), PixelFormat::kGray8, 3,
               {0, 128, 255});
}

TEST(Pnm, RefusesWhatIsDamaged) {
  ExpectDamaged(MakePnm("P5 2", {}), "a number is missing");
  ExpectDamaged(MakePnm("P5 2 x 3", {}), "a number is missing");
  ExpectDamaged(MakePnm("P5 2 2 0\n", {}), "its greatest sample is 0");
  ExpectDamaged(MakePnm("P5 2 2 65536\n", {}), "its greatest sample is 65536");
  ExpectDamaged(MakePnm("P5 2 2 255", {}), "its header does not end");
  ExpectDamaged(MakePnm("P5 2 2 255\n", {1, 2, 3}), "it ends within its pixels");
  ExpectDamaged(MakePnm("P4 9 1\n", {1}), "it ends within its pixels");
  ExpectDamaged(MakePnm("P5 2 1 7\n", {7, 8}), "a sample is greater than its header allows");
  ExpectDamaged(MakePnm("P2 2 1 7 7 8", {}), "a sample is greater than its header allows");
  ExpectDamaged(MakePnm("P1 2 1 02", {}), "a bit is missing");
  const Result<image::Bitmap> large = DecodeImage(MakePnm("P5 99999999999999999999 1 255\n", {}));
  EXPECT_FALSE(large.ok());
}

}  // namespace
}  // namespace mullion::codecs
