// SPDX-License-Identifier: MIT
// Files that were cut off or changed on their way. Meant to be run under the address sanitizer.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "codecs/decode.h"
#include "tests/codecs/make_files.h"

namespace mullion::codecs {
namespace {

using image::PixelFormat;

struct Sample {
  const char* name;
  Bytes file;
};

std::vector<Sample> Samples() {
  const image::Bitmap rgb = MakePicture(PixelFormat::kRgb8, 23, 17);
  const image::Bitmap rgba = MakePicture(PixelFormat::kRgba8, 23, 17);
  JpegChoices baseline;
  baseline.quality = 80;
  baseline.exif = MakeExif(6, false);
  JpegChoices progressive = baseline;
  progressive.progressive = true;
  JpegChoices inks;
  inks.four_inks = true;
  PngChoices truecolor;
  truecolor.color_type = 6;
  truecolor.interlaced = true;
  PngChoices palette;
  palette.color_type = 3;
  palette.palette = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  palette.palette_alpha = {7, 8};
  BmpChoices plain;
  plain.width = plain.height = 8;
  BmpChoices masked = plain;
  masked.bits = 16;
  masked.compression = 3;
  masked.masks = {0xf800, 0x07e0, 0x001f};
  BmpChoices runs;
  runs.width = runs.height = 6;
  runs.bits = 8;
  runs.compression = 1;
  runs.colors_used = 2;
  runs.palette = {0, 0, 0, 0, 9, 9, 9, 0};
  TiffChoices tiff;
  tiff.width = 5;
  tiff.height = 3;
  tiff.samples = 4;
  tiff.photometric = 2;
  tiff.extra_sample = 1;
  std::vector<Sample> samples = {
      {"baseline JPEG", MakeJpeg(rgb.view(), baseline)},
      {"progressive JPEG", MakeJpeg(rgb.view(), progressive)},
      {"CMYK JPEG", MakeJpeg(rgba.view(), inks)},
      {"interlaced PNG", MakePng(23, 17, PixelsOf(rgba.view()), truecolor)},
      {"palette PNG", MakePng(3, 2, {0, 1, 2, 2, 1, 0}, palette)},
      {"lossless WebP", MakeWebp(rgba.view(), true)},
      {"lossy WebP", MakeWebp(rgba.view(), false)},
      {"plain BMP", MakeBmp(plain, Bytes(8 * 8 * 3, 5))},
      {"masked BMP", MakeBmp(masked, Bytes(8 * 8 * 2, 5))},
      {"run-length BMP", MakeBmp(runs, {6, 1, 0, 0, 0, 4, 1, 0, 1, 0, 2, 1, 0, 0, 6, 1,
                                        0, 0, 6, 0, 0, 0, 0, 2, 3, 0, 1, 1, 0, 0, 0, 1})},
      {"bits PNM", MakePnm("P4 10 2\n", {1, 0, 2, 0})},
      {"gray PNM", MakePnm("P5 # gray\n3 2 255\n", {1, 2, 3, 4, 5, 6})},
      {"deep PNM", MakePnm("P6 1 2 1000\n", {1, 2, 3, 4, 3, 0, 1, 2, 3, 4, 3, 0})},
  };
  // Those that this build may not read.
  const Sample optional[] = {{"TIFF", MakeTiff(tiff, Bytes(60, 200))},
                             {"JPEG 2000", MakeJpeg2000(rgb.view(), false)},
                             {"JPEG 2000 codestream", MakeJpeg2000(rgba.view(), true)}};
  for (const Sample& sample : optional) {
    const bool known = DecodeImage(sample.file).status().code() != StatusCode::kUnsupported;
    if (known && !sample.file.empty()) samples.push_back(sample);
  }
  return samples;
}

TEST(DamagedFiles, SamplesAreWholeBeforehand) {
  for (const Sample& sample : Samples()) {
    const Result<image::Bitmap> bitmap = DecodeImage(sample.file);
    EXPECT_TRUE(bitmap.ok()) << sample.name << ": " << bitmap.status().message();
  }
}

// The copy has exactly its length, so that reading on is noticed.
TEST(DamagedFiles, CutOffAtEveryLength) {
  for (const Sample& sample : Samples()) {
    for (size_t length = 0; length < sample.file.size(); ++length) {
      const Bytes cut(sample.file.begin(), sample.file.begin() + static_cast<ptrdiff_t>(length));
      const Result<image::Bitmap> bitmap = DecodeImage(cut);
      ASSERT_FALSE(bitmap.ok()) << sample.name << " cut to " << length << " of "
                                << sample.file.size();
      ASSERT_FALSE(bitmap.status().message().empty());
    }
  }
}

// A changed file may decode to something or be refused; it may not do anything else.
void ExpectSane(const Bytes& file, const std::string& what) {
  DecodeOptions options;
  options.max_pixels = 1 << 20;  // sizes change, too: keep the test short
  const Result<image::Bitmap> bitmap = DecodeImage(file, options);
  if (!bitmap.ok()) {
    ASSERT_FALSE(bitmap.status().message().empty()) << what;
    return;
  }
  ASSERT_TRUE(image::CheckImage("it", bitmap->view()).ok()) << what;
  // Reads all of it.
  unsigned sum = 0;
  for (const uint8_t byte : PixelsOf(bitmap->view())) sum += byte;
  ASSERT_LE(sum, 255u * 4 * (1 << 20)) << what;
}

TEST(DamagedFiles, SingleBitsChanged) {
  for (const Sample& sample : Samples()) {
    std::mt19937 random(1);
    for (int round = 0; round < 600; ++round) {
      Bytes changed = sample.file;
      const size_t bit = random() % (8 * changed.size());
      changed[bit / 8] = static_cast<uint8_t>(changed[bit / 8] ^ 1 << bit % 8);
      ASSERT_NO_FATAL_FAILURE(
          ExpectSane(changed, std::string(sample.name) + " bit " + std::to_string(bit)));
    }
  }
}

TEST(DamagedFiles, ManyBytesChanged) {
  for (const Sample& sample : Samples()) {
    std::mt19937 random(2);
    for (int round = 0; round < 300; ++round) {
      Bytes changed = sample.file;
      for (int i = 0; i < 8; ++i) {
        changed[random() % changed.size()] = static_cast<uint8_t>(random());
      }
      ASSERT_NO_FATAL_FAILURE(
          ExpectSane(changed, std::string(sample.name) + " round " + std::to_string(round)));
    }
  }
}

}  // namespace
}  // namespace mullion::codecs
