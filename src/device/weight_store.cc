// SPDX-License-Identifier: MIT
#include "device/weight_store.h"

#include <algorithm>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/memory.h"
#include "base/str_cat.h"

namespace mullion {

namespace {

// Content is told by a 128-bit hash; with the element type, shape and format in the key a chance
// collision is out of reach.
std::string KeyOf(const Tensor& source, std::string_view format) {
  const XXH128_hash_t hash = XXH3_128bits(source.data(), source.bytes());
  return StrCat(hash.high64, ":", hash.low64, ":", Describe(source.view()), ":", format);
}

}  // namespace

WeightStore& WeightStore::Global() {
  static WeightStore* const store = new WeightStore();
  return *store;
}

WeightStore::Packing::Packing(WeightStore& store) : store_(store) {
  const std::lock_guard lock(store_.mutex_);
  ++store_.packing_;
}

WeightStore::Packing::~Packing() {
  const std::lock_guard lock(store_.mutex_);
  if (--store_.packing_ == 0) store_.scratch_.clear();
}

WeightStore::Scratch WeightStore::TakeScratch(size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(scratch_.begin(), scratch_.end(),
                                    [&](const Scratch& one) { return one.bytes >= bytes; });
    if (found != scratch_.end()) {
      Scratch scratch = std::move(*found);
      scratch_.erase(found);
      return scratch;
    }
    // The larger one comes in place of a smaller.
    if (!scratch_.empty()) scratch_.pop_back();
  }
  return {AlignedBuffer(AllocateAligned(bytes)), bytes};
}

void WeightStore::ReturnScratch(Scratch scratch) {
  const std::lock_guard lock(mutex_);
  if (packing_ > 0) scratch_.push_back(std::move(scratch));
}

Result<std::shared_ptr<const void>> WeightStore::Get(const Tensor& weights, std::string_view format,
                                                     size_t bytes, Pack pack) {
  if (weights.InMemory()) {
    auto packed = GetFrom(weights, format, bytes, pack);
    weights.Forget();
    return packed;
  }
  Scratch scratch = TakeScratch(weights.bytes());
  if (scratch.memory == nullptr) {
    return OutOfMemory(StrCat("no memory for ", weights.bytes(), " bytes of weights"));
  }
  weights.CopyContents(scratch.memory.get());
  weights.Forget();
  auto packed =
      GetFrom(Tensor::Wrap(weights.type(), weights.shape(), scratch.memory.get(), nullptr), format,
              bytes, pack);
  ReturnScratch(std::move(scratch));
  return packed;
}

Result<std::shared_ptr<const void>> WeightStore::GetFrom(const Tensor& source,
                                                         std::string_view format, size_t bytes,
                                                         Pack pack) {
  const std::string key = KeyOf(source, format);
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found != entries_.end()) {
      if (auto data = found->second.data.lock()) return data;
    }
  }
  void* const memory = AllocateAligned(bytes);
  if (memory == nullptr) {
    return OutOfMemory(
        StrCat("no memory for ", bytes, " bytes of packed weights of ", Describe(source.view())));
  }
  pack(source.view(), memory);
  const std::shared_ptr<const void> data(memory, [this, key](const void* pointer) {
    FreeAligned(const_cast<void*>(pointer));
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found != entries_.end() && found->second.data.expired()) entries_.erase(found);
  });
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[key];
  if (auto other = entry.data.lock()) return other;  // someone was faster: ours goes away
  entry = {data, bytes};
  return data;
}

size_t WeightStore::LiveBytes() const {
  const std::lock_guard lock(mutex_);
  size_t total = 0;
  for (const auto& [key, entry] : entries_) {
    if (!entry.data.expired()) total += entry.bytes;
  }
  return total;
}

}  // namespace mullion
