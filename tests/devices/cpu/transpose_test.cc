// SPDX-License-Identifier: MIT
#include <algorithm>
#include <random>

#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

template <typename T>
void CheckPermutation(const Shape& shape, const std::vector<int64_t>& perm) {
  OperatorCase c;
  c.name = "Transpose";
  c.opset = 13;
  c.inputs = {Counting<T>(shape)};
  c.Set("perm", perm);
  Shape out;
  for (const int64_t axis : perm) out.Append(shape[static_cast<int>(axis)]);
  std::vector<T> expected;
  ForEachCoordinate(out, [&](const std::vector<int64_t>& at) {
    std::vector<int64_t> from(at.size());
    for (size_t i = 0; i < at.size(); ++i) from[static_cast<size_t>(perm[i])] = at[i];
    expected.push_back(static_cast<T>(NumberOf(shape, from)));
  });
  ExpectOutput(c, out, expected);
}

TEST(Transpose, AgreesWithTheDefinitionForEveryPermutation) {
  std::mt19937 random(3);
  for (const Shape& shape : {Shape{5}, Shape{3, 7}, Shape{4, 1, 9}, Shape{2, 3, 4, 5},
                             Shape{2, 3, 1, 4, 2}, Shape{33, 3, 40}, Shape{2, 17, 4, 18}}) {
    std::vector<int64_t> perm(static_cast<size_t>(shape.rank()));
    std::iota(perm.begin(), perm.end(), 0);
    do {
      SCOPED_TRACE(testing::Message() << shape.ToString() << " " << testing::PrintToString(perm));
      CheckPermutation<int32_t>(shape, perm);
      CheckPermutation<uint8_t>(shape, perm);
      CheckPermutation<int64_t>(shape, perm);
      CheckPermutation<uint16_t>(shape, perm);
      if (HasFailure()) return;
    } while (std::next_permutation(perm.begin(), perm.end()));
  }
}

TEST(Transpose, ReversesTheAxesWhenNoneAreNamed) {
  OperatorCase c;
  c.name = "Transpose";
  c.opset = 1;
  c.inputs = {Counting<float>({2, 3})};
  ExpectOutput<float>(c, {3, 2}, {0, 3, 1, 4, 2, 5});
  c.inputs = {Counting<float>({2, 0})};
  ExpectOutput<float>(c, {0, 2}, {});
  c.inputs = {Counting<float>({})};
  ExpectOutput<float>(c, {}, {0});
}

TEST(Transpose, RefusesWhatIsNoPermutation) {
  OperatorCase c;
  c.name = "Transpose";
  c.opset = 13;
  c.inputs = {Counting<float>({2, 3})};
  c.attributes = {{"perm", std::vector<int64_t>{0}}};
  ExpectError(c, "has 1 axes");
  c.attributes = {{"perm", std::vector<int64_t>{0, 2}}};
  ExpectError(c, "axis 2 is outside");
  c.attributes = {{"perm", std::vector<int64_t>{1, 1}}};
  ExpectError(c, "named twice");
}

}  // namespace
}  // namespace mullion::cpu
