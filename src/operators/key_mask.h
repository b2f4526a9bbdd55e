// SPDX-License-Identifier: MIT
// The masks of com.microsoft's attentions, as what ai.onnx's Attention adds to its scores.
#ifndef MULLION_OPERATORS_KEY_MASK_H_
#define MULLION_OPERATORS_KEY_MASK_H_

#include "base/status.h"
#include "operators/expansion.h"

namespace mullion::operators {

struct KeyMask {
  Value* mask;  // null where all keys count
  Value* bias;  // null or added as it is
  // Axis `axis` of `keys` counts the new keys, `past_axis` of `past` those before, if there are.
  Value* keys;
  int axis;
  Value* past;
  int past_axis;

  // That the rank of `mask` is known and from 1 to `most`.
  static Status Check(const Node& node, const Value* mask, int most);

  // The bias, and attribute 'mask_filter_value' where keys do not count; null where nothing is
  // added. The first input of `node` begins with the batch.
  Value* Added(Expansion& expansion, const Node& node) const;

 private:
  Value& Counts(Expansion& expansion, const Node& node) const;
  Value& CountsByEnds(Expansion& expansion, const Node& node, Value& numbers) const;
};

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_KEY_MASK_H_
