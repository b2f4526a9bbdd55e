// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <array>
#include <list>
#include <memory>

#include "api/fixtures.h"

namespace mullion::test {
namespace {

template <typename Tensor>
class NumericTensorTest : public testing::Test {};
using AllTensors = testing::Types<TensorFloat, TensorFloat16Bit, TensorDouble, TensorInt8Bit,
                                  TensorUInt8Bit, TensorInt16Bit, TensorUInt16Bit, TensorInt32Bit,
                                  TensorUInt32Bit, TensorInt64Bit, TensorUInt64Bit>;
TYPED_TEST_SUITE(NumericTensorTest, AllTensors);

TYPED_TEST(NumericTensorTest, IsMadeInEveryWay) {
  using Value = typename TypeParam::value_type;
  using Storage = typename TypeParam::storage_type;
  const std::vector<Value> data = {1, 2, 3, 4, 5, 6};
  const std::vector<int64_t> shape = {2, 3};

  const TypeParam array = TypeParam::CreateFromArray({2, 3}, data);
  EXPECT_EQ(array.Shape(), shape);
  EXPECT_EQ(array.GetAsVectorView(), data);
  EXPECT_EQ(array.Kind(), LearningModelFeatureKind::Tensor);
  EXPECT_EQ(TypeParam::CreateFromShapeArrayAndDataArray(shape, data).GetAsVectorView(), data);
  EXPECT_EQ(
      TypeParam::CreateFromIterable(shape, std::list<int>{1, 2, 3, 4, 5, 6}).GetAsVectorView(),
      data);
  EXPECT_EQ(TypeParam::Create(shape).GetAsVectorView(), std::vector<Value>(6));

  std::vector<Storage> memory(array.data().begin(), array.data().end());
  const TypeParam wrapped = TypeParam::CreateFromBuffer(shape, memory);
  memory[0] = memory[5];
  EXPECT_EQ(wrapped.GetAsVectorView()[0], data[5]);
  EXPECT_EQ(wrapped.data().data(), memory.data());
}

TYPED_TEST(NumericTensorTest, AnswersForItsKindOnly) {
  const ILearningModelFeatureValue value = TypeParam::Create({1});
  EXPECT_TRUE(value.try_as<TypeParam>());
  EXPECT_TRUE(value.try_as<ITensor>());
  EXPECT_FALSE(value.try_as<TensorBoolean>());
  EXPECT_FALSE(value.try_as<SequenceValue>());
}

TEST(TensorTest, SolvesOneDimension) {
  const TensorFloat tensor = TensorFloat::CreateFromArray({2, -1, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(tensor.Shape(), (std::vector<int64_t>{2, 2, 2}));
  EXPECT_EQ(TensorFloat::CreateFromArray({-1}, {}).Shape(), (std::vector<int64_t>{0}));
  EXPECT_EQ(TensorFloat::CreateFromArray({0, -1}, {}).Shape(), (std::vector<int64_t>{0, 0}));
}

TEST(TensorTest, RefusesShapesThatDoNotFit) {
  const auto make = [](ArrayView<int64_t> shape) {
    return Failure([&] { TensorFloat::CreateFromArray(shape, {1, 2, 3}); });
  };
  EXPECT_EQ(make({2}),
            "InvalidArgument: a tensor's shape and its data do not agree: 3 elements were given");
  EXPECT_EQ(make({-1, 2}),
            "InvalidArgument: a tensor's shape and its data do not agree: 3 elements were given");
  EXPECT_EQ(make({-1, -1}),
            "InvalidArgument: a tensor's shape may have one dimension of -1 and no other negative "
            "one");
  EXPECT_EQ(make({-2}).substr(0, 15), "InvalidArgument");
  EXPECT_EQ(make({INT64_MAX, INT64_MAX}),
            "InvalidArgument: a tensor's shape has too many elements to count");
  EXPECT_EQ(Failure([] { TensorFloat::Create({-1}); }),
            "InvalidArgument: MullionValue_CreateTensor: the shape [?] has a negative dimension; "
            "every dimension must be 0 or more");
  const std::vector<int64_t> deep(17, 1);
  EXPECT_EQ(Failure([&] { TensorFloat::Create(deep); }),
            "InvalidArgument: MullionValue_CreateTensor: a tensor cannot have 17 dimensions; the "
            "most is 16");
}

TEST(TensorTest, RefusesMoreThanMemoryHolds) {
  EXPECT_EQ(Failure([] { TensorFloat::Create({int64_t{1} << 55}); }).substr(0, 11), "OutOfMemory");
  EXPECT_EQ(Failure([] { TensorString::Create({int64_t{1} << 55}); }).substr(0, 11), "OutOfMemory");
}

TEST(TensorTest, AllowsZeroSizesAndScalars) {
  EXPECT_EQ(TensorFloat::Create({2, 0, 3}).ElementCount(), 0);
  const TensorInt64Bit scalar = TensorInt64Bit::CreateFromArray({}, {5});
  EXPECT_TRUE(scalar.Shape().empty());
  EXPECT_EQ(scalar.GetAsVectorView(), std::vector<int64_t>{5});
  EXPECT_EQ(TensorFloat::CreateFromBuffer({0}, std::span<float>()).ElementCount(), 0);
}

TEST(TensorTest, Float16RoundsToNearestEven) {
  const auto tensor = TensorFloat16Bit::CreateFromArray({3}, {1.0f, 65504.0f, 1.0f + 1.0f / 2048});
  EXPECT_EQ(tensor.TensorKind(), TensorKind::Float16);
  EXPECT_EQ(tensor.GetAsVectorView(), (std::vector<float>{1.0f, 65504.0f, 1.0f}));
  EXPECT_EQ(tensor.data()[0], 0x3c00);
}

TEST(TensorTest, BooleansAreBytesOfZeroOrOne) {
  const auto tensor = TensorBoolean::CreateFromArray({3}, {true, false, true});
  EXPECT_EQ(tensor.GetAsVectorView(), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(tensor.data()[2], 1);
  const std::vector<bool> bits = {false, true};
  EXPECT_EQ(TensorBoolean::CreateFromIterable({2}, bits).GetAsVectorView(), bits);
  const std::array<std::byte, 2> odd = {std::byte{0}, std::byte{7}};
  const auto bytes = TensorValue::CreateFromBytes(TensorKind::Boolean, {2}, odd);
  EXPECT_EQ(bytes.data()[1], std::byte{1});
}

TEST(TensorTest, StringsMayHoldAnything) {
  const std::string zero("a\0b", 3);
  const auto tensor = TensorString::CreateFromArray({-1}, {"", "snow ☃", zero});
  EXPECT_EQ(tensor.Shape(), std::vector<int64_t>{3});
  EXPECT_EQ(tensor.GetAsVectorView(), (std::vector<std::string>{"", "snow ☃", zero}));
  tensor.SetAt(0, "new");
  EXPECT_EQ(tensor.GetAt(0), "new");
  EXPECT_EQ(Failure([&] { static_cast<void>(tensor.GetAt(3)); }),
            "OutOfRange: there is no string 3 in a tensor of 3");
  EXPECT_EQ(Failure([&] { tensor.SetAt(-1, ""); }),
            "OutOfRange: MullionValue_SetString: there is no string -1 in string[3]");
}

TEST(TensorTest, OtherKindsArePlainBytes) {
  const auto nibbles = TensorValue::Create(TensorKind::Int4, {3});
  EXPECT_EQ(nibbles.data().size(), 2u);
  EXPECT_EQ(nibbles.TensorKind(), TensorKind::Int4);
  EXPECT_EQ(Failure([] {
              TensorValue::CreateFromBytes(TensorKind::BFloat16, {2}, std::vector<std::byte>(3));
            }),
            "InvalidArgument: MullionValue_CreateTensor: bfloat16[2] takes 4 bytes but 3 were "
            "given");
  EXPECT_EQ(Failure([] { TensorValue::Create(static_cast<TensorKind>(40), {2}); }),
            "InvalidArgument: MullionValue_CreateTensor: there is no tensor kind 40; use a value "
            "of MullionTensorKind other than UNDEFINED");
}

TEST(TensorTest, BuffersKeepTheirOwner) {
  auto memory = std::make_shared<std::vector<float>>(4, 2.0f);
  const std::weak_ptr<std::vector<float>> watch = memory;
  {
    const auto tensor = TensorFloat::CreateFromBuffer({4}, *memory, memory);
    memory.reset();
    EXPECT_FALSE(watch.expired());
    EXPECT_EQ(tensor.data()[3], 2.0f);
  }
  EXPECT_TRUE(watch.expired());
}

TEST(TensorTest, PlaceholdersHaveNoContent) {
  const TensorFloat tensor = TensorFloat::Create();
  EXPECT_EQ(tensor.TensorKind(), TensorKind::Float);
  EXPECT_EQ(tensor.ElementCount(), 0);
  EXPECT_TRUE(tensor.data().empty());
}

TEST(ValueTest, CastsAreChecked) {
  const ILearningModelFeatureValue value = TensorFloat::Create({1});
  EXPECT_EQ(Failure([&] { static_cast<void>(value.as<TensorInt64Bit>()); }),
            "InvalidArgument: the value is not a tensor of int64; ask Kind() and TensorKind() for "
            "what it is");
  const ILearningModelFeatureValue nothing = nullptr;
  EXPECT_FALSE(nothing);
  EXPECT_FALSE(nothing.try_as<ITensor>());
  EXPECT_EQ(Failure([&] { static_cast<void>(nothing.as<ITensor>()); }).substr(0, 15),
            "InvalidArgument");
}

}  // namespace
}  // namespace mullion::test
