// SPDX-License-Identifier: MIT
#include "tests/devices/cpu/operator_case.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/thread_parallel.h"
#include "tests/kernel_tester.h"

namespace mullion::cpu {

namespace {

void FillIn(const OperatorCase& c, KernelTester& tester) {
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    if (c.inputs[i]) {
      tester.AddInput(c.inputs[i], c.constant_parameters && i > 0);
    } else {
      tester.SkipInput();
    }
  }
  for (const auto& [name, value] : c.attributes) tester.SetAttribute(name, value);
  tester.SetOutputCount(c.output_count);
}

template <typename To, typename From>
Tensor Converted(const Tensor& tensor) {
  std::vector<To> values;
  for (const From value : tensor.span<From>()) values.push_back(static_cast<To>(value));
  return Tensor::FromSpan<To>(tensor.shape(), std::span<const To>(values));
}

double At(const Tensor& tensor, int64_t i) {
  double value = std::nan("");
  DispatchType(NumericTypes{}, tensor.type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    value =
        static_cast<double>(static_cast<ComputeType<T>>(tensor.span<T>()[static_cast<size_t>(i)]));
  });
  return value;
}

// Element [n, c, p] of one becomes [n, p, c] of the other: a transposition of the last two of three
// axes, here of `rows` and `columns`.
Tensor Turned(const Tensor& tensor, const Shape& shape, int64_t rows, int64_t columns) {
  Tensor result = *Tensor::Allocate(tensor.type(), shape);
  const size_t bytes = ByteSize(tensor.type(), 1);
  const char* const from = static_cast<const char*>(tensor.data());
  char* const to = static_cast<char*>(result.mutable_data());
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const int64_t image = i / (rows * columns) * (rows * columns);
    const int64_t j = image + i % columns * rows + i / columns % rows;
    std::memcpy(to + static_cast<size_t>(j) * bytes, from + static_cast<size_t>(i) * bytes, bytes);
  }
  return result;
}

void ExpectSameBits(const Tensor& a, const Tensor& b) {
  ASSERT_EQ(a.bytes(), b.bytes());
  EXPECT_EQ(std::memcmp(a.data(), b.data(), a.bytes()), 0) << "results hang on the thread count";
}

}  // namespace

OperatorCase::OperatorCase() = default;
OperatorCase::OperatorCase(const OperatorCase& other) = default;
OperatorCase::OperatorCase(OperatorCase&& other) noexcept = default;
OperatorCase& OperatorCase::operator=(const OperatorCase& other) = default;
OperatorCase& OperatorCase::operator=(OperatorCase&& other) noexcept = default;
OperatorCase::~OperatorCase() = default;

void OperatorCase::Set(std::string attribute, AttributeValue value) {
  attributes.emplace_back(std::move(attribute), std::move(value));
}

std::vector<Tensor> OperatorCase::Run(int threads) const {
  KernelTester tester(name, opset, domain);
  FillIn(*this, tester);
  ThreadParallel parallel(threads);
  tester.SetParallel(&parallel);
  const Status status = tester.Run();
  EXPECT_TRUE(status.ok()) << status.message();
  std::vector<Tensor> outputs;
  for (int i = 0; status.ok() && i < output_count; ++i) {
    outputs.push_back(*tester.OutputDatum(i).OwnedTensor());
  }
  return outputs;
}

std::string OperatorCase::RunError() const {
  KernelTester tester(name, opset, domain);
  FillIn(*this, tester);
  const Status status = tester.Run();
  EXPECT_FALSE(status.ok());
  return status.message();
}

std::vector<Tensor> OperatorCase::RunChannelsLast(int threads) const {
  OperatorCase turned = *this;
  turned.inputs[0] = ToChannelsLast(inputs[0]);
  turned.Set("channels_last", int64_t{1});
  std::vector<Tensor> outputs = turned.Run(threads);
  if (!outputs.empty()) outputs[0] = ToChannelsFirst(outputs[0]);
  return outputs;
}

std::vector<Tensor> OperatorCase::RunInDouble() const {
  OperatorCase wide = *this;
  for (Tensor& input : wide.inputs) {
    // Parameters that are always float, such as the scales of Resize, stay so.
    const bool is_parameter = name == "Resize" && &input != &wide.inputs[0];
    if (input && input.type() == ElementType::kFloat && !is_parameter) {
      input = Converted<double, float>(input);
    }
  }
  std::vector<Tensor> outputs = wide.Run();
  for (Tensor& output : outputs) {
    if (output.type() == ElementType::kDouble) output = Converted<float, double>(output);
  }
  return outputs;
}

void ExpectAgreement(const OperatorCase& c, double tolerance, bool layouts) {
  const std::vector<Tensor> expected = c.RunInDouble();
  for (const Isa isa : AvailableIsas()) {
    SCOPED_TRACE(IsaName(isa));
    SetIsaForTest(isa);
    for (int layout = 0; layout < (layouts ? 2 : 1); ++layout) {
      SCOPED_TRACE(layout == 0 ? "channels first" : "channels last");
      const std::vector<Tensor> one = layout == 0 ? c.Run(1) : c.RunChannelsLast(1);
      const std::vector<Tensor> three = layout == 0 ? c.Run(3) : c.RunChannelsLast(3);
      ASSERT_EQ(one.size(), expected.size());
      ASSERT_EQ(three.size(), expected.size());
      for (size_t i = 0; i < one.size(); ++i) {
        SCOPED_TRACE(testing::Message() << "output " << i);
        ExpectClose(one[i], expected[i], tolerance);
        ExpectSameBits(one[i], three[i]);
      }
    }
  }
  SetIsaForTest(AvailableIsas().back());
}

void ExpectClose(const Tensor& actual, const Tensor& expected, double tolerance) {
  ASSERT_EQ(actual.type(), expected.type());
  ASSERT_EQ(actual.shape().ToString(), expected.shape().ToString());
  for (int64_t i = 0; i < actual.count(); ++i) {
    const double a = At(actual, i);
    const double e = At(expected, i);
    if (a == e || (std::isnan(a) && std::isnan(e))) continue;
    ASSERT_LE(std::abs(a - e), tolerance * std::max(1.0, std::abs(e))) << "at element " << i;
  }
}

Tensor ToChannelsLast(const Tensor& tensor) {
  Shape shape = tensor.shape();
  const int64_t channels = shape[1];
  shape.Remove(1);
  shape.Append(channels);
  return Turned(tensor, shape, channels, std::max<int64_t>(shape.Product(1, shape.rank() - 1), 1));
}

Tensor ToChannelsFirst(const Tensor& tensor) {
  Shape shape = tensor.shape();
  const int64_t channels = shape.Back(0);
  shape.Remove(shape.rank() - 1);
  shape.Insert(1, channels);
  return Turned(tensor, shape, std::max<int64_t>(shape.Product(2, shape.rank()), 1), channels);
}

Tensor RandomTensor(const Shape& shape, std::mt19937& random) {
  std::uniform_real_distribution<float> range(-2, 2);
  std::vector<float> values(static_cast<size_t>(shape.ElementCount()));
  for (float& value : values) value = range(random);
  return FloatTensor(shape, std::move(values));
}

Tensor FloatTensor(const Shape& shape, std::vector<float> values) {
  return Tensor::FromSpan<float>(shape, std::span<const float>(values));
}

Tensor IntTensor(std::vector<int64_t> values) {
  return Tensor::Vector<int64_t>(std::span<const int64_t>(values));
}

std::vector<float> Floats(const Tensor& tensor) {
  const auto span = tensor.span<float>();
  return std::vector<float>(span.begin(), span.end());
}

}  // namespace mullion::cpu
