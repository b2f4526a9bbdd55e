// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cmath>

#include "tests/devices/cpu/operator_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Case(Tensor input, std::vector<float> scales, std::vector<int64_t> sizes = {}) {
  OperatorCase c;
  c.name = "Resize";
  c.opset = 19;
  const auto count = static_cast<int64_t>(scales.size());
  c.inputs = {std::move(input), Tensor(),
              scales.empty() ? Tensor() : FloatTensor({count}, std::move(scales))};
  if (!sizes.empty()) c.inputs.push_back(IntTensor(std::move(sizes)));
  return c;
}

TEST(Resize, AgreesWithDoubleInBothLayouts) {
  std::mt19937 random(1);
  const std::vector<int64_t> sizes[] = {{2, 5, 14, 22}, {2, 5, 3, 40}, {2, 5, 30, 4}, {2, 5, 7, 9}};
  for (const char* const mode : {"nearest", "linear", "cubic"}) {
    for (const char* const coordinates : {"half_pixel", "align_corners", "asymmetric",
                                          "pytorch_half_pixel", "half_pixel_symmetric"}) {
      for (const bool antialias : {false, true}) {
        if (antialias && std::string(mode) == "nearest") continue;
        for (const std::vector<int64_t>& size : sizes) {
          SCOPED_TRACE(testing::Message() << mode << " " << coordinates << " to " << size[2]
                                          << " x " << size[3] << (antialias ? " antialias" : ""));
          OperatorCase c = Case(RandomTensor({2, 5, 7, 11}, random), {}, size);
          c.Set("mode", std::string(mode));
          c.Set("coordinate_transformation_mode", std::string(coordinates));
          c.Set("antialias", int64_t{antialias});
          ExpectAgreement(c, 1e-5, true);
          if (HasFailure()) return;
        }
      }
    }
  }
}

TEST(Resize, WorksAlongAnyAxes) {
  std::mt19937 random(2);
  const std::vector<int64_t> sizes[] = {{5, 3, 8, 9}, {4, 3, 6, 16}, {2, 7, 6, 3}, {3, 6, 9, 2}};
  for (const std::vector<int64_t>& size : sizes) {
    for (const char* const mode : {"nearest", "linear", "cubic"}) {
      OperatorCase c = Case(RandomTensor({4, 3, 6, 8}, random), {}, size);
      c.Set("mode", std::string(mode));
      ExpectAgreement(c, 1e-5);
    }
  }
  OperatorCase volume = Case(RandomTensor({1, 20, 5, 6, 7}, random), {1, 1, 2, 2.5f, 0.5f});
  volume.Set("mode", std::string("linear"));
  ExpectAgreement(volume, 1e-5, true);
}

TEST(Resize, SharesLargeImagesBetweenThreads) {
  std::mt19937 random(3);
  for (const char* const mode : {"nearest", "linear"}) {
    OperatorCase c = Case(RandomTensor({1, 24, 90, 70}, random), {1, 1, 2, 2});
    c.Set("mode", std::string(mode));
    ExpectAgreement(c, 1e-5, true);
  }
}

// Channels last, a pixel is part of a vector, several, or some that overlap.
TEST(Resize, TakesPixelsOfAnyWidth) {
  std::mt19937 random(4);
  for (const int64_t channels : {2, 3, 4, 7, 8, 9, 15, 16, 17, 21, 31, 33}) {
    SCOPED_TRACE(channels);
    for (const char* const mode : {"linear", "cubic"}) {
      OperatorCase c = Case(RandomTensor({1, channels, 4, 5}, random), {}, {1, channels, 9, 11});
      c.Set("mode", std::string(mode));
      ExpectAgreement(c, 1e-5, true);
    }
  }
}

TEST(Resize, InterpolatesBetweenPixelCenters) {
  OperatorCase c = Case(FloatTensor({1, 1, 1, 2}, {0, 4}), {1, 1, 1, 2});
  c.Set("mode", std::string("linear"));
  EXPECT_EQ(Floats(c.Run()[0]), std::vector<float>({0, 1, 3, 4}));
}

TEST(Resize, DoublesEveryElementSize) {
  const auto expect = [](auto tag) {
    using T = decltype(tag);
    OperatorCase c =
        Case(Tensor::FromSpan<T>({1, 1, 2, 2}, std::array<T, 4>{1, 2, 3, 4}), {1, 1, 2, 2});
    const std::vector<Tensor> results[] = {c.Run(), c.RunChannelsLast()};
    for (const std::vector<Tensor>& result : results) {
      const auto y = result[0].span<T>();
      EXPECT_EQ(std::vector<T>(y.begin(), y.end()),
                std::vector<T>({1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4}));
    }
  };
  expect(uint8_t{});
  expect(int16_t{});
  expect(int32_t{});
  expect(int64_t{});
}

TEST(Resize, CopiesStrings) {
  const std::vector<std::string> words = {"a", "b"};
  OperatorCase c = Case(Tensor::FromSpan<std::string>({2}, words), {1.5f});
  const Tensor result = c.Run()[0];
  const auto y = result.span<std::string>();
  EXPECT_EQ(std::vector<std::string>(y.begin(), y.end()),
            std::vector<std::string>({"a", "a", "b"}));
}

TEST(Resize, RoundsIntegers) {
  const std::vector<uint8_t> values = {0, 255};
  OperatorCase c = Case(Tensor::FromSpan<uint8_t>({1, 1, 1, 2}, values), {}, {1, 1, 1, 4});
  c.Set("mode", std::string("linear"));
  const Tensor result = c.Run()[0];
  const auto y = result.span<uint8_t>();
  EXPECT_EQ(std::vector<int>(y.begin(), y.end()), std::vector<int>({0, 64, 191, 255}));
  OperatorCase cubic = Case(Tensor::FromSpan<uint8_t>({1, 1, 1, 2}, values), {}, {1, 1, 1, 4});
  cubic.Set("mode", std::string("cubic"));  // overshoots, and is clamped
  EXPECT_EQ(cubic.Run()[0].span<uint8_t>()[0], 0);
  EXPECT_EQ(cubic.Run()[0].span<uint8_t>()[3], 255);
}

TEST(Resize, FillsWhatLiesOutsideTheRegion) {
  for (const char* const mode : {"nearest", "linear"}) {
    OperatorCase c = Case(FloatTensor({1, 1, 2, 3}, {0, 1, 2, 3, 4, 5}), {}, {1, 1, 2, 5});
    c.inputs[1] = FloatTensor({8}, {0, 0, 0, -0.5f, 1, 1, 1, 1.5f});
    c.Set("coordinate_transformation_mode", std::string("tf_crop_and_resize"));
    c.Set("mode", std::string(mode));
    c.Set("extrapolation_value", 9.0f);
    const std::vector<float> expected = {9, 0, 1, 2, 9, 9, 3, 4, 5, 9};
    EXPECT_EQ(Floats(c.Run()[0]), expected);
    EXPECT_EQ(Floats(c.RunChannelsLast()[0]), expected);
  }
}

TEST(Resize, RoundsUpWhenShrinkingInOpsetTen) {
  OperatorCase c;
  c.name = "Resize";
  c.opset = 10;
  c.inputs = {FloatTensor({1, 1, 2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}),
              FloatTensor({4}, {1, 1, 0.6f, 0.6f})};
  EXPECT_EQ(Floats(c.Run()[0]), std::vector<float>({1, 3}));
}

TEST(Upsample, UpgradesFromEveryForm) {
  const std::vector<float> expected = {1, 1, 2, 2};
  OperatorCase c;
  c.name = "Upsample";
  c.opset = 9;
  c.inputs = {FloatTensor({1, 1, 1, 2}, {1, 2}), FloatTensor({4}, {1, 1, 1, 2})};
  EXPECT_EQ(Floats(c.Run()[0]), expected);
  c.inputs.pop_back();
  c.opset = 7;
  c.Set("scales", std::vector<float>{1, 1, 1, 2});
  EXPECT_EQ(Floats(c.Run()[0]), expected);
  c.attributes.clear();
  c.opset = 1;
  c.Set("height_scale", 1.0f);
  c.Set("width_scale", 2.0f);
  EXPECT_EQ(Floats(c.Run()[0]), expected);
}

// A line by ONNX's definition of antialiasing: a filter as much wider as the line gets shorter,
// over the line with its ends repeated as far as the filter reaches.
std::vector<double> Antialiased(const std::vector<float>& line, int64_t outputs, bool cubic,
                                const std::string& coordinates, bool exclude_outside) {
  const auto inputs = static_cast<int64_t>(line.size());
  const double scale = static_cast<double>(outputs) / static_cast<double>(inputs);
  const double filter = std::min(scale, 1.0);
  const auto weight = [&](double x) {
    x = std::abs(x);
    if (!cubic) return std::max(1 - x, 0.0);
    constexpr double kA = -0.75;
    if (x <= 1) return (kA + 2) * x * x * x - (kA + 3) * x * x + 1;
    return x < 2 ? kA * x * x * x - 5 * kA * x * x + 8 * kA * x - 4 * kA : 0;
  };
  std::vector<double> result;
  for (int64_t j = 0; j < outputs; ++j) {
    const auto at = static_cast<double>(j);
    const double last = static_cast<double>(outputs) - 1;
    const double x = coordinates == "align_corners"
                         ? (last == 0 ? 0 : at * static_cast<double>(inputs - 1) / last)
                     : coordinates == "asymmetric" ? at / scale
                                                   : (at + 0.5) / scale - 0.5;
    double sum = 0, weights = 0;
    for (int64_t i = -8 * inputs; i < 9 * inputs; ++i) {
      const int64_t inside = std::clamp<int64_t>(i, 0, inputs - 1);
      if (exclude_outside && i != inside) continue;
      const double w = weight((static_cast<double>(i) - x) * filter);
      weights += w;
      sum += w * static_cast<double>(line[static_cast<size_t>(inside)]);
    }
    result.push_back(sum / weights);
  }
  return result;
}

TEST(Resize, AntialiasesByTheDefinition) {
  std::mt19937 random(7);
  for (const int64_t inputs : {1, 2, 3, 5, 9, 40}) {
    const Tensor line = RandomTensor({1, 1, 1, inputs}, random);
    for (const int64_t outputs : {1, 2, 3, 4, 11}) {
      if (outputs == inputs) continue;  // where nothing happens without a scale
      for (const char* const coordinates : {"half_pixel", "align_corners", "asymmetric"}) {
        for (const bool cubic : {false, true}) {
          for (const bool exclude : {false, true}) {
            OperatorCase c = Case(line, {}, {1, 1, 1, outputs});
            c.Set("mode", std::string(cubic ? "cubic" : "linear"));
            c.Set("coordinate_transformation_mode", std::string(coordinates));
            c.Set("antialias", int64_t{1});
            c.Set("exclude_outside", int64_t{exclude});
            const auto expected = Antialiased(Floats(line), outputs, cubic, coordinates, exclude);
            const std::vector<float> actual = Floats(c.Run()[0]);
            ASSERT_EQ(actual.size(), expected.size());
            for (size_t i = 0; i < expected.size(); ++i) {
              ASSERT_NEAR(actual[i], expected[i], 2e-5)
                  << inputs << " to " << outputs << " " << coordinates << (cubic ? " cubic" : "")
                  << (exclude ? " excluded" : "") << ", output " << i;
            }
          }
        }
      }
    }
  }
}

TEST(Resize, TakesEmptyImages) {
  EXPECT_EQ(Case(FloatTensor({0, 1, 2, 2}, {}), {1, 1, 2, 2}).Run()[0].shape().ToString(),
            "[0,1,4,4]");
}

TEST(Resize, RefusesWhatMakesNoSense) {
  const Tensor input = FloatTensor({1, 1, 1, 2}, {1, 2});
  EXPECT_NE(Case(input, {1, 1, 1}).RunError().find("'scales' has 3 elements but must have 4"),
            std::string::npos);
  EXPECT_NE(Case(input, {1, 1, 1, -2}).RunError().find("must be more than 0"), std::string::npos);
  EXPECT_NE(Case(input, {1, 1, 1, std::nanf("")}).RunError().find("must be more than 0"),
            std::string::npos);
  EXPECT_NE(Case(input, {1, 1, 1, 1e30f}).RunError().find("must be more than 0"),
            std::string::npos);
  EXPECT_NE(Case(input, {}).RunError().find("exactly one of inputs"), std::string::npos);
  OperatorCase c = Case(input, {1, 1, 1, 2});
  c.Set("mode", std::string("best"));
  EXPECT_NE(c.RunError().find("must be one of nearest, linear, cubic"), std::string::npos);
}

}  // namespace
}  // namespace mullion::cpu
