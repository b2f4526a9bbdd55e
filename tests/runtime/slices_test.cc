// SPDX-License-Identifier: MIT
#include "runtime/slices.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace mullion {
namespace {

constexpr int64_t kItems = 3;
constexpr int64_t kRows = 5;
const ElementType kTypes[] = {ElementType::kUint2,   ElementType::kInt4,      ElementType::kBool,
                              ElementType::kFloat16, ElementType::kFloat,     ElementType::kDouble,
                              ElementType::kString,  ElementType::kComplex128};

// Bytes of any tensor; elements of a string tensor count up.
Tensor Filled(ElementType type, const Shape& shape) {
  Tensor tensor = *Tensor::Allocate(type, shape);
  if (type == ElementType::kString) {
    for (int64_t i = 0; i < tensor.count(); ++i) {
      static_cast<std::string*>(tensor.mutable_data())[i] = std::to_string(i);
    }
    return tensor;
  }
  auto* const bytes = static_cast<uint8_t*>(tensor.mutable_data());
  for (size_t i = 0; i < tensor.bytes(); ++i) bytes[i] = static_cast<uint8_t>(37 * i + 11);
  return tensor;
}

// Element `i`, whatever its size.
std::string ElementOf(const Tensor& tensor, int64_t i) {
  const ElementType type = tensor.type();
  if (type == ElementType::kString) return static_cast<const std::string*>(tensor.data())[i];
  const int bits = ElementBits(type);
  const auto* const bytes = static_cast<const uint8_t*>(tensor.data());
  if (bits < 8) {
    const auto bit = static_cast<int>(i * bits);
    return std::to_string((bytes[bit / 8] >> (bit % 8)) & ((1 << bits) - 1));
  }
  return {reinterpret_cast<const char*>(bytes) + i * (bits / 8), static_cast<size_t>(bits / 8)};
}

TEST(Slices, StackUndoesSliceForEveryType) {
  const auto blocks = std::make_shared<BlockCache>();
  const Node node;
  for (const ElementType type : kTypes) {
    for (const bool reverse : {false, true}) {
      const Tensor whole = Filled(type, {kRows, kItems});
      Stack stack(*blocks, 1);
      for (int64_t i = 0; i < kItems; ++i) {
        const Result<Datum> slice = Slice(*blocks, whole.view(), 1, reverse ? kItems - 1 - i : i);
        ASSERT_TRUE(slice.ok());
        for (int64_t r = 0; r < kRows; ++r) {
          const int64_t item = reverse ? kItems - 1 - i : i;
          EXPECT_EQ(ElementOf(slice->tensor, r), ElementOf(whole, r * kItems + item));
        }
        ASSERT_TRUE(stack.Append(node, *slice).ok());
      }
      const Result<Tensor> again = stack.Finish(TypeInfo::Tensor(type), 1, reverse);
      ASSERT_TRUE(again.ok());
      ASSERT_EQ(again->shape(), whole.shape());
      for (int64_t i = 0; i < whole.count(); ++i) {
        EXPECT_EQ(ElementOf(*again, i), ElementOf(whole, i)) << ElementTypeName(type) << " " << i;
      }
    }
  }
}

TEST(Slices, ZerosFollowInTheMiddleOfAByte) {
  const auto blocks = std::make_shared<BlockCache>();
  const Node node;
  const Tensor item = Filled(ElementType::kInt4, {kRows});
  Stack stack(*blocks, 0);
  ASSERT_TRUE(stack.Append(node, Datum::FromTensor(item)).ok());
  ASSERT_TRUE(stack.AppendZeros(1).ok());
  ASSERT_TRUE(stack.Append(node, Datum::FromTensor(item)).ok());
  const Result<Tensor> all = stack.Finish(TypeInfo::Tensor(ElementType::kInt4), 0, false);
  ASSERT_TRUE(all.ok());
  for (int64_t i = 0; i < kRows; ++i) {
    EXPECT_EQ(ElementOf(*all, i), ElementOf(item, i));
    EXPECT_EQ(ElementOf(*all, kRows + i), "0");
    EXPECT_EQ(ElementOf(*all, 2 * kRows + i), ElementOf(item, i));
  }
}

}  // namespace
}  // namespace mullion
