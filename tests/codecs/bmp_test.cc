// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "codecs/decode.h"
#include "tests/codecs/expect_decoded.h"
#include "tests/codecs/make_files.h"

namespace mullion::codecs {
namespace {

using image::PixelFormat;

constexpr uint32_t kRle8 = 1;
constexpr uint32_t kRle4 = 2;
constexpr uint32_t kBitFields = 3;
constexpr uint32_t kAlphaBitFields = 6;

BmpChoices Sized(int32_t width, int32_t height, int bits) {
  BmpChoices choices;
  choices.width = width;
  choices.height = height;
  choices.bits = bits;
  return choices;
}

TEST(Bmp, RowsAreBottomUpUnlessTheHeightIsNegative) {
  // One pixel a row, padded to four bytes.
  const Bytes rows = {1, 2, 3, 0, 4, 5, 6, 0};
  ExpectPixels(MakeBmp(Sized(1, 2, 24), rows), PixelFormat::kBgr8, {4, 5, 6, 1, 2, 3});
  ExpectPixels(MakeBmp(Sized(1, -2, 24), rows), PixelFormat::kBgr8, {1, 2, 3, 4, 5, 6});
}

TEST(Bmp, Palettes) {
  BmpChoices choices = Sized(10, 1, 1);
  choices.palette = {0, 0, 0, 0, 10, 20, 30, 0};
  ExpectPixels(MakeBmp(choices, {0b01000000, 0b01000000, 0, 0}), PixelFormat::kBgr8,
               {0, 0, 0, 10, 20, 30, 0, 0, 0, 0, 0, 0, 0,  0,  0,
                0, 0, 0, 0,  0,  0,  0, 0, 0, 0, 0, 0, 10, 20, 30});
  choices = Sized(3, 1, 4);
  choices.colors_used = 3;
  choices.palette = {1, 1, 1, 0, 2, 2, 2, 0, 3, 3, 3, 0};
  ExpectPixels(MakeBmp(choices, {0x01, 0x20, 0, 0}), PixelFormat::kBgr8,
               {1, 1, 1, 2, 2, 2, 3, 3, 3});
  choices.bits = 8;
  ExpectPixels(MakeBmp(choices, {2, 1, 0, 0}), PixelFormat::kBgr8, {3, 3, 3, 2, 2, 2, 1, 1, 1});
  ExpectDamaged(MakeBmp(choices, {2, 3, 0, 0}), "a pixel has colour 3 of 3");
}

TEST(Bmp, Os2HeadersHavePalettesOfThreeBytes) {
  BmpChoices choices = Sized(2, 1, 1);
  choices.header_bytes = 12;
  choices.palette = {1, 2, 3, 4, 5, 6};
  ExpectPixels(MakeBmp(choices, {0b01000000, 0, 0, 0}), PixelFormat::kBgr8, {1, 2, 3, 4, 5, 6});
}

// Five bits spread over 0 to 255: 31 is 255, 16 is 131.6, 1 is 8.2.
TEST(Bmp, SixteenBits) {
  Bytes pixels;
  Append16(pixels, 31 << 10 | 16 << 5 | 1);
  Append16(pixels, 0x8000);  // the unused bit
  ExpectPixels(MakeBmp(Sized(2, 1, 16), pixels), PixelFormat::kBgr8, {8, 132, 255, 0, 0, 0});

  BmpChoices choices = Sized(2, 1, 16);
  choices.compression = kBitFields;
  choices.masks = {0xf800, 0x07e0, 0x001f};
  pixels.clear();
  Append16(pixels, 31 << 11 | 32 << 5);  // 32 of 63 is 129.5
  Append16(pixels, 31);
  ExpectPixels(MakeBmp(choices, pixels), PixelFormat::kBgr8, {0, 130, 255, 255, 0, 0});
}

TEST(Bmp, ThirtyTwoBits) {
  // Without masks the fourth byte is no alpha.
  ExpectPixels(MakeBmp(Sized(1, 1, 32), {1, 2, 3, 0}), PixelFormat::kBgr8, {1, 2, 3});
  // Masks of another order.
  BmpChoices choices = Sized(1, 1, 32);
  choices.compression = kBitFields;
  choices.masks = {0x000000ff, 0x0000ff00, 0x00ff0000};
  ExpectPixels(MakeBmp(choices, {1, 2, 3, 4}), PixelFormat::kBgr8, {3, 2, 1});
  // Alpha, in the header of version 5 and by the fourth mask.
  choices.masks = {0x00ff0000, 0x0000ff00, 0x000000ff, 0xff000000};
  choices.header_bytes = 124;
  ExpectPixels(MakeBmp(choices, {1, 2, 3, 4}), PixelFormat::kBgra8, {1, 2, 3, 4});
  choices.header_bytes = 40;
  choices.compression = kAlphaBitFields;
  ExpectPixels(MakeBmp(choices, {1, 2, 3, 4}), PixelFormat::kBgra8, {1, 2, 3, 4});
  // Ten bits a channel lose the two low ones.
  choices.compression = kBitFields;
  choices.masks = {0x3ff00000, 0x000ffc00, 0x000003ff};
  Bytes pixels;
  Append32(pixels, 1023u << 20 | 512 << 10 | 7);
  ExpectPixels(MakeBmp(choices, pixels), PixelFormat::kBgr8, {1, 128, 255});
}

TEST(Bmp, RefusesMasksThatMakeNoSense) {
  BmpChoices choices = Sized(1, 1, 32);
  choices.compression = kBitFields;
  choices.masks = {0x0ff00000, 0x00ff0000, 0x000000ff};  // overlap
  ExpectDamaged(MakeBmp(choices, {1, 2, 3, 4}), "masks");
  choices.masks = {0x00f0f000, 0x00000f00, 0x000000ff};  // a hole
  ExpectDamaged(MakeBmp(choices, {1, 2, 3, 4}), "masks");
}

BmpChoices Runs(int32_t width, int32_t height, int bits) {
  BmpChoices choices = Sized(width, height, bits);
  choices.compression = bits == 8 ? kRle8 : kRle4;
  choices.colors_used = 4;
  choices.palette = {0, 0, 0, 0, 1, 1, 1, 0, 2, 2, 2, 0, 3, 3, 3, 0};
  return choices;
}

// Gray values of a decoded file with the palette of Runs.
Bytes Indices(const Bytes& file) {
  DecodeOptions options;
  options.format = PixelFormat::kGray8;
  const Result<image::Bitmap> bitmap = DecodeImage(file, options);
  EXPECT_TRUE(bitmap.ok()) << bitmap.status().message();
  return bitmap.ok() ? PixelsOf(bitmap->view()) : Bytes{};
}

TEST(Bmp, RunsOfBytes) {
  // Bottom row: two 1, then three as they are. Next row: a step of 2, one 3. End.
  EXPECT_EQ(Indices(MakeBmp(Runs(5, 2, 8), {2, 1, 0, 3, 2, 3, 2, 0, 0, 0, 0, 2, 2, 0, 1, 3, 0, 1})),
            (Bytes{0, 0, 3, 0, 0, 1, 1, 2, 3, 2}));
}

TEST(Bmp, RunsOfHalfBytes) {
  // Five pixels 1 2 1 2 1; then three as they are: 3 0 3, in two bytes.
  EXPECT_EQ(Indices(MakeBmp(Runs(8, 1, 4), {5, 0x12, 0, 3, 0x30, 0x30, 0, 1})),
            (Bytes{1, 2, 1, 2, 1, 3, 0, 3}));
}

TEST(Bmp, RunsMayEndWithAFullPicture) {
  EXPECT_EQ(Indices(MakeBmp(Runs(2, 1, 8), {2, 1})), (Bytes{1, 1}));
  ExpectDamaged(MakeBmp(Runs(3, 1, 8), {2, 1}), "ends within its pixels");
}

TEST(Bmp, RefusesRunsThatLeaveTheirRow) {
  const char* const kLeaves = "leaves its row";
  ExpectDamaged(MakeBmp(Runs(2, 1, 8), {3, 1, 0, 1}), kLeaves);
  ExpectDamaged(MakeBmp(Runs(2, 1, 8), {0, 3, 1, 1, 1, 0, 0, 1}), kLeaves);
  ExpectDamaged(MakeBmp(Runs(2, 1, 8), {0, 0, 1, 1, 0, 1}), kLeaves);
  ExpectDamaged(MakeBmp(Runs(2, 1, 8), {0, 2, 0, 200, 0, 1}), kLeaves);
  ExpectDamaged(MakeBmp(Runs(2, 1, 8), {0, 2, 200, 0, 0, 1}), kLeaves);
}

TEST(Bmp, RefusesHeadersThatMakeNoSense) {
  ExpectDamaged(MakeBmp(Sized(0, 1, 24), {0, 0, 0, 0}), "0 by 1");
  ExpectDamaged(MakeBmp(Sized(-1, 1, 24), {0, 0, 0, 0}), "-1 by 1");
  ExpectDamaged(MakeBmp(Sized(1, INT32_MIN, 24), {0, 0, 0, 0}), "1 by 2147483648");
  ExpectDamaged(MakeBmp(Sized(1, 1, 13), {0, 0, 0, 0}), "13 bits");
  BmpChoices choices = Sized(1, 1, 24);
  choices.compression = kRle8;
  ExpectDamaged(MakeBmp(choices, {0, 0, 0, 0}), "compression 1");
  choices = Sized(1, 1, 8);  // no palette in the file
  ExpectDamaged(MakeBmp(choices, {0, 0, 0, 0}), "palette");
}

TEST(Bmp, NamesFilesWithinFiles) {
  BmpChoices choices = Sized(1, 1, 0);
  choices.bits = 24;
  choices.compression = 4;
  EXPECT_EQ(DecodeImage(MakeBmp(choices, {0, 0, 0, 0})).status().code(), StatusCode::kUnsupported);
}

}  // namespace
}  // namespace mullion::codecs
