// SPDX-License-Identifier: MIT
#include "device/weight_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

namespace mullion {
namespace {

class Constant final : public TensorSource {
 public:
  Constant(size_t count, float value) : count_(count), value_(value) {}
  void Fill(void* memory) const override {
    std::fill_n(static_cast<float*>(memory), count_, value_);
    places.push_back(memory);
  }
  void Forget() const override { ++forgotten; }

  mutable std::vector<void*> places;
  mutable int forgotten = 0;

 private:
  size_t count_;
  float value_;
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
  const auto source = std::make_shared<Constant>(100, 3.0f);
  const Tensor deferred = Tensor::Deferred(ElementType::kFloat, Shape{100}, source);
  const auto packed = store.Get(deferred, "plain", deferred.bytes(), kCopy);
  ASSERT_TRUE(packed.ok());
  EXPECT_EQ(First(*packed), 3.0f);
  EXPECT_EQ(source->places.size(), 1u);
  EXPECT_EQ(source->forgotten, 1);
  EXPECT_EQ(store.LiveBytes(), 400u);
}

TEST(WeightStore, UsesScratchAgainWhilePacking) {
  WeightStore store;
  const auto large = std::make_shared<Constant>(1000, 1.0f);
  const auto small = std::make_shared<Constant>(10, 2.0f);
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
