// SPDX-License-Identifier: MIT
#include "devices/cpu/recurrent_weights.h"

#include <algorithm>

#include "devices/cpu/kernels/matrix/panel_product.h"

namespace mullion::cpu {

int64_t PackedGateSize(std::span<const GateGroup> groups, int64_t depth, int64_t hidden) {
  int64_t gates = 0;
  for (const GateGroup& group : groups) gates += group.count;
  return gates * RoundUpToPanelGroup(hidden) * depth;
}

template <typename T>
void PackGates(const T* source, std::span<const GateGroup> groups, int64_t depth, int64_t hidden,
               T* packed) {
  const int64_t width = RoundUpToPanelGroup(hidden);
  for (const GateGroup& group : groups) {
    const int64_t columns = group.count * width;
    std::fill_n(packed, columns * depth, T{0});
    for (int64_t column = 0; column < columns; ++column) {
      const int64_t element = column % width;
      if (element >= hidden) continue;
      const T* const from = source + ((group.first + column / width) * hidden + element) * depth;
      T* const to = packed + PanelIndex(0, column, depth, columns);
      const int64_t stride = std::min(kPanelWidth, columns - column / kPanelWidth * kPanelWidth);
      for (int64_t k = 0; k < depth; ++k) to[k * stride] = from[k];
    }
    packed += columns * depth;
  }
}

template <typename T>
void PackGateBiases(const T* biases, const GatePlan& plan, int64_t hidden, T* packed) {
  const int64_t width = RoundUpToPanelGroup(hidden);
  std::fill_n(packed, plan.blocks * width, T{0});
  if (biases == nullptr) return;
  const auto add = [&](std::span<const GateGroup> groups) {
    for (const GateGroup& group : groups) {
      for (int gate = 0; gate < group.count; ++gate) {
        const T* const from = biases + (group.first + gate) * hidden;
        T* const to = packed + (group.block + gate) * width;
        for (int64_t i = 0; i < hidden; ++i) to[i] += from[i];
      }
    }
  };
  add(plan.input);
  biases += operators::GateCount(plan.kind) * hidden;
  add(plan.recurrent);
}

template <typename T>
void PackPeepholes(const T* source, int64_t hidden, T* packed) {
  const int64_t width = RoundUpToPanelGroup(hidden);
  std::fill_n(packed, 3 * width, T{0});
  for (int i = 0; i < 3; ++i) std::copy_n(source + i * hidden, hidden, packed + i * width);
}

template void PackGates(const float*, std::span<const GateGroup>, int64_t, int64_t, float*);
template void PackGates(const double*, std::span<const GateGroup>, int64_t, int64_t, double*);
template void PackGateBiases(const float*, const GatePlan&, int64_t, float*);
template void PackGateBiases(const double*, const GatePlan&, int64_t, double*);
template void PackPeepholes(const float*, int64_t, float*);
template void PackPeepholes(const double*, int64_t, double*);

}  // namespace mullion::cpu
