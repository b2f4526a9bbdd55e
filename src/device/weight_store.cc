// SPDX-License-Identifier: MIT
#include "device/weight_store.h"

#include <algorithm>
#include <new>
#include <optional>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/memory.h"
#include "base/platform.h"
#include "base/str_cat.h"

namespace mullion {

namespace {

constexpr size_t kHugePage = size_t{2} << 20;
// Weights of fewer bytes altogether do not fill a huge page.
constexpr size_t kSlabsFrom = size_t{1} << 20;
// What is reserved at once: pages that nothing is written to take no memory.
constexpr size_t kLargestSlab = size_t{256} << 20;
// What is read of a file at a time: it stays in the level 2 cache until it is packed.
constexpr size_t kStretch = size_t{256} << 10;

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

// A block of a huge page costs one fault, and fits all but the largest weights.
WeightStore::Packing::Packing(WeightStore& store, size_t bytes)
    : store_(store),
      keeping_(bytes >= kSlabsFrom ? kHugePage - 2 * kMemoryAlignment : 2 * kStretch) {
  const std::lock_guard lock(store_.mutex_);
  ++store_.packing_;
  // Packed they take up to twice as much.
  if (bytes >= kSlabsFrom) {
    const size_t pages = (2 * std::min(bytes, kLargestSlab / 2) + kHugePage - 1) / kHugePage;
    store_.slab_bytes_ = pages * kHugePage;
  }
}

WeightStore::Packing::~Packing() {
  const std::lock_guard lock(store_.mutex_);
  if (--store_.packing_ > 0) return;
  store_.slab_bytes_ = 0;
  store_.slab_.reset();
}

// Contents where they are, or copied for a moment, some rows at a time.
class WeightStore::Contents final : public WeightContents {
 public:
  // Contents in a file are read, as each page of a mapping costs more than copying it.
  Contents(const Tensor& weights, bool in_file)
      : weights_(weights), in_memory_(!in_file && weights.InMemory()) {}
  ~Contents() { weights_.Forget(0, weights_.bytes()); }
  Contents(const Contents&) = delete;
  Contents& operator=(const Contents&) = delete;

  const Tensor& weights() const { return weights_; }
  TensorView All() override {
    return {weights_.type(), MemoryLocation::kHost, weights_.shape(), Part(0, weights_.bytes())};
  }
  const void* Rows(int64_t first, int64_t count) override {
    const Shape& shape = weights_.shape();
    const size_t row = ByteSize(weights_.type(), shape.Product(1, shape.rank()));
    const size_t begin = static_cast<size_t>(first) * row;
    const size_t bytes = static_cast<size_t>(count) * row;
    if (in_memory_ || Has(begin, bytes)) return Part(begin, bytes);
    const size_t more = bytes >= kStretch ? 0 : (kStretch - bytes) / std::max<size_t>(row, 1) * row;
    return Part(begin, std::min(bytes + more, weights_.bytes() - begin));
  }

 private:
  bool Has(size_t begin, size_t bytes) const { return begin >= begin_ && begin + bytes <= end_; }
  const void* Part(size_t begin, size_t bytes) {
    if (in_memory_) return static_cast<const char*>(weights_.data()) + begin;
    if (!memory_.has_value() || !Has(begin, bytes)) {
      if (!memory_.has_value() || memory_->bytes() < bytes) memory_.emplace(bytes);
      weights_.CopyPart(begin, bytes, memory_->get());
      begin_ = begin;
      end_ = begin + bytes;
    }
    return static_cast<const char*>(memory_->get()) + (begin - begin_);
  }

  const Tensor& weights_;
  const bool in_memory_;
  std::optional<BriefMemory> memory_;
  // What it holds.
  size_t begin_ = 0;
  size_t end_ = 0;
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
    Contents contents(weights, !identity.empty());
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
