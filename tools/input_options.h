// SPDX-License-Identifier: MIT
// The flags that say what a model's inputs look like, and the random values that fill them.
#ifndef MULLION_TOOLS_INPUT_OPTIONS_H_
#define MULLION_TOOLS_INPUT_OPTIONS_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "graph/model.h"

namespace CLI {
class App;
}

namespace mullion::tools {

struct InputOptions {
  std::vector<std::string> dims;    // NAME=N, =N for unnamed ones
  std::vector<std::string> shapes;  // INPUT=a,b,c
  std::vector<std::string> fills;   // INPUT=V
  std::vector<std::string> ranges;  // [INPUT=]A:B
  uint64_t seed = 0;

  // Adds the five flags to a subcommand.
  void AddTo(CLI::App& app);
};

// A value for every input that is not in `given`, by the input's number: constant by --fill, else
// random by --range or the habits of its name and type: floats in [-1, 1), token ids 1 to 99, masks
// 1, positions counted, uint8 0 to 255, other integers 0 to 9. Each input has random values of its
// own. Free dimensions are fixed by --shape, --dim, or their names; a note on standard error says
// which sizes were assumed. Throws Failure.
std::map<size_t, Tensor> MakeInputs(const std::vector<FeatureInfo>& inputs,
                                    const std::set<std::string>& given,
                                    const InputOptions& options);

}  // namespace mullion::tools

#endif  // MULLION_TOOLS_INPUT_OPTIONS_H_
