// SPDX-License-Identifier: MIT
#include "image/filter_taps.h"

#include <gtest/gtest.h>

#include <vector>

namespace mullion::image {
namespace {

// The weights of one output position over all `in` source positions.
std::vector<float> Weights(int64_t in, int64_t out, Filter filter, int64_t position) {
  const FilterTaps taps(in, out, filter);
  std::vector<float> weights(static_cast<size_t>(in));
  for (int32_t i = 0; i < taps[position].count; ++i) {
    weights[static_cast<size_t>(taps[position].first + i)] = taps[position].weights[i];
  }
  return weights;
}

using Row = std::vector<float>;

TEST(FilterTaps, BilinearLooksAtCentresAndRepeatsEdges) {
  // 2 -> 4: centres at -0.25, 0.25, 0.75, 1.25.
  EXPECT_EQ(Weights(2, 4, Filter::kBilinear, 0), (Row{1, 0}));
  EXPECT_EQ(Weights(2, 4, Filter::kBilinear, 1), (Row{0.75f, 0.25f}));
  EXPECT_EQ(Weights(2, 4, Filter::kBilinear, 2), (Row{0.25f, 0.75f}));
  EXPECT_EQ(Weights(2, 4, Filter::kBilinear, 3), (Row{0, 1}));
  // 9 -> 3: centres at 1, 4, 7; the pixels between count for nothing.
  EXPECT_EQ(Weights(9, 3, Filter::kBilinear, 1), (Row{0, 0, 0, 0, 1, 0, 0, 0, 0}));
}

TEST(FilterTaps, AreaCountsWhatIsCovered) {
  EXPECT_EQ(Weights(5, 2, Filter::kArea, 0), (Row{0.4f, 0.4f, 0.2f, 0, 0}));
  EXPECT_EQ(Weights(5, 2, Filter::kArea, 1), (Row{0, 0, 0.2f, 0.4f, 0.4f}));
  // Growing: the middle of three lies half in each source pixel.
  EXPECT_EQ(Weights(2, 3, Filter::kArea, 1), (Row{0.5f, 0.5f}));
}

TEST(FilterTaps, NearestTakesThePixelOfTheCentre) {
  EXPECT_EQ(Weights(5, 2, Filter::kNearest, 0), (Row{0, 1, 0, 0, 0}));
  EXPECT_EQ(Weights(5, 2, Filter::kNearest, 1), (Row{0, 0, 0, 1, 0}));
  EXPECT_EQ(Weights(2, 4, Filter::kNearest, 1), (Row{1, 0}));
}

TEST(FilterTaps, AutoIsAreaBelowHalf) {
  EXPECT_EQ(Weights(5, 2, Filter::kAuto, 0), Weights(5, 2, Filter::kArea, 0));
  EXPECT_EQ(Weights(3, 2, Filter::kAuto, 0), Weights(3, 2, Filter::kBilinear, 0));
  EXPECT_EQ(Weights(4, 2, Filter::kBilinear, 1), Weights(4, 2, Filter::kArea, 1));
}

TEST(FilterTaps, StayInsideAndSumToOne) {
  for (const Filter filter : {Filter::kAuto, Filter::kNearest, Filter::kBilinear, Filter::kArea}) {
    for (int64_t in = 1; in <= 40; ++in) {
      for (int64_t out = 1; out <= 40; ++out) {
        const FilterTaps taps(in, out, filter);
        for (int64_t position = 0; position < out; ++position) {
          const FilterTaps::Tap tap = taps[position];
          ASSERT_GE(tap.first, 0);
          ASSERT_GE(tap.count, 1);
          ASSERT_LE(tap.first + tap.count, in);
          float sum = 0;
          for (int32_t i = 0; i < tap.count; ++i) {
            ASSERT_GT(tap.weights[i], 0.0f);
            sum += tap.weights[i];
          }
          ASSERT_NEAR(sum, 1.0f, 1e-5f);
        }
      }
    }
  }
}

}  // namespace
}  // namespace mullion::image
