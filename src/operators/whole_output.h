// SPDX-License-Identifier: MIT
// Nodes that write their channels into a wider tensor, so that a Concat along channels has nothing
// left to copy: its inputs are written one after another into what it would have made.
//
// A Conv of float with channels last, and JoinPart of the internal domain, carry
//   input whole      the wider tensor with what nodes before have written; Conv leaves it out where
//                    it is the first to write, and other channels are of any value then
//   whole_channels   channels of the wider tensor
//   first_channel    the first that the node writes
// and give out the wider tensor. JoinPart(part, whole) copies what comes from elsewhere.
#ifndef MULLION_OPERATORS_WHOLE_OUTPUT_H_
#define MULLION_OPERATORS_WHOLE_OUTPUT_H_

#include <string_view>

#include "base/shape.h"
#include "base/status.h"
#include "operators/registry.h"

namespace mullion::operators {

inline constexpr std::string_view kJoinPart = "JoinPart";
inline constexpr int kJoinPartWhole = 1;
inline constexpr int kConvWhole = 4;

inline constexpr std::string_view kWholeChannels = "whole_channels";
inline constexpr std::string_view kFirstChannel = "first_channel";

// Makes `shape`, of what the node would give out alone, that of the wider tensor. Input
// `whole_input`, if it is there, must have it too.
Status WidenToWhole(const InferenceContext& context, int whole_input, Shape& shape);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_WHOLE_OUTPUT_H_
