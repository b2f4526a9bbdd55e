// SPDX-License-Identifier: MIT
#include <algorithm>
#include <random>

#include "base/packed.h"
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

// As bytes are, also where the last byte is not full and where several threads share the work.
TEST(Transpose, MovesPartsOfBytes) {
  for (const ElementType type :
       {ElementType::kUint4, ElementType::kInt4, ElementType::kUint2, ElementType::kInt2}) {
    for (const Shape& shape : {Shape{3, 1, 5}, Shape{7, 3, 10}, Shape{2, 40, 2003}}) {
      const auto count = static_cast<size_t>(shape.ElementCount());
      std::vector<uint8_t> bytes(count);
      for (size_t i = 0; i < count; ++i) {
        bytes[i] = static_cast<uint8_t>((i * i + i / 3) % (ElementBits(type) == 4 ? 16 : 4));
      }
      OperatorCase c;
      c.name = "Transpose";
      c.opset = 25;
      c.Set("perm", std::vector<int64_t>{2, 0, 1});
      c.inputs = {TensorOf<uint8_t>(shape, bytes)};
      const Tensor expected = c.Run()[0];
      Tensor packed = *Tensor::Allocate(type, shape);
      PackElements(type, bytes.data(), packed.mutable_view().data, shape.ElementCount());
      c.inputs = {packed};
      for (const int threads : {1, 3}) {
        const Tensor actual = c.Run(threads)[0];
        std::vector<uint8_t> codes(count);
        UnpackElements(ElementBits(type) == 4 ? ElementType::kUint4 : ElementType::kUint2,
                       actual.view().data, codes.data(), shape.ElementCount());
        for (size_t i = 0; i < count; ++i) {
          ASSERT_EQ(codes[i], expected.span<uint8_t>()[i]) << i << " of " << shape.ToString();
        }
      }
    }
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
