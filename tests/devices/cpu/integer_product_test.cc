// SPDX-License-Identifier: MIT
// ConvInteger, QLinearConv, RescaledConv, MatMulInteger, QLinearMatMul and RescaledMatMul against
// plain loops:
// equal to the last bit on every instruction level, in both layouts, with any number of threads.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "devices/cpu/kernels/simd/isa.h"
#include "operators/registry.h"
#include "operators/rescaled_conv.h"
#include "operators/rescaled_matmul.h"
#include "tests/devices/cpu/operator_case.h"

namespace mullion::cpu {
namespace {

int64_t Pick(int64_t low, int64_t high, std::mt19937& random) {
  return low + static_cast<int64_t>(random() % static_cast<uint32_t>(high - low + 1));
}

// Elements of int8 or uint8.
struct Bytes {
  Bytes(bool has_sign, const Shape& shape, std::mt19937& random) : is_signed(has_sign) {
    tensor = *Tensor::Allocate(is_signed ? ElementType::kInt8 : ElementType::kUint8, shape);
    for (int64_t i = 0; i < tensor.count(); ++i) {
      static_cast<uint8_t*>(tensor.mutable_data())[i] = static_cast<uint8_t>(random());
    }
  }
  int32_t operator[](int64_t i) const {
    return is_signed ? static_cast<const int8_t*>(tensor.data())[i]
                     : static_cast<const uint8_t*>(tensor.data())[i];
  }
  // Element i, or the one for all.
  int32_t Spread(int64_t i) const { return (*this)[tensor.count() == 1 ? 0 : i]; }

  bool is_signed;
  Tensor tensor;
};

void ExpectInts(const Tensor& actual, const std::vector<int32_t>& expected) {
  ASSERT_EQ(actual.count(), static_cast<int64_t>(expected.size()));
  for (size_t i = 0; i < expected.size(); ++i) {
    const int32_t value = actual.type() == ElementType::kInt32  ? actual.span<int32_t>()[i]
                          : actual.type() == ElementType::kInt8 ? actual.span<int8_t>()[i]
                                                                : actual.span<uint8_t>()[i];
    ASSERT_EQ(value, expected[i]) << "element " << i;
  }
}

int32_t Requantized(int32_t sum, float scale, int32_t zero, bool is_signed) {
  const float low = is_signed ? -128.0f : 0.0f;
  const float rounded = std::nearbyint(static_cast<float>(sum) * scale);
  return static_cast<int32_t>(
      std::fmin(std::fmax(rounded + static_cast<float>(zero), low), low + 255));
}

// Runs the case on every level.
template <typename Check>
void OnEveryLevel(const Check& check) {
  for (const Isa isa : AvailableIsas()) {
    SCOPED_TRACE(IsaName(isa));
    SetIsaForTest(isa);
    check();
  }
  SetIsaForTest(AvailableIsas().back());
}

// Sizes of a two-dimensional convolution.
struct Convolution {
  explicit Convolution(std::mt19937& random) {
    const int64_t kind = Pick(0, 4, random);
    switch (kind) {
      case 0:  // depthwise
        groups = Pick(2, 70, random);
        in = out = 1;
        break;
      case 1:
        groups = Pick(2, 4, random);
        in = Pick(1, 9, random);
        out = Pick(1, 20, random);
        break;
      case 2:  // what Winograd takes
        groups = 1;
        in = Pick(16, 70, random);
        out = Pick(16, 140, random);
        break;
      case 3:  // deeper than what is packed at a time
        groups = 1;
        in = Pick(120, 600, random);
        out = Pick(1, 70, random);
        break;
      default:
        groups = 1;
        // Few channels are read by lines of the kernel.
        in = Pick(1, Pick(0, 1, random) == 0 ? 6 : 40, random);
        out = Pick(1, 140, random);
    }
    const bool usual = Pick(0, 2, random) == 0 || kind == 2;
    for (int i = 0; i < 2; ++i) {
      kernel[i] = usual ? 3 : Pick(1, 4, random);
      stride[i] = kind == 2 ? 1 : Pick(1, 2, random);
      dilation[i] = usual ? 1 : Pick(1, 2, random);
      pads[i] = Pick(0, 2, random);
      pads[i + 2] = Pick(0, 2, random);
      const int64_t extent = (kernel[i] - 1) * dilation[i] + 1;
      input[i] = Pick(extent, extent + (kind == 3 ? 3 : 12), random);
      output[i] = (input[i] + pads[i] + pads[i + 2] - extent) / stride[i] + 1;
    }
    batch = Pick(1, 2, random);
  }

  Shape Image() const { return {batch, groups * in, input[0], input[1]}; }
  Shape Weights() const { return {groups * out, in, kernel[0], kernel[1]}; }

  void SetOn(OperatorCase& c) const {
    c.opset = 10;
    c.Set("group", groups);
    c.Set("strides", std::vector<int64_t>{stride[0], stride[1]});
    c.Set("dilations", std::vector<int64_t>{dilation[0], dilation[1]});
    c.Set("pads", std::vector<int64_t>{pads[0], pads[1], pads[2], pads[3]});
  }

  // Sums in the order of the output; pixels outside the image add nothing.
  std::vector<int32_t> Sums(const Bytes& x, int32_t x_zero, const Bytes& w,
                            const Bytes& w_zero) const {
    std::vector<int32_t> sums;
    for (int64_t b = 0; b < batch; ++b) {
      for (int64_t m = 0; m < groups * out; ++m) {
        for (int64_t i = 0; i < output[0] * output[1]; ++i) {
          int32_t sum = 0;
          for (int64_t k = 0; k < in * kernel[0] * kernel[1]; ++k) {
            const int64_t row =
                i / output[1] * stride[0] - pads[0] + k / kernel[1] % kernel[0] * dilation[0];
            const int64_t column =
                i % output[1] * stride[1] - pads[1] + k % kernel[1] * dilation[1];
            if (row < 0 || column < 0 || row >= input[0] || column >= input[1]) continue;
            const int64_t channel = m / out * in + k / kernel[1] / kernel[0];
            const int64_t at = ((b * groups * in + channel) * input[0] + row) * input[1] + column;
            sum += (x[at] - x_zero) * (w[m * in * kernel[0] * kernel[1] + k] - w_zero.Spread(m));
          }
          sums.push_back(sum);
        }
      }
    }
    return sums;
  }

  int64_t batch, groups, in, out;
  int64_t kernel[2], stride[2], dilation[2], pads[4], input[2], output[2];
};

TEST(ConvInteger, EqualsPlainLoops) {
  std::mt19937 random(31);
  for (int i = 0; i < 40; ++i) {
    SCOPED_TRACE(i);
    const Convolution sizes(random);
    const Bytes x(Pick(0, 1, random) == 1, sizes.Image(), random);
    const Bytes w(Pick(0, 1, random) == 1, sizes.Weights(), random);
    const Bytes x_zero(x.is_signed, {}, random);
    const bool per_channel = Pick(0, 1, random) == 1;
    const Bytes w_zero(w.is_signed, per_channel ? Shape{sizes.groups * sizes.out} : Shape{},
                       random);
    const std::vector<int32_t> expected = sizes.Sums(x, x_zero[0], w, w_zero);
    OperatorCase c;
    c.name = "ConvInteger";
    sizes.SetOn(c);
    c.inputs = {x.tensor, w.tensor, x_zero.tensor, w_zero.tensor};
    c.constant_parameters = Pick(0, 1, random) == 1;
    OnEveryLevel([&] {
      ExpectInts(c.Run(1)[0], expected);
      ExpectInts(c.Run(3)[0], expected);
      ExpectInts(c.RunChannelsLast(3)[0], expected);
    });
  }
}

TEST(QlinearConv, EqualsPlainLoops) {
  std::mt19937 random(32);
  for (int i = 0; i < 20; ++i) {
    SCOPED_TRACE(i);
    const Convolution sizes(random);
    const int64_t channels = sizes.groups * sizes.out;
    const Bytes x(Pick(0, 1, random) == 1, sizes.Image(), random);
    const Bytes w(Pick(0, 1, random) == 1, sizes.Weights(), random);
    const Bytes x_zero(x.is_signed, {}, random);
    const Bytes w_zero(w.is_signed, {}, random);
    const Bytes y_zero(Pick(0, 1, random) == 1, {}, random);
    std::vector<float> w_scales(static_cast<size_t>(channels));
    std::vector<int32_t> bias(w_scales.size());
    for (float& scale : w_scales) scale = 0.001f * static_cast<float>(Pick(1, 20, random));
    for (int32_t& value : bias) value = static_cast<int32_t>(Pick(-9999, 9999, random));
    std::vector<int32_t> expected = sizes.Sums(x, x_zero[0], w, w_zero);
    const int64_t pixels = sizes.output[0] * sizes.output[1];
    for (size_t j = 0; j < expected.size(); ++j) {
      const auto m = static_cast<size_t>(static_cast<int64_t>(j) / pixels % channels);
      expected[j] = Requantized(expected[j] + bias[m], 0.02f * w_scales[m] / 0.7f, y_zero[0],
                                y_zero.is_signed);
    }
    OperatorCase c;
    c.name = "QLinearConv";
    sizes.SetOn(c);
    c.inputs = {x.tensor,
                Tensor::Scalar(0.02f),
                x_zero.tensor,
                w.tensor,
                FloatTensor({channels}, w_scales),
                w_zero.tensor,
                Tensor::Scalar(0.7f),
                y_zero.tensor,
                Tensor::Vector<int32_t>(std::span<const int32_t>(bias))};
    c.constant_parameters = Pick(0, 1, random) == 1;
    OnEveryLevel([&] {
      ExpectInts(c.Run(1)[0], expected);
      ExpectInts(c.RunChannelsLast(3)[0], expected);
    });
  }
}

// Multiples of a small power of two, so that sums of products are exact and halves come up.
std::vector<float> Dyadic(int64_t count, std::mt19937& random) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(Pick(-24, 24, random)) / 16;
  return values;
}

TEST(RescaledConv, EqualsPlainLoops) {
  std::mt19937 random(36);
  for (int i = 0; i < 24; ++i) {
    SCOPED_TRACE(i);
    const Convolution sizes(random);
    const int64_t channels = sizes.groups * sizes.out;
    const int64_t pixels = sizes.output[0] * sizes.output[1];
    const Bytes x(Pick(0, 1, random) == 1, sizes.Image(), random);
    const Bytes w(true, sizes.Weights(), random);
    const Bytes x_zero(x.is_signed, {}, random);
    Bytes w_zero(true, {}, random);
    *static_cast<int8_t*>(w_zero.tensor.mutable_data()) = 0;
    const Bytes q_zero(Pick(0, 1, random) == 1, {}, random);
    const Bytes y_zero(Pick(0, 1, random) == 1, {}, random);
    const Bytes residual(Pick(0, 1, random) == 1,
                         {sizes.batch, channels, sizes.output[0], sizes.output[1]}, random);
    const bool has_residual = Pick(0, 2, random) != 0;
    const bool rectified = Pick(0, 1, random) == 1;
    const std::vector<float> factors = Dyadic(channels, random);
    const std::vector<float> shifts = Dyadic(channels, random);
    const std::vector<float> residual_factors = Dyadic(channels, random);
    std::vector<int32_t> expected = sizes.Sums(x, x_zero[0], w, w_zero);
    for (size_t j = 0; j < expected.size(); ++j) {
      const auto m = static_cast<size_t>(static_cast<int64_t>(j) / pixels % channels);
      const int32_t q = Requantized(expected[j], 0.003f, q_zero[0], q_zero.is_signed) - q_zero[0];
      float value = static_cast<float>(q) * factors[m] + shifts[m];
      if (has_residual) {
        value += static_cast<float>(residual[static_cast<int64_t>(j)]) * residual_factors[m];
      }
      if (rectified) value = std::fmax(value, 0.0f);
      const float low = y_zero.is_signed ? -128.0f : 0.0f;
      const float rounded = std::nearbyint(value) + static_cast<float>(y_zero[0]);
      expected[j] = static_cast<int32_t>(std::fmin(std::fmax(rounded, low), low + 255));
    }
    OperatorCase c;
    c.name = operators::kRescaledConv;
    c.domain = operators::kInternalDomain;
    sizes.SetOn(c);
    c.opset = 1;
    if (rectified) c.Set("rectified", int64_t{1});
    c.inputs = {x.tensor,
                Tensor::Scalar(0.003f),
                x_zero.tensor,
                w.tensor,
                Tensor::Scalar(1.0f),
                w_zero.tensor,
                Tensor::Scalar(1.0f),
                q_zero.tensor,
                Tensor(),
                FloatTensor({channels}, factors),
                FloatTensor({channels}, shifts),
                y_zero.tensor};
    if (has_residual) {
      c.inputs.push_back(residual.tensor);
      c.inputs.push_back(FloatTensor({channels}, residual_factors));
    }
    c.constant_parameters = Pick(0, 1, random) == 1;
    OperatorCase last = c;
    if (has_residual) last.inputs[12] = ToChannelsLast(residual.tensor);
    OnEveryLevel([&] {
      ExpectInts(c.Run(1)[0], expected);
      ExpectInts(c.Run(3)[0], expected);
      ExpectInts(last.RunChannelsLast(1)[0], expected);
      ExpectInts(last.RunChannelsLast(4)[0], expected);
    });
  }
}

TEST(MatmulInteger, EqualsPlainLoops) {
  std::mt19937 random(33);
  for (int i = 0; i < 40; ++i) {
    SCOPED_TRACE(i);
    const int64_t rows = Pick(1, 40, random);
    const bool large = i % 8 == 7;  // so that panels are fetched ahead
    const int64_t depth = large ? Pick(600, 900, random) : Pick(1, 90, random);
    const int64_t columns = large ? Pick(200, 260, random) : Pick(1, 150, random);
    const int64_t batch = Pick(1, 3, random);
    const bool stacked = Pick(0, 1, random) == 1;            // the right operand too
    const bool shared = stacked && Pick(0, 2, random) == 0;  // one left matrix for all
    const Bytes a(Pick(0, 1, random) == 1, {shared ? 1 : batch, rows, depth}, random);
    const Bytes b(Pick(0, 1, random) == 1,
                  stacked ? Shape{batch, depth, columns} : Shape{depth, columns}, random);
    const Bytes a_zero(a.is_signed, Pick(0, 1, random) == 1 ? Shape{rows} : Shape{}, random);
    const Bytes b_zero(b.is_signed, Pick(0, 1, random) == 1 ? Shape{columns} : Shape{}, random);
    std::vector<int32_t> expected;
    for (int64_t j = 0; j < batch * rows * columns; ++j) {
      const int64_t row = j / columns;
      const int64_t matrix = stacked ? row / rows : 0;
      const int64_t left = shared ? row % rows : row;
      int32_t sum = 0;
      for (int64_t k = 0; k < depth; ++k) {
        sum += (a[left * depth + k] - a_zero.Spread(row % rows)) *
               (b[(matrix * depth + k) * columns + j % columns] - b_zero.Spread(j % columns));
      }
      expected.push_back(sum);
    }
    OperatorCase c;
    c.name = "MatMulInteger";
    c.opset = 10;
    c.inputs = {a.tensor, b.tensor, a_zero.tensor, b_zero.tensor};
    c.constant_parameters = Pick(0, 1, random) == 1;
    OnEveryLevel([&] {
      ExpectInts(c.Run(1)[0], expected);
      ExpectInts(c.Run(3)[0], expected);
    });
  }
}

TEST(QlinearMatmul, TakesScalesPerRowAndColumn) {
  std::mt19937 random(34);
  for (int i = 0; i < 20; ++i) {
    SCOPED_TRACE(i);
    const int64_t rows = Pick(1, 9, random);
    const int64_t depth = Pick(1, 30, random);
    const int64_t columns = Pick(1, 40, random);
    const bool per_row = Pick(0, 1, random) == 1;
    const Bytes a(Pick(0, 1, random) == 1, {rows, depth}, random);
    const Bytes b(Pick(0, 1, random) == 1, {depth, columns}, random);
    const Bytes a_zero(a.is_signed, {}, random);
    const Bytes b_zero(b.is_signed, {}, random);
    const Bytes y_zero(Pick(0, 1, random) == 1, {}, random);
    std::vector<float> a_scales(static_cast<size_t>(per_row ? rows : 1));
    std::vector<float> b_scales(static_cast<size_t>(columns));
    for (float& scale : a_scales) scale = 0.01f * static_cast<float>(Pick(1, 9, random));
    for (float& scale : b_scales) scale = 0.01f * static_cast<float>(Pick(1, 9, random));
    std::vector<int32_t> expected;
    for (int64_t j = 0; j < rows * columns; ++j) {
      int32_t sum = 0;
      for (int64_t k = 0; k < depth; ++k) {
        sum +=
            (a[j / columns * depth + k] - a_zero[0]) * (b[k * columns + j % columns] - b_zero[0]);
      }
      const float scale = a_scales[static_cast<size_t>(per_row ? j / columns : 0)] *
                          b_scales[static_cast<size_t>(j % columns)] / 3.0f;
      expected.push_back(Requantized(sum, scale, y_zero[0], y_zero.is_signed));
    }
    const Shape scale_shape = per_row ? Shape{rows} : Shape{};
    OperatorCase c;
    c.name = "QLinearMatMul";
    c.opset = 21;
    c.inputs = {a.tensor,
                FloatTensor(scale_shape, a_scales),
                a_zero.tensor,
                b.tensor,
                FloatTensor({columns}, b_scales),
                b_zero.tensor,
                Tensor::Scalar(3.0f),
                y_zero.tensor};
    c.constant_parameters = Pick(0, 1, random) == 1;
    OnEveryLevel([&] { ExpectInts(c.Run(2)[0], expected); });
  }
}

TEST(RescaledMatmul, EqualsPlainLoops) {
  std::mt19937 random(37);
  for (int i = 0; i < 48; ++i) {
    SCOPED_TRACE(i);
    // Of each stack, `heads` matrices have the same shifts.
    const bool stacked = i % 2 == 1;
    const int64_t stacks = stacked ? Pick(1, 3, random) : 1;
    const int64_t heads = stacked ? Pick(1, 3, random) : 1;
    const int64_t rows = Pick(1, 30, random);
    const int64_t depth = Pick(1, 60, random);
    const int64_t columns = Pick(1, 150, random);
    const bool has_bias = Pick(0, 1, random) == 1;
    // One column of products, repeated for each shift.
    const bool repeats = i % 6 >= 4;
    const int64_t products = repeats ? 1 : columns;
    const bool rescales = repeats || !has_bias || Pick(0, 2, random) != 0;
    const bool rectified = rescales && Pick(0, 1, random) == 1;
    const auto shape_of = [&](int64_t height, int64_t width) {
      return stacked ? Shape{stacks, heads, height, width} : Shape{height, width};
    };
    const Bytes a(Pick(0, 1, random) == 1, shape_of(rows, depth), random);
    const Bytes b(Pick(0, 1, random) == 1, shape_of(depth, products), random);
    const Bytes a_zero(a.is_signed, {}, random);
    const Bytes b_zero(b.is_signed, {}, random);
    const Bytes q_zero(Pick(0, 1, random) == 1, {}, random);
    const Bytes y_zero(Pick(0, 1, random) == 1, {}, random);
    std::vector<int32_t> bias(static_cast<size_t>(products));
    for (int32_t& value : bias) value = static_cast<int32_t>(Pick(-9999, 9999, random));
    const bool one_factor = repeats || Pick(0, 1, random) == 1;
    const std::vector<float> factors = Dyadic(one_factor ? 1 : columns, random);
    const int64_t shift_columns = stacked && !repeats && Pick(0, 2, random) == 0 ? 1 : columns;
    const std::vector<float> shifts = Dyadic(stacks * shift_columns, random);
    std::vector<int32_t> expected;
    for (int64_t j = 0; j < stacks * heads * rows * columns; ++j) {
      const auto c = static_cast<size_t>(j % columns);
      const int64_t matrix = j / columns / rows;
      const auto shift =
          static_cast<size_t>(matrix / heads * shift_columns) + (shift_columns == 1 ? 0 : c);
      const int64_t product = repeats ? 0 : j % columns;
      int32_t sum = has_bias ? bias[static_cast<size_t>(product)] : 0;
      for (int64_t k = 0; k < depth; ++k) {
        sum += (a[j / columns * depth + k] - a_zero[0]) *
               (b[(matrix * depth + k) * products + product] - b_zero[0]);
      }
      const int32_t q = Requantized(sum, 0.003f, q_zero[0], q_zero.is_signed);
      float value = static_cast<float>(q - q_zero[0]) * factors[one_factor ? 0 : c] + shifts[shift];
      if (rectified) value = std::fmax(value, 0.0f);
      const float low = y_zero.is_signed ? -128.0f : 0.0f;
      const float rounded = std::nearbyint(value) + static_cast<float>(y_zero[0]);
      const float clamped = std::fmin(std::fmax(rounded, low), low + 255);
      expected.push_back(rescales ? static_cast<int32_t>(clamped) : q);
    }
    OperatorCase c;
    c.name = operators::kRescaledMatMul;
    c.domain = operators::kInternalDomain;
    c.opset = 1;
    if (rectified) c.Set("rectified", int64_t{1});
    c.inputs = {a.tensor,
                Tensor::Scalar(0.003f),
                a_zero.tensor,
                b.tensor,
                Tensor::Scalar(1.0f),
                b_zero.tensor,
                Tensor::Scalar(1.0f),
                q_zero.tensor,
                has_bias ? Tensor::Vector<int32_t>(std::span<const int32_t>(bias)) : Tensor()};
    if (rescales) {
      c.inputs.push_back(FloatTensor({one_factor ? 1 : columns}, factors));
      c.inputs.push_back(
          FloatTensor(stacked ? Shape{stacks, 1, 1, shift_columns} : Shape{columns}, shifts));
      c.inputs.push_back(y_zero.tensor);
    }
    c.constant_parameters = Pick(0, 1, random) == 1;
    OnEveryLevel([&] {
      ExpectInts(c.Run(1)[0], expected);
      ExpectInts(c.Run(3)[0], expected);
    });
  }
}

// The greatest sums that fit: no kernel may saturate on the way.
TEST(MatmulInteger, DoesNotSaturate) {
  const int64_t depth = 1024;
  OperatorCase c;
  c.name = "MatMulInteger";
  c.opset = 10;
  const std::vector<uint8_t> left(static_cast<size_t>(depth), 255);
  const std::vector<int8_t> right(static_cast<size_t>(depth), -128);
  c.inputs = {Tensor::FromSpan<uint8_t>({1, depth}, left),
              Tensor::FromSpan<int8_t>({depth, 1}, right)};
  OnEveryLevel([&] { ExpectInts(c.Run()[0], {static_cast<int32_t>(-255 * 128 * depth)}); });
}

TEST(ConvInteger, SaysWhatDoesNotFit) {
  std::mt19937 random(35);
  OperatorCase c;
  c.name = "ConvInteger";
  c.opset = 10;
  c.inputs = {Bytes(false, {1, 3, 5, 5}, random).tensor, Bytes(true, {2, 4, 3, 3}, random).tensor};
  EXPECT_NE(c.RunError().find("the image has 3 channels but the weights want 4"),
            std::string::npos);
}

}  // namespace
}  // namespace mullion::cpu
