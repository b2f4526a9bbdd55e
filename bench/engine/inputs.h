// SPDX-License-Identifier: MIT
// Inputs of seeded random values: the same for every engine that is asked with the same flags.
#ifndef MULLION_BENCH_ENGINE_INPUTS_H_
#define MULLION_BENCH_ENGINE_INPUTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bench/engine/session.h"

namespace mullion::bench {

struct InputFlags {
  std::string data;  // folder of input_0.pb and so on, in the place of all others
  std::map<std::string, int64_t> dims;  // sizes of symbolic dimensions; "" for unnamed ones
  std::map<std::string, std::vector<int64_t>> shapes;
  std::map<std::string, double> fills;
  std::map<std::string, std::pair<double, double>> ranges;  // "" for all inputs
};

// Floats in [-1, 1), token ids 1 to 99, masks 1, uint8 0 to 255, other integers 0 to 9 where no
// flag says otherwise.
std::vector<Content> MakeInputs(const std::vector<Feature>& inputs, const InputFlags& flags);

}  // namespace mullion::bench

#endif  // MULLION_BENCH_ENGINE_INPUTS_H_
