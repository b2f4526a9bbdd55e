// SPDX-License-Identifier: MIT
// How Split and SplitToSequence cut an axis.
#ifndef MULLION_OPERATORS_SPLIT_H_
#define MULLION_OPERATORS_SPLIT_H_

#include <cstdint>
#include <optional>

#include "base/status.h"
#include "base/tensor.h"

namespace mullion::operators {

// The sizes of the pieces of an axis, without a list of them: there may be thousands.
class Pieces {
 public:
  // Equal pieces, the last ones smaller or empty when `dim` is not a multiple.
  static Pieces Even(int64_t dim, int64_t count);
  // Pieces of `size`, the last one smaller.
  static Result<Pieces> OfSize(int64_t dim, int64_t size);
  // Sizes from an integer tensor, which must stay alive; their sum must be `dim`.
  static Result<Pieces> FromSizes(int64_t dim, const TensorView& sizes);

  int64_t count() const { return count_; }
  int64_t size(int64_t i) const;

 private:
  int64_t dim_ = 0;
  int64_t count_ = 0;
  int64_t each_ = 0;
  std::optional<TensorView> sizes_;
};

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_SPLIT_H_
