// SPDX-License-Identifier: MIT
// HannWindow, HammingWindow, BlackmanWindow, MelWeightMatrix.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Window(const char* name, int64_t size) {
  OperatorCase c;
  c.name = name;
  c.opset = 17;
  c.inputs = {Tensor::Scalar(size)};
  return c;
}

TEST(SignalWindow, GivesTheCurves) {
  OperatorCase c = Window("HannWindow", 4);
  ExpectClose(c.Run()[0], FloatTensor({4}, {0, 0.5, 1, 0.5}), 1e-7);
  c.Set("periodic", int64_t{0});
  ExpectClose(c.Run()[0], FloatTensor({4}, {0, 0.75, 0.75, 0}), 1e-7);
  const float low = 25.0f / 46 - 21.0f / 46;
  ExpectClose(Window("HammingWindow", 2).Run()[0], FloatTensor({2}, {low, 1}), 1e-7);
  ExpectClose(Window("BlackmanWindow", 4).Run()[0], FloatTensor({4}, {0, 0.34f, 1, 0.34f}), 1e-7);
}

TEST(SignalWindow, GivesEveryNumberType) {
  for (const ElementType type : {ElementType::kFloat16, ElementType::kBfloat16,
                                 ElementType::kDouble, ElementType::kInt8, ElementType::kUint64}) {
    OperatorCase c = Window("HannWindow", 4);
    c.Set("output_datatype", static_cast<int64_t>(type));
    const Tensor output = c.Run()[0];
    EXPECT_EQ(output.type(), type);
    DispatchType(NumericTypes{}, type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T half = static_cast<T>(static_cast<ComputeType<T>>(0.5));
      const T one = static_cast<T>(static_cast<ComputeType<T>>(1));
      ExpectClose(output, TensorOf<T>({4}, {T{}, half, one, half}), 1e-7);
    });
  }
}

TEST(SignalWindow, TakesTheSmallestSizes) {
  for (const char* const name : {"HannWindow", "HammingWindow", "BlackmanWindow"}) {
    OperatorCase c = Window(name, 0);
    EXPECT_EQ(c.Run()[0].count(), 0);
    c = Window(name, 1);
    c.inputs[0] = Tensor::Scalar(int32_t{1});
    c.Set("periodic", int64_t{0});
    ExpectClose(c.Run()[0], FloatTensor({1}, {1}), 1e-7);
  }
}

TEST(SignalWindow, RefusesWhatIsNoSize) {
  OperatorCase c = Window("HannWindow", -1);
  ExpectError(c, "input 'size' is -1 but must be 0 or more");
  c.inputs[0] = IntTensor({1, 2});
  ExpectError(c, "input 'size' must have one element");
  c = Window("HannWindow", 3);
  c.Set("output_datatype", static_cast<int64_t>(ElementType::kString));
  ExpectError(c, "attribute 'output_datatype' is 8 but must name a number type");
  for (const int exponent : {45, 59, 62}) {
    EXPECT_NE(Window("HannWindow", int64_t{1} << exponent).RunError().find("memory"), 0u);
  }
}

OperatorCase Mel(int64_t bins, int64_t dft_length, int64_t rate, float lower, float upper) {
  OperatorCase c;
  c.name = "MelWeightMatrix";
  c.opset = 17;
  c.inputs = {Tensor::Scalar(bins), Tensor::Scalar(dft_length), Tensor::Scalar(rate),
              Tensor::Scalar(lower), Tensor::Scalar(upper)};
  return c;
}

TEST(MelWeightMatrix, HasTrianglesOfHeightOne) {
  const Tensor matrix = Mel(20, 512, 16000, 20, 8000).Run()[0];
  ASSERT_EQ(matrix.shape(), Shape({257, 20}));
  for (int64_t mel = 0; mel < 20; ++mel) {
    float highest = 0;
    int rises = 0;
    float before = 0;
    for (int64_t bin = 0; bin < 257; ++bin) {
      const float value = matrix.span<float>()[static_cast<size_t>(bin * 20 + mel)];
      EXPECT_GE(value, 0);
      highest = std::max(highest, value);
      if (value > before && before == 0) ++rises;
      before = value;
    }
    EXPECT_EQ(highest, 1) << mel;
    EXPECT_EQ(rises, 1) << mel;
  }
}

// Triangles of every width, from ones that are their peak alone on.
TEST(MelWeightMatrix, RisesAndFallsEvenly) {
  for (const int64_t mel_bins : {3, 20, 200}) {
    SCOPED_TRACE(mel_bins);
    const Tensor matrix = Mel(mel_bins, 1024, 8192, 100, 4000).Run()[0];
    const auto bin = [&](int64_t edge) {
      const double first = 2595 * std::log10(1 + 100 / 700.0);
      const double step =
          (2595 * std::log10(1 + 4000 / 700.0) - first) / static_cast<double>(mel_bins + 2);
      return std::floor(1025 * 700 *
                        (std::pow(10, (first + static_cast<double>(edge) * step) / 2595) - 1) /
                        8192);
    };
    for (int64_t mel = 0; mel < mel_bins; ++mel) {
      const double left = bin(mel);
      const double peak = bin(mel + 1);
      const double right = bin(mel + 2);
      for (int64_t i = 0; i < 513; ++i) {
        const auto at = static_cast<double>(i);
        const double expected = at == peak                ? 1
                                : at > left && at < peak  ? (at - left) / (peak - left)
                                : at > peak && at < right ? (right - at) / (right - peak)
                                                          : 0;
        EXPECT_NEAR(matrix.span<float>()[static_cast<size_t>(i * mel_bins + mel)], expected, 1e-7)
            << mel << ", " << i;
      }
    }
  }
}

TEST(MelWeightMatrix, CutsWhatLiesAboveHalfTheRate) {
  OperatorCase c = Mel(8, 16, 8192, 0, 100000);
  EXPECT_EQ(c.Run()[0].shape(), Shape({9, 8}));
  c.Set("output_datatype", static_cast<int64_t>(ElementType::kFloat16));
  EXPECT_EQ(c.Run()[0].type(), ElementType::kFloat16);
  EXPECT_EQ(Mel(0, 0, 1, 0, 0).Run()[0].shape(), Shape({1, 0}));
}

TEST(MelWeightMatrix, RefusesWhatMakesNoSense) {
  ExpectError(Mel(-1, 16, 8192, 0, 1), "input 'num_mel_bins' is -1");
  ExpectError(Mel(1, -16, 8192, 0, 1), "input 'dft_length' is -16");
  EXPECT_NE(Mel(1, 16, 0, 0, 1).RunError().find("'sample_rate' is 0"), std::string::npos);
  EXPECT_NE(Mel(1, 16, 1, 2, 1).RunError().find("the lower one first"), std::string::npos);
  EXPECT_NE(Mel(1, 16, 1, 0, NAN).RunError().find("the lower one first"), std::string::npos);
}

}  // namespace
}  // namespace mullion::cpu
