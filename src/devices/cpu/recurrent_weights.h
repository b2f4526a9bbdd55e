// SPDX-License-Identifier: MIT
// Weights of recurrent layers in the form that their products want.
//
// A row of sums has one block of `width` elements per gate, `width` being the hidden size rounded
// up to 16; weights and biases of the elements added are zero.
#ifndef MULLION_DEVICES_CPU_RECURRENT_WEIGHTS_H_
#define MULLION_DEVICES_CPU_RECURRENT_WEIGHTS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "operators/recurrent.h"

namespace mullion::cpu {

// Gates [first, first + count) of W or R, multiplied at once into the blocks from `block` on.
struct GateGroup {
  int first;
  int count;
  int block;

  bool operator==(const GateGroup&) const = default;
};

// How a kind of layer divides its weights into products.
struct GatePlan {
  operators::RecurrentKind kind;
  int blocks;                        // in a row of sums
  std::vector<GateGroup> input;      // of W
  std::vector<GateGroup> recurrent;  // of R
  int bias_block = -1;               // a block that gets biases and products with R only
};

// Elements of the packed groups of one direction.
int64_t PackedGateSize(std::span<const GateGroup> groups, int64_t depth, int64_t hidden);

// `source` is one direction of W or R, [gates * hidden, depth]; the groups follow each other, each
// as kernels/matrix/panel_product.h wants it.
template <typename T>
void PackGates(const T* source, std::span<const GateGroup> groups, int64_t depth, int64_t hidden,
               T* packed);

// `biases` is one direction of B: those of W, then those of R; null for none. Gives a row of sums.
template <typename T>
void PackGateBiases(const T* biases, const GatePlan& plan, int64_t hidden, T* packed);

// `source` is one direction of P, [3 * hidden]; gives three blocks.
template <typename T>
void PackPeepholes(const T* source, int64_t hidden, T* packed);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_RECURRENT_WEIGHTS_H_
