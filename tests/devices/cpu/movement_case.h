// SPDX-License-Identifier: MIT
// Runs operators that move data in every way a runtime may run them.
#ifndef MULLION_TESTS_DEVICES_CPU_MOVEMENT_CASE_H_
#define MULLION_TESTS_DEVICES_CPU_MOVEMENT_CASE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "tests/devices/cpu/operator_case.h"

namespace mullion::cpu {

// The outputs, which must be the same whether inference knows the inputs' contents or not, whether
// they are constants, and with one or three threads.
std::vector<Tensor> RunEveryWay(const OperatorCase& c);

// Runs every way, for operators with one output that is of interest.
template <typename T>
void ExpectOutput(const OperatorCase& c, const Shape& shape, const std::vector<T>& values) {
  const std::vector<Tensor> outputs = RunEveryWay(c);
  ASSERT_FALSE(outputs.empty());
  EXPECT_EQ(outputs[0].shape().ToString(), shape.ToString());
  EXPECT_EQ(outputs[0].type(), kElementTypeOf<T>);
  const auto span = outputs[0].span<T>();
  EXPECT_EQ(std::vector<T>(span.begin(), span.end()), values);
}

// The error, whether contents are known at load or only when it runs, holds `text`.
void ExpectError(const OperatorCase& c, const std::string& text);

template <typename T>
Tensor TensorOf(const Shape& shape, const std::vector<T>& values) {
  Tensor tensor = *Tensor::Allocate(kElementTypeOf<T>, shape);
  std::copy(values.begin(), values.end(), static_cast<T*>(tensor.mutable_data()));
  return tensor;
}

// 0, 1, 2, ...
template <typename T>
Tensor Counting(const Shape& shape) {
  std::vector<T> values(static_cast<size_t>(shape.ElementCount()));
  std::iota(values.begin(), values.end(), T{});
  return TensorOf(shape, values);
}

// Calls `body(coordinates)` for every element of a tensor of that shape, in row-major order.
template <typename Body>
void ForEachCoordinate(const Shape& shape, Body body) {
  std::vector<int64_t> at(static_cast<size_t>(shape.rank()), 0);
  for (int64_t i = 0; i < shape.ElementCount(); ++i) {
    body(at);
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      if (++at[static_cast<size_t>(axis)] < shape[axis]) break;
      at[static_cast<size_t>(axis)] = 0;
    }
  }
}

// The row-major number of the element at `at`.
int64_t NumberOf(const Shape& shape, const std::vector<int64_t>& at);

}  // namespace mullion::cpu

#endif  // MULLION_TESTS_DEVICES_CPU_MOVEMENT_CASE_H_
