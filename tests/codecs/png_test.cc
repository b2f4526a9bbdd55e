// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <png.h>

#include <string>

#include "codecs/decode.h"
#include "codecs/png_encode.h"
#include "tests/codecs/expect_decoded.h"
#include "tests/codecs/make_files.h"

namespace mullion::codecs {
namespace {

using image::PixelFormat;

// Gray of fewer than 8 bits is spread over 0 to 255: v * 255 / (2^bits - 1).
TEST(Png, GrayOfEveryDepth) {
  PngChoices choices;
  choices.bits = 1;
  ExpectPixels(MakePng(3, 2, {0b10100000, 0b01000000}, choices), PixelFormat::kGray8,
               {255, 0, 255, 0, 255, 0});
  choices.bits = 2;
  ExpectPixels(MakePng(4, 1, {0b00011011}, choices), PixelFormat::kGray8, {0, 85, 170, 255});
  choices.bits = 4;
  ExpectPixels(MakePng(3, 1, {0x0f, 0x30}, choices), PixelFormat::kGray8, {0, 255, 51});
  choices.bits = 8;
  ExpectPixels(MakePng(3, 1, {1, 2, 3}, choices), PixelFormat::kGray8, {1, 2, 3});
  // 16 bits are scaled, v * 255 / 65535 to nearest, not cut: 0x00ff is 0.99.
  choices.bits = 16;
  ExpectPixels(MakePng(3, 1, {0x00, 0xff, 0x80, 0x80, 0xff, 0xff}, choices), PixelFormat::kGray8,
               {1, 128, 255});
}

TEST(Png, PaletteOfEveryDepth) {
  PngChoices choices;
  choices.color_type = PNG_COLOR_TYPE_PALETTE;
  choices.palette = {1, 2, 3, 40, 50, 60};
  choices.bits = 1;
  ExpectPixels(MakePng(2, 1, {0b01000000}, choices), PixelFormat::kRgb8, {1, 2, 3, 40, 50, 60});
  choices.bits = 2;
  ExpectPixels(MakePng(2, 1, {0b01000000}, choices), PixelFormat::kRgb8, {40, 50, 60, 1, 2, 3});
  choices.bits = 4;
  ExpectPixels(MakePng(2, 1, {0x10}, choices), PixelFormat::kRgb8, {40, 50, 60, 1, 2, 3});
  choices.bits = 8;
  choices.palette_alpha = {128};
  ExpectPixels(MakePng(2, 1, {0, 1}, choices), PixelFormat::kRgba8,
               {1, 2, 3, 128, 40, 50, 60, 255});
}

TEST(Png, ColourAndAlpha) {
  PngChoices choices;
  choices.color_type = PNG_COLOR_TYPE_RGB;
  ExpectPixels(MakePng(2, 1, {1, 2, 3, 4, 5, 6}, choices), PixelFormat::kRgb8, {1, 2, 3, 4, 5, 6});
  choices.bits = 16;
  ExpectPixels(MakePng(1, 1, {1, 1, 2, 2, 3, 3}, choices), PixelFormat::kRgb8, {1, 2, 3});
  choices.color_type = PNG_COLOR_TYPE_RGB_ALPHA;
  ExpectPixels(MakePng(1, 1, {1, 1, 2, 2, 3, 3, 9, 9}, choices), PixelFormat::kRgba8, {1, 2, 3, 9});
  choices.bits = 8;
  ExpectPixels(MakePng(1, 1, {1, 2, 3, 0}, choices), PixelFormat::kRgba8, {1, 2, 3, 0});
  choices.color_type = PNG_COLOR_TYPE_GRAY_ALPHA;
  ExpectPixels(MakePng(2, 1, {7, 9, 8, 255}, choices), PixelFormat::kRgba8,
               {7, 7, 7, 9, 8, 8, 8, 255});
}

TEST(Png, TransparentGray) {
  PngChoices choices;
  choices.transparent_gray = 8;
  ExpectPixels(MakePng(2, 1, {7, 8}, choices), PixelFormat::kRgba8, {7, 7, 7, 255, 8, 8, 8, 0});
}

TEST(Png, Interlaced) {
  for (const PixelFormat format : {PixelFormat::kGray8, PixelFormat::kRgb8, PixelFormat::kRgba8}) {
    const image::Bitmap picture = MakePicture(format, 13, 11);
    PngChoices choices;
    choices.interlaced = true;
    choices.color_type = format == PixelFormat::kGray8  ? PNG_COLOR_TYPE_GRAY
                         : format == PixelFormat::kRgb8 ? PNG_COLOR_TYPE_RGB
                                                        : PNG_COLOR_TYPE_RGB_ALPHA;
    const Bytes pixels = PixelsOf(picture.view());
    ExpectPixels(MakePng(13, 11, pixels, choices), format, pixels);
  }
}

TEST(Png, StepsOverTexts) {
  PngChoices choices;
  const std::string text(1 << 20, 'x');
  choices.text = text;
  ExpectPixels(MakePng(1, 1, {7}, choices), PixelFormat::kGray8, {7});
}

TEST(Png, WhatIsEncodedComesBack) {
  for (const PixelFormat format : {PixelFormat::kBgra8, PixelFormat::kRgba8, PixelFormat::kRgb8,
                                   PixelFormat::kBgr8, PixelFormat::kGray8}) {
    const image::Bitmap picture = MakePicture(format, 17, 9);
    const Result<Bytes> file = EncodePng(picture.view());
    ASSERT_TRUE(file.ok()) << file.status().message();
    DecodeOptions options;
    options.format = format;
    const Result<image::Bitmap> bitmap = DecodeImage(*file, options);
    ASSERT_TRUE(bitmap.ok()) << bitmap.status().message();
    EXPECT_EQ(PixelsOf(bitmap->view()), PixelsOf(picture.view())) << image::PixelFormatName(format);
  }
}

TEST(Png, EncodesPartsOfPictures) {
  const image::Bitmap picture = MakePicture(PixelFormat::kRgb8, 8, 8);
  const Result<image::ImageView> part = image::Crop(picture.view(), {2, 3, 4, 2});
  const Result<Bytes> file = EncodePng(*part);
  ASSERT_TRUE(file.ok());
  ExpectPixels(*file, PixelFormat::kRgb8, PixelsOf(*part));
}

TEST(Png, EncodingNothingIsAnError) {
  EXPECT_EQ(EncodePng({}).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mullion::codecs
