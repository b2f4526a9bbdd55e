// SPDX-License-Identifier: MIT
// Short lists of integers that operators take as inputs: axes, shapes, pads, repeats. Held in
// place, so that neither inference nor a run allocates for them.
#ifndef MULLION_OPERATORS_INT_LIST_H_
#define MULLION_OPERATORS_INT_LIST_H_

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/shape.h"
#include "base/status.h"
#include "base/tensor.h"
#include "operators/inference.h"

namespace mullion {

class IntList {
 public:
  // The longest lists are pads: a begin and an end for each axis.
  static constexpr int kCapacity = 2 * kMaxRank;

  int size() const { return size_; }
  int64_t operator[](int i) const { return values_[static_cast<size_t>(i)]; }
  int64_t& operator[](int i) { return values_[static_cast<size_t>(i)]; }
  const int64_t* begin() const { return values_.data(); }
  const int64_t* end() const { return values_.data() + size_; }
  std::span<const int64_t> span() const { return {begin(), end()}; }
  // The list must not be full.
  void Append(int64_t value) { values_[static_cast<size_t>(size_++)] = value; }

  // 0, 1, ..., count - 1: the axes that are meant when none are named.
  static IntList Iota(int count);
  // `count` equal values.
  static IntList Filled(int count, int64_t value);

 private:
  int size_ = 0;
  std::array<int64_t, kCapacity> values_{};
};

// Element i of an integer tensor (int64, int32 and smaller kinds), widened; 0 for other types.
int64_t IntAt(const TensorView& view, int64_t i);

// Element i of a tensor of any number type, cut towards zero; NaN gives 0, and numbers beyond 2^62
// that bound.
int64_t NumberAt(const TensorView& view, int64_t i);

// The elements of an integer tensor of any rank. `what` names it in the error for a tensor that has
// more than kCapacity elements or another type.
Result<IntList> ReadIntList(const TensorView& view, const char* what);
Result<IntList> ToIntList(std::span<const int64_t> values, const char* what);

// Normalizes `axes` to [0, rank) in place, and refuses those outside or named twice.
Status NormalizeAxes(IntList& axes, int rank);

// Inference: the content of input i, nothing when it is left out or not known, or an error that
// begins with the node's origin.
Result<std::optional<IntList>> KnownInts(const InferenceContext& context, int i, const char* what);

// Inference: `input` with the sizes along `axes` unknown, along all of them where `axes` is. Fails
// as NormalizeAxes does, with the node's origin in front.
Result<Shape> WithUnknownSizes(const InferenceContext& context, const Shape& input,
                               std::optional<IntList> axes);

// The product, or nothing when it overflows 2^62. Both factors must be 0 or more.
std::optional<int64_t> CheckedProduct(int64_t a, int64_t b);

}  // namespace mullion

#endif  // MULLION_OPERATORS_INT_LIST_H_
