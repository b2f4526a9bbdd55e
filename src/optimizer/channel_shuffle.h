// SPDX-License-Identifier: MIT
// ShuffleNet's exchange of channels between groups: Reshape, Transpose, Reshape.
#ifndef MULLION_OPTIMIZER_CHANNEL_SHUFFLE_H_
#define MULLION_OPTIMIZER_CHANNEL_SHUFFLE_H_

#include <cstdint>
#include <optional>

#include "graph/graph.h"

namespace mullion::optimizer {

// [N, C, spatial...] seen as [N, groups, C / groups, spatial...], with the groups and what is in
// them exchanged, and back.
struct ChannelShuffle {
  Node* split = nullptr;
  Node* turn = nullptr;
  Node* join = nullptr;
  int64_t groups = 0;

  // The one that begins with `split`, if what lies between is read by it alone.
  static std::optional<ChannelShuffle> From(Node& split);

  // Makes it one of [N, spatial..., C], which reads `last`. What it gives out is the caller's to
  // set.
  void PutChannelsLast(Value& last);
};

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_CHANNEL_SHUFFLE_H_
