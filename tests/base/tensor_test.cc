// SPDX-License-Identifier: MIT
#include "base/tensor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

namespace mullion {
namespace {

// 0, 1, 2, ..., and how often they were made and forgotten.
class Numbers final : public TensorSource {
 public:
  explicit Numbers(int64_t count) : count_(count) {}
  void Fill(size_t begin, size_t bytes, void* memory) const override {
    EXPECT_LE(begin + bytes, static_cast<size_t>(count_) * sizeof(int32_t));
    auto* const to = static_cast<int32_t*>(memory);
    std::iota(to, to + bytes / sizeof(int32_t), static_cast<int32_t>(begin / sizeof(int32_t)));
    ++made;
  }
  void Forget(size_t /*begin*/, size_t /*bytes*/) const override { ++forgotten; }

  mutable std::atomic<int> made = 0;
  mutable std::atomic<int> forgotten = 0;

 private:
  int64_t count_;
};

TEST(DeferredTensor, IsMadeOnceWhenLookedAt) {
  const auto numbers = std::make_shared<Numbers>(6);
  const Tensor tensor = Tensor::Deferred(ElementType::kInt32, Shape{2, 3}, numbers);
  const Tensor copy = tensor.Reshaped(Shape{6});
  EXPECT_TRUE(tensor);
  EXPECT_EQ(tensor.bytes(), 24u);
  EXPECT_FALSE(tensor.InMemory());
  EXPECT_EQ(numbers->made, 0);

  EXPECT_EQ(copy.span<int32_t>()[5], 5);
  EXPECT_EQ(tensor.data(), copy.view().data);
  EXPECT_EQ(numbers->made, 1);
}

TEST(DeferredTensor, CopiesWithoutKeepingWhatItMade) {
  const auto numbers = std::make_shared<Numbers>(4);
  const Tensor tensor = Tensor::Deferred(ElementType::kInt32, Shape{4}, numbers);
  for (int i = 0; i < 2; ++i) {
    alignas(kMemoryAlignment) int32_t copy[4] = {};
    tensor.CopyContents(copy);
    EXPECT_EQ(copy[3], 3);
  }
  EXPECT_EQ(numbers->made, 2);
  tensor.Forget(0, tensor.bytes());
  EXPECT_EQ(numbers->forgotten, 1);
}

TEST(DeferredTensor, ManyThreadsMayLookFirst) {
  const auto numbers = std::make_shared<Numbers>(1000);
  const Tensor tensor = Tensor::Deferred(ElementType::kInt32, Shape{1000}, numbers);
  std::vector<const void*> seen(4);
  std::vector<std::thread> threads;
  for (auto& place : seen) {
    threads.emplace_back([copy = tensor, &place] { place = copy.data(); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(numbers->made, 1);
  for (const void* const place : seen) EXPECT_EQ(place, tensor.data());
}

}  // namespace
}  // namespace mullion
