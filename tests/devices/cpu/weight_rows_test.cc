// SPDX-License-Identifier: MIT
// Weights that are packed some rows after the other are packed as those that lie in memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "devices/cpu/kernels/convolution/convolution.h"
#include "devices/cpu/kernels/convolution/winograd.h"
#include "devices/cpu/kernels/simd/isa.h"

namespace mullion::cpu {
namespace {

std::vector<float> Count(size_t floats) {
  std::vector<float> values(floats);
  for (size_t i = 0; i < floats; ++i) values[i] = static_cast<float>(i % 1021) - 500.0f;
  return values;
}

// Rows out of `weights` by way of memory that is used again.
class RowsOf {
 public:
  RowsOf(const std::vector<float>& weights, int64_t row) : weights_(weights), row_(row) {}
  const float* operator()(int64_t first, int64_t count) {
    const auto begin = weights_.begin() + first * row_;
    EXPECT_LE((first + count) * row_, static_cast<int64_t>(weights_.size()));
    memory_.assign(memory_.size(), std::numeric_limits<float>::quiet_NaN());
    memory_.assign(begin, begin + count * row_);
    return memory_.data();
  }

 private:
  const std::vector<float>& weights_;
  const int64_t row_;
  std::vector<float> memory_;
};

struct Sizes {
  int64_t out;
  int64_t groups;
  int64_t channels;  // of a group
  int64_t taps;
};

class WeightRowsTest : public testing::Test {
 protected:
  void TearDown() override { SetIsaForTest(before_); }

 private:
  const Isa before_ = CurrentIsa();
};

TEST_F(WeightRowsTest, MakeTheSameConvolution) {
  for (const Isa isa : AvailableIsas()) {
    SetIsaForTest(isa);
    for (const Sizes& s :
         {Sizes{1, 1, 1, 1}, Sizes{2, 1, 64, 9}, Sizes{17, 1, 3, 9}, Sizes{70, 1, 33, 1},
          Sizes{256, 1, 256, 1}, Sizes{130, 1, 16, 25}, Sizes{34, 2, 5, 3}, Sizes{0, 1, 4, 1}}) {
      SCOPED_TRACE(testing::Message() << IsaName(isa) << " " << s.out << " of " << s.channels);
      const int64_t row = s.channels * s.taps;
      const std::vector<float> weights = Count(static_cast<size_t>(s.out * row));
      const size_t floats = PackedConvolutionFloats(s.out, s.groups, s.channels, s.taps);
      std::vector<float> expected(floats);
      std::vector<float> packed(floats);
      PackConvolution(weights.data(), s.out, s.groups, s.channels, s.taps, expected.data());
      RowsOf maker(weights, row);
      const WeightRows rows = maker;
      PackConvolution(RightSource::Convolution(rows, s.channels, s.taps), s.out, s.groups,
                      packed.data());
      EXPECT_EQ(packed, expected);
    }
  }
}

TEST_F(WeightRowsTest, MakeTheSameWinograd) {
  for (const Isa isa : AvailableIsas()) {
    SetIsaForTest(isa);
    for (const int64_t kernel : {3, 5}) {
      for (const int64_t out : {16, 37, 70}) {
        ConvolutionShape shape;
        shape.in_channels = 18;
        shape.out_channels = out;
        shape.spatial_rank = 2;
        for (size_t i = 0; i < 2; ++i) shape.axes[i].kernel = kernel;
        const int64_t row = shape.in_channels * shape.Taps();
        const std::vector<float> weights = Count(static_cast<size_t>(out * row));
        std::vector<float> expected(PackedWinogradFloats(shape));
        std::vector<float> packed(expected.size());
        PackWinograd(weights.data(), shape, expected.data());
        RowsOf maker(weights, row);
        const WeightRows rows = maker;
        PackWinograd(RightSource::Convolution(rows, shape.in_channels, shape.Taps()), shape,
                     packed.data());
        EXPECT_EQ(packed, expected) << IsaName(isa) << ", kernel " << kernel << ", " << out;
      }
    }
  }
}

}  // namespace
}  // namespace mullion::cpu
