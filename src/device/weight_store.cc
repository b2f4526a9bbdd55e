// SPDX-License-Identifier: MIT
#include "device/weight_store.h"

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

Result<std::shared_ptr<const void>> WeightStore::Get(const Tensor& source, std::string_view format,
                                                     size_t bytes, FunctionRef<void(void*)> pack) {
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
  pack(memory);
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
