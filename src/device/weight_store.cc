// SPDX-License-Identifier: MIT
#include "device/weight_store.h"

#include <algorithm>
#include <new>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/memory.h"
#include "base/platform.h"
#include "base/str_cat.h"

namespace mullion {

namespace {

// Weights of fewer bytes altogether do not fill a huge page or two.
constexpr size_t kSlabsFrom = size_t{4} << 20;
// What is reserved at once: pages that nothing is written to take no memory.
constexpr size_t kLargestSlab = size_t{256} << 20;
// Scratch memory of this size comes from the system and goes back to it; less would come from the
// heap of the thread that packs, which keeps it.
constexpr size_t kLeastScratch = size_t{256} << 10;

// Where contents cannot be told by where they come from, they are by a 128-bit hash; with the
// element type, shape and format in the key a chance collision is out of reach.
std::string ContentOf(const TensorView& source) {
  const XXH128_hash_t hash = XXH3_128bits(source.data, source.bytes());
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
  // Packed they take up to twice as much.
  if (bytes >= kSlabsFrom) store_.slab_bytes_ = std::min(2 * bytes, kLargestSlab);
}

WeightStore::Packing::~Packing() {
  const std::lock_guard lock(store_.mutex_);
  if (--store_.packing_ > 0) return;
  store_.scratch_.clear();
  store_.slab_bytes_ = 0;
  store_.slab_.reset();
}

WeightStore::Scratch WeightStore::TakeScratch(size_t bytes) {
  bytes = std::max(bytes, kLeastScratch);
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

// Contents where they are, or in scratch memory of the store.
class WeightStore::Contents final : public WeightContents {
 public:
  Contents(WeightStore& store, const Tensor& weights) : store_(store), weights_(weights) {}
  ~Contents() {
    weights_.Forget(0, weights_.bytes());
    if (scratch_.memory != nullptr) store_.ReturnScratch(std::move(scratch_));
  }
  Contents(const Contents&) = delete;
  Contents& operator=(const Contents&) = delete;

  const Tensor& weights() const { return weights_; }
  TensorView All() override {
    return {weights_.type(), MemoryLocation::kHost, weights_.shape(), Part(0, weights_.bytes())};
  }
  const void* Rows(int64_t first, int64_t count) override {
    const Shape& shape = weights_.shape();
    const size_t row = ByteSize(weights_.type(), shape.Product(1, shape.rank()));
    return Part(static_cast<size_t>(first) * row, static_cast<size_t>(count) * row);
  }

 private:
  const void* Part(size_t begin, size_t bytes) {
    if (all_) return static_cast<const char*>(scratch_.memory.get()) + begin;
    if (begin < fetched_begin_ || begin + bytes > fetched_end_) Prefetch(begin, bytes);
    if (weights_.InMemory()) return static_cast<const char*>(weights_.data()) + begin;
    if (bytes > scratch_.bytes) {
      if (scratch_.memory != nullptr) store_.ReturnScratch(std::move(scratch_));
      scratch_ = store_.TakeScratch(bytes);
      if (scratch_.memory == nullptr) throw std::bad_alloc();
    }
    weights_.CopyPart(begin, bytes, scratch_.memory.get());
    all_ = bytes == weights_.bytes();
    return scratch_.memory.get();
  }

  // In stretches that are worth the system's work, of which it is given back what has been read.
  void Prefetch(size_t begin, size_t bytes) {
    constexpr size_t kStretch = size_t{512} << 10;
    constexpr size_t kMostFetched = size_t{2} << 20;
    if (fetched_ >= kMostFetched) {
      weights_.Forget(0, weights_.bytes());
      fetched_ = 0;
    }
    bytes = std::max(bytes, std::min(kStretch, weights_.bytes() - begin));
    weights_.Prefetch(begin, bytes);
    fetched_ += bytes;
    fetched_begin_ = begin;
    fetched_end_ = begin + bytes;
  }

  WeightStore& store_;
  const Tensor& weights_;
  Scratch scratch_;
  bool all_ = false;  // are in scratch memory
  size_t fetched_begin_ = 0;
  size_t fetched_end_ = 0;
  size_t fetched_ = 0;  // bytes since all was given back
};

Result<std::shared_ptr<const void>> WeightStore::GetByRows(const Tensor& weights,
                                                           std::string_view format, size_t bytes,
                                                           PackByRows pack) {
  if (const TensorSource* const source = weights.source()) {
    if (auto data = source->Packed(format, bytes)) return data;
    if (!source->HasContents()) {
      return InvalidModel("the compiled model does not have its weights in the form '", format,
                          "'; compile the model again on this machine");
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
                                                            PackByRows pack) {
  const std::string identity = weights.deferred() ? weights.source()->Identity() : std::string();
  std::string key = KeyOf(weights, identity, format);
  if (!identity.empty()) {
    if (auto data = Find(key)) {
      weights.Forget(0, weights.bytes());  // who read the model came by
      return data;
    }
  }
  try {
    Contents contents(*this, weights);
    if (identity.empty()) key = KeyOf(weights, ContentOf(contents.All()), format);
    return Make(contents, key, bytes, pack);
  } catch (const std::bad_alloc&) {
    return OutOfMemory("no memory for ", weights.bytes(), " bytes of weights");
  }
}

std::shared_ptr<const void> WeightStore::Find(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : found->second.data.lock();
}

std::shared_ptr<void> WeightStore::Allocate(size_t bytes) {
  if (bytes > 0 && bytes <= kLargestSlab) {
    const std::lock_guard lock(mutex_);
    const size_t needed = (bytes + kMemoryAlignment - 1) / kMemoryAlignment * kMemoryAlignment;
    if (slab_bytes_ >= needed && (slab_ == nullptr || slab_->bytes - slab_->used < needed)) {
      slab_ = std::make_shared<Slab>();
      slab_->memory = AlignedBuffer(AllocateAligned(slab_bytes_));
      slab_->bytes = slab_->memory == nullptr ? 0 : slab_bytes_;
    }
    if (slab_ != nullptr && slab_->bytes - slab_->used >= needed) {
      char* const block = static_cast<char*>(slab_->memory.get()) + slab_->used;
      slab_->used += needed;
      // Others may live on: the whole pages of this one are given back.
      return {block, [slab = slab_, needed](void* memory) { ReturnPages(memory, needed); }};
    }
  }
  return {AllocateAligned(bytes), FreeAligned};
}

Result<std::shared_ptr<const void>> WeightStore::Make(Contents& contents, const std::string& key,
                                                      size_t bytes, PackByRows pack) {
  if (auto data = Find(key)) return data;
  std::shared_ptr<void> memory = Allocate(bytes);
  if (memory == nullptr) {
    return OutOfMemory("no memory for ", bytes, " bytes of packed weights of ",
                       Describe(contents.weights().type(), contents.weights().shape()));
  }
  pack(contents, memory.get());
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
