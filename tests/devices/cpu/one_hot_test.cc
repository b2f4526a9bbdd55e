// SPDX-License-Identifier: MIT
#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

OperatorCase OneHot(Tensor indices, int64_t depth, int64_t axis) {
  OperatorCase c;
  c.name = "OneHot";
  c.opset = 11;
  c.inputs = {std::move(indices), Tensor::Scalar(depth), TensorOf<int16_t>({2}, {-1, 5})};
  c.Set("axis", axis);
  return c;
}

TEST(OneHot, PutsOnAtEachIndex) {
  ExpectOutput<int16_t>(OneHot(IntTensor({1, -3, 7}), 3, -1), {3, 3},
                        {-1, 5, -1, 5, -1, -1, -1, -1, -1});
  ExpectOutput<int16_t>(OneHot(TensorOf<float>({2}, {0, 1}), 3, 0), {3, 2}, {5, -1, -1, 5, -1, -1});
  ExpectOutput<int16_t>(OneHot(Tensor::Scalar(uint8_t{1}), 2, -1), {2}, {-1, 5});
  ExpectOutput<int16_t>(OneHot(IntTensor({0}), 0, -1), {1, 0}, {});
  ExpectError(OneHot(IntTensor({0}), -2, -1), "-2");
  ExpectError(OneHot(IntTensor({0}), 2, 2), "axis 2 is outside");
}

}  // namespace
}  // namespace mullion::cpu
