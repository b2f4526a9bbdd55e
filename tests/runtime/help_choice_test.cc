// SPDX-License-Identifier: MIT
#include "runtime/help_choice.h"

#include <gtest/gtest.h>

namespace mullion {
namespace {

// Evaluations that take so many nanoseconds helped and alone; how many of them were helped.
int HelpedRuns(HelpChoice& choice, int runs, int64_t helped, int64_t alone) {
  int count = 0;
  for (int i = 0; i < runs; ++i) {
    const bool now = choice.Helped();
    count += now ? 1 : 0;
    choice.Took(now, now ? helped : alone, now ? alone - helped : 0);
  }
  return count;
}

TEST(HelpChoice, LeavesHelpThatCostsMoreThanItWins) {
  HelpChoice choice;
  EXPECT_TRUE(choice.Helped());
  HelpedRuns(choice, 100, 120, 100);
  EXPECT_FALSE(choice.Helped());
  // Few are tried with help from then on.
  EXPECT_LE(HelpedRuns(choice, 10'000, 120, 100), 100);
}

TEST(HelpChoice, KeepsHelpThatWins) {
  HelpChoice choice;
  HelpedRuns(choice, 100, 90, 100);
  EXPECT_TRUE(choice.Helped());
  EXPECT_GE(HelpedRuns(choice, 10'000, 90, 100), 9'900);
}

// Help that makes next to no difference keeps two processors busy for nothing.
TEST(HelpChoice, LeavesHelpThatWinsNextToNothing) {
  HelpChoice choice;
  HelpedRuns(choice, 100, 9'900, 10'000);
  EXPECT_FALSE(choice.Helped());
}

// What gains clearly is never slowed down for a trial.
TEST(HelpChoice, TriesNothingWhereTheGainIsClear) {
  HelpChoice choice;
  EXPECT_EQ(HelpedRuns(choice, 10'000, 60, 100), 10'000);
}

TEST(HelpChoice, LooksAgainWhenTimesHaveChanged) {
  HelpChoice choice;
  HelpedRuns(choice, 100, 120, 100);
  EXPECT_FALSE(choice.Helped());
  HelpedRuns(choice, 5'000, 60, 100);
  EXPECT_TRUE(choice.Helped());
  HelpedRuns(choice, 5'000, 110, 100);
  EXPECT_FALSE(choice.Helped());
}

// One slow evaluation, which any machine has now and then, decides nothing.
TEST(HelpChoice, GoesByTheBestOfSeveral) {
  HelpChoice choice;
  for (int i = 0; i < 100; ++i) {
    const bool helped = choice.Helped();
    choice.Took(helped, i % 5 == 0 ? 900 : helped ? 80 : 100, helped ? 20 : 0);
  }
  EXPECT_TRUE(choice.Helped());
}

// One of several evaluations at once, which began before the others changed the way.
TEST(HelpChoice, ForgetsWhatWentTheOtherWay) {
  HelpChoice choice;
  for (int i = 0; i < 1'000; ++i) choice.Took(!choice.Helped(), 1, 0);
  EXPECT_TRUE(choice.Helped());
}

}  // namespace
}  // namespace mullion
