// SPDX-License-Identifier: MIT
// TIFF and JPEG 2000; skipped where this build cannot read them.
#include <gtest/gtest.h>

#include "codecs/decode.h"
#include "tests/codecs/make_files.h"

namespace mullion::codecs {
namespace {

using image::PixelFormat;

TiffChoices Sized(uint32_t width, uint32_t height, int samples, int photometric) {
  TiffChoices choices;
  choices.width = width;
  choices.height = height;
  choices.samples = samples;
  choices.photometric = photometric;
  return choices;
}

class Tiff : public testing::Test {
 protected:
  void SetUp() override {
    const Status status = DecodeImage(MakeTiff(Sized(1, 1, 1, 1), {7})).status();
    if (status.code() == StatusCode::kUnsupported) GTEST_SKIP() << status.message();
  }
  static void ExpectPixels(const Bytes& file, PixelFormat format, const Bytes& pixels) {
    const Result<image::Bitmap> bitmap = DecodeImage(file);
    ASSERT_TRUE(bitmap.ok()) << bitmap.status().message();
    EXPECT_EQ(bitmap->format(), format);
    EXPECT_EQ(PixelsOf(bitmap->view()), pixels);
  }
};

TEST_F(Tiff, ReadsGrayAndColour) {
  ExpectPixels(MakeTiff(Sized(2, 2, 1, 1), {1, 2, 3, 255}), PixelFormat::kGray8, {1, 2, 3, 255});
  ExpectPixels(MakeTiff(Sized(2, 2, 1, 0), {1, 2, 3, 255}), PixelFormat::kGray8,
               {254, 253, 252, 0});
  ExpectPixels(MakeTiff(Sized(2, 1, 3, 2), {1, 2, 3, 4, 5, 6}), PixelFormat::kRgb8,
               {1, 2, 3, 4, 5, 6});
  TiffChoices palette = Sized(2, 1, 1, 3);
  palette.palette.assign(256 * 6, 0);
  palette.palette[2 * 7 + 1] = 200;  // red of colour 7
  palette.palette[2 * (512 + 9) + 1] = 100;
  ExpectPixels(MakeTiff(palette, {7, 9}), PixelFormat::kRgb8, {200, 0, 0, 0, 0, 100});
}

TEST_F(Tiff, KeepsAlphaStraight) {
  TiffChoices choices = Sized(2, 1, 4, 2);
  choices.extra_sample = 2;
  ExpectPixels(MakeTiff(choices, {200, 100, 50, 100, 9, 8, 7, 0}), PixelFormat::kRgba8,
               {200, 100, 50, 100, 9, 8, 7, 0});
  choices.extra_sample = 1;
  ExpectPixels(MakeTiff(choices, {80, 40, 20, 102, 0, 0, 0, 0}), PixelFormat::kRgba8,
               {200, 100, 50, 102, 0, 0, 0, 0});
}

TEST_F(Tiff, RefusesWhatIsDamaged) {
  Result<image::Bitmap> bitmap = DecodeImage(MakeTiff(Sized(2, 2, 1, 1), {1, 2, 3}));
  ASSERT_FALSE(bitmap.ok());
  EXPECT_EQ(bitmap.status().code(), StatusCode::kInvalidArgument) << bitmap.status().message();
  bitmap = DecodeImage(MakeTiff(Sized(0, 2, 1, 1), {}));
  EXPECT_EQ(bitmap.status().code(), StatusCode::kInvalidArgument);
  bitmap = DecodeImage(MakeTiff(Sized(20000, 20000, 1, 1), {1}));
  EXPECT_NE(bitmap.status().message().find("more than the limit"), std::string::npos);
  TiffChoices choices = Sized(1, 1, 1, 1);
  choices.compression = 12345;
  EXPECT_FALSE(DecodeImage(MakeTiff(choices, {1})).ok());
}

TEST(Jpeg2000, GivesLosslessPicturesBack) {
  for (const PixelFormat format : {PixelFormat::kGray8, PixelFormat::kRgb8, PixelFormat::kRgba8}) {
    for (const bool bare : {false, true}) {
      const image::Bitmap picture = MakePicture(format, 13, 9);
      const Bytes file = MakeJpeg2000(picture.view(), bare);
      const Result<image::Bitmap> bitmap = DecodeImage(file);
      if (file.empty() || bitmap.status().code() == StatusCode::kUnsupported) {
        GTEST_SKIP() << "built without OpenJPEG";
      }
      ASSERT_TRUE(bitmap.ok()) << bitmap.status().message();
      EXPECT_EQ(DetectCodec(file), ImageCodec::kJpeg2000);
      EXPECT_EQ(bitmap->format(), format);
      EXPECT_EQ(PixelsOf(bitmap->view()), PixelsOf(picture.view()));
      DecodeOptions options;
      options.max_pixels = 13 * 9 - 1;
      EXPECT_EQ(DecodeImage(file, options).status().code(), StatusCode::kInvalidArgument);
    }
  }
}

}  // namespace
}  // namespace mullion::codecs
