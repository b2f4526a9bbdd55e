// SPDX-License-Identifier: MIT
#include "runtime/block_cache.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace mullion {
namespace {

constexpr int64_t kLarge = 100'000;

Tensor Make(BlockCache& cache, int64_t count) {
  Result<Tensor> tensor = cache.Allocate(ElementType::kFloat, Shape{count});
  EXPECT_TRUE(tensor.ok());
  EXPECT_EQ(tensor->shape(), Shape{count});
  return *std::move(tensor);
}

TEST(BlockCache, BlocksServeAgain) {
  const auto cache = std::make_shared<BlockCache>();
  Tensor first = Make(*cache, kLarge);
  const void* const memory = first.data();
  EXPECT_NE(Make(*cache, kLarge).data(), memory);  // while it is held
  first = Tensor();
  EXPECT_EQ(Make(*cache, kLarge).data(), memory);
  EXPECT_EQ(Make(*cache, kLarge + kLarge / 5).data(), memory);  // a size that grows
}

// A decoder's cache: no step may begin on fresh memory, and what is there stays.
TEST(BlockCache, BlocksGrowStepByStep) {
  const auto cache = std::make_shared<BlockCache>();
  const int64_t first = 40'000;
  Tensor tensor = Make(*cache, first);
  const void* const memory = tensor.data();
  for (int64_t count = first; count < first + first / 4; count += 1000) {
    static_cast<float*>(tensor.mutable_data())[count - 1000] = 1;
    tensor = Tensor();
    tensor = Make(*cache, count);
    ASSERT_EQ(tensor.data(), memory) << count;
    static_cast<float*>(tensor.mutable_data())[count - 1] = 1;
    EXPECT_EQ(tensor.span<float>()[first - 1000], 1);
  }
}

TEST(BlockCache, TheBlockThatFitsBestServes) {
  const auto cache = std::make_shared<BlockCache>();
  Tensor small = Make(*cache, kLarge);
  Tensor large = Make(*cache, kLarge * 2);
  const void* const memory = small.data();
  small = Tensor();
  large = Tensor();
  EXPECT_EQ(Make(*cache, kLarge).data(), memory);
}

TEST(BlockCache, IsOneForAllSessions) {
  auto cache = BlockCache::OfSessions();
  EXPECT_EQ(BlockCache::OfSessions(), cache);
  const auto make = [] {
    Result<Tensor> tensor = BlockCache::AllocateForCaller(ElementType::kFloat, Shape{kLarge});
    EXPECT_TRUE(tensor.ok());
    static_cast<float*>(tensor->mutable_data())[kLarge - 1] = 1;
    return *std::move(tensor);
  };
  const void* const memory = make().data();
  Tensor tensor = make();
  EXPECT_EQ(tensor.data(), memory);
  cache = nullptr;
  EXPECT_EQ(tensor.span<float>()[kLarge - 1], 1);
  EXPECT_NE(make().data(), memory);  // as ever where there is none
}

TEST(BlockCache, MuchSmallerSizesGetTheirOwn) {
  const auto cache = std::make_shared<BlockCache>();
  const void* const memory = Make(*cache, kLarge * 4).data();
  EXPECT_NE(Make(*cache, kLarge).data(), memory);
}

TEST(BlockCache, TensorsOutliveIt) {
  auto cache = std::make_shared<BlockCache>();
  Tensor tensor = Make(*cache, kLarge);
  cache = nullptr;
  static_cast<float*>(tensor.mutable_data())[kLarge - 1] = 1;
  EXPECT_EQ(tensor.span<float>()[kLarge - 1], 1);
}

TEST(BlockCache, MakesSmallOnesStringsAndErrorsAsTensorsDo) {
  const auto cache = std::make_shared<BlockCache>();
  for (const int64_t count : {0, 1, 1000}) EXPECT_EQ(Make(*cache, count).count(), count);
  const auto strings = cache->Allocate(ElementType::kString, Shape{kLarge});
  ASSERT_TRUE(strings.ok());
  EXPECT_EQ(strings->span<std::string>()[kLarge - 1], "");
  const auto huge = cache->Allocate(ElementType::kFloat, Shape{int64_t{1} << 40, 1 << 20});
  EXPECT_EQ(huge.status().code(), StatusCode::kOutOfMemory);
}

TEST(BlockCache, SeveralThreadsAtOnce) {
  const auto cache = std::make_shared<BlockCache>();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, t] {
      for (int i = 0; i < 200; ++i) {
        Tensor tensor = Make(*cache, kLarge + i * 100 * t);
        auto* const data = static_cast<float*>(tensor.mutable_data());
        data[0] = static_cast<float>(t);
        std::this_thread::yield();
        EXPECT_EQ(data[0], static_cast<float>(t));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace mullion
