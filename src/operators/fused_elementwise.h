// SPDX-License-Identifier: MIT
// FusedElementwise: a chain or tree of elementwise float operations as one operator of the internal
// domain, made by the optimizer. It computes a straight-line program for each element; its inputs
// broadcast like those of any elementwise operator.
#ifndef MULLION_OPERATORS_FUSED_ELEMENTWISE_H_
#define MULLION_OPERATORS_FUSED_ELEMENTWISE_H_

#include <vector>

#include "base/status.h"
#include "graph/graph.h"
#include "operators/elementwise_op.h"

namespace mullion::operators {

inline constexpr std::string_view kFusedElementwise = "FusedElementwise";

// The longest program: bounds the memory that its temporaries take.
inline constexpr int kMostInstructions = 32;

// Every value of the program has a number: the node's inputs first, then the results in order.
struct Instruction {
  ElementwiseStep step;
  int a = 0;
  int b = -1;  // -1 when the operation has one operand
};

// The last result is the operator's output.
using ElementwiseProgram = std::vector<Instruction>;

// The program as attributes of a node: ints `program`, three an instruction (operation, a, b), and
// floats `parameters`, two an instruction (alpha, beta).
void StoreProgram(const ElementwiseProgram& program, Node& node);

// The program of a node, or what is wrong with it.
Result<ElementwiseProgram> LoadProgram(const Node& node);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_FUSED_ELEMENTWISE_H_
