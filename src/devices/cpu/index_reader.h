// SPDX-License-Identifier: MIT
// Indices as models give them: int32 or int64, negative ones counted from the end.
#ifndef MULLION_DEVICES_CPU_INDEX_READER_H_
#define MULLION_DEVICES_CPU_INDEX_READER_H_

#include <atomic>
#include <cstdint>

#include "base/status.h"
#include "base/str_cat.h"
#include "base/tensor.h"
#include "device/kernel.h"

namespace mullion::cpu {

class IndexReader {
 public:
  // `view` must be of int32 or int64.
  explicit IndexReader(const TensorView& view)
      : wide_(view.type == ElementType::kInt64 ? view.as<int64_t>() : nullptr),
        narrow_(view.as<int32_t>()) {}

  // Whichever it is; the other one is null, or must not be read.
  const int64_t* wide() const { return wide_; }
  const int32_t* narrow() const { return narrow_; }

  int64_t operator[](int64_t i) const { return wide_ != nullptr ? wide_[i] : narrow_[i]; }

  // Index i counted from the front, or -1 when it is outside [-dim, dim).
  int64_t Within(int64_t i, int64_t dim) const {
    const int64_t index = (*this)[i];
    const int64_t front = index < 0 ? index + dim : index;
    return front >= 0 && front < dim ? front : -1;
  }

 private:
  const int64_t* wide_;
  const int32_t* narrow_;
};

// Remembers one bad index that any thread met. Memory is never touched through it: the thread
// leaves the element out and goes on.
class BadIndex {
 public:
  void Report(int64_t position) { position_.store(position, std::memory_order_relaxed); }

  // The error for the position reported, if any.
  Status Check(const RunContext& context, const IndexReader& indices, int64_t dim) const {
    const int64_t position = position_.load(std::memory_order_relaxed);
    if (position < 0) return OkStatus();
    return context.Error("index ", indices[position], " (element ", position,
                         " of the indices) is outside [-", dim, ", ", dim, ")");
  }

 private:
  std::atomic<int64_t> position_{-1};
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_INDEX_READER_H_
