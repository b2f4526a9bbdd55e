// SPDX-License-Identifier: MIT
// Outputs for people: what a class score says, or what a tensor holds.
#ifndef MULLION_TOOLS_SHOW_H_
#define MULLION_TOOLS_SHOW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "mullion/c/mullion.h"

namespace mullion::tools {

struct Ranked {
  int64_t index = 0;
  std::string label;
  double value = 0;
};

// Whether a tensor looks like one score per class: numbers along one axis, all others 1.
bool LooksLikeScores(const TensorView& tensor);

// The `count` largest elements, largest first; equal ones by index.
std::vector<Ranked> LargestOf(const TensorView& tensor, int count,
                              const std::vector<std::string>& labels);

// Prints one output to standard output: scores with bars, else the first values and their range;
// sequences and maps item by item.
void ShowValue(const std::string& name, const MullionValue* value, int top,
               const std::vector<std::string>& labels);

}  // namespace mullion::tools

#endif  // MULLION_TOOLS_SHOW_H_
