// SPDX-License-Identifier: MIT
// CastMap and DictVectorizer with maps and attributes out of range. Maps cannot enter a case of
// tests/differential.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>

#include "device/datum.h"
#include "tests/kernel_tester.h"

namespace mullion::cpu {
namespace {

using Ints = std::vector<int64_t>;
using Words = std::vector<std::string>;

constexpr int64_t kLeastKey = std::numeric_limits<int64_t>::min();
constexpr int64_t kLargestKey = std::numeric_limits<int64_t>::max();

template <typename Key, typename T>
void AddMapInput(KernelTester& tester, const std::vector<Key>& keys, const std::vector<T>& values) {
  Map map{Tensor::Vector<Key>(std::span<const Key>(keys)),
          Tensor::Vector<T>(std::span<const T>(values))};
  const TypeInfo type = TypeInfo::Map(map.keys.type(), TypeInfo::Tensor(map.values.type()));
  tester.AddInput(Datum::FromMap(std::make_shared<Map>(std::move(map))), type);
}

template <typename T>
Status RunSparseCastMap(const Ints& keys, const std::vector<T>& values, const char* to,
                        int64_t max_map) {
  KernelTester tester("CastMap", 1, "ai.onnx.ml");
  AddMapInput(tester, keys, values);
  tester.SetAttribute("cast_to", std::string(to));
  tester.SetAttribute("map_form", std::string("SPARSE"));
  tester.SetAttribute("max_map", max_map);
  return tester.Run();
}

TEST(CastMapHostile, RefusesKeysOutsideTheRow) {
  for (const Ints& keys : {Ints{-1, 0}, Ints{0, 4}, Ints{kLeastKey, 1}, Ints{1, kLargestKey}}) {
    EXPECT_FALSE(RunSparseCastMap<float>(keys, {1, 2}, "TO_FLOAT", 4).ok()) << keys[0];
  }
}

TEST(CastMapHostile, RefusesRowsOfNoLengthAndOfTooMuch) {
  for (const int64_t most : {kLeastKey, int64_t{-1}, int64_t{0}, int64_t{1} << 60, kLargestKey}) {
    EXPECT_FALSE(RunSparseCastMap<float>({0, 1}, {1, 2}, "TO_FLOAT", most).ok()) << most;
    EXPECT_FALSE(RunSparseCastMap<float>({0, 1}, {1, 2}, "TO_STRING", most).ok()) << most;
  }
}

TEST(CastMapHostile, TakesEmptyMapsEqualKeysAndNumbersOutOfRange) {
  for (const char* const to : {"TO_FLOAT", "TO_INT64", "TO_STRING"}) {
    EXPECT_TRUE(RunSparseCastMap<float>({}, {}, to, 2).ok()) << to;
    EXPECT_TRUE(RunSparseCastMap<float>({1, 1}, {1e30f, -HUGE_VALF}, to, 2).ok()) << to;
  }
  const Status status = RunSparseCastMap<std::string>({0, 1}, Words{"1", "two"}, "TO_INT64", 2);
  EXPECT_NE(status.message().find("'two' is no number"), std::string::npos);
}

TEST(CastMapHostile, RefusesOtherTypes) {
  EXPECT_FALSE(RunSparseCastMap<double>({0}, {1}, "TO_FLOAT", 2).ok());
  EXPECT_FALSE(RunSparseCastMap<float>({0}, {1}, "TO_DOUBLE", 2).ok());
  KernelTester words("CastMap", 1, "ai.onnx.ml");
  AddMapInput<std::string, float>(words, {"a"}, {1});
  EXPECT_FALSE(words.Run().ok());
  KernelTester nothing("CastMap", 1, "ai.onnx.ml");
  nothing.SkipInput();
  EXPECT_FALSE(nothing.Run().ok());
  KernelTester tensor("CastMap", 1, "ai.onnx.ml");
  tensor.AddInput<float>({1}, {1});
  EXPECT_FALSE(tensor.Run().ok());
}

TEST(DictVectorizerHostile, PassesKeysOutsideTheVocabularyOver) {
  KernelTester tester("DictVectorizer", 1, "ai.onnx.ml");
  AddMapInput<int64_t, double>(tester, {kLeastKey, -1, 0, 7, kLargestKey}, {1, 2, 3, 4, 5});
  tester.SetAttribute("int64_vocabulary", Ints{7, 7, kLargestKey, 1000});
  const Status status = tester.Run();
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(tester.Output<double>(0), std::vector<double>({4, 0, 5, 0}));
}

TEST(DictVectorizerHostile, RefusesVocabulariesOfNoneBothAndAnotherType) {
  for (const bool ints : {false, true}) {
    KernelTester tester("DictVectorizer", 1, "ai.onnx.ml");
    AddMapInput<std::string, float>(tester, {"a"}, {1});
    if (ints) tester.SetAttribute("int64_vocabulary", Ints{1});
    EXPECT_FALSE(tester.Run().ok());
  }
  KernelTester both("DictVectorizer", 1, "ai.onnx.ml");
  AddMapInput<int64_t, float>(both, {1}, {1});
  both.SetAttribute("int64_vocabulary", Ints{1});
  both.SetAttribute("string_vocabulary", Words{"a"});
  EXPECT_FALSE(both.Run().ok());
  KernelTester bytes("DictVectorizer", 1, "ai.onnx.ml");
  AddMapInput<int64_t, uint8_t>(bytes, {1}, {1});
  bytes.SetAttribute("int64_vocabulary", Ints{1});
  EXPECT_FALSE(bytes.Run().ok());
  KernelTester tensor("DictVectorizer", 1, "ai.onnx.ml");
  tensor.AddInput<float>({1}, {1});
  tensor.SetAttribute("int64_vocabulary", Ints{1});
  EXPECT_FALSE(tensor.Run().ok());
}

}  // namespace
}  // namespace mullion::cpu
