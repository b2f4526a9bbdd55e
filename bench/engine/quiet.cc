// SPDX-License-Identifier: MIT
// What an engine costs when it has little or nothing to do, and when it is not alone.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <thread>

#include "bench/engine/experiments.h"
#include "bench/engine/process.h"

namespace mullion::bench {

namespace {

// CPU time of a run where the first `count` sessions take turns.
double TakeTurns(const std::vector<std::unique_ptr<Session>>& sessions, size_t count,
                 const Flags& flags) {
  const double cpu = CpuMs();
  const double stop = NowMs() + flags.seconds * 1e3;
  int runs = 0;
  for (; runs < flags.runs && NowMs() < stop; ++runs) {
    sessions[static_cast<size_t>(runs) % count]->Run();
  }
  return (CpuMs() - cpu) / runs;
}

void Sleep(double ms) {
  std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(ms));
}

// Another program that wants a core.
class BusyLoop {
 public:
  BusyLoop() : child_(fork()) {
    if (child_ < 0) throw std::runtime_error("fork failed");
    if (child_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (volatile bool on = true; on;) {
      }
    }
  }
  ~BusyLoop() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  BusyLoop(const BusyLoop&) = delete;
  BusyLoop& operator=(const BusyLoop&) = delete;

 private:
  pid_t child_;
};

}  // namespace

void Turns(const Flags& flags) {
  constexpr int kRounds = 5;
  std::vector<std::unique_ptr<Session>> sessions;
  while (static_cast<int>(sessions.size()) < flags.sessions) {
    sessions.push_back(OpenWarm(flags, flags.threads));
  }
  std::vector<double> alone;
  std::vector<double> turns;
  for (int round = 0; round < kRounds; ++round) {
    alone.push_back(TakeTurns(sessions, 1, flags));
    turns.push_back(TakeTurns(sessions, sessions.size(), flags));
  }
  JsonLine(flags)
      .Add("sessions", flags.sessions)
      .Add("alone_cpu_ms", At(alone, 0))
      .Add("turns_cpu_ms", At(turns, 0))
      .Print();
}

void Paced(const Flags& flags) {
  std::vector<std::unique_ptr<Session>> sessions;
  sessions.push_back(OpenWarm(flags, flags.threads));
  const double packed = TakeTurns(sessions, 1, flags);
  Sleep(100);  // helpers are asleep
  const double idle_cpu = CpuMs();
  Sleep(flags.seconds * 1e3);
  const double idle = CpuMs() - idle_cpu;
  const auto runs = static_cast<int>(flags.seconds * 1e3 / flags.every_ms);
  // CPU time of a turn that ends when the next one begins.
  const auto paced = [&](const auto& turn) {
    const double before = CpuMs();
    const double start = NowMs();
    for (int i = 0; i < runs; ++i) {
      turn();
      Sleep(start + (i + 1) * flags.every_ms - NowMs());
    }
    return (CpuMs() - before) / runs;
  };
  JsonLine(flags)
      .Add("every_ms", flags.every_ms)
      .Add("packed_cpu_ms", packed)
      .Add("paced_cpu_ms", paced([&] { sessions[0]->Run(); }))
      .Add("asleep_cpu_ms", paced([] {}))
      .Add("idle_cpu_ms_per_s", idle / flags.seconds)
      .Print();
}

void Beside(const Flags& flags) {
  const std::unique_ptr<Session> one = OpenWarm(flags, 1);
  const std::unique_ptr<Session> two = OpenWarm(flags, 2);
  const BusyLoop busy;
  Sleep(200);
  std::vector<double> one_ms;
  std::vector<double> two_ms;
  for (int i = 0; i < flags.runs; ++i) {
    for (const bool both : {false, true}) {
      const double start = NowMs();
      (both ? two : one)->Run();
      (both ? two_ms : one_ms).push_back(NowMs() - start);
    }
  }
  JsonLine(flags)
      .Add("one_thread_median_ms", At(one_ms, 0.5))
      .Add("two_threads_median_ms", At(two_ms, 0.5))
      .Print();
}

}  // namespace mullion::bench
