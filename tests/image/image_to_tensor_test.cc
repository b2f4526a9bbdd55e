// SPDX-License-Identifier: MIT
#include "image/image_to_tensor.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "image/scale.h"
#include "image/tensorize.h"

namespace mullion::image {
namespace {

using Floats = std::vector<float>;

// 4 wide, 2 high.
constexpr uint8_t kPixels[] = {10, 20, 30, 40, 50, 60, 70, 80};
const ImageView kImage{PixelFormat::kGray8, 4, 2, 4, kPixels};

ImageToTensorOptions GrayOptions() {
  ImageToTensorOptions options;
  options.format.pixels = PixelFormat::kGray8;
  return options;
}

Floats Bound(const ImageToTensorOptions& options, const Shape& shape, Fit* fit = nullptr) {
  Result<Tensor> tensor = Tensor::Allocate(ElementType::kFloat, shape);
  const Result<Fit> used = ImageToTensor(kImage, options, tensor->mutable_view());
  EXPECT_TRUE(used.ok()) << used.status().message();
  if (fit != nullptr && used.ok()) *fit = *used;
  return {tensor->span<float>().begin(), tensor->span<float>().end()};
}

TEST(ImageToTensor, CropsTheCentreByDefault) {
  Fit fit;
  EXPECT_EQ(Bound(GrayOptions(), {1, 1, 2, 2}, &fit), (Floats{20, 30, 60, 70}));
  EXPECT_EQ(fit.source, (Rect{1, 0, 2, 2}));
  EXPECT_EQ(fit.target, (Rect{0, 0, 2, 2}));
}

TEST(ImageToTensor, StretchesBoundsByDefault) {
  ImageToTensorOptions options = GrayOptions();
  options.bounds = Rect{0, 1, 4, 1};
  Fit fit;
  EXPECT_EQ(Bound(options, {1, 1, 2, 2}, &fit), (Floats{55, 75, 55, 75}));
  EXPECT_EQ(fit.source, (Rect{0, 1, 4, 1}));
}

TEST(ImageToTensor, Stretches) {
  ImageToTensorOptions options = GrayOptions();
  options.fit = FitMode::kStretch;
  EXPECT_EQ(Bound(options, {1, 1, 2, 2}), (Floats{15, 35, 55, 75}));
}

TEST(ImageToTensor, LetterboxesWithTheMarginsColour) {
  ImageToTensorOptions options = GrayOptions();
  options.fit = FitMode::kLetterbox;
  options.margin = {100, 100, 100};
  options.format.mean[0] = 1;
  Fit fit;
  EXPECT_EQ(Bound(options, {1, 1, 4, 4}, &fit),
            (Floats{99, 99, 99, 99, 9, 19, 29, 39, 49, 59, 69, 79, 99, 99, 99, 99}));
  EXPECT_EQ(fit.source, (Rect{0, 0, 4, 2}));
  EXPECT_EQ(fit.target, (Rect{0, 1, 4, 2}));
}

TEST(ImageToTensor, LetterboxMarginsBesideThePicture) {
  const uint8_t pixels[] = {3, 4};
  const ImageView tall{PixelFormat::kGray8, 1, 2, 1, pixels};
  ImageToTensorOptions options;
  options.fit = FitMode::kLetterboxTopLeft;
  options.format.pixels = PixelFormat::kGray8;
  Result<Tensor> tensor = Tensor::Allocate(ElementType::kFloat, {1, 1, 2, 3});
  ASSERT_TRUE(ImageToTensor(tall, options, tensor->mutable_view()).ok());
  EXPECT_EQ((Floats{tensor->span<float>().begin(), tensor->span<float>().end()}),
            (Floats{3, 0, 0, 4, 0, 0}));
  options.fit = FitMode::kLetterbox;
  ASSERT_TRUE(ImageToTensor(tall, options, tensor->mutable_view()).ok());
  EXPECT_EQ((Floats{tensor->span<float>().begin(), tensor->span<float>().end()}),
            (Floats{0, 3, 0, 0, 4, 0}));
}

// Row by row gives what the steps one after the other give.
TEST(ImageToTensor, EqualsItsParts) {
  Result<Bitmap> image = Bitmap::Allocate(PixelFormat::kBgra8, 61, 47);
  std::mt19937 random(1);
  for (int64_t i = 0; i < 61 * 47 * 4; ++i) {
    image->mutable_view().pixels[i] = static_cast<uint8_t>(random());
  }
  ImageToTensorOptions options;
  options.format.range = PixelRange::kMinusOneToOne;
  Result<Tensor> whole = Tensor::Allocate(ElementType::kFloat, {1, 3, 20, 30});
  const Result<Fit> fit = ImageToTensor(image->view(), options, whole->mutable_view());
  ASSERT_TRUE(fit.ok());

  const Result<ImageView> part = Crop(image->view(), fit->source);
  Result<Bitmap> scaled = Bitmap::Allocate(PixelFormat::kBgra8, 30, 20);
  ASSERT_TRUE(Scale(*part, scaled->mutable_view()).ok());
  Result<Tensor> steps = Tensor::Allocate(ElementType::kFloat, {1, 3, 20, 30});
  ASSERT_TRUE(Tensorize(scaled->view(), options.format, steps->mutable_view()).ok());
  const auto a = whole->span<float>();
  const auto b = steps->span<float>();
  EXPECT_EQ(Floats(a.begin(), a.end()), Floats(b.begin(), b.end()));
}

TEST(ImageToTensor, RefusesBoundsOutside) {
  ImageToTensorOptions options = GrayOptions();
  Result<Tensor> tensor = Tensor::Allocate(ElementType::kFloat, {1, 1, 2, 2});
  for (const Rect& bounds : {Rect{0, 0, 5, 2}, Rect{INT64_MAX, INT64_MAX, 3, 3}, Rect{}}) {
    options.bounds = bounds;
    const Result<Fit> fit = ImageToTensor(kImage, options, tensor->mutable_view());
    ASSERT_FALSE(fit.ok());
    EXPECT_EQ(fit.status().code(), StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace mullion::image
