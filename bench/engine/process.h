// SPDX-License-Identifier: MIT
// What the system says of this process.
#ifndef MULLION_BENCH_ENGINE_PROCESS_H_
#define MULLION_BENCH_ENGINE_PROCESS_H_

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

namespace mullion::bench {

inline double NowMs() {
  using Ms = std::chrono::duration<double, std::milli>;
  return Ms(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// CPU time of all threads.
inline double CpuMs() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) / 1e3;
  };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

inline double PeakRssMib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;  // Linux counts in KiB
}

// Resident memory now.
inline double RssMib() {
  long total = 0;
  long resident = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  if (file != nullptr) {
    if (std::fscanf(file, "%ld %ld", &total, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1048576;
}

}  // namespace mullion::bench

#endif  // MULLION_BENCH_ENGINE_PROCESS_H_
