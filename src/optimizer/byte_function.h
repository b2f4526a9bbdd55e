// SPDX-License-Identifier: MIT
// Elementwise arithmetic that begins with one byte and ends with another: a table of 256 results.
#ifndef MULLION_OPTIMIZER_BYTE_FUNCTION_H_
#define MULLION_OPTIMIZER_BYTE_FUNCTION_H_

#include <optional>
#include <unordered_map>

#include "graph/evaluator.h"
#include "graph/graph.h"

namespace mullion::optimizer {

struct ByteFunction {
  Value* argument = nullptr;
  Tensor table;  // of the result, 256 elements
};

// Evaluates with the device's own kernels, so that a table gives what the nodes would have given.
// Remembers the ByteTable nodes it is told of: a function of a table's result is one of its
// argument.
class ByteFunctions {
 public:
  explicit ByteFunctions(Evaluator& evaluator) : evaluator_(evaluator) {}

  // `result`, a tensor of bytes, as a function of one other tensor of bytes, if it is one.
  std::optional<ByteFunction> Of(const Value& result);
  void Remember(const Value& result, const ByteFunction& function) {
    known_.emplace(&result, function);
  }

 private:
  class Walk;

  Evaluator& evaluator_;
  std::unordered_map<const Value*, ByteFunction> known_;
};

}  // namespace mullion::optimizer

#endif  // MULLION_OPTIMIZER_BYTE_FUNCTION_H_
