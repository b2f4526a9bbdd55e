// SPDX-License-Identifier: MIT
// QLinearSigmoid, QLinearLeakyRelu, QLinearConcat and QLinearWhere: operators that look bytes up.
#include "tests/devices/cpu/quantized_case.h"

namespace mullion::cpu {
namespace {

TEST(QlinearSigmoid, OfBothTypes) {
  QuantizedCase u("QLinearSigmoid");
  u.Add(TensorOf<uint8_t>({7}, {0, 60, 100, 120, 128, 200, 255}));
  u.AddScale<uint8_t>(0.05f, 120);
  u.AddScale<uint8_t>(1.0f / 256, 0);
  ExpectOnEveryLevel<uint8_t>(u, {7}, {1, 12, 69, 128, 153, 251, 255});
  QuantizedCase s("QLinearSigmoid");
  s.Add(TensorOf<int8_t>({2, 3}, {-128, -40, -3, 0, 50, 127}));
  s.AddScale<int8_t>(0.04f, -3);
  s.AddScale<int8_t>(1.0f / 256, -128);
  ExpectOnEveryLevel<int8_t>(s, {2, 3}, {-126, -81, 0, 8, 101, 127});
}

TEST(QlinearLeakyRelu, OfBothTypes) {
  QuantizedCase u("QLinearLeakyRelu");
  u.Set("alpha", 0.1f);
  u.Add(TensorOf<uint8_t>({6}, {0, 50, 99, 100, 101, 255}));
  u.AddScale<uint8_t>(0.1f, 100);
  u.AddScale<uint8_t>(0.08f, 20);
  ExpectOnEveryLevel<uint8_t>(u, {6}, {8, 14, 20, 20, 21, 214});
  QuantizedCase s("QLinearLeakyRelu");  // alpha is 0.01 unless named
  s.Add(TensorOf<int8_t>({5}, {-128, -60, 10, 11, 127}));
  s.AddScale<int8_t>(0.1f, 10);
  s.AddScale<int8_t>(0.05f, -100);
  ExpectOnEveryLevel<int8_t>(s, {5}, {-103, -101, -100, -98, 127});
}

TEST(QlinearLeakyRelu, ZeroPointsMayBeLeftOutAndSizesAreFree) {
  std::mt19937 random(2);
  for (const int64_t count : {0, 1, 70, 200000}) {
    QuantizedCase c("QLinearLeakyRelu");
    c.Add(RandomBytes<int8_t>({count}, random));
    c.inputs.insert(c.inputs.end(), {Tensor::Scalar(1.0f), Tensor(), Tensor::Scalar(0.5f)});
    std::vector<int8_t> expected = ValuesOf<int8_t>(c.inputs[0]);
    for (int8_t& x : expected) x = ToByte<int8_t>((x >= 0 ? x : 0.01f * x) * 2.0);
    ExpectOnEveryLevel<int8_t>(c, {count}, expected);
  }
}

TEST(QlinearConcat, TranslatesWhatHasOtherScales) {
  QuantizedCase c("QLinearConcat");
  c.Set("axis", int64_t{1});
  c.AddScale<uint8_t>(0.5f, 10);
  c.Add(TensorOf<uint8_t>({2, 2}, {0, 10, 11, 255}));
  c.AddScale<uint8_t>(0.5f, 10);
  c.Add(TensorOf<uint8_t>({2, 3}, {0, 5, 6, 7, 255, 9}));
  c.AddScale<uint8_t>(0.25f, 5);
  ExpectOnEveryLevel<uint8_t>(c, {2, 5}, {0, 10, 8, 10, 10, 11, 255, 11, 135, 12});
}

TEST(QlinearConcat, LongAndEmptyParts) {
  std::mt19937 random(3);
  QuantizedCase c("QLinearConcat");
  c.Set("axis", int64_t{-1});
  c.AddScale<int8_t>(0.5f, -7);
  std::vector<std::vector<int8_t>> parts;
  for (const int64_t length : {50000, 0, 31, 257}) {
    c.Add(RandomBytes<int8_t>({3, length}, random));
    parts.push_back(ValuesOf<int8_t>(c.inputs.back()));
    c.AddScale<int8_t>(0.75f, 20);
  }
  std::vector<int8_t> expected;
  for (size_t row = 0; row < 3; ++row) {
    for (const std::vector<int8_t>& part : parts) {
      const size_t length = part.size() / 3;
      for (size_t i = 0; i < length; ++i) {
        expected.push_back(ToByte<int8_t>(std::nearbyint((part[row * length + i] - 20) * 1.5) - 7));
      }
    }
  }
  ExpectOnEveryLevel<int8_t>(c, {3, 50288}, expected);
}

TEST(QlinearConcat, SaysWhatIsWrong) {
  QuantizedCase c("QLinearConcat");
  c.Set("axis", int64_t{0});
  c.AddScale<uint8_t>(0.5f, 10);
  c.Add(TensorOf<uint8_t>({1, 2}, {1, 2}));
  c.AddScale<uint8_t>(0.5f, 10);
  c.Add(TensorOf<uint8_t>({1, 3}, {1, 2, 3}));
  EXPECT_NE(c.RunError().find("3 for each tensor"), std::string::npos);
  c.AddScale<uint8_t>(0.5f, 10);
  EXPECT_NE(c.RunError().find("all other dimensions must be equal"), std::string::npos);
}

TEST(QlinearWhere, BroadcastsAndTranslates) {
  QuantizedCase c("QLinearWhere");
  const bool conditions[] = {true, false};
  c.Add(Tensor::FromSpan<bool>({2, 1}, std::span<const bool>(conditions)));
  c.Add(TensorOf<uint8_t>({3}, {0, 10, 255}));
  c.AddScale<uint8_t>(0.5f, 10);
  c.Add(TensorOf<uint8_t>({1}, {40}));
  c.AddScale<uint8_t>(1, 30);
  c.AddScale<uint8_t>(0.25f, 100);
  ExpectOnEveryLevel<uint8_t>(c, {2, 3}, {80, 100, 255, 140, 140, 140});
}

TEST(QlinearWhere, LongRuns) {
  std::mt19937 random(4);
  constexpr int64_t kCount = 5000;
  QuantizedCase c("QLinearWhere");
  const auto conditions = std::make_unique<bool[]>(kCount);
  for (int64_t i = 0; i < kCount; ++i) conditions[static_cast<size_t>(i)] = (random() & 1) != 0;
  c.Add(Tensor::FromSpan<bool>({kCount}, std::span<const bool>(conditions.get(), kCount)));
  c.Add(RandomBytes<int8_t>({kCount}, random));
  c.AddScale<int8_t>(1, 3);
  c.Add(RandomBytes<int8_t>({kCount}, random));
  c.AddScale<int8_t>(2, -5);
  c.AddScale<int8_t>(1, 1);
  const std::vector<int8_t> x = ValuesOf<int8_t>(c.inputs[1]);
  const std::vector<int8_t> y = ValuesOf<int8_t>(c.inputs[4]);
  std::vector<int8_t> expected;
  for (size_t i = 0; i < x.size(); ++i) {
    expected.push_back(ToByte<int8_t>(conditions[i] ? x[i] - 3 + 1 : (y[i] + 5) * 2 + 1));
  }
  ExpectOnEveryLevel<int8_t>(c, {kCount}, expected);
}

}  // namespace
}  // namespace mullion::cpu
