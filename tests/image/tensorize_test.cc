// SPDX-License-Identifier: MIT
#include "image/tensorize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace mullion::image {
namespace {

// Two pixels side by side: (R, G, B) = (10, 20, 30) and (40, 50, 60).
constexpr uint8_t kRgb[] = {10, 20, 30, 40, 50, 60};
constexpr uint8_t kBgra[] = {30, 20, 10, 1, 60, 50, 40, 2};
const ImageView kRgbImage{PixelFormat::kRgb8, 2, 1, 6, kRgb};
const ImageView kBgraImage{PixelFormat::kBgra8, 2, 1, 8, kBgra};

template <typename T>
std::vector<T> Tensorized(const ImageView& image, const TensorFormat& format, const Shape& shape) {
  Result<Tensor> tensor = Tensor::Allocate(kElementTypeOf<T>, shape);
  const Status status = Tensorize(image, format, tensor->mutable_view());
  EXPECT_TRUE(status.ok()) << status.message();
  return {tensor->span<T>().begin(), tensor->span<T>().end()};
}

using Floats = std::vector<float>;

TEST(Tensorize, PlanesFollowTheFormat) {
  TensorFormat format;
  for (const ImageView& image : {kRgbImage, kBgraImage}) {
    format.pixels = PixelFormat::kBgr8;
    EXPECT_EQ(Tensorized<float>(image, format, {1, 3, 1, 2}), (Floats{30, 60, 20, 50, 10, 40}));
    format.pixels = PixelFormat::kRgba8;  // alpha takes no channel
    EXPECT_EQ(Tensorized<float>(image, format, {1, 3, 1, 2}), (Floats{10, 40, 20, 50, 30, 60}));
  }
}

TEST(Tensorize, ChannelsLast) {
  TensorFormat format;
  format.layout = TensorLayout::kNhwc;
  EXPECT_EQ(Tensorized<float>(kRgbImage, format, {1, 1, 2, 3}), (Floats{30, 20, 10, 60, 50, 40}));
  format.pixels = PixelFormat::kRgb8;
  EXPECT_EQ(Tensorized<float>(kRgbImage, format, {1, 2, 3}), (Floats{10, 20, 30, 40, 50, 60}));
}

// (2126 * 10 + 7152 * 20 + 722 * 30) / 10000 = 18.596 and 48.596, cut.
TEST(Tensorize, ColourToGrayAndBack) {
  TensorFormat format;
  format.pixels = PixelFormat::kGray8;
  EXPECT_EQ(Tensorized<float>(kRgbImage, format, {1, 1, 1, 2}), (Floats{18, 48}));
  EXPECT_EQ(Tensorized<float>(kBgraImage, format, {1, 1, 1, 2}), (Floats{18, 48}));
  const uint8_t gray[] = {5, 6};
  format.pixels = PixelFormat::kBgr8;
  EXPECT_EQ(Tensorized<float>({PixelFormat::kGray8, 2, 1, 2, gray}, format, {3, 1, 2}),
            (Floats{5, 6, 5, 6, 5, 6}));
}

TEST(Tensorize, Ranges) {
  const uint8_t gray[] = {0, 51, 255};
  const ImageView image{PixelFormat::kGray8, 3, 1, 3, gray};
  TensorFormat format;
  format.pixels = PixelFormat::kGray8;
  EXPECT_EQ(Tensorized<float>(image, format, {1, 1, 1, 3}), (Floats{0, 51, 255}));
  format.range = PixelRange::kZeroToOne;
  EXPECT_EQ(Tensorized<float>(image, format, {1, 1, 1, 3}), (Floats{0, 0.2f, 1}));
  format.range = PixelRange::kMinusOneToOne;
  EXPECT_EQ(Tensorized<float>(image, format, {1, 1, 1, 3}), (Floats{-1, -0.6f, 1}));
}

TEST(Tensorize, MeanAndDeviationFollowTheTensorsChannels) {
  TensorFormat format;
  format.pixels = PixelFormat::kBgr8;
  format.mean = {10, 20, 30};
  format.deviation = {2, 4, -5};
  EXPECT_EQ(Tensorized<float>(kRgbImage, format, {1, 3, 1, 2}), (Floats{10, 25, 0, 7.5f, 4, -2}));
  // The usual ImageNet figures: (128 / 255 - 0.485) / 0.229 = 0.0741.
  const uint8_t pixel[] = {128, 128, 128};
  format.pixels = PixelFormat::kRgb8;
  format.range = PixelRange::kZeroToOne;
  format.mean = {0.485f, 0.456f, 0.406f};
  format.deviation = {0.229f, 0.224f, 0.225f};
  const Floats values =
      Tensorized<float>({PixelFormat::kRgb8, 1, 1, 3, pixel}, format, {1, 3, 1, 1});
  EXPECT_NEAR(values[0], 0.0740646f, 1e-6f);
  EXPECT_NEAR(values[1], 0.2051821f, 1e-6f);
  EXPECT_NEAR(values[2], 0.4264924f, 1e-6f);
}

TEST(Tensorize, Float16) {
  const uint8_t gray[] = {0, 51, 255};
  TensorFormat format;
  format.pixels = PixelFormat::kGray8;
  format.range = PixelRange::kMinusOneToOne;
  const std::vector<Float16> values =
      Tensorized<Float16>({PixelFormat::kGray8, 3, 1, 3, gray}, format, {1, 1, 1, 3});
  EXPECT_EQ(values[0].bits, 0xbc00);  // -1
  EXPECT_EQ(values[1].bits, 0xb8cd);  // -0.6 = -1.2002 * 2^-1
  EXPECT_EQ(values[2].bits, 0x3c00);  // 1
}

TEST(Tensorize, BytesStayBytes) {
  TensorFormat format;
  format.layout = TensorLayout::kNhwc;
  EXPECT_EQ(Tensorized<uint8_t>(kRgbImage, format, {1, 1, 2, 3}),
            (std::vector<uint8_t>{30, 20, 10, 60, 50, 40}));
}

TEST(Tensorize, RowsLieApart) {
  const uint8_t gray[] = {1, 2, 99, 3, 4};
  TensorFormat format;
  const ImageView image{PixelFormat::kGray8, 2, 2, 3, gray};
  EXPECT_EQ(Tensorized<float>(image, format, {1, 3, 2, 2}),
            (Floats{1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4}));
}

StatusCode CodeFor(ElementType type, const Shape& shape, const TensorFormat& format) {
  Result<Tensor> tensor = Tensor::Allocate(type, shape);
  return Tensorize(kRgbImage, format, tensor->mutable_view()).code();
}

TEST(Tensorize, RefusesTensorsThatDoNotFit) {
  const TensorFormat bgr;
  EXPECT_EQ(CodeFor(ElementType::kFloat, {1, 3, 1, 2}, bgr), StatusCode::kOk);
  EXPECT_EQ(CodeFor(ElementType::kDouble, {1, 3, 1, 2}, bgr), StatusCode::kInvalidBinding);
  EXPECT_EQ(CodeFor(ElementType::kFloat, {1, 1, 1, 2}, bgr), StatusCode::kSizeMismatch);
  EXPECT_EQ(CodeFor(ElementType::kFloat, {2, 3, 1, 2}, bgr), StatusCode::kSizeMismatch);
  EXPECT_EQ(CodeFor(ElementType::kFloat, {3, 2}, bgr), StatusCode::kSizeMismatch);
  EXPECT_EQ(CodeFor(ElementType::kFloat, {1, 3, 2, 1}, bgr), StatusCode::kSizeMismatch);
  EXPECT_EQ(CodeFor(ElementType::kFloat, {1, 3, 0, 2}, bgr), StatusCode::kInvalidArgument);
}

TEST(Tensorize, RefusesFormatsWithoutMeaning) {
  TensorFormat format;
  format.deviation[1] = 0;
  EXPECT_EQ(CodeFor(ElementType::kFloat, {1, 3, 1, 2}, format), StatusCode::kInvalidArgument);
  format = {};
  format.mean[2] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(CodeFor(ElementType::kFloat, {1, 3, 1, 2}, format), StatusCode::kInvalidArgument);
  format = {};
  format.range = PixelRange::kZeroToOne;
  EXPECT_EQ(CodeFor(ElementType::kUint8, {1, 3, 1, 2}, format), StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeFor(ElementType::kFloat, {1, 3, 1, 2}, format), StatusCode::kOk);
}

}  // namespace
}  // namespace mullion::image
