// SPDX-License-Identifier: MIT
#include <malloc.h>

#include <algorithm>
#include <random>

#include "bench/engine/experiments.h"
#include "bench/engine/process.h"

namespace mullion::bench {

namespace {

// Runs with sizes drawn from a fixed set; the most resident memory in the first fifth of them and
// in the last.
std::pair<double, double> MixShapes(Session& session, const Flags& flags) {
  std::mt19937_64 random(1);
  std::vector<std::vector<Content>> inputs;
  for (int i = 0; i < flags.shapes; ++i) {
    InputFlags sized = flags.inputs;
    for (const auto& [name, sizes] : flags.vary) sized.dims[name] = sizes.Draw(random);
    inputs.push_back(MakeInputs(session.inputs(), sized));
  }
  double early = 0;
  double late = 0;
  for (int i = 0; i < flags.runs; ++i) {
    session.Bind(inputs[random() % inputs.size()]);
    session.Run();
    if (i < flags.runs / 5) early = std::max(early, RssMib());
    if (i >= flags.runs - flags.runs / 5) late = std::max(late, RssMib());
  }
  return {early, late};
}

}  // namespace

void Memory(const Flags& flags) {
  JsonLine json(flags);
  json.Add("start_mib", RssMib());
  {
    const std::unique_ptr<Session> session = OpenWarm(flags, flags.threads);
    json.Add("one_session_mib", RssMib());
    {
      const std::unique_ptr<Session> second = OpenWarm(flags, flags.threads);
      json.Add("two_sessions_mib", RssMib());
    }
    if (!flags.vary.empty()) {
      const auto [early, late] = MixShapes(*session, flags);
      json.Add("mixed_early_mib", early).Add("mixed_late_mib", late);
    }
  }
  json.Add("closed_mib", RssMib());
  malloc_trim(0);
  json.Add("closed_trimmed_mib", RssMib()).Add("peak_rss_mib", PeakRssMib()).Print();
}

}  // namespace mullion::bench
