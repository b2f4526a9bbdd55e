// SPDX-License-Identifier: MIT
// On which processors threads run, where the system tells it; elsewhere nothing is done.
#ifndef MULLION_BASE_PROCESSORS_H_
#define MULLION_BASE_PROCESSORS_H_

#include <array>
#include <cstdint>
#include <thread>

namespace mullion {

// The one that the calling thread is on now; negative where the system does not tell.
int CurrentProcessor();

// Where one thread may run. Not thread-safe.
class ThreadPlacement {
 public:
  // The thread, which sleeps, is to wake up on another processor than this one, if it may use any
  // other. Until Restore() nothing is done by further calls.
  void KeepOff(std::thread& thread, int processor);
  // The calling thread, of which KeepOff was told, may run again where it could before. It need not
  // move for that.
  void Restore();

 private:
  std::array<uint64_t, 16> allowed_{};  // a bit for each of the first 1,024 processors
  bool restricted_ = false;
};

}  // namespace mullion

#endif  // MULLION_BASE_PROCESSORS_H_
