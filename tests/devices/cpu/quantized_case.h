// SPDX-License-Identifier: MIT
// Cases of operators on quantized bytes. Expected bytes that are written out were checked against
// ONNX Runtime 1.30.
#ifndef MULLION_TESTS_DEVICES_CPU_QUANTIZED_CASE_H_
#define MULLION_TESTS_DEVICES_CPU_QUANTIZED_CASE_H_

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/operator_case.h"

namespace mullion::cpu {

template <typename T>
Tensor TensorOf(const Shape& shape, const std::type_identity_t<std::vector<T>>& values) {
  return Tensor::FromSpan<T>(shape, std::span<const T>(values));
}

template <typename T>
Tensor RandomBytes(const Shape& shape, std::mt19937& random) {
  std::vector<T> values(static_cast<size_t>(shape.ElementCount()));
  for (T& value : values) value = static_cast<T>(random());
  return TensorOf<T>(shape, values);
}

template <typename T>
std::vector<T> ValuesOf(const Tensor& tensor) {
  const auto span = tensor.span<T>();
  return std::vector<T>(span.begin(), span.end());
}

// A case of com.microsoft. Tensors and their scales are added in the order of the operator's
// inputs.
struct QuantizedCase : OperatorCase {
  explicit QuantizedCase(std::string operator_name) {
    name = std::move(operator_name);
    domain = "com.microsoft";
  }
  void Add(Tensor tensor) { inputs.push_back(std::move(tensor)); }
  template <typename T>
  void AddScale(float scale, int zero_point) {
    inputs.push_back(Tensor::Scalar(scale));
    inputs.push_back(Tensor::Scalar(static_cast<T>(zero_point)));
  }
};

// The only output, on every instruction level and with one thread or three: always the same.
template <typename T>
void ExpectOnEveryLevel(const OperatorCase& c, const Shape& shape, const std::vector<T>& expected) {
  for (const Isa isa : AvailableIsas()) {
    SetIsaForTest(isa);
    for (const int threads : {1, 3}) {
      SCOPED_TRACE(std::string(IsaName(isa)) + ", threads: " + std::to_string(threads));
      const std::vector<Tensor> outputs = c.Run(threads);
      if (outputs.size() != 1) break;
      EXPECT_EQ(outputs[0].shape(), shape);
      EXPECT_EQ(ValuesOf<T>(outputs[0]), expected);
    }
  }
  SetIsaForTest(AvailableIsas().back());
}

// round(value) to nearest even, clamped.
template <typename T>
T ToByte(double value) {
  const double rounded = std::nearbyint(value);
  return static_cast<T>(
      std::fmin(std::fmax(rounded, std::numeric_limits<T>::min()), std::numeric_limits<T>::max()));
}

}  // namespace mullion::cpu

#endif  // MULLION_TESTS_DEVICES_CPU_QUANTIZED_CASE_H_
