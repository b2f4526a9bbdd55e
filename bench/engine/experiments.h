// SPDX-License-Identifier: MIT
// The experiments. Each prints one JSON object on one line.
#ifndef MULLION_BENCH_ENGINE_EXPERIMENTS_H_
#define MULLION_BENCH_ENGINE_EXPERIMENTS_H_

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "bench/engine/inputs.h"

namespace mullion::bench {

// Multiples of `step` from `low` to `high` times.
struct Sizes {
  int64_t low = 1;
  int64_t high = 1;
  int64_t step = 1;

  int64_t Draw(std::mt19937_64& random) const {
    return std::uniform_int_distribution<int64_t>(low, high)(random) * step;
  }
};

struct Flags {
  std::string model;
  InputFlags inputs;
  int threads = 1;
  int runs = 50;
  int warmup = 5;
  double seconds = 60;  // for the timed runs of one measurement, at most
  int sessions = 4;
  double every_ms = 33;
  // Dimensions that vary, by name.
  std::map<std::string, Sizes> vary;
  int shapes = 50;
  bool rising = false;  // sizes one after the other instead of random ones
};

// How long a run takes, and loading.
void Latency(const Flags& flags);
// CPU time of several sessions used in turn, against that of one alone.
void Turns(const Flags& flags);
// CPU time between runs, and of a run every so many milliseconds.
void Paced(const Flags& flags);
// Runs while another process keeps one core busy.
void Beside(const Flags& flags);
// Resident memory from before loading to after closing, a second session and mixed shapes between.
void Memory(const Flags& flags);
// What a size that was never seen costs.
void Shapes(const Flags& flags);

class JsonLine {
 public:
  JsonLine(const Flags& flags);
  JsonLine& Add(const std::string& key, double value);
  void Print() const;

 private:
  std::ostringstream text_;
};

// Of values in any order: At(v, 0.5) is the median.
inline double At(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
}

// A session with inputs as the flags say, outputs bound, and `flags.warmup` runs behind it.
std::unique_ptr<Session> OpenWarm(const Flags& flags, int threads);

}  // namespace mullion::bench

#endif  // MULLION_BENCH_ENGINE_EXPERIMENTS_H_
