// SPDX-License-Identifier: MIT
#include "operators/spread_bytes.h"

#include <span>

namespace mullion::operators {

Value& SpreadBytes(Expansion& expansion, Graph& graph, Value& bytes, int64_t bits) {
  if (bits == 8) return bytes;
  static constexpr uint8_t kShifts[] = {0, 2, 4, 6, 0, 4};
  const auto shifts = bits == 2 ? std::span(kShifts, 4) : std::span(kShifts + 4, 2);
  const auto mask = static_cast<uint8_t>((1 << bits) - 1);
  Value& places = graph.AddConstant("shifts", Tensor::Vector<uint8_t>(shifts));
  Value& shifted = expansion.Add(
      "BitShift", {&expansion.Add("Unsqueeze", {&bytes, &expansion.Ints({-1})}), &places});
  shifted.producer()->SetAttribute("direction", std::string("RIGHT"));
  return expansion.Add("BitwiseAnd", {&shifted, &graph.AddConstant("mask", Tensor::Scalar(mask))});
}

}  // namespace mullion::operators
