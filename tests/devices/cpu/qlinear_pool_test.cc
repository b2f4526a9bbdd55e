// SPDX-License-Identifier: MIT
// QLinearGlobalAveragePool, QLinearAveragePool and QLinearReduceMean.
#include "tests/devices/cpu/quantized_case.h"

namespace mullion::cpu {
namespace {

constexpr int64_t kOne = 1;

TEST(QlinearGlobalAveragePool, OfBothTypesAndLayouts) {
  QuantizedCase first("QLinearGlobalAveragePool");
  first.Add(TensorOf<uint8_t>({1, 3, 2, 2}, {1, 2, 3, 5, 10, 20, 30, 40, 255, 255, 255, 254}));
  first.AddScale<uint8_t>(0.5f, 3);
  first.AddScale<uint8_t>(0.25f, 7);
  ExpectOnEveryLevel<uint8_t>(first, {1, 3, 1, 1}, {7, 51, 255});
  QuantizedCase last("QLinearGlobalAveragePool");
  last.Set("channels_last", kOne);
  last.Add(TensorOf<int8_t>({1, 2, 2, 3}, {1, 10, -128, 2, 20, -128, 3, 30, -128, 5, 40, -127}));
  last.AddScale<int8_t>(0.5f, 3);
  last.AddScale<int8_t>(0.25f, 7);
  ExpectOnEveryLevel<int8_t>(last, {1, 1, 1, 3}, {7, 51, -128});
}

// Sums are exact, so that results are whatever the sizes and the order.
template <typename T>
void CheckGlobal(const Shape& shape, bool last) {
  SCOPED_TRACE(shape.ToString() + (last ? " channels last" : ""));
  std::mt19937 random(5);
  QuantizedCase c("QLinearGlobalAveragePool");
  if (last) c.Set("channels_last", kOne);
  c.Add(RandomBytes<T>(shape, random));
  c.AddScale<T>(0.75f, 9);
  c.AddScale<T>(0.25f, 4);
  const int64_t channels = last ? shape.Back(0) : shape[1];
  const int64_t pixels = shape.ElementCount() / shape[0] / channels;
  const std::vector<T> x = ValuesOf<T>(c.inputs[0]);
  std::vector<T> expected;
  for (int64_t i = 0; i < shape[0] * channels; ++i) {
    int64_t sum = 0;
    for (int64_t k = 0; k < pixels; ++k) {
      const int64_t at =
          last ? (i / channels * pixels + k) * channels + i % channels : i * pixels + k;
      sum += x[static_cast<size_t>(at)] - 9;
    }
    const float scale = 0.75f / (0.25f * static_cast<float>(pixels));
    expected.push_back(ToByte<T>(std::nearbyintf(static_cast<float>(sum) * scale) + 4));
  }
  Shape output = shape;
  for (int i = last ? 1 : 2; i < shape.rank() - (last ? 1 : 0); ++i) output[i] = 1;
  ExpectOnEveryLevel<T>(c, output, expected);
}

TEST(QlinearGlobalAveragePool, AnySize) {
  for (const bool last : {false, true}) {
    for (const Shape& shape : {Shape{1, 3, 1, 1}, Shape{2, 7, 7, 70}, Shape{1, 300, 2, 3, 64},
                               Shape{1, 2, 5000}, Shape{1, 700, 130}}) {
      CheckGlobal<uint8_t>(shape, last);
      CheckGlobal<int8_t>(shape, last);
    }
  }
}

TEST(QlinearAveragePool, TiesFallAsTheFloatStepsPutThem) {
  QuantizedCase c("QLinearAveragePool");
  c.Set("kernel_shape", std::vector<int64_t>{2, 2});
  c.Add(TensorOf<uint8_t>({1, 1, 3, 3}, {1, 2, 3, 5, 10, 20, 30, 41, 255}));
  c.AddScale<uint8_t>(0.1f, 3);
  c.AddScale<uint8_t>(0.1f, 4);
  ExpectOnEveryLevel<uint8_t>(c, {1, 1, 2, 2}, {6, 10, 22, 82});
  c.Set("channels_last", kOne);
  c.inputs[0] = TensorOf<uint8_t>({1, 3, 3, 1}, {1, 2, 3, 5, 10, 20, 30, 41, 255});
  ExpectOnEveryLevel<uint8_t>(c, {1, 2, 2, 1}, {6, 10, 22, 82});
}

TEST(QlinearAveragePool, PaddingCountsOnlyIfAskedFor) {
  QuantizedCase c("QLinearAveragePool");
  c.Set("kernel_shape", std::vector<int64_t>{3, 3});
  c.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  c.Set("strides", std::vector<int64_t>{2, 2});
  c.Add(TensorOf<uint8_t>({1, 1, 3, 3}, {1, 2, 3, 5, 10, 20, 30, 41, 255}));
  c.AddScale<uint8_t>(0.1f, 3);
  c.AddScale<uint8_t>(0.07f, 4);
  ExpectOnEveryLevel<uint8_t>(c, {1, 1, 2, 2}, {6, 12, 30, 116});
  c.Set("count_include_pad", kOne);
  ExpectOnEveryLevel<uint8_t>(c, {1, 1, 2, 2}, {5, 8, 16, 54});
}

// Both layouts go the same way through each window, so they agree to the bit.
TEST(QlinearAveragePool, LayoutsAgree) {
  std::mt19937 random(6);
  QuantizedCase first("QLinearAveragePool");
  first.Set("kernel_shape", std::vector<int64_t>{2, 7, 6});
  first.Set("pads", std::vector<int64_t>{1, 0, 2, 0, 3, 1});
  first.Set("strides", std::vector<int64_t>{1, 2, 1});
  first.Add(RandomBytes<int8_t>({2, 37, 3, 8, 9}, random));
  first.AddScale<int8_t>(0.013f, 5);
  first.AddScale<int8_t>(0.0041f, -2);
  const std::vector<Tensor> outputs = first.Run();
  ASSERT_EQ(outputs.size(), 1u);
  const std::vector<int8_t> x = ValuesOf<int8_t>(first.inputs[0]);
  const auto turned = [](const std::vector<int8_t>& from, int64_t pixels) {
    std::vector<int8_t> to(from.size());
    for (int64_t i = 0; i < static_cast<int64_t>(from.size()); ++i) {
      const int64_t image = i / (37 * pixels);
      const int64_t at = (image * pixels + i % pixels) * 37 + i / pixels % 37;
      to[static_cast<size_t>(at)] = from[static_cast<size_t>(i)];
    }
    return to;
  };
  QuantizedCase last = first;
  last.Set("channels_last", kOne);
  last.inputs[0] = TensorOf<int8_t>({2, 3, 8, 9, 37}, turned(x, 3 * 8 * 9));
  const Shape& shape = outputs[0].shape();
  const int64_t pixels = shape[2] * shape[3] * shape[4];
  ExpectOnEveryLevel<int8_t>(last, {2, shape[2], shape[3], shape[4], 37},
                             turned(ValuesOf<int8_t>(outputs[0]), pixels));
}

// Windows that lie in the padding have no mean; what they give is only not a fault.
TEST(QlinearAveragePool, EmptyImagesAreNoFault) {
  for (const int64_t last : {0, 1}) {
    for (const Shape& shape : {Shape{1, 0, 3, 2}, Shape{1, 2, 0, 3}, Shape{1, 2, 3, 0}}) {
      QuantizedCase c("QLinearAveragePool");
      c.Set("kernel_shape", std::vector<int64_t>{2, 2});
      c.Set("pads", std::vector<int64_t>{2, 2, 2, 2});
      c.Set("channels_last", last);
      c.Add(TensorOf<uint8_t>(shape, {}));
      c.AddScale<uint8_t>(1, 0);
      c.AddScale<uint8_t>(1, 1);
      EXPECT_EQ(c.Run(3).size(), 1u) << shape.ToString() << last;
    }
  }
}

// The window is the image: rounding comes before the zero point then, so that 0.5 gives 0 and 1.5
// gives 2, each plus 1.
TEST(QlinearAveragePool, OneWindowIsTheGlobalPool) {
  QuantizedCase c("QLinearAveragePool");
  c.Set("kernel_shape", std::vector<int64_t>{2, 2});
  c.Add(TensorOf<uint8_t>({1, 2, 2, 2}, {1, 1, 0, 0, 1, 2, 2, 1}));
  c.AddScale<uint8_t>(1, 0);
  c.AddScale<uint8_t>(1, 1);
  ExpectOnEveryLevel<uint8_t>(c, {1, 2, 1, 1}, {1, 3});
}

TEST(QlinearReduceMean, AxesAndKeepDims) {
  QuantizedCase c("QLinearReduceMean");
  c.Add(TensorOf<uint8_t>({2, 3, 2}, {10, 20, 30, 40, 50, 60, 0, 1, 2, 3, 4, 5}));
  c.AddScale<uint8_t>(0.5f, 10);
  c.AddScale<uint8_t>(0.25f, 100);
  QuantizedCase all = c;
  // 225 / 12 - 10 = 8.75, twice that.
  ExpectOnEveryLevel<uint8_t>(all, {1, 1, 1}, {118});
  c.Set("axes", std::vector<int64_t>{-2});
  ExpectOnEveryLevel<uint8_t>(c, {2, 1, 2}, {140, 160, 84, 86});
  c.Set("keepdims", int64_t{0});
  ExpectOnEveryLevel<uint8_t>(c, {2, 2}, {140, 160, 84, 86});
  c.inputs[0] = TensorOf<uint8_t>({0, 3, 2}, {});
  ExpectOnEveryLevel<uint8_t>(c, {0, 2}, {});
}

TEST(QlinearReduceMean, RefusesSumsThatDoNotFit) {
  QuantizedCase c("QLinearReduceMean");
  const int64_t count = (int64_t{1} << 23) + 1;
  c.Add(TensorOf<uint8_t>({count}, std::vector<uint8_t>(static_cast<size_t>(count), 255)));
  c.AddScale<uint8_t>(1, 0);
  c.AddScale<uint8_t>(1, 0);
  EXPECT_NE(c.RunError().find("up to 8388608 are supported"), std::string::npos);
  c.inputs[0] =
      TensorOf<uint8_t>({count - 1}, std::vector<uint8_t>(static_cast<size_t>(count - 1), 255));
  ExpectOnEveryLevel<uint8_t>(c, {1}, {255});
}

}  // namespace
}  // namespace mullion::cpu
