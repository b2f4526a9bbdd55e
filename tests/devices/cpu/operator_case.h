// SPDX-License-Identifier: MIT
// One operator with its inputs, to be run in several ways whose results must agree: on every
// instruction level, with several threads, with channels last, and in double, whose plain kernels
// are the reference of the others.
#ifndef MULLION_TESTS_DEVICES_CPU_OPERATOR_CASE_H_
#define MULLION_TESTS_DEVICES_CPU_OPERATOR_CASE_H_

#include <initializer_list>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/tensor.h"
#include "graph/attribute.h"

namespace mullion::cpu {

struct OperatorCase {
  OperatorCase();
  OperatorCase(const OperatorCase& other);
  OperatorCase(OperatorCase&& other) noexcept;
  OperatorCase& operator=(const OperatorCase& other);
  OperatorCase& operator=(OperatorCase&& other) noexcept;
  ~OperatorCase();

  std::string name;
  int opset = 1;
  std::string domain;
  std::vector<Tensor> inputs;  // an empty tensor is an input left out
  std::vector<std::pair<std::string, AttributeValue>> attributes;
  int output_count = 1;
  bool constant_parameters = false;  // inputs from 1 on are known at load

  void Set(std::string attribute, AttributeValue value);

  // The outputs; fails the test, and gives none, on an error.
  std::vector<Tensor> Run(int threads = 1) const;
  // The message of the error that it must give.
  std::string RunError() const;

  // The same with input 0 [N, spatial..., C] and the attribute channels_last; output 0 is turned
  // back.
  std::vector<Tensor> RunChannelsLast(int threads = 1) const;
  // The same with all float inputs widened to double; outputs are narrowed again.
  std::vector<Tensor> RunInDouble() const;
};

// Runs the case on every instruction level, with one and with several threads (which must agree to
// the bit), and with channels last if `layouts` is set; holds all results to those in double.
void ExpectAgreement(const OperatorCase& c, double tolerance, bool layouts = false);

// Every element of `actual` is within tolerance * max(1, |expected|); NaN equals NaN.
void ExpectClose(const Tensor& actual, const Tensor& expected, double tolerance);

Tensor ToChannelsLast(const Tensor& tensor);
Tensor ToChannelsFirst(const Tensor& tensor);

// Floats from [-2, 2).
Tensor RandomTensor(const Shape& shape, std::mt19937& random);
Tensor FloatTensor(const Shape& shape, std::vector<float> values);
Tensor IntTensor(std::vector<int64_t> values);  // one-dimensional, int64
std::vector<float> Floats(const Tensor& tensor);

}  // namespace mullion::cpu

#endif  // MULLION_TESTS_DEVICES_CPU_OPERATOR_CASE_H_
