// SPDX-License-Identifier: MIT
#include <random>
#include <utility>
#include <vector>

#include "bench/engine/experiments.h"
#include "bench/engine/process.h"

namespace mullion::bench {

// Every size is run once as it comes, which is the first time that the engine sees it, and a few
// times more, which tells what it costs when it is known. The size before is run between making the
// inputs and that first time, so that caches hold weights as they do in a loop of an application.
void Shapes(const Flags& flags) {
  constexpr int kKnownRuns = 5;
  const std::unique_ptr<Session> session = OpenSession(flags.model, flags.threads);
  std::mt19937_64 random(1);
  std::vector<double> first_ms;
  std::vector<double> known_ms;
  std::vector<double> ratios;
  std::vector<Content> before;
  for (int i = 0; i < flags.shapes; ++i) {
    InputFlags sized = flags.inputs;
    for (const auto& [name, sizes] : flags.vary) {
      sized.dims[name] = flags.rising ? (sizes.low + i) * sizes.step : sizes.Draw(random);
    }
    std::vector<Content> contents = MakeInputs(session->inputs(), sized);
    if (i > 0) {
      session->Bind(before);
      session->Run();
    }
    std::vector<double> times;
    for (int run = 0; run <= kKnownRuns; ++run) {
      session->Bind(contents);  // every time, so that caches are as warm for all runs
      const double start = NowMs();
      session->Run();
      times.push_back(NowMs() - start);
    }
    before = std::move(contents);
    if (i == 0) continue;  // the very first run of all
    first_ms.push_back(times[0]);
    known_ms.push_back(At({times.begin() + 1, times.end()}, 0.5));
    ratios.push_back(first_ms.back() / known_ms.back());
  }
  std::vector<double> extra;
  for (size_t i = 0; i < first_ms.size(); ++i) extra.push_back(first_ms[i] - known_ms[i]);
  JsonLine(flags)
      .Add("shapes", flags.shapes)
      .Add("known_median_ms", At(known_ms, 0.5))
      .Add("new_extra_median_ms", At(extra, 0.5))
      .Add("ratio_median", At(ratios, 0.5))
      .Add("ratio_p90", At(ratios, 0.9))
      .Add("ratio_p99", At(ratios, 0.99))
      .Print();
}

}  // namespace mullion::bench
