// SPDX-License-Identifier: MIT
// DFT and STFT against sums in long double.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>

#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

using Number = std::complex<long double>;

// One transform by the definition; `sign` is that of the exponent.
std::vector<Number> Transformed(const std::vector<Number>& x, int sign) {
  const auto n = static_cast<int64_t>(x.size());
  std::vector<Number> roots;
  for (int64_t k = 0; k < n; ++k) {
    const long double angle = sign * 2 * 3.14159265358979323846264338327950288L *
                              static_cast<long double>(k) / static_cast<long double>(n);
    roots.emplace_back(std::cos(angle), std::sin(angle));
  }
  std::vector<Number> y(x.size());
  for (int64_t k = 0; k < n; ++k) {
    for (int64_t j = 0; j < n; ++j) {
      y[static_cast<size_t>(k)] +=
          x[static_cast<size_t>(j)] * roots[static_cast<size_t>(j * k % n)];
    }
  }
  return y;
}

template <typename T>
Tensor RandomNumbers(const Shape& shape, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<T> value(-1, 1);
  std::vector<T> values(static_cast<size_t>(shape.ElementCount()));
  for (T& v : values) v = value(random);
  return TensorOf(shape, values);
}

// Signal (o, i) of a tensor [outer, n, inner, components].
template <typename T>
std::vector<Number> SignalOf(const Tensor& tensor, int64_t o, int64_t i) {
  const Shape& shape = tensor.shape();
  std::vector<Number> signal;
  for (int64_t k = 0; k < shape[1]; ++k) {
    const auto at = static_cast<size_t>(((o * shape[1] + k) * shape[2] + i) * shape[3]);
    signal.emplace_back(tensor.span<T>()[at], shape[3] == 2 ? tensor.span<T>()[at + 1] : T{0});
  }
  return signal;
}

// The error of all signals of a DFT along axis 1, relative to the largest value.
template <typename T>
long double ErrorOf(const Tensor& input, const Tensor& output, int64_t length, bool inverse) {
  long double error = 0;
  long double largest = 0;
  for (int64_t o = 0; o < input.shape()[0]; ++o) {
    for (int64_t i = 0; i < input.shape()[2]; ++i) {
      std::vector<Number> signal = SignalOf<T>(input, o, i);
      signal.resize(static_cast<size_t>(length));
      const std::vector<Number> expected = Transformed(signal, inverse ? 1 : -1);
      const std::vector<Number> actual = SignalOf<T>(output, o, i);
      const long double scale = inverse ? 1.0L / static_cast<long double>(length) : 1.0L;
      for (size_t k = 0; k < actual.size(); ++k) {
        largest = std::max(largest, std::abs(expected[k] * scale));
        error = std::max(error, std::abs(actual[k] - expected[k] * scale));
      }
    }
  }
  return largest == 0 ? error : error / largest;
}

OperatorCase Dft(const Tensor& input, int64_t axis, std::optional<int64_t> length = {}) {
  OperatorCase c;
  c.name = "DFT";
  c.opset = 20;
  c.inputs = {input, length.has_value() ? Tensor::Scalar(*length) : Tensor(), Tensor::Scalar(axis)};
  return c;
}

class Lengths : public testing::TestWithParam<int64_t> {
 protected:
  void TearDown() override { SetIsaForTest(AvailableIsas().back()); }
};

TEST_P(Lengths, AreTransformedThereAndBack) {
  const int64_t n = GetParam();
  for (const int64_t inner : {1, 3, 11}) {
    const Tensor input = RandomNumbers<double>({2, n, inner, 2}, static_cast<unsigned>(n));
    Tensor plain;
    for (const Isa isa : AvailableIsas()) {
      SCOPED_TRACE(IsaName(isa));
      SetIsaForTest(isa);
      OperatorCase c = Dft(input, 1);
      const Tensor spectrum = c.Run(3)[0];
      if (isa == AvailableIsas().front()) {
        EXPECT_LT(ErrorOf<double>(input, spectrum, n, false), 2e-15L * std::log2(2.0L + n));
        plain = spectrum;
      }
      ExpectClose(spectrum, plain, 0);
      c = Dft(spectrum, 1);
      c.Set("inverse", int64_t{1});
      ExpectClose(c.Run()[0], input, 1e-14);
    }
  }
}

// All kinds of passes, primes, squares of primes, and the neighbours of powers of two.
INSTANTIATE_TEST_SUITE_P(Fourier, Lengths,
                         testing::Values(1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 16, 17, 30, 31, 49,
                                         64, 97, 100, 121, 127, 128, 129, 210, 255, 256, 257, 400),
                         testing::PrintToStringParamName());

TEST(Dft, OfRealFloatsIsAsGoodAsFloatCanBe) {
  for (const int64_t n : {64, 400, 1000, 1009}) {
    const Tensor input = RandomNumbers<float>({1, n, 2, 1}, 1);
    EXPECT_LT(ErrorOf<float>(input, Dft(input, 1).Run()[0], n, false), 1e-7L) << n;
  }
}

// What passes round, in float: two units in the last place of the largest magnitude at most. A
// chirp rounds but once.
TEST(Dft, OfComplexFloatsRoundsInEachPass) {
  for (const int64_t n : {5, 64, 210, 400, 1000, 4096, 1009}) {
    for (const int64_t inner : {1, 3, 21}) {
      const Tensor input = RandomNumbers<float>({1, n, inner, 2}, 1);
      for (const int64_t inverse : {0, 1}) {
        Tensor plain;
        for (const Isa isa : AvailableIsas()) {
          SCOPED_TRACE(testing::Message() << n << " " << inner << " " << IsaName(isa));
          SetIsaForTest(isa);
          OperatorCase c = Dft(input, 1);
          c.Set("inverse", inverse);
          const Tensor output = c.Run(3)[0];
          if (plain.shape().rank() == 0) {
            EXPECT_LT(ErrorOf<float>(input, output, n, inverse == 1), n == 1009 ? 1e-7L : 2.4e-7L);
            plain = output;
          }
          ExpectClose(output, plain, 0);
        }
      }
    }
  }
}

// Ten values of this are zero, and rounding makes 2^-19 of them, times a tenth: the order of sums
// that ONNX's own data for test_dft_inverse have.
TEST(Dft, OfComplexFloatsRoundsAsOnnxsDataDo) {
  std::vector<float> values(200);
  for (size_t i = 0; i < 100; ++i) values[2 * i] = static_cast<float>(i);
  OperatorCase c = Dft(TensorOf<float>({10, 10, 2}, values), 0);
  c.Set("inverse", int64_t{1});
  const Tensor output = c.Run()[0];
  const float rounding = std::ldexp(1.0F, -19) * 0.1F;
  int64_t rounded = 0;
  for (const float y : output.span<float>()) rounded += std::abs(y) == rounding ? 1 : 0;
  EXPECT_EQ(rounded, 10);
}

TEST(Dft, PadsAndCutsToTheLength) {
  const Tensor input = RandomNumbers<double>({2, 10, 3, 1}, 2);
  for (const int64_t n : {1, 4, 10, 15, 64}) {
    OperatorCase c = Dft(input, -3, n);
    for (const Tensor& output : RunEveryWay(c)) {
      EXPECT_EQ(output.shape(), Shape({2, n, 3, 2}));
      const Tensor cut = Dft(input, 1, n).Run()[0];
      ExpectClose(output, cut, 0);
    }
    const Tensor output = c.Run()[0];
    std::vector<Number> signal = SignalOf<double>(input, 1, 2);
    signal.resize(static_cast<size_t>(n));
    const std::vector<Number> expected = Transformed(signal, -1);
    const std::vector<Number> actual = SignalOf<double>(output, 1, 2);
    for (size_t k = 0; k < expected.size(); ++k) {
      EXPECT_LT(std::abs(actual[k] - expected[k]), 1e-13L);
    }
  }
}

TEST(Dft, OneSideIsTheFirstHalf) {
  for (const int64_t n : {1, 2, 9, 10}) {
    const Tensor input = RandomNumbers<double>({2, n, 3, 1}, 3);
    const Tensor both = Dft(input, 1).Run()[0];
    OperatorCase c = Dft(input, 1);
    c.Set("onesided", int64_t{1});
    const Tensor one = c.Run()[0];
    ASSERT_EQ(one.shape(), Shape({2, n / 2 + 1, 3, 2}));
    for (int64_t i = 0; i < 3; ++i) {
      std::vector<Number> half = SignalOf<double>(both, 1, i);
      half.resize(static_cast<size_t>(n / 2 + 1));
      EXPECT_EQ(SignalOf<double>(one, 1, i), half);
    }
    // And back; an odd length must be said.
    c = Dft(one, 1, n);
    c.Set("onesided", int64_t{1});
    c.Set("inverse", int64_t{1});
    ExpectClose(c.Run()[0], input, 1e-14);
    if (n % 2 == 0) {
      c.inputs[1] = Tensor();
      ExpectClose(c.Run()[0], input, 1e-14);
    }
  }
}

TEST(Dft, BackFromOneSideIgnoresWhatARealSignalCannotHave) {
  // Imaginary parts of the first and of the middle bin.
  OperatorCase c = Dft(TensorOf<double>({3, 2}, {4, 7, 0, 0, 4, 9}), 0);
  c.Set("onesided", int64_t{1});
  c.Set("inverse", int64_t{1});
  ExpectClose(c.Run()[0], TensorOf<double>({4, 1}, {2, 0, 2, 0}), 1e-15);
  // Bins that lack are zero.
  c.inputs[1] = Tensor::Scalar(int64_t{8});
  EXPECT_EQ(c.Run()[0].shape(), Shape({8, 1}));
}

TEST(Dft, TakesOldFormsAndDefaults) {
  const Tensor input = RandomNumbers<float>({2, 6, 5, 1}, 4);
  OperatorCase old = Dft(input, 0);
  old.opset = 17;
  old.inputs.resize(1);
  ExpectClose(old.Run()[0], Dft(input, 1).Run()[0], 0);
  old.Set("axis", int64_t{2});
  ExpectClose(old.Run()[0], Dft(input, 2).Run()[0], 0);
  OperatorCase now = Dft(input, 0);
  now.inputs.resize(1);
  ExpectClose(now.Run()[0], Dft(input, -2).Run()[0], 0);
}

TEST(Dft, GivesTheSameWithEveryKindOfInput) {
  const Tensor input = RandomNumbers<float>({3, 7, 50, 1}, 5);
  const std::vector<Tensor> outputs = RunEveryWay(Dft(input, 2, 30));
  ASSERT_FALSE(outputs.empty());
  EXPECT_EQ(outputs[0].shape(), Shape({3, 7, 30, 2}));
}

TEST(Dft, TakesEmptyTensors) {
  EXPECT_EQ(Dft(RandomNumbers<float>({0, 5, 1}, 6), 1).Run()[0].shape(), Shape({0, 5, 2}));
  EXPECT_EQ(Dft(RandomNumbers<float>({2, 0, 1}, 6), 1).Run()[0].shape(), Shape({2, 0, 2}));
  const Tensor padded = Dft(RandomNumbers<float>({1, 0, 1}, 6), 1, 2).Run()[0];
  ExpectClose(padded, FloatTensor({1, 2, 2}, {0, 0, 0, 0}), 0);
}

TEST(Dft, RefusesWhatMakesNoSense) {
  ExpectError(Dft(RandomNumbers<float>({2, 4, 3}, 7), 1), "the last axis of input 0 has 3");
  ExpectError(Dft(RandomNumbers<float>({4}, 7), 0), "must have a rank of 2 or more");
  ExpectError(Dft(RandomNumbers<float>({2, 4, 1}, 7), 2), "the axis 2 is not one of the first 2");
  ExpectError(Dft(RandomNumbers<float>({2, 4, 1}, 7), -1), "the axis -1 is not one of");
  ExpectError(Dft(RandomNumbers<float>({2, 4, 1}, 7), 1, 0), "'dft_length' is 0");
  ExpectError(Dft(RandomNumbers<float>({0, 4, 1}, 7), 1, -4), "'dft_length' is -4");
  OperatorCase c = Dft(RandomNumbers<float>({2, 4, 2}, 7), 1);
  c.Set("onesided", int64_t{1});
  ExpectError(c, "set onesided to 0");
}

OperatorCase Stft(const Tensor& signal, int64_t step, const Tensor& window,
                  std::optional<int64_t> length) {
  OperatorCase c;
  c.name = "STFT";
  c.opset = 17;
  c.inputs = {signal, Tensor::Scalar(step), window,
              length.has_value() ? Tensor::Scalar(*length) : Tensor()};
  return c;
}

TEST(Stft, TransformsFramesOfTheSignal) {
  const Tensor signal = RandomNumbers<double>({2, 50, 2}, 8);
  const Tensor window = RandomNumbers<double>({12}, 9);
  OperatorCase c = Stft(signal, 5, window, {});
  c.Set("onesided", int64_t{0});
  const Tensor output = RunEveryWay(c)[0];
  ASSERT_EQ(output.shape(), Shape({2, 8, 12, 2}));
  for (int64_t batch = 0; batch < 2; ++batch) {
    for (int64_t frame = 0; frame < 8; ++frame) {
      std::vector<Number> x;
      for (int64_t k = 0; k < 12; ++k) {
        const auto at = static_cast<size_t>((batch * 50 + frame * 5 + k) * 2);
        const long double factor = window.span<double>()[static_cast<size_t>(k)];
        x.push_back(Number(signal.span<double>()[at], signal.span<double>()[at + 1]) * factor);
      }
      const std::vector<Number> expected = Transformed(x, -1);
      for (int64_t k = 0; k < 12; ++k) {
        const auto at = static_cast<size_t>(((batch * 8 + frame) * 12 + k) * 2);
        const Number actual(output.span<double>()[at], output.span<double>()[at + 1]);
        EXPECT_LT(std::abs(actual - expected[static_cast<size_t>(k)]), 1e-14L);
      }
    }
  }
}

TEST(Stft, HasOneSideForRealSignals) {
  const Tensor signal = RandomNumbers<float>({1, 20, 1}, 10);
  const std::vector<Tensor> outputs = RunEveryWay(Stft(signal, 3, Tensor(), 7));
  ASSERT_FALSE(outputs.empty());
  EXPECT_EQ(outputs[0].shape(), Shape({1, 5, 4, 2}));
}

TEST(Stft, TakesRealSignalsWithoutAnAxisOfComponents) {
  const Tensor signal = RandomNumbers<float>({3, 20}, 10);
  const Tensor window = RandomNumbers<float>({8}, 11);
  const Tensor with_axis = RandomNumbers<float>({3, 20, 1}, 10);
  const Tensor expected = Stft(with_axis, 3, window, {}).Run()[0];
  const Tensor output = RunEveryWay(Stft(signal, 3, window, {}))[0];
  EXPECT_EQ(output.shape(), Shape({3, 5, 5, 2}));
  ExpectClose(output, expected, 0);
  ExpectError(Stft(RandomNumbers<float>({20}, 10), 3, window, {}), "must have rank 2 or more");
}

TEST(Stft, RefusesWhatMakesNoSense) {
  const Tensor signal = RandomNumbers<float>({1, 20, 1}, 11);
  const Tensor window = RandomNumbers<float>({5}, 11);
  ExpectError(Stft(signal, 0, window, {}), "'frame_step' is 0");
  ExpectError(Stft(signal, 1, window, 6), "both must be equal");
  ExpectError(Stft(signal, 1, Tensor(), 0), "'frame_length' is 0");
  ExpectError(Stft(signal, 1, Tensor(), {}), "it needs input 'window' or input 'frame_length'");
  ExpectError(Stft(signal, 1, Tensor(), 21), "a frame has 21 elements but the signal has 20");
  ExpectError(Stft(RandomNumbers<float>({1, 20, 2}, 11), 1, window, {}), "set onesided to 0");
}

}  // namespace
}  // namespace mullion::cpu
