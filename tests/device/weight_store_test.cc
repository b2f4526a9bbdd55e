// SPDX-License-Identifier: MIT
#include "device/weight_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mullion {
namespace {

class Constant : public TensorSource {
 public:
  explicit Constant(float value) : value_(value) {}
  void Fill(size_t begin, size_t bytes, void* memory) const override {
    std::fill_n(static_cast<float*>(memory), bytes / sizeof(float), value_);
    places.push_back(memory);
    parts.emplace_back(begin, bytes);
  }
  void Forget(size_t /*begin*/, size_t bytes) const override { forgotten += bytes; }

  mutable std::vector<void*> places;
  mutable std::vector<std::pair<size_t, size_t>> parts;
  mutable size_t forgotten = 0;

 private:
  float value_;
};

// One that is told by its name.
class KnownConstant final : public Constant {
 public:
  using Constant::Constant;
  std::string Identity() const override { return "constant"; }
};

constexpr auto kCopy = [](const TensorView& source, void* memory) {
  std::memcpy(memory, source.data, source.bytes());
};

float First(const std::shared_ptr<const void>& packed) {
  return *static_cast<const float*>(packed.get());
}

TEST(WeightStore, SharesWhatIsAliveByContent) {
  WeightStore store;
  const std::vector<float> values(100, 2.0f);
  const auto one = Tensor::FromSpan<float>(Shape{100}, std::span(values));
  const auto other = Tensor::FromSpan<float>(Shape{100}, std::span(values));
  auto first = store.Get(one, "plain", one.bytes(), kCopy);
  auto second = store.Get(other, "plain", other.bytes(),
                          [](const TensorView&, void*) { FAIL() << "packed again"; });
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(store.LiveBytes(), 400u);
  first->reset();
  second->reset();
  EXPECT_EQ(store.LiveBytes(), 0u);
}

TEST(WeightStore, DeferredWeightsArePackedAndForgotten) {
  WeightStore store;
  const auto source = std::make_shared<Constant>(3.0f);
  const Tensor deferred = Tensor::Deferred(ElementType::kFloat, Shape{100}, source);
  const auto packed = store.Get(deferred, "plain", deferred.bytes(), kCopy);
  ASSERT_TRUE(packed.ok());
  EXPECT_EQ(First(*packed), 3.0f);
  EXPECT_EQ(source->places.size(), 1u);
  EXPECT_GE(source->forgotten, 400u);
  EXPECT_EQ(store.LiveBytes(), 400u);
}

// The first number of each of `rows` rows, asked for two at a time.
void PackTwoByTwo(WeightContents& contents, int64_t rows, int64_t row_floats, void* memory) {
  for (int64_t row = 0; row < rows; row += 2) {
    const int64_t count = std::min<int64_t>(2, rows - row);
    const auto* const from = static_cast<const float*>(contents.Rows(row, count));
    for (int64_t i = 0; i < count; ++i) static_cast<float*>(memory)[row + i] = from[i * row_floats];
  }
}

TEST(WeightStore, MakesSomeRowsAtATime) {
  using Parts = std::vector<std::pair<size_t, size_t>>;
  constexpr int64_t kRow = 30000;  // floats: two rows are 240,000 bytes, and a third is too much
  constexpr size_t kBytes = kRow * sizeof(float);
  WeightStore store;
  const auto source = std::make_shared<KnownConstant>(3.0f);
  const auto packed = store.GetByRows(
      Tensor::Deferred(ElementType::kFloat, Shape{5, 2, kRow / 2}, source), "by rows",
      5 * sizeof(float),
      [](WeightContents& contents, void* memory) { PackTwoByTwo(contents, 5, kRow, memory); });
  ASSERT_TRUE(packed.ok());
  EXPECT_EQ(static_cast<const float*>(packed->get())[4], 3.0f);
  EXPECT_EQ(source->parts,
            (Parts{{0, 2 * kBytes}, {2 * kBytes, 2 * kBytes}, {4 * kBytes, kBytes}}));
  EXPECT_GE(source->forgotten, 5 * kBytes);
  EXPECT_EQ(source->places[0], source->places[2]);
}

TEST(WeightStore, MakesMoreRowsThanAskedForWhereTheyAreShort) {
  using Parts = std::vector<std::pair<size_t, size_t>>;
  WeightStore store;
  const auto source = std::make_shared<KnownConstant>(3.0f);
  const auto packed = store.GetByRows(
      Tensor::Deferred(ElementType::kFloat, Shape{5, 2, 3}, source), "by rows", 5 * sizeof(float),
      [](WeightContents& contents, void* memory) { PackTwoByTwo(contents, 5, 6, memory); });
  ASSERT_TRUE(packed.ok());
  EXPECT_EQ(static_cast<const float*>(packed->get())[4], 3.0f);
  EXPECT_EQ(source->parts, (Parts{{0, 120}}));
}

TEST(WeightStore, AllOfThemAreMadeOnceWhereOnlyTheyTellThemApart) {
  WeightStore store;
  const auto source = std::make_shared<Constant>(2.0f);
  const auto packed =
      store.GetByRows(Tensor::Deferred(ElementType::kFloat, Shape{4, 2}, source), "by rows",
                      sizeof(float), [](WeightContents& contents, void* memory) {
                        std::memcpy(memory, contents.Rows(3, 1), sizeof(float));
                      });
  ASSERT_TRUE(packed.ok());
  EXPECT_EQ(First(*packed), 2.0f);
  EXPECT_EQ(source->places.size(), 1u);
}

TEST(WeightStore, UsesScratchAgainWhilePacking) {
  WeightStore store;
  const auto large = std::make_shared<Constant>(1.0f);
  const auto small = std::make_shared<Constant>(2.0f);
  const WeightStore::Packing packing(store);
  const auto first =
      store.Get(Tensor::Deferred(ElementType::kFloat, Shape{1000}, large), "plain", 4000, kCopy);
  const auto second =
      store.Get(Tensor::Deferred(ElementType::kFloat, Shape{10}, small), "plain", 40, kCopy);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(large->places, small->places);
  EXPECT_EQ(First(*first), 1.0f);
  EXPECT_EQ(First(*second), 2.0f);
}

}  // namespace
}  // namespace mullion
