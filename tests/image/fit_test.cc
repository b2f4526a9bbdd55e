// SPDX-License-Identifier: MIT
#include "image/fit.h"

#include <gtest/gtest.h>

namespace mullion::image {
namespace {

Fit Fitted(const Rect& region, int64_t width, int64_t height, FitMode mode) {
  const Result<Fit> fit = FitRegion(region, width, height, mode);
  EXPECT_TRUE(fit.ok()) << fit.status().message();
  return fit.ok() ? *fit : Fit{};
}

void ExpectRect(const Rect& actual, const Rect& expected) {
  EXPECT_EQ(actual.left, expected.left);
  EXPECT_EQ(actual.top, expected.top);
  EXPECT_EQ(actual.width, expected.width);
  EXPECT_EQ(actual.height, expected.height);
}

TEST(FitRegion, CropsTheCentre) {
  Fit fit = Fitted({0, 0, 1920, 1080}, 224, 224, FitMode::kCenterCrop);
  ExpectRect(fit.source, {420, 0, 1080, 1080});
  ExpectRect(fit.target, {0, 0, 224, 224});
  // r = 4/3: width min(600, 450), height min(round(337.5), 450).
  fit = Fitted({0, 0, 450, 450}, 320, 240, FitMode::kCenterCrop);
  ExpectRect(fit.source, {0, 56, 450, 338});
  // An odd rest leaves the smaller half in front.
  fit = Fitted({0, 0, 7, 4}, 1, 1, FitMode::kCenterCrop);
  ExpectRect(fit.source, {1, 0, 4, 4});
}

TEST(FitRegion, KeepsARegionOfTheRightShape) {
  const Fit fit = Fitted({10, 20, 64, 32}, 128, 64, FitMode::kCenterCrop);
  ExpectRect(fit.source, {10, 20, 64, 32});
}

TEST(FitRegion, CropsWithinTheRegion) {
  const Fit fit = Fitted({100, 50, 40, 20}, 10, 10, FitMode::kCenterCrop);
  ExpectRect(fit.source, {110, 50, 20, 20});
}

TEST(FitRegion, Stretches) {
  const Fit fit = Fitted({3, 4, 100, 50}, 10, 10, FitMode::kStretch);
  ExpectRect(fit.source, {3, 4, 100, 50});
  ExpectRect(fit.target, {0, 0, 10, 10});
}

TEST(FitRegion, Letterboxes) {
  Fit fit = Fitted({0, 0, 1920, 1080}, 640, 640, FitMode::kLetterbox);
  ExpectRect(fit.source, {0, 0, 1920, 1080});
  ExpectRect(fit.target, {0, 140, 640, 360});
  fit = Fitted({0, 0, 1080, 1920}, 640, 640, FitMode::kLetterbox);
  ExpectRect(fit.target, {140, 0, 360, 640});
  fit = Fitted({0, 0, 1920, 1080}, 640, 640, FitMode::kLetterboxTopLeft);
  ExpectRect(fit.target, {0, 0, 640, 360});
}

TEST(FitRegion, NeverGivesNothing) {
  Fit fit = Fitted({0, 0, kMaxImageSide, 1}, 1, 4, FitMode::kCenterCrop);
  ExpectRect(fit.source, {kMaxImageSide / 2 - 1, 0, 1, 1});
  fit = Fitted({0, 0, kMaxImageSide, 1}, 16, 16, FitMode::kLetterbox);
  ExpectRect(fit.target, {0, 7, 16, 1});
}

TEST(FitRegion, RefusesEmptySizes) {
  EXPECT_FALSE(FitRegion({0, 0, 0, 4}, 8, 8, FitMode::kStretch).ok());
  EXPECT_FALSE(FitRegion({0, 0, 4, 4}, 8, 0, FitMode::kCenterCrop).ok());
  EXPECT_FALSE(FitRegion({0, 0, 4, 4}, INT64_MAX, 1, FitMode::kLetterbox).ok());
}

}  // namespace
}  // namespace mullion::image
