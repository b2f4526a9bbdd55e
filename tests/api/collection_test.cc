// SPDX-License-Identifier: MIT
// Sequences, maps and optionals, on their own and through a model.
#include <gtest/gtest.h>

#include <unordered_map>

#include "api/fixtures.h"
#include "api/onnx_builder.h"

namespace mullion::test {
namespace {

using StringToFloat = std::map<std::string, float>;
using IntToFloat = std::map<int64_t, float>;

TEST(SequenceValueTest, HoldsTensors) {
  const std::vector<TensorFloat> items = {TensorFloat::CreateFromArray({1}, {1}),
                                          TensorFloat::CreateFromArray({2}, {2, 3})};
  const SequenceValue sequence = SequenceValue::CreateFromIterable(items);
  ASSERT_EQ(sequence.Size(), 2u);
  EXPECT_EQ(sequence.Kind(), LearningModelFeatureKind::Sequence);
  EXPECT_EQ(sequence.GetAt(1).as<TensorFloat>().GetAsVectorView(), (std::vector<float>{2, 3}));
  EXPECT_EQ(sequence.Items().size(), 2u);
  EXPECT_EQ(Failure([&] { sequence.GetAt(2); }),
            "OutOfRange: MullionValue_Item: there is no item 2 in seq(float[...]) with 2 items");
}

TEST(SequenceValueTest, WantsOneType) {
  const std::vector<ILearningModelFeatureValue> items = {TensorFloat::Create({1}),
                                                         TensorInt64Bit::Create({1})};
  EXPECT_EQ(Failure([&] { SequenceValue::CreateFromIterable(items); }),
            "InvalidArgument: MullionValue_CreateSequence: item 1 is int64[1] but item 0 is "
            "float[1]; all must be of one type");
  const std::vector<ILearningModelFeatureValue> holes = {nullptr};
  EXPECT_EQ(Failure([&] { SequenceValue::CreateFromIterable(holes); }),
            "InvalidArgument: MullionValue_CreateSequence: item 0 of 1 is null");
}

TEST(MapValueTest, ComesAndGoesAsMap) {
  const std::unordered_map<std::string, float> map = {{"cat", 0.75f}, {"dog", 0.25f}};
  const MapValue value = MapValue::CreateFromMap(map);
  EXPECT_EQ(value.Size(), 2u);
  EXPECT_EQ((value.GetAsMap<std::string, float>()),
            (StringToFloat{{"cat", 0.75f}, {"dog", 0.25f}}));
  EXPECT_EQ(value.Keys().TensorKind(), TensorKind::String);
  EXPECT_EQ(Failure([&] { static_cast<void>(value.GetAsMap<int64_t, float>()); }).substr(0, 15),
            "InvalidArgument");
}

TEST(MapValueTest, WantsKeysAndValuesOfOneLength) {
  EXPECT_EQ(
      Failure([] { MapValue::Create(TensorInt64Bit::Create({2}), TensorFloat::Create({3})); }),
      "InvalidArgument: MullionValue_CreateMap: keys of int64[2] and values of float[3] make "
      "no map; keys must be int64 or string, and both one-dimensional tensors of the same "
      "length");
}

TEST(CollectionBindingTest, SequencesOfTensorsPass) {
  const LearningModelSession session = Open(IdentityModel(SequenceType(TensorType(1, {"n"}))));
  LearningModelBinding binding(session);
  binding.Bind("x", std::vector<std::vector<float>>{{1, 2}, {3}});
  const auto result = session.Evaluate(binding);
  const auto sequence = result.Outputs().Lookup("y").as<SequenceValue>();
  ASSERT_EQ(sequence.Size(), 2u);
  EXPECT_EQ(sequence.GetAt(1).as<TensorFloat>().GetAsVectorView(), (std::vector<float>{3}));
}

TEST(CollectionBindingTest, BoundSequencesGetTheResult) {
  const LearningModelSession session = Open(IdentityModel(SequenceType(TensorType(1, {"n"}))));
  LearningModelBinding binding(session);
  const SequenceValue output = SequenceValue::Create(TensorKind::Float);
  binding.Bind("x", std::vector<std::vector<float>>{{1, 2}, {3}});
  binding.Bind("y", output);
  const auto result = session.Evaluate(binding);
  EXPECT_EQ(output.Size(), 2u);
  EXPECT_TRUE(result.Outputs().Lookup("y") == output);
}

TEST(CollectionBindingTest, KindsAreCheckedAtEveryDepth) {
  const LearningModelSession session =
      Open(IdentityModel(SequenceType(MapType(7, TensorType(1, {})))));
  LearningModelBinding binding(session);
  binding.Bind("x", std::vector<IntToFloat>{{{1, 0.5f}}});
  EXPECT_EQ(Failure([&] {
              binding.Bind("x", std::vector<StringToFloat>{{{"a", 0.5f}}});
            }),
            "InvalidBinding: input 'x' (seq(map(int64,float[]))) cannot take "
            "seq(map(string,float[...])); bind a value of the type that it has");
  EXPECT_EQ(Failure([&] {
              binding.Bind("x", std::map<int64_t, double>{{1, 0.5}});
            }),
            "InvalidBinding: input 'x' (seq(map(int64,float[]))) cannot take "
            "map(int64,double[...]); bind a value of the type that it has");
  EXPECT_EQ(Failure([&] { binding.Bind("x", TensorFloat::Create({1})); }).substr(0, 14),
            "InvalidBinding");
}

}  // namespace
}  // namespace mullion::test
