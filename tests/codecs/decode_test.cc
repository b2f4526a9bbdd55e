// SPDX-License-Identifier: MIT
#include "codecs/decode.h"

#include <gtest/gtest.h>

#include <string>

#include "image/convert.h"
#include "tests/codecs/make_files.h"

namespace mullion::codecs {
namespace {

using image::PixelFormat;

Bytes FromText(std::string_view text) { return Bytes(text.begin(), text.end()); }

TEST(DetectCodec, LooksAtTheContent) {
  const image::Bitmap picture = MakePicture(PixelFormat::kRgba8, 3, 2);
  EXPECT_EQ(DetectCodec(MakeJpeg(MakePicture(PixelFormat::kRgb8, 3, 2).view())), ImageCodec::kJpeg);
  EXPECT_EQ(DetectCodec(MakePng(1, 1, {7}, {})), ImageCodec::kPng);
  EXPECT_EQ(DetectCodec(MakeWebp(picture.view(), true)), ImageCodec::kWebp);
  EXPECT_EQ(DetectCodec(FromText("BM")), ImageCodec::kBmp);
  EXPECT_EQ(DetectCodec(FromText("P1\n1 1 1")), ImageCodec::kPnm);
  EXPECT_EQ(DetectCodec(FromText("P6#")), ImageCodec::kPnm);
  EXPECT_EQ(DetectCodec(FromText("P7\n")), ImageCodec::kUnknown);
  EXPECT_EQ(DetectCodec(FromText("P61")), ImageCodec::kUnknown);
  EXPECT_EQ(DetectCodec(MakeTiff({}, {})), ImageCodec::kTiff);
  EXPECT_EQ(DetectCodec(FromText({"MM\0+", 4})), ImageCodec::kTiff);
  EXPECT_EQ(DetectCodec(FromText("\xff\x4f\xff\x51")), ImageCodec::kJpeg2000);
  EXPECT_EQ(DetectCodec(FromText("RIFF1234WAVE")), ImageCodec::kUnknown);
  EXPECT_EQ(DetectCodec(FromText("\xff\xd8")), ImageCodec::kUnknown);
  EXPECT_EQ(DetectCodec({}), ImageCodec::kUnknown);
}

TEST(DecodeImage, SaysWhatItCannotRead) {
  Result<image::Bitmap> bitmap = DecodeImage({});
  EXPECT_EQ(bitmap.status().message(), "cannot decode the image: the file is empty");
  bitmap = DecodeImage(FromText("hello, world"));
  EXPECT_EQ(bitmap.status().code(), StatusCode::kInvalidArgument);
  bitmap = DecodeImage(FromText("GIF89a..."));
  EXPECT_EQ(bitmap.status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(bitmap.status().message(),
            "cannot decode the image: GIF is not supported; convert it to JPEG, PNG, WebP or BMP");
  bitmap =
      DecodeImage(FromText({"\0\0\0\x1c"
                            "ftypavif....",
                            16}));
  EXPECT_NE(bitmap.status().message().find("AVIF"), std::string::npos);
}

// The file with width and height, at 16 and 20, overwritten, and the header's checksum, at 29, made
// anew over the chunk's name and data (PNG specification, annex D).
Bytes WithPngSize(Bytes png, uint32_t side) {
  const auto write = [&](size_t offset, uint32_t value) {
    for (int i = 0; i < 4; ++i) {
      png[offset + static_cast<size_t>(i)] = static_cast<uint8_t>(value >> (24 - 8 * i));
    }
  };
  write(16, side);
  write(20, side);
  uint32_t crc = 0xffffffff;
  for (size_t i = 12; i < 29; ++i) {
    crc ^= png[i];
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
  }
  write(29, ~crc);
  return png;
}

// Claims a size of 20000 by 20000 in each kind of file, with nothing behind it.
TEST(DecodeImage, RefusesLargePicturesBeforeTakingMemory) {
  const Bytes png = WithPngSize(MakePng(1, 1, {7}, {}), 20000);
  Bytes jpeg = MakeJpeg(MakePicture(PixelFormat::kGray8, 8, 8).view());
  for (size_t i = 0; i + 9 < jpeg.size(); ++i) {
    if (jpeg[i] != 0xff || jpeg[i + 1] != 0xc0) continue;  // SOF0: length 2, bits 1, height, width
    jpeg[i + 5] = jpeg[i + 7] = 0x4e;
    jpeg[i + 6] = jpeg[i + 8] = 0x20;
    break;
  }
  BmpChoices choices;
  choices.width = choices.height = 20000;
  for (const Bytes& file : {png, jpeg, MakeBmp(choices, {})}) {
    const Result<image::Bitmap> bitmap = DecodeImage(file);
    ASSERT_FALSE(bitmap.ok());
    EXPECT_EQ(bitmap.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(bitmap.status().message().find("20000 by 20000 pixels are more than the limit of "
                                             "67108864"),
              std::string::npos)
        << bitmap.status().message();
  }
}

TEST(DecodeImage, TheLimitCountsPixels) {
  const Bytes file = MakeWebp(MakePicture(PixelFormat::kRgba8, 10, 6).view(), true);
  DecodeOptions options;
  options.max_pixels = 60;
  EXPECT_TRUE(DecodeImage(file, options).ok());
  options.max_pixels = 59;
  EXPECT_FALSE(DecodeImage(file, options).ok());
}

// Every codec into every format: the same colours as its own format gives after a conversion.
TEST(DecodeImage, GivesTheFormatThatIsAskedFor) {
  const image::Bitmap rgba = MakePicture(PixelFormat::kRgba8, 6, 5);
  const image::Bitmap rgb = MakePicture(PixelFormat::kRgb8, 6, 5);
  const image::Bitmap gray = MakePicture(PixelFormat::kGray8, 6, 5);
  BmpChoices bmp;
  bmp.width = 4;
  bmp.height = 1;
  PngChoices png_rgba;
  png_rgba.color_type = 6;
  PngChoices png_rgb;
  png_rgb.color_type = 2;
  const Bytes files[] = {MakeJpeg(rgb.view()),
                         MakeJpeg(gray.view()),
                         MakePng(6, 5, PixelsOf(rgba.view()), png_rgba),
                         MakePng(6, 5, PixelsOf(rgb.view()), png_rgb),
                         MakePng(6, 5, PixelsOf(gray.view()), {}),
                         MakeWebp(rgba.view(), true),
                         MakeBmp(bmp, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})};
  for (const Bytes& file : files) {
    const Result<image::Bitmap> natural = DecodeImage(file);
    ASSERT_TRUE(natural.ok()) << natural.status().message();
    for (const PixelFormat format : {PixelFormat::kBgra8, PixelFormat::kRgba8, PixelFormat::kRgb8,
                                     PixelFormat::kBgr8, PixelFormat::kGray8}) {
      DecodeOptions options;
      options.format = format;
      const Result<image::Bitmap> bitmap = DecodeImage(file, options);
      ASSERT_TRUE(bitmap.ok()) << bitmap.status().message();
      EXPECT_EQ(bitmap->format(), format);
      Result<image::Bitmap> expected =
          image::Bitmap::Allocate(format, natural->width(), natural->height());
      ASSERT_TRUE(image::Convert(natural->view(), expected->mutable_view()).ok());
      EXPECT_EQ(PixelsOf(bitmap->view()), PixelsOf(expected->view()))
          << ImageCodecName(DetectCodec(file)) << " to " << image::PixelFormatName(format);
    }
  }
}

TEST(DecodeImage, RefusesAFormatThatIsNone) {
  DecodeOptions options;
  options.format = static_cast<PixelFormat>(99);
  EXPECT_FALSE(DecodeImage(MakePng(1, 1, {7}, {}), options).ok());
}

}  // namespace
}  // namespace mullion::codecs
