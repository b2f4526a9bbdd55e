// SPDX-License-Identifier: MIT
// The flags that say what a model's inputs look like, and the random values that fill them.
#ifndef MULLION_TOOLS_INPUT_OPTIONS_H_
#define MULLION_TOOLS_INPUT_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "graph/model.h"

namespace mullion::tools {

struct InputOptions {
  std::vector<std::string> dims;    // NAME=N, =N for unnamed ones
  std::vector<std::string> shapes;  // INPUT=a,b,c
  std::vector<std::string> fills;   // INPUT=V
  std::vector<std::string> ranges;  // [INPUT=]A:B
  uint64_t seed = 0;

  // Adds --dim, --shape, --fill, --range and --seed to a subcommand.
  void AddTo(CLI::App& app);
};

// The shape of every input with all free dimensions fixed: by --shape, --dim, or by the name of the
// dimension. A note on standard error says which sizes were assumed.
std::vector<Shape> ResolveShapes(const std::vector<FeatureInfo>& inputs,
                                 const InputOptions& options);

// A value for one input: constant by --fill, else random by --range or the habits of the element
// type and name: floats in [-1, 1), token ids 1 to 99, masks 1, uint8 0 to 255, others 0 to 9.
// `index` is the input's number: each has random values of its own.
Tensor MakeInput(const FeatureInfo& input, size_t index, const Shape& shape,
                 const InputOptions& options);

}  // namespace mullion::tools

#endif  // MULLION_TOOLS_INPUT_OPTIONS_H_
