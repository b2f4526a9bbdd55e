// SPDX-License-Identifier: MIT
// The parameters of Col2Im, which adds overlapping blocks up to images.
#ifndef MULLION_OPERATORS_COL2IM_H_
#define MULLION_OPERATORS_COL2IM_H_

#include <array>

#include "base/shape.h"
#include "base/status.h"
#include "graph/graph.h"
#include "operators/int_list.h"

namespace mullion::operators {

struct Col2ImGeometry {
  struct Axis {
    int64_t image = 1;
    int64_t block = 1;
    int64_t blocks = 1;  // how many block positions there are
    int64_t stride = 1;
    int64_t dilation = 1;
    int64_t pad = 0;  // before the first element
  };

  // `image_shape` and `block_shape` are the contents of inputs 1 and 2. The number of blocks must
  // be that of `columns`, [N, C * block elements, blocks].
  static Result<Col2ImGeometry> Make(const Node& node, const Shape& columns,
                                     const IntList& image_shape, const IntList& block_shape);

  Shape output;  // [N, C, image...]
  int rank = 0;
  int64_t block_elements = 1;
  int64_t blocks = 1;
  std::array<Axis, kMaxRank> axes;
};

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_COL2IM_H_
