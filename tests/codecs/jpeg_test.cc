// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdlib>

#include "codecs/decode.h"
#include "codecs/exif_orientation.h"
#include "tests/codecs/make_files.h"

namespace mullion::codecs {
namespace {

using image::PixelFormat;

// At quality 100 and full-size colours only rounding is lost.
void ExpectNear(const image::Bitmap& actual, const image::ImageView& expected, int tolerance) {
  ASSERT_EQ(actual.width(), expected.width);
  ASSERT_EQ(actual.height(), expected.height);
  ASSERT_EQ(actual.format(), expected.format);
  const Bytes a = PixelsOf(actual.view());
  const Bytes b = PixelsOf(expected);
  for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], tolerance) << "byte " << i;
}

TEST(Jpeg, DecodesColourAndGray) {
  for (const bool progressive : {false, true}) {
    JpegChoices choices;
    choices.progressive = progressive;
    for (const PixelFormat format : {PixelFormat::kRgb8, PixelFormat::kGray8}) {
      const image::Bitmap picture = MakePicture(format, 21, 13);
      const Result<image::Bitmap> bitmap = DecodeImage(MakeJpeg(picture.view(), choices));
      ASSERT_TRUE(bitmap.ok()) << bitmap.status().message();
      ExpectNear(*bitmap, picture.view(), 4);
    }
  }
}

// libjpeg writes an Adobe marker for CMYK, which means that the inks are inverted:
// R = C * K / 255 in the bytes of the file.
TEST(Jpeg, DecodesFourInks) {
  Result<image::Bitmap> inks = image::Bitmap::Allocate(PixelFormat::kRgba8, 8, 8);
  for (int64_t i = 0; i < 8 * 8; ++i) {
    const uint8_t pixel[] = {255, 128, 0, 200};
    std::copy(std::begin(pixel), std::end(pixel), inks->mutable_view().pixels + 4 * i);
  }
  JpegChoices choices;
  choices.four_inks = true;
  for (const PixelFormat format : {PixelFormat::kRgb8, PixelFormat::kBgra8}) {
    DecodeOptions options;
    options.format = format;
    const Result<image::Bitmap> bitmap = DecodeImage(MakeJpeg(inks->view(), choices), options);
    ASSERT_TRUE(bitmap.ok()) << bitmap.status().message();
    const image::PixelLayout at = image::LayoutOf(format);
    const uint8_t* const last = bitmap->view().row(7) + 7 * at.bytes;
    EXPECT_NEAR(last[at.red], 200, 3);
    EXPECT_NEAR(last[at.green], 100, 3);
    EXPECT_NEAR(last[at.blue], 0, 3);
    if (at.alpha >= 0) {
      EXPECT_EQ(last[at.alpha], 255);
    }
  }
}

// Four gray quarters, as they are to be seen: 1 2 / 3 4. For each orientation, how they must be
// stored, from the meaning of the tag: which visual side row 0 and column 0 are.
TEST(Jpeg, FollowsTheOrientation) {
  struct Case {
    int orientation;
    int stored[4];
  };
  const Case cases[] = {
      {1, {1, 2, 3, 4}},  // row 0 top, column 0 left
      {2, {2, 1, 4, 3}},  // top, right
      {3, {4, 3, 2, 1}},  // bottom, right
      {4, {3, 4, 1, 2}},  // bottom, left
      {5, {1, 3, 2, 4}},  // left, top
      {6, {2, 4, 1, 3}},  // right, top
      {7, {4, 2, 3, 1}},  // right, bottom
      {8, {3, 1, 4, 2}},  // left, bottom
      {9, {1, 2, 3, 4}},  // no such orientation
  };
  for (const bool big_endian : {false, true}) {
    for (const Case& test : cases) {
      // Wider than high when seen, so a missing turn shows in the size.
      const bool turned = test.orientation >= 5 && test.orientation <= 8;
      const int64_t width = turned ? 16 : 32;
      const int64_t height = turned ? 32 : 16;
      Result<image::Bitmap> stored = image::Bitmap::Allocate(PixelFormat::kGray8, width, height);
      for (int64_t y = 0; y < height; ++y) {
        for (int64_t x = 0; x < width; ++x) {
          const int quarter = (y >= height / 2 ? 2 : 0) + (x >= width / 2 ? 1 : 0);
          stored->mutable_view().row(y)[x] = static_cast<uint8_t>(test.stored[quarter] * 50);
        }
      }
      JpegChoices choices;
      choices.exif = MakeExif(test.orientation, big_endian);
      const Bytes file = MakeJpeg(stored->view(), choices);
      const Result<image::Bitmap> seen = DecodeImage(file);
      ASSERT_TRUE(seen.ok()) << seen.status().message();
      ASSERT_EQ(seen->width(), 32) << "orientation " << test.orientation;
      ASSERT_EQ(seen->height(), 16);
      const image::ImageView view = seen->view();
      EXPECT_NEAR(view.row(2)[2], 50, 3) << "orientation " << test.orientation;
      EXPECT_NEAR(view.row(2)[29], 100, 3) << "orientation " << test.orientation;
      EXPECT_NEAR(view.row(13)[2], 150, 3) << "orientation " << test.orientation;
      EXPECT_NEAR(view.row(13)[29], 200, 3) << "orientation " << test.orientation;

      DecodeOptions as_stored;
      as_stored.apply_orientation = false;
      const Result<image::Bitmap> raw = DecodeImage(file, as_stored);
      ASSERT_TRUE(raw.ok());
      ExpectNear(*raw, stored->view(), 3);
    }
  }
}

TEST(Jpeg, TurnsColouredPicturesInEveryFormat) {
  const image::Bitmap picture = MakePicture(PixelFormat::kRgb8, 5, 3);
  JpegChoices choices;
  choices.exif = MakeExif(6, true);
  const Bytes file = MakeJpeg(picture.view(), choices);
  for (const PixelFormat format : {PixelFormat::kRgb8, PixelFormat::kBgra8, PixelFormat::kGray8}) {
    DecodeOptions options;
    options.format = format;
    const Result<image::Bitmap> seen = DecodeImage(file, options);
    options.apply_orientation = false;
    const Result<image::Bitmap> stored = DecodeImage(file, options);
    ASSERT_TRUE(seen.ok() && stored.ok());
    ASSERT_EQ(seen->width(), 3);
    ASSERT_EQ(seen->height(), 5);
    const int bytes = image::BytesPerPixel(format);
    for (int64_t y = 0; y < 3; ++y) {
      for (int64_t x = 0; x < 5; ++x) {
        for (int c = 0; c < bytes; ++c) {
          EXPECT_EQ(seen->view().row(x)[(2 - y) * bytes + c], stored->view().row(y)[x * bytes + c]);
        }
      }
    }
  }
}

TEST(ExifOrientation, NonsenseIsUpright) {
  EXPECT_EQ(ReadExifOrientation(MakeExif(6, true)), Orientation::kRightTop);
  EXPECT_EQ(ReadExifOrientation({}), Orientation::kTopLeft);
  Bytes tiff = MakeExif(6, false);
  tiff[4] = 0xff;  // the directory is outside
  tiff[7] = 0xff;
  EXPECT_EQ(ReadExifOrientation(tiff), Orientation::kTopLeft);
  tiff = MakeExif(6, false);
  tiff[2] = 43;
  EXPECT_EQ(ReadExifOrientation(tiff), Orientation::kTopLeft);
  tiff = MakeExif(6, false);
  tiff[8] = tiff[9] = 0xff;  // 65535 entries, most of them outside: those before count
  EXPECT_EQ(ReadExifOrientation(tiff), Orientation::kRightTop);
  for (size_t length = 0; length < tiff.size(); ++length) {
    (void)ReadExifOrientation(std::span(tiff).first(length));  // the sanitizer looks on
  }
}

// A comment and garbage after the end do no harm.
TEST(Jpeg, TakesBytesAfterTheEnd) {
  const image::Bitmap picture = MakePicture(PixelFormat::kGray8, 9, 9);
  Bytes file = MakeJpeg(picture.view());
  file.insert(file.end(), 100, 0x5a);
  EXPECT_TRUE(DecodeImage(file).ok());
}

// A progressive file whose first scan is there two hundred times.
TEST(Jpeg, RefusesEndlessScans) {
  const image::Bitmap picture = MakePicture(PixelFormat::kGray8, 16, 16);
  JpegChoices choices;
  choices.progressive = true;
  Bytes file = MakeJpeg(picture.view(), choices);
  // A scan begins with the marker FF DA and ends before the next FF that no zero follows.
  size_t begin = 2;
  while (begin + 1 < file.size() && (file[begin] != 0xff || file[begin + 1] != 0xda)) ++begin;
  size_t end = begin + 2;
  while (end + 1 < file.size() && (file[end] != 0xff || file[end + 1] == 0)) ++end;
  ASSERT_LT(end + 1, file.size());
  const Bytes scan(file.begin() + static_cast<ptrdiff_t>(begin),
                   file.begin() + static_cast<ptrdiff_t>(end));
  Bytes scans;
  for (int i = 0; i < 200; ++i) scans.insert(scans.end(), scan.begin(), scan.end());
  file.insert(file.begin() + static_cast<ptrdiff_t>(end), scans.begin(), scans.end());
  const Result<image::Bitmap> bitmap = DecodeImage(file);
  ASSERT_FALSE(bitmap.ok());
  EXPECT_EQ(bitmap.status().message(),
            "cannot decode the JPEG image: the file is damaged: more than 100 scans");
}

}  // namespace
}  // namespace mullion::codecs
