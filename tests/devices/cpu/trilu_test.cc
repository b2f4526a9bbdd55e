// SPDX-License-Identifier: MIT
// Trilu, ReverseSequence and CenterCropPad.
#include <limits>

#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Case(const char* name, int opset, Tensor data, Tensor second) {
  OperatorCase c;
  c.name = name;
  c.opset = opset;
  c.inputs = {std::move(data), std::move(second)};
  return c;
}

TEST(Trilu, KeepsATriangle) {
  const Shape shape{2, 3, 4};
  for (const int64_t upper : {0, 1}) {
    for (const int64_t k : {-4, -2, -1, 0, 1, 3, 5}) {
      std::vector<int32_t> expected;
      ForEachCoordinate(shape, [&](const std::vector<int64_t>& at) {
        const bool kept = upper != 0 ? at[2] - at[1] >= k : at[2] - at[1] <= k;
        expected.push_back(kept ? static_cast<int32_t>(NumberOf(shape, at)) : 0);
      });
      OperatorCase c = Case("Trilu", 14, Counting<int32_t>(shape), Tensor::Scalar(k));
      c.Set("upper", upper);
      ExpectOutput(c, shape, expected);
    }
  }
  ExpectOutput<float>(Case("Trilu", 14, Counting<float>({1, 2}),
                           Tensor::Scalar(std::numeric_limits<int64_t>::min())),
                      {1, 2}, {0, 1});
}

template <typename T>
void CheckTriangle(const Shape& shape, bool upper, int64_t k) {
  std::vector<T> expected;
  ForEachCoordinate(shape, [&](const std::vector<int64_t>& at) {
    const bool kept = upper ? at[2] - at[1] >= k : at[2] - at[1] <= k;
    expected.push_back(kept ? static_cast<T>(NumberOf(shape, at)) : T{0});
  });
  OperatorCase c = Case("Trilu", 14, Counting<T>(shape), Tensor::Scalar(k));
  c.Set("upper", int64_t{upper});
  ExpectOutput(c, shape, expected);
}

TEST(Trilu, IsTheSameOnEveryLevelForRowsOfAnyLength) {
  for (const Isa isa : AvailableIsas()) {
    SetIsaForTest(isa);
    SCOPED_TRACE(static_cast<int>(isa));
    for (const bool upper : {false, true}) {
      for (const int64_t k : {-3, 0, 17}) {
        CheckTriangle<uint8_t>({2, 5, 3}, upper, k);
        CheckTriangle<uint8_t>({2, 40, 37}, upper, k);
        CheckTriangle<uint16_t>({3, 9, 33}, upper, k);
        CheckTriangle<float>({5, 60, 56}, upper, k);  // chunks begin within a matrix
        CheckTriangle<int64_t>({1, 70, 65}, upper, k);
        CheckTriangle<float>({2, 3, 300}, upper, k);
      }
    }
  }
  SetIsaForTest(AvailableIsas().back());
}

TEST(ReverseSequence, TurnsTheBeginningOfEachSequence) {
  OperatorCase c = Case("ReverseSequence", 10, Counting<float>({3, 2}), IntTensor({2, 3}));
  ExpectOutput<float>(c, {3, 2}, {2, 5, 0, 3, 4, 1});
  c.inputs = {Counting<float>({2, 3, 1}), IntTensor({0, 2})};
  c.attributes = {{"time_axis", int64_t{1}}, {"batch_axis", int64_t{0}}};
  ExpectOutput<float>(c, {2, 3, 1}, {0, 1, 2, 4, 3, 5});
  c.inputs[1] = IntTensor({0, 4});
  ExpectError(c, "has length 4");
  c.inputs[1] = IntTensor({1});
  ExpectError(c, "batch of 2");
  c.attributes = {{"time_axis", int64_t{1}}};
  ExpectError(c, "must be 0 and 1");
}

TEST(CenterCropPad, CutsAndAddsOnBothSides) {
  OperatorCase c = Case("CenterCropPad", 18, Counting<float>({5, 2}), IntTensor({2, 5}));
  ExpectOutput<float>(c, {2, 5}, {0, 2, 3, 0, 0, 0, 4, 5, 0, 0});
  c.inputs[1] = IntTensor({2});
  c.Set("axes", std::vector<int64_t>{-2});
  ExpectOutput<float>(c, {2, 2}, {2, 3, 4, 5});
  c.inputs[1] = IntTensor({1, 1});
  ExpectError(c, "2 dimensions for 1 axes");
  c.inputs[1] = IntTensor({-1});
  ExpectError(c, "makes no sense");
}

}  // namespace
}  // namespace mullion::cpu
