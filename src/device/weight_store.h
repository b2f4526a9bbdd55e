// SPDX-License-Identifier: MIT
// Packed weights, shared between the sessions of a process by content and format.
#ifndef MULLION_DEVICE_WEIGHT_STORE_H_
#define MULLION_DEVICE_WEIGHT_STORE_H_

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/brief_memory.h"
#include "base/function_ref.h"
#include "base/memory.h"
#include "base/status.h"
#include "base/tensor.h"

namespace mullion {

// Weights that were packed, for who keeps them in a file.
struct PackedWeights {
  const void* content = nullptr;  // ContentKey of the tensor
  std::string format;
  std::shared_ptr<const void> data;
  size_t bytes = 0;
};

// The contents of weights that are being packed. They are made as they are asked for, in memory
// that is used again; std::bad_alloc is thrown where there is none.
class WeightContents {
 public:
  virtual TensorView All() = 0;
  // Rows [first, first + count) along the first axis, until the next call.
  virtual const void* Rows(int64_t first, int64_t count) = 0;

 protected:
  ~WeightContents() = default;
};

// Thread-safe. The store holds no weights alive: they live as long as an executable uses them.
class WeightStore {
 public:
  WeightStore() = default;
  // Lists in `record` all weights that are asked for, which keeps them alive.
  explicit WeightStore(std::vector<PackedWeights>* record) : record_(record) {}
  // The same for copies of a tensor.
  static const void* ContentKey(const Tensor& tensor) {
    return tensor.deferred() ? tensor.owner().get() : tensor.data();
  }

  // The one store of the process.
  static WeightStore& Global();

  // `bytes` bytes of packed data for `weights` in `format` (which names everything else that the
  // packed bytes depend on: layout, block width, instruction set). `pack` fills the memory when
  // nobody has it yet, from the source with its contents, which are gone again afterwards where
  // they are deferred. Aligned to 64 bytes. kInvalidModel when the weights only exist packed, but
  // not so.
  using Pack = FunctionRef<void(const TensorView& source, void* memory)>;
  Result<std::shared_ptr<const void>> Get(const Tensor& weights, std::string_view format,
                                          size_t bytes, Pack pack) {
    return GetByRows(weights, format, bytes,
                     [&](WeightContents& contents, void* memory) { pack(contents.All(), memory); });
  }
  // The same with contents of which `pack` asks for some rows after the other: what it reads is
  // then still in the cache, and takes little memory.
  using PackByRows = FunctionRef<void(WeightContents& contents, void* memory)>;
  Result<std::shared_ptr<const void>> GetByRows(const Tensor& weights, std::string_view format,
                                                size_t bytes, PackByRows pack);

  // While one of these lives, memory that packing takes for a moment is used again instead of given
  // back, and packed weights of `bytes` bytes or so, if they are many, lie side by side on huge
  // pages.
  class Packing {
   public:
    explicit Packing(WeightStore& store, size_t bytes = 0);
    ~Packing();
    Packing(const Packing&) = delete;
    Packing& operator=(const Packing&) = delete;

   private:
    WeightStore& store_;
    const BriefMemory::Keeping keeping_;
  };

  // Bytes held alive at the moment, for reports and tests.
  size_t LiveBytes() const;

 private:
  struct Entry {
    std::weak_ptr<const void> data;
    size_t bytes = 0;
  };
  // A block that many packed weights are cut from. It lives as long as the last of them.
  struct Slab {
    AlignedBuffer memory;
    size_t bytes = 0;
    size_t used = 0;
  };
  class Contents;
  Result<std::shared_ptr<const void>> FindOrMake(const Tensor& weights, std::string_view format,
                                                 size_t bytes, PackByRows pack);
  std::shared_ptr<const void> Find(const std::string& key) const;
  // Packs `contents` as `key`.
  Result<std::shared_ptr<const void>> Make(Contents& contents, const std::string& key, size_t bytes,
                                           PackByRows pack);
  std::shared_ptr<void> Allocate(size_t bytes);

  std::vector<PackedWeights>* const record_ = nullptr;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
  int packing_ = 0;
  size_t slab_bytes_ = 0;       // of the next slab; 0 when weights are few
  std::shared_ptr<Slab> slab_;  // null when nobody is packing
};

}  // namespace mullion

#endif  // MULLION_DEVICE_WEIGHT_STORE_H_
