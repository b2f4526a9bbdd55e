// SPDX-License-Identifier: MIT
#include <limits>

#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

OperatorCase Slice(const Shape& shape, std::vector<int64_t> starts, std::vector<int64_t> ends,
                   std::vector<int64_t> axes, std::vector<int64_t> steps) {
  OperatorCase c;
  c.name = "Slice";
  c.opset = 13;
  c.inputs = {Counting<int32_t>(shape), IntTensor(std::move(starts)), IntTensor(std::move(ends)),
              IntTensor(std::move(axes)), IntTensor(std::move(steps))};
  return c;
}

OperatorCase SliceLine(int64_t start, int64_t end, int64_t step) {
  return Slice({6}, {start}, {end}, {0}, {step});
}

TEST(Slice, ClampsStartsAndEnds) {
  ExpectOutput<int32_t>(SliceLine(1, 4, 1), {3}, {1, 2, 3});
  ExpectOutput<int32_t>(SliceLine(-2, kMax, 1), {2}, {4, 5});
  ExpectOutput<int32_t>(SliceLine(-100, 2, 1), {2}, {0, 1});
  ExpectOutput<int32_t>(SliceLine(4, 2, 1), {0}, {});
  ExpectOutput<int32_t>(SliceLine(0, kMax, 4), {2}, {0, 4});
  ExpectOutput<int32_t>(SliceLine(kMax, kMin, -1), {6}, {5, 4, 3, 2, 1, 0});
  ExpectOutput<int32_t>(SliceLine(-1, -100, -2), {3}, {5, 3, 1});
  ExpectOutput<int32_t>(SliceLine(3, 0, -1), {3}, {3, 2, 1});
  ExpectOutput<int32_t>(SliceLine(-7, kMin, -1), {1}, {0});
  ExpectOutput<int32_t>(SliceLine(-7, -9, -1), {1}, {0});
  ExpectOutput<int32_t>(SliceLine(2, kMax, kMax), {1}, {2});
  ExpectOutput<int32_t>(SliceLine(5, kMin, kMin), {1}, {5});
  ExpectOutput<int32_t>(Slice({0}, {0}, {5}, {0}, {1}), {0}, {});
  ExpectOutput<int32_t>(Slice({0}, {-1}, {kMin}, {0}, {-1}), {0}, {});
}

TEST(Slice, AgreesWithTheDefinitionOnSeveralAxes) {
  const Shape shape{4, 6, 5};
  const Shape out{2, 3, 5};
  std::vector<int32_t> expected;
  ForEachCoordinate(out, [&](const std::vector<int64_t>& at) {
    expected.push_back(
        static_cast<int32_t>(NumberOf(shape, {1 + 2 * at[0], 5 - 2 * at[1], at[2]})));
  });
  ExpectOutput(Slice(shape, {5, 1}, {kMin, 4}, {-2, 0}, {-2, 2}), out, expected);
}

TEST(Slice, TakesInt32AndLeavesOutAxesAndSteps) {
  OperatorCase c;
  c.name = "Slice";
  c.opset = 10;
  c.inputs = {Counting<int32_t>({2, 3}), TensorOf<int32_t>({2}, {0, 1}),
              TensorOf<int32_t>({2}, {1, 3})};
  ExpectOutput<int32_t>(c, {1, 2}, {1, 2});
}

TEST(Slice, TakesTheAttributesOfOpset1) {
  OperatorCase c;
  c.name = "Slice";
  c.opset = 1;
  c.inputs = {Counting<int32_t>({2, 3})};
  c.Set("starts", std::vector<int64_t>{1});
  c.Set("ends", std::vector<int64_t>{1000});
  c.Set("axes", std::vector<int64_t>{1});
  ExpectOutput<int32_t>(c, {2, 2}, {1, 2, 4, 5});
}

TEST(Slice, RefusesNonsense) {
  ExpectError(SliceLine(0, 1, 0), "step of 0");
  ExpectError(Slice({6}, {0}, {1}, {1}, {1}), "axis 1 is outside");
  ExpectError(Slice({6}, {0, 0}, {1}, {0}, {1}), "as many of each");
  ExpectError(Slice({6, 6}, {0, 0}, {1, 1}, {0, -2}, {1, 1}), "named twice");
}

}  // namespace
}  // namespace mullion::cpu
