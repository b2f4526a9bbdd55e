// SPDX-License-Identifier: MIT
#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Concat(std::vector<Tensor> inputs, int64_t axis) {
  OperatorCase c;
  c.name = "Concat";
  c.opset = 13;
  c.inputs = std::move(inputs);
  c.Set("axis", axis);
  return c;
}

TEST(Concat, JoinsAlongAnyAxis) {
  const Tensor a = TensorOf<int32_t>({2, 2}, {1, 2, 3, 4});
  const Tensor b = TensorOf<int32_t>({2, 1}, {5, 6});
  const Tensor c = TensorOf<int32_t>({1, 2}, {7, 8});
  const Tensor none = TensorOf<int32_t>({2, 0}, {});
  ExpectOutput<int32_t>(Concat({a, b}, 1), {2, 3}, {1, 2, 5, 3, 4, 6});
  ExpectOutput<int32_t>(Concat({b, none, a}, -1), {2, 3}, {5, 1, 2, 6, 3, 4});
  ExpectOutput<int32_t>(Concat({c, a}, 0), {3, 2}, {7, 8, 1, 2, 3, 4});
  ExpectOutput<int32_t>(Concat({a}, 0), {2, 2}, {1, 2, 3, 4});
}

TEST(Concat, JoinsStringsAndPackedElements) {
  ExpectOutput<std::string>(
      Concat({TensorOf<std::string>({1}, {"a"}), TensorOf<std::string>({2}, {"b", "c"})}, 0), {3},
      {"a", "b", "c"});
  // Three and one 4-bit elements: the second tensor starts in the middle of a byte.
  Tensor three = *Tensor::Allocate(ElementType::kUint4, {3});
  Tensor one = *Tensor::Allocate(ElementType::kUint4, {1});
  static_cast<uint8_t*>(three.mutable_data())[0] = 0x21;
  static_cast<uint8_t*>(three.mutable_data())[1] = 0x03;
  static_cast<uint8_t*>(one.mutable_data())[0] = 0x04;
  const std::vector<Tensor> outputs = RunEveryWay(Concat({three, one}, 0));
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(static_cast<const uint8_t*>(outputs[0].data())[0], 0x21);
  EXPECT_EQ(static_cast<const uint8_t*>(outputs[0].data())[1], 0x43);
}

// Element (r, i * part + j) of the result is element (r, j) of input i.
template <typename T>
void ExpectParts(int64_t rows, int64_t inputs, int64_t part) {
  SCOPED_TRACE(testing::Message() << rows << " rows of " << inputs << " x " << part << " of "
                                  << sizeof(T) << " bytes");
  std::vector<Tensor> tensors;
  std::vector<T> expected(static_cast<size_t>(rows * inputs * part));
  for (int64_t i = 0; i < inputs; ++i) {
    std::vector<T> values;
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t j = 0; j < part; ++j) {
        values.push_back(static_cast<T>(r * 31 + i * 7 + j));
        expected[static_cast<size_t>((r * inputs + i) * part + j)] = values.back();
      }
    }
    tensors.push_back(TensorOf<T>({rows, part}, values));
  }
  ExpectOutput<T>(Concat(std::move(tensors), 1), {rows, inputs * part}, expected);
}

TEST(Concat, JoinsSingleElements) {
  for (const int64_t rows : {1, 15, 16, 17, 1000, 5000}) {
    for (const int64_t inputs : {2, 3, 4, 8, 13, 40}) {
      for (const int64_t part : {1, 2, 3, 4}) {
        ExpectParts<uint8_t>(rows, inputs, part);
        ExpectParts<float>(rows, inputs, part);
        ExpectParts<int64_t>(rows, inputs, part);
      }
    }
  }
}

TEST(Concat, JoinsAlongAxis1InOpset1) {
  OperatorCase c;
  c.name = "Concat";
  c.opset = 1;
  c.inputs = {TensorOf<float>({1, 1}, {1}), TensorOf<float>({1, 2}, {2, 3})};
  ExpectOutput<float>(c, {1, 3}, {1, 2, 3});
}

TEST(Concat, RefusesWhatDoesNotFit) {
  const Tensor a = Counting<float>({2, 2});
  ExpectError(Concat({a, Counting<float>({3, 1})}, 1), "cannot be joined");
  ExpectError(Concat({a, Counting<float>({2})}, 0), "cannot be joined");
  ExpectError(Concat({a, Counting<int32_t>({2, 2})}, 0), "same element type");
  ExpectError(Concat({a, a}, 2), "axis 2 is outside");
}

}  // namespace
}  // namespace mullion::cpu
