// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cmath>

#include "tests/devices/cpu/operator_case.h"

namespace mullion::cpu {
namespace {

int64_t Pick(int64_t low, int64_t high, std::mt19937& random) {
  return low + static_cast<int64_t>(random() % static_cast<uint32_t>(high - low + 1));
}

OperatorCase RandomPool(const char* name, int spatial_rank, std::mt19937& random) {
  OperatorCase c;
  c.name = name;
  c.opset = 22;
  Shape shape{Pick(1, 2, random), Pick(1, 40, random)};
  std::vector<int64_t> kernel, strides, dilations, pads(2 * static_cast<size_t>(spatial_rank));
  for (int i = 0; i < spatial_rank; ++i) {
    kernel.push_back(Pick(1, 5, random));
    strides.push_back(Pick(1, 3, random));
    dilations.push_back(Pick(1, 2, random));
    const int64_t extent = (kernel.back() - 1) * dilations.back() + 1;
    shape.Append(
        Pick(std::max<int64_t>(extent - 2, 1), extent + (spatial_rank == 1 ? 90 : 20), random));
    pads[static_cast<size_t>(i)] = Pick(0, kernel.back() - 1, random);
    pads[static_cast<size_t>(i + spatial_rank)] = Pick(0, kernel.back() - 1, random);
  }
  c.inputs = {RandomTensor(shape, random)};
  c.Set("kernel_shape", kernel);
  c.Set("strides", strides);
  c.Set("dilations", dilations);
  c.Set("pads", pads);
  c.Set("ceil_mode", Pick(0, 1, random));
  if (c.name == "AveragePool") c.Set("count_include_pad", Pick(0, 1, random));
  if (c.name == "LpPool") c.Set("p", Pick(1, 3, random));
  return c;
}

TEST(Pool, AgreesWithDoubleInBothLayouts) {
  std::mt19937 random(1);
  for (const char* const name : {"MaxPool", "AveragePool", "LpPool"}) {
    for (int spatial_rank = 1; spatial_rank <= 3; ++spatial_rank) {
      for (int i = 0; i < 12; ++i) {
        SCOPED_TRACE(testing::Message() << name << " case " << i << ", rank " << spatial_rank);
        ExpectAgreement(RandomPool(name, spatial_rank, random), 1e-5, true);
        if (HasFailure()) return;
      }
    }
  }
}

TEST(Pool, CombinesMoreRowsThanItTakesAtOnce) {
  std::mt19937 random(2);
  OperatorCase c;
  c.name = "AveragePool";
  c.opset = 22;
  c.inputs = {RandomTensor({1, 3, 9, 8, 6}, random)};
  c.Set("kernel_shape", std::vector<int64_t>{8, 7, 5});
  for (const char* const name : {"AveragePool", "MaxPool", "LpPool"}) {
    c.name = name;
    ExpectAgreement(c, 1e-5, true);
  }
}

// Whole vectors and parts of them, more lines than are combined at once, and every stride.
TEST(Pool, SlidesAlongLinesOfAnyLength) {
  std::mt19937 random(5);
  for (const int64_t width : {1, 7, 16, 17, 31, 32, 33, 56, 65, 130}) {
    for (const int64_t stride : {1, 2, 3}) {
      OperatorCase c;
      c.opset = 22;
      c.inputs = {RandomTensor({2, 3, 21, width}, random)};
      c.Set("kernel_shape", std::vector<int64_t>{3, Pick(1, 4, random)});
      c.Set("strides", std::vector<int64_t>{Pick(1, 2, random), stride});
      c.Set("pads", std::vector<int64_t>{1, 3, 1, 3});
      for (const char* const name : {"MaxPool", "AveragePool", "LpPool"}) {
        SCOPED_TRACE(testing::Message() << name << " of " << width << ", stride " << stride);
        c.name = name;
        ExpectAgreement(c, 1e-5, true);
        if (HasFailure()) return;
      }
    }
  }
}

// Much more padding than image takes no memory for it.
TEST(Pool, TakesMorePaddingThanImage) {
  std::mt19937 random(6);
  OperatorCase c;
  c.opset = 22;
  c.inputs = {RandomTensor({1, 2, 4, 9}, random)};
  c.Set("kernel_shape", std::vector<int64_t>{3, 6000});
  c.Set("strides", std::vector<int64_t>{1, 700});
  c.Set("pads", std::vector<int64_t>{1, 5999, 1, 5999});
  for (const char* const name : {"MaxPool", "AveragePool"}) {
    c.name = name;
    ExpectAgreement(c, 1e-5, true);
  }
}

TEST(Pool, PadsByItself) {
  std::mt19937 random(3);
  for (const char* const pad : {"SAME_UPPER", "SAME_LOWER", "VALID"}) {
    OperatorCase c;
    c.name = "MaxPool";
    c.opset = 12;
    c.inputs = {RandomTensor({1, 2, 10, 11}, random)};
    c.Set("kernel_shape", std::vector<int64_t>{3, 2});
    c.Set("strides", std::vector<int64_t>{2, 2});
    c.Set("auto_pad", std::string(pad));
    ExpectAgreement(c, 0, true);
    EXPECT_EQ(c.Run()[0].shape().ToString(),
              std::string(pad) == "VALID" ? "[1,2,4,5]" : "[1,2,5,6]");
  }
}

TEST(Pool, TakesBytesInBothLayouts) {
  std::mt19937 random(4);
  std::vector<uint8_t> values(2 * 5 * 9 * 30);
  for (uint8_t& value : values) value = static_cast<uint8_t>(random());
  OperatorCase c;
  c.name = "MaxPool";
  c.opset = 12;
  c.inputs = {Tensor::FromSpan<uint8_t>({2, 5, 9, 30}, values)};
  c.Set("kernel_shape", std::vector<int64_t>{3, 3});
  c.Set("strides", std::vector<int64_t>{1, 2});
  c.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  OperatorCase wide = c;
  wide.inputs = {FloatTensor({2, 5, 9, 30}, std::vector<float>(values.begin(), values.end()))};
  const std::vector<float> expected = Floats(wide.Run()[0]);
  const Tensor results[] = {c.Run()[0], c.RunChannelsLast()[0]};
  for (const Tensor& result : results) {
    const auto bytes = result.span<uint8_t>();
    EXPECT_EQ(std::vector<float>(bytes.begin(), bytes.end()), expected);
  }
}

// Windows that begin in the padding behind the image are left out (ONNX AveragePool, ceil_mode).
TEST(Pool, LeavesOutWindowsThatBeginInTheEndPadding) {
  OperatorCase c;
  c.name = "MaxPool";
  c.opset = 12;
  c.inputs = {FloatTensor({1, 1, 2}, {1, 2})};
  c.Set("kernel_shape", std::vector<int64_t>{1});
  c.Set("strides", std::vector<int64_t>{2});
  c.Set("ceil_mode", int64_t{1});
  EXPECT_EQ(c.Run()[0].shape().ToString(), "[1,1,1]");
}

// Windows count from ceil((image - kernel) / stride) + 1 on, which is 1 where the kernel is larger
// than the image by less than a stride.
TEST(Pool, TakesWhatThereIsOfAKernelLargerThanTheImage) {
  OperatorCase c;
  c.opset = 22;
  c.inputs = {FloatTensor({1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8})};
  c.Set("kernel_shape", std::vector<int64_t>{3, 3});
  c.Set("strides", std::vector<int64_t>{2, 2});
  const auto expect = [&](const char* name, const Shape& shape, std::vector<float> values) {
    SCOPED_TRACE(name);
    c.name = name;
    ExpectClose(c.Run()[0], FloatTensor(shape, std::move(values)), 1e-6);
    ExpectAgreement(c, 1e-6, true);
  };
  expect("MaxPool", {1, 2, 0, 0}, {});
  c.Set("ceil_mode", int64_t{1});
  expect("MaxPool", {1, 2, 1, 1}, {4, 8});
  expect("AveragePool", {1, 2, 1, 1}, {2.5f, 6.5f});
  expect("LpPool", {1, 2, 1, 1}, {std::sqrt(30.0f), std::sqrt(174.0f)});
  c.inputs = {FloatTensor({1, 2, 1, 2}, {1, 2, 3, 4})};
  expect("MaxPool", {1, 2, 0, 1}, {});
  c.inputs = {FloatTensor({1, 2, 0, 2}, {})};
  expect("MaxPool", {1, 2, 0, 1}, {});
}

TEST(Pool, GivesIndicesInTheModelsOrderInBothLayouts) {
  OperatorCase c;
  c.name = "MaxPool";
  c.opset = 12;
  c.output_count = 2;
  c.inputs = {FloatTensor({1, 2, 2, 2}, {1, 4, 3, 2, 8, 5, 6, 7})};
  c.Set("kernel_shape", std::vector<int64_t>{2, 1});
  const auto expect = [](const std::vector<Tensor>& outputs, std::vector<int64_t> indices) {
    EXPECT_EQ(Floats(outputs[0]), std::vector<float>({3, 4, 8, 7}));
    const auto span = outputs[1].span<int64_t>();
    EXPECT_EQ(std::vector<int64_t>(span.begin(), span.end()), indices);
  };
  expect(c.Run(), {2, 1, 4, 7});
  expect(c.RunChannelsLast(), {2, 1, 4, 7});
  c.Set("storage_order", int64_t{1});
  expect(c.Run(), {1, 2, 4, 7});
}

// Pool and index outputs of doubles, against plain loops over each window.
TEST(Pool, OfDoublesEqualsItsFormulas) {
  std::mt19937 random(9);
  for (int i = 0; i < 60; ++i) {
    const char* const name = i % 3 == 0 ? "MaxPool" : i % 3 == 1 ? "AveragePool" : "LpPool";
    OperatorCase c;
    c.name = name;
    c.opset = 22;
    const int64_t channels = Pick(1, 19, random), height = Pick(5, 20, random),
                  width = Pick(5, 70, random);
    const int64_t kernel[] = {Pick(1, 3, random), Pick(1, 3, random)};
    const int64_t stride[] = {Pick(1, 3, random), Pick(1, 3, random)};
    const int64_t dilation[] = {Pick(1, 2, random), Pick(1, 2, random)};
    const int64_t pad[] = {Pick(0, kernel[0] - 1, random), Pick(0, kernel[1] - 1, random)};
    const int64_t p = std::string_view(name) == "LpPool" ? Pick(1, 7, random) : 1;
    std::vector<double> x(static_cast<size_t>(2 * channels * height * width));
    for (double& value : x) value = static_cast<double>(Pick(-40, 40, random)) / 8;  // with ties
    if (i % 4 == 0) x[x.size() / 2] = NAN;
    c.inputs = {Tensor::FromSpan<double>({2, channels, height, width}, std::span<const double>(x))};
    c.Set("kernel_shape", std::vector<int64_t>{kernel[0], kernel[1]});
    c.Set("strides", std::vector<int64_t>{stride[0], stride[1]});
    c.Set("dilations", std::vector<int64_t>{dilation[0], dilation[1]});
    c.Set("pads", std::vector<int64_t>{pad[0], pad[1], pad[0], pad[1]});
    if (i % 3 == 0) c.output_count = 2;
    if (i % 3 == 2) c.Set("p", p);
    for (const bool last : {false, true}) {
      SCOPED_TRACE(testing::Message() << name << " case " << i << (last ? ", channels last" : ""));
      const std::vector<Tensor> outputs = last ? c.RunChannelsLast(2) : c.Run();
      const auto y = outputs[0].span<double>();
      const int64_t rows = outputs[0].shape()[2], columns = outputs[0].shape()[3];
      for (size_t o = 0; o < y.size(); ++o) {
        const auto place = static_cast<int64_t>(o);
        const int64_t plane = place / (rows * columns);
        double sum = 0, most = -HUGE_VAL;
        int64_t count = 0, index = -1;
        for (int64_t tap = 0; tap < kernel[0] * kernel[1]; ++tap) {
          const int64_t row =
              place / columns % rows * stride[0] - pad[0] + tap / kernel[1] * dilation[0];
          const int64_t column =
              place % columns * stride[1] - pad[1] + tap % kernel[1] * dilation[1];
          if (row < 0 || row >= height || column < 0 || column >= width) continue;
          const int64_t at = (plane * height + row) * width + column;
          const double value = x[static_cast<size_t>(at)];
          if (index < 0 || value > most) {
            most = value;
            index = at;
          }
          sum += i % 3 == 1 ? value : std::pow(std::abs(value), static_cast<double>(p));
          ++count;
        }
        const double expected = i % 3 == 0   ? most
                                : i % 3 == 1 ? (count > 0 ? sum / static_cast<double>(count) : 0)
                                             : std::pow(sum, 1 / static_cast<double>(p));
        if (std::isnan(expected)) {
          ASSERT_TRUE(std::isnan(y[o]));
        } else {
          ASSERT_NEAR(y[o], expected, 1e-13 * std::max(1.0, std::abs(expected)));
        }
        if (i % 3 == 0 && count > 0) {
          ASSERT_EQ(outputs[1].span<int64_t>()[o], index);
        }
      }
    }
  }
}

// Powers that float has no room for have finite roots.
TEST(Pool, TakesLargeNumbersToHighPowers) {
  OperatorCase c;
  c.name = "LpPool";
  c.opset = 18;
  c.inputs = {FloatTensor({1, 1, 3}, {3e20f, -4e20f, 5e20f})};
  c.Set("kernel_shape", std::vector<int64_t>{3});
  c.Set("p", int64_t{10});
  const double sum = std::pow(3, 10) + std::pow(4, 10) + std::pow(5, 10);
  const float expected = 1e20f * static_cast<float>(std::pow(sum, 0.1));
  EXPECT_NEAR(Floats(c.Run()[0])[0] / expected, 1, 1e-6);
  c.name = "GlobalLpPool";
  EXPECT_NEAR(Floats(c.Run()[0])[0] / expected, 1, 1e-6);
}

// Padding alone is no element: windows over an empty image.
TEST(Pool, TakesAnEmptyImage) {
  OperatorCase c;
  c.name = "MaxPool";
  c.opset = 12;
  c.output_count = 2;
  c.inputs = {FloatTensor({1, 2, 0}, {})};
  c.Set("kernel_shape", std::vector<int64_t>{2});
  c.Set("pads", std::vector<int64_t>{1, 1});
  const std::vector<Tensor> outputs = c.Run();
  EXPECT_EQ(Floats(outputs[0]), std::vector<float>({-HUGE_VALF, -HUGE_VALF}));
  EXPECT_EQ(outputs[1].span<int64_t>()[1], 0);
}

TEST(Pool, RefusesWrongAttributes) {
  OperatorCase c;
  c.name = "AveragePool";
  c.opset = 19;
  c.inputs = {FloatTensor({1, 1, 2, 2}, {1, 2, 3, 4})};
  EXPECT_NE(c.RunError().find("'kernel_shape' has 0 elements"), std::string::npos);
  c.Set("kernel_shape", std::vector<int64_t>{2, 2});
  c.Set("strides", std::vector<int64_t>{1, 0});
  EXPECT_NE(c.RunError().find("'strides' holds 0"), std::string::npos);
}

TEST(GlobalPool, AgreesWithDoubleInBothLayouts) {
  std::mt19937 random(5);
  for (const char* const name : {"GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"}) {
    OperatorCase c;
    c.name = name;
    c.opset = 22;
    for (const Shape& shape : {Shape{2, 19, 7, 7}, Shape{1, 64, 100}, Shape{1, 3, 4, 5, 6},
                               Shape{1, 20, 120, 110}, Shape{3, 4}}) {
      SCOPED_TRACE(testing::Message() << name << shape.ToString());
      c.inputs = {RandomTensor(shape, random)};
      ExpectAgreement(c, 1e-4, shape.rank() > 2);
    }
  }
}

TEST(GlobalPool, TakesNormsOfAnyOrder) {
  OperatorCase c;
  c.name = "GlobalLpPool";
  c.opset = 2;
  c.inputs = {FloatTensor({1, 2, 3}, {1, -2, 3, 0, -4, 0})};
  c.Set("p", int64_t{3});
  const std::vector<float> norms = Floats(c.Run()[0]);
  EXPECT_NEAR(norms[0], std::cbrt(36.0f), 1e-6);
  EXPECT_NEAR(norms[1], 4, 1e-6);
  c.Set("p", int64_t{10});
  EXPECT_NEAR(Floats(c.Run()[0])[0], std::pow(1 + 1024 + 59049, 0.1), 1e-5);
  std::mt19937 random(7);
  c.inputs = {RandomTensor({2, 5, 40, 33}, random)};
  ExpectAgreement(c, 1e-4, true);
}

TEST(MaxUnpool, PutsValuesBack) {
  OperatorCase c;
  c.name = "MaxUnpool";
  c.opset = 11;
  c.inputs = {FloatTensor({1, 1, 1, 2}, {5, 6}),
              Tensor::FromSpan<int64_t>({1, 1, 1, 2}, std::vector<int64_t>{1, 6})};
  c.Set("kernel_shape", std::vector<int64_t>{2, 2});
  c.Set("strides", std::vector<int64_t>{2, 2});
  EXPECT_EQ(Floats(c.Run()[0]), std::vector<float>({0, 5, 0, 0, 0, 0, 6, 0}));
}

// A 5x5 image pooled to 2x2: with its size given, indices are those of MaxPool.
TEST(MaxUnpool, TakesIndicesOfALargerImage) {
  using Indices = std::vector<int64_t>;
  const auto indices = [](const Indices& values) {
    return Tensor::FromSpan<int64_t>({1, 1, 2, 2}, values);
  };
  OperatorCase c;
  c.name = "MaxUnpool";
  c.opset = 11;
  c.Set("kernel_shape", std::vector<int64_t>{2, 2});
  c.Set("strides", std::vector<int64_t>{2, 2});
  c.inputs = {FloatTensor({1, 1, 2, 2}, {5, 6, 7, 8}), indices({6, 8, 10, 18}),
              IntTensor({1, 1, 5, 5})};
  std::vector<float> expected(25);
  expected[6] = 5;
  expected[8] = 6;
  expected[10] = 7;
  expected[18] = 8;
  EXPECT_EQ(Floats(c.Run()[0]), expected);
  // No MaxPool of 5x5 gives 13 for the third window: these count in the inferred 4x4.
  c.inputs[1] = indices({5, 7, 13, 15});
  expected.assign(25, 0);
  expected[6] = 5;
  expected[8] = 6;
  expected[16] = 7;
  expected[18] = 8;
  EXPECT_EQ(Floats(c.Run()[0]), expected);
  for (const int64_t side : {0, 3}) {
    c.inputs[2] = IntTensor({1, 1, side, side});
    EXPECT_NE(c.RunError().find("outside the output"), std::string::npos);
  }
}

TEST(MaxUnpool, RefusesIndicesOutsideTheOutput) {
  OperatorCase c;
  c.name = "MaxUnpool";
  c.opset = 11;
  c.inputs = {FloatTensor({1, 1, 1, 1}, {5}),
              Tensor::FromSpan<int64_t>({1, 1, 1, 1}, std::vector<int64_t>{4})};
  c.Set("kernel_shape", std::vector<int64_t>{2, 2});
  c.Set("strides", std::vector<int64_t>{2, 2});
  EXPECT_NE(c.RunError().find("outside the output [1,1,2,2]"), std::string::npos);
}

}  // namespace
}  // namespace mullion::cpu
