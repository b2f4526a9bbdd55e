// SPDX-License-Identifier: MIT
#include "bench/engine/experiments.h"
#include "bench/engine/process.h"

namespace mullion::bench {

void Latency(const Flags& flags) {
  const double start = NowMs();
  const std::unique_ptr<Session> session = OpenSession(flags.model, flags.threads);
  const double load_ms = NowMs() - start;
  session->Bind(MakeInputs(session->inputs(), flags.inputs));
  const double first = NowMs();
  session->RunAndKeepOutputs();
  const double first_ms = NowMs() - first;
  for (int i = 0; i < flags.warmup; ++i) session->Run();
  std::vector<double> times;
  times.reserve(static_cast<size_t>(flags.runs));
  const double cpu = CpuMs();
  const double stop = NowMs() + flags.seconds * 1e3;
  for (int i = 0; i < flags.runs; ++i) {
    const double begin = NowMs();
    session->Run();
    const double end = NowMs();
    times.push_back(end - begin);
    if (i >= 2 && end > stop) break;
  }
  const auto runs = static_cast<double>(times.size());
  JsonLine(flags)
      .Add("load_ms", load_ms)
      .Add("first_ms", first_ms)
      .Add("runs", runs)
      .Add("min_ms", At(times, 0))
      .Add("p10_ms", At(times, 0.1))
      .Add("median_ms", At(times, 0.5))
      .Add("p90_ms", At(times, 0.9))
      .Add("max_ms", At(times, 1))
      .Add("peak_rss_mib", PeakRssMib())
      .Add("cpu_ms_per_run", (CpuMs() - cpu) / runs)
      .Print();
}

}  // namespace mullion::bench
