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

// Weights of fewer bytes altogether do not fill a huge page or two.
constexpr size_t kSlabsFrom = size_t{4} << 20;
// Larger slabs save nothing, and keep more when one of their weights outlives the others.
constexpr size_t kLargestSlab = size_t{16} << 20;
// Larger blocks have huge pages of their own.
constexpr size_t kLargestInSlab = size_t{4} << 20;

// Where contents cannot be told by where they come from, they are by a 128-bit hash; with the
// element type, shape and format in the key a chance collision is out of reach.
std::string ContentOf(const Tensor& source) {
  const XXH128_hash_t hash = XXH3_128bits(source.data(), source.bytes());
  return StrCat(hash.high64, ":", hash.low64);
}

std::string KeyOf(const Tensor& weights, const std::string& content, std::string_view format) {
  return StrCat(content, ":", Describe(weights.type(), weights.shape()), ":", format);
}

}  // namespace

WeightStore& WeightStore::Global() {
  static WeightStore* const store = new WeightStore();
  return *store;
}

WeightStore::Packing::Packing(WeightStore& store, size_t bytes) : store_(store) {
  const std::lock_guard lock(store_.mutex_);
  ++store_.packing_;
  if (bytes >= kSlabsFrom) store_.slab_bytes_ = std::min(bytes, kLargestSlab);
}

WeightStore::Packing::~Packing() {
  const std::lock_guard lock(store_.mutex_);
  if (--store_.packing_ > 0) return;
  store_.scratch_.clear();
  store_.slab_bytes_ = 0;
  store_.slab_.reset();
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
  if (const TensorSource* const source = weights.source()) {
    if (auto data = source->Packed(format, bytes)) return data;
    if (!source->HasContents()) {
      return InvalidModel(StrCat("the compiled model does not have its weights in the form '",
                                 format, "'; compile the model again on this machine"));
    }
  }
  MULLION_ASSIGN_OR_RETURN(auto data, FindOrMake(weights, format, bytes, pack));
  if (record_ != nullptr) {
    const std::lock_guard lock(mutex_);
    record_->push_back({ContentKey(weights), std::string(format), data, bytes});
  }
  return data;
}

Result<std::shared_ptr<const void>> WeightStore::FindOrMake(const Tensor& weights,
                                                            std::string_view format, size_t bytes,
                                                            Pack pack) {
  const std::string identity = weights.deferred() ? weights.source()->Identity() : std::string();
  std::string key = KeyOf(weights, identity, format);
  if (!identity.empty()) {
    if (auto data = Find(key)) return data;
  }
  Scratch scratch;
  Tensor source = weights;
  if (!weights.InMemory()) {
    scratch = TakeScratch(weights.bytes());
    if (scratch.memory == nullptr) {
      return OutOfMemory(StrCat("no memory for ", weights.bytes(), " bytes of weights"));
    }
    weights.CopyContents(scratch.memory.get());
    source = Tensor::Wrap(weights.type(), weights.shape(), scratch.memory.get(), nullptr);
  }
  if (identity.empty()) key = KeyOf(weights, ContentOf(source), format);
  auto packed = Make(source, key, bytes, pack);
  weights.Forget();
  if (scratch.memory != nullptr) ReturnScratch(std::move(scratch));
  return packed;
}

std::shared_ptr<const void> WeightStore::Find(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : found->second.data.lock();
}

std::shared_ptr<void> WeightStore::Allocate(size_t bytes) {
  if (bytes > 0 && bytes <= kLargestInSlab) {
    const std::lock_guard lock(mutex_);
    const size_t needed = (bytes + kMemoryAlignment - 1) / kMemoryAlignment * kMemoryAlignment;
    if (slab_bytes_ > 0 && (slab_ == nullptr || slab_->bytes - slab_->used < needed)) {
      slab_ = std::make_shared<Slab>();
      slab_->memory = AlignedBuffer(AllocateAligned(slab_bytes_));
      slab_->bytes = slab_->memory == nullptr ? 0 : slab_bytes_;
    }
    if (slab_ != nullptr && slab_->bytes - slab_->used >= needed) {
      char* const block = static_cast<char*>(slab_->memory.get()) + slab_->used;
      slab_->used += needed;
      return {slab_, block};
    }
  }
  return {AllocateAligned(bytes), FreeAligned};
}

Result<std::shared_ptr<const void>> WeightStore::Make(const Tensor& source, const std::string& key,
                                                      size_t bytes, Pack pack) {
  if (auto data = Find(key)) return data;
  std::shared_ptr<void> memory = Allocate(bytes);
  if (memory == nullptr) {
    return OutOfMemory(
        StrCat("no memory for ", bytes, " bytes of packed weights of ", Describe(source.view())));
  }
  pack(source.view(), memory.get());
  // The entry outlives the data for a moment: the memory must not wait for it.
  const std::shared_ptr<const void> data(memory.get(), [this, key, memory](const void*) mutable {
    memory.reset();
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
