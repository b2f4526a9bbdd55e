// SPDX-License-Identifier: MIT
#include "image/scale.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace mullion::image {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes ScaleGray(const Bytes& source, int64_t width, int64_t target_width, int64_t target_height,
                Filter filter) {
  const auto height = static_cast<int64_t>(source.size()) / width;
  Bytes target(static_cast<size_t>(target_width * target_height));
  const Status status = Scale(ImageView{PixelFormat::kGray8, width, height, width, source.data()},
                              MutableImageView{PixelFormat::kGray8, target_width, target_height,
                                               target_width, target.data()},
                              filter);
  EXPECT_TRUE(status.ok()) << status.message();
  return target;
}

TEST(Scale, BilinearAlongEachAxis) {
  EXPECT_EQ(ScaleGray({0, 100}, 2, 4, 1, Filter::kBilinear), (Bytes{0, 25, 75, 100}));
  EXPECT_EQ(ScaleGray({0, 100}, 1, 1, 4, Filter::kBilinear), (Bytes{0, 25, 75, 100}));
  // 3 -> 2: centres at 0.25 and 1.75.
  EXPECT_EQ(ScaleGray({0, 40, 80}, 3, 2, 1, Filter::kBilinear), (Bytes{10, 70}));
}

TEST(Scale, BilinearInBothAxes) {
  EXPECT_EQ(ScaleGray({0, 10, 20, 30}, 2, 1, 1, Filter::kBilinear), (Bytes{15}));
  // Rows: 0 100 / 200 60. Middle row at 0.5 of the way: 100 80.
  EXPECT_EQ(ScaleGray({0, 100, 200, 60}, 2, 2, 3, Filter::kBilinear),
            (Bytes{0, 100, 100, 80, 200, 60}));
}

TEST(Scale, AreaIsTheMean) {
  EXPECT_EQ(ScaleGray({10, 20, 30, 40, 50}, 5, 2, 1, Filter::kArea), (Bytes{18, 42}));
  EXPECT_EQ(ScaleGray({10, 20, 30, 40, 50}, 5, 2, 1, Filter::kAuto), (Bytes{18, 42}));
  // (0 + 1 + ... + 8) / 9 = 4.
  EXPECT_EQ(ScaleGray({0, 1, 2, 3, 4, 5, 6, 7, 8}, 3, 1, 1, Filter::kAuto), (Bytes{4}));
}

TEST(Scale, NearestCopiesPixels) {
  EXPECT_EQ(ScaleGray({1, 2, 3, 4}, 2, 4, 2, Filter::kNearest), (Bytes{1, 1, 2, 2, 3, 3, 4, 4}));
  EXPECT_EQ(ScaleGray({1, 2, 3, 4}, 4, 2, 1, Filter::kNearest), (Bytes{2, 4}));
}

TEST(Scale, RoundsToNearest) {
  // Means 0.5 and 1.25.
  EXPECT_EQ(ScaleGray({0, 1}, 2, 1, 1, Filter::kArea), (Bytes{1}));
  EXPECT_EQ(ScaleGray({1, 1, 1, 2}, 4, 1, 1, Filter::kArea), (Bytes{1}));
}

TEST(Scale, EqualSizesCopy) {
  EXPECT_EQ(ScaleGray({9, 8, 7, 6}, 2, 2, 2, Filter::kAuto), (Bytes{9, 8, 7, 6}));
}

// Every channel by itself, alpha too.
TEST(Scale, ChannelsDoNotMix) {
  for (const PixelFormat format : {PixelFormat::kRgb8, PixelFormat::kBgra8}) {
    const int bytes = BytesPerPixel(format);
    Bytes source(static_cast<size_t>(4 * bytes));
    for (int x = 0; x < 4; ++x) {
      for (int c = 0; c < bytes; ++c) {
        source[static_cast<size_t>(x * bytes + c)] = static_cast<uint8_t>(20 * c + 2 * x);
      }
    }
    Bytes target(static_cast<size_t>(2 * bytes));
    ASSERT_TRUE(Scale(ImageView{format, 4, 1, 4 * bytes, source.data()},
                      MutableImageView{format, 2, 1, 2 * bytes, target.data()})
                    .ok());
    for (int x = 0; x < 2; ++x) {
      for (int c = 0; c < bytes; ++c) {
        EXPECT_EQ(target[static_cast<size_t>(x * bytes + c)], 20 * c + 4 * x + 1);
      }
    }
  }
}

TEST(Scale, FlatStaysFlatAtAnySize) {
  for (const int64_t in : {1, 2, 3, 7, 50, 333}) {
    for (const int64_t out : {1, 2, 3, 8, 49, 100}) {
      for (const uint8_t value : {uint8_t{255}, uint8_t{1}}) {
        const Bytes source(static_cast<size_t>(in * in), value);
        const Bytes target = ScaleGray(source, in, out, out + 1, Filter::kAuto);
        EXPECT_EQ(std::count(target.begin(), target.end(), value), out * (out + 1))
            << in << " to " << out;
      }
    }
  }
}

TEST(Scale, HonoursStridesAndRegions) {
  // A region of 2 x 2 in an image of 4 x 3, bottom up.
  Bytes stored = {0, 50, 60, 0, 0, 10, 20, 0, 9, 9, 9, 9};
  const ImageView image{PixelFormat::kGray8, 4, 3, -4, stored.data() + 8};
  const Result<ImageView> region = Crop(image, {1, 1, 2, 2});
  ASSERT_TRUE(region.ok());
  Bytes target(5, 77);
  ASSERT_TRUE(Scale(*region, MutableImageView{PixelFormat::kGray8, 1, 2, 3, target.data()}).ok());
  EXPECT_EQ(target, (Bytes{15, 77, 77, 55, 77}));
}

TEST(Scale, RefusesOtherFormatsAndEmptySizes) {
  uint8_t pixels[64] = {};
  const ImageView source{PixelFormat::kRgb8, 2, 2, 6, pixels};
  Status status = Scale(source, MutableImageView{PixelFormat::kBgr8, 1, 1, 3, pixels + 32});
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "cannot scale a RGB8 image into a BGR8 image: convert one of them "
            "first");
  status = Scale(source, MutableImageView{PixelFormat::kRgb8, 0, 1, 3, pixels + 32});
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mullion::image
