// SPDX-License-Identifier: MIT
// Photographs from the folder of shared models, where it exists.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "codecs/decode.h"
#include "codecs/png_encode.h"
#include "tests/codecs/make_files.h"

namespace mullion::codecs {
namespace {

using image::PixelFormat;

struct Photograph {
  const char* file;
  ImageCodec codec;
  PixelFormat format;
  int64_t width;
  int64_t height;
};

constexpr Photograph kPhotographs[] = {
    {"kitten_224.png", ImageCodec::kPng, PixelFormat::kRgba8, 224, 224},
    {"fish.png", ImageCodec::kPng, PixelFormat::kRgb8, 224, 224},
    {"fish_112.png", ImageCodec::kPng, PixelFormat::kRgba8, 112, 112},
    {"mnist_28.png", ImageCodec::kPng, PixelFormat::kGray8, 28, 28},
    {"hummingbird.jpg", ImageCodec::kJpeg, PixelFormat::kRgb8, 450, 450},
    {"dog.jpg", ImageCodec::kJpeg, PixelFormat::kRgb8, 1080, 1080},
    {"faces.jpg", ImageCodec::kJpeg, PixelFormat::kRgb8, 720, 478},
};

class SharedImages : public testing::TestWithParam<Photograph> {};

TEST_P(SharedImages, Decode) {
  const std::filesystem::path path =
      std::filesystem::path(MULLION_SHARED_DIR) / "models" / "images" / GetParam().file;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) GTEST_SKIP() << "no " << path;
  const Bytes file{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  EXPECT_EQ(DetectCodec(file), GetParam().codec);
  const Result<image::Bitmap> bitmap = DecodeImage(file);
  ASSERT_TRUE(bitmap.ok()) << bitmap.status().message();
  EXPECT_EQ(bitmap->format(), GetParam().format);
  EXPECT_EQ(bitmap->width(), GetParam().width);
  EXPECT_EQ(bitmap->height(), GetParam().height);

  const Result<Bytes> png = EncodePng(bitmap->view());
  ASSERT_TRUE(png.ok());
  const Result<image::Bitmap> again = DecodeImage(*png);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(PixelsOf(again->view()), PixelsOf(bitmap->view()));
}

INSTANTIATE_TEST_SUITE_P(Photographs, SharedImages, testing::ValuesIn(kPhotographs),
                         [](const auto& photograph) {
                           std::string name = photograph.param.file;
                           for (char& c : name) c = c == '.' ? '_' : c;
                           return name;
                         });

}  // namespace
}  // namespace mullion::codecs
