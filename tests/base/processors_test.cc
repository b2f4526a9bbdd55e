// SPDX-License-Identifier: MIT
#include "base/processors.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "base/platform.h"

namespace mullion {
namespace {

TEST(Processors, ThreadWakesUpElsewhereAndMayComeBack) {
  std::mutex mutex;
  std::condition_variable changed;
  int asleep_on = -1;
  bool asleep = false;
  bool told = false;
  ThreadPlacement placement;
  int woke_on = -1;
  int allowed_later = 0;
  std::thread sleeper([&] {
    std::unique_lock lock(mutex);
    asleep_on = CurrentProcessor();
    asleep = true;
    changed.notify_all();
    changed.wait(lock, [&] { return told; });
    woke_on = CurrentProcessor();
    placement.Restore();
    allowed_later = AvailableProcessors();
  });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return asleep; });
    placement.KeepOff(sleeper, asleep_on);
    told = true;
    changed.notify_all();
  }
  sleeper.join();
  EXPECT_EQ(allowed_later, AvailableProcessors());
  if (asleep_on < 0) {
    EXPECT_LT(woke_on, 0);
  } else if (AvailableProcessors() == 1) {
    EXPECT_EQ(woke_on, asleep_on);
  } else {
    EXPECT_NE(woke_on, asleep_on);
  }
}

}  // namespace
}  // namespace mullion
