// SPDX-License-Identifier: MIT
// Integer Winograd against plain loops: equal to the last bit on every instruction level, with any
// number of threads, up to the largest sums that fit. Bytes, rescaling and residuals behind it are
// tested by way of the operators, in integer_product_test.cc.
#include "devices/cpu/kernels/integer/integer_winograd.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/thread_parallel.h"

namespace mullion::cpu::integer_winograd {
namespace {

struct Case {
  int64_t batch = 1;
  int64_t in = 16;
  int64_t out = 16;
  int64_t height = 4;
  int64_t width = 4;
  int64_t pad_top = 1;
  int64_t pad_left = 1;
  int64_t lines = 4;  // of the output
  int64_t columns = 4;
  bool image_signed = false;
  bool weights_signed = true;
  int32_t weights_zero = 0;
  std::vector<uint8_t> image;
  std::vector<uint8_t> weights;

  ConvolutionShape ShapeOf() const {
    ConvolutionShape shape;
    shape.batch = batch;
    shape.in_channels = in;
    shape.out_channels = out;
    shape.spatial_rank = 2;
    shape.axes[0] = {height, lines, 3, 1, 1, pad_top};
    shape.axes[1] = {width, columns, 3, 1, 1, pad_left};
    return shape;
  }

  void Fill(std::mt19937& random) {
    image.resize(static_cast<size_t>(batch * height * width * in));
    weights.resize(static_cast<size_t>(out * in * 9));
    for (uint8_t& value : image) value = static_cast<uint8_t>(random());
    for (uint8_t& value : weights) value = static_cast<uint8_t>(random());
  }

  int32_t ImageAt(int64_t b, int64_t y, int64_t x, int64_t c, int32_t outside) const {
    if (y < 0 || x < 0 || y >= height || x >= width) return outside;
    const uint8_t byte = image[static_cast<size_t>(((b * height + y) * width + x) * in + c)];
    return image_signed ? static_cast<int8_t>(byte) + 128 : byte;
  }

  int32_t WeightAt(int64_t o, int64_t c, int64_t tap) const {
    const uint8_t byte = weights[static_cast<size_t>((o * in + c) * 9 + tap)];
    return (weights_signed ? static_cast<int8_t>(byte) : byte) - weights_zero;
  }

  std::vector<int32_t> Expected(const std::vector<int32_t>& init, int32_t outside) const {
    std::vector<int32_t> sums;
    for (int64_t b = 0; b < batch; ++b) {
      for (int64_t i = 0; i < lines * columns; ++i) {
        for (int64_t o = 0; o < out; ++o) {
          int32_t sum = init[static_cast<size_t>(o)];
          for (int64_t tap = 0; tap < 9; ++tap) {
            const int64_t y = i / columns - pad_top + tap / 3;
            const int64_t x = i % columns - pad_left + tap % 3;
            for (int64_t c = 0; c < in; ++c) {
              sum += ImageAt(b, y, x, c, outside) * WeightAt(o, c, tap);
            }
          }
          sums.push_back(sum);
        }
      }
    }
    return sums;
  }
};

Weights WeightsOf(const Case& c, const std::vector<int32_t>& zeros) {
  return {c.weights.data(), c.weights_signed, zeros.data(), c.in, c.out};
}

std::vector<uint8_t> Packed(const Case& c) {
  const std::vector<int32_t> zeros(static_cast<size_t>(c.out), c.weights_zero);
  const Weights weights = WeightsOf(c, zeros);
  std::vector<uint8_t> packed(static_cast<size_t>(weights.PackedBytes()));
  weights.Pack(packed.data());
  return packed;
}

void ExpectEqualSums(const Case& c) {
  const auto padded = static_cast<size_t>((c.out + 15) / 16 * 16);
  std::vector<int32_t> init(padded);
  for (size_t o = 0; o < static_cast<size_t>(c.out); ++o) init[o] = static_cast<int32_t>(o) - 7;
  constexpr uint8_t kOutside = 77;
  const std::vector<uint8_t> padding(static_cast<size_t>(c.in), kOutside);
  const std::vector<int32_t> expected =
      c.Expected(init, c.image_signed ? kOutside + 128 : kOutside);
  for (const Isa isa : AvailableIsas()) {
    SCOPED_TRACE(IsaName(isa));
    SetIsaForTest(isa);
    const std::vector<uint8_t> packed = Packed(c);
    ASSERT_TRUE(Fit(packed.data()));
    Job job;
    job.shape = c.ShapeOf();
    job.input = c.image.data();
    job.is_signed = c.image_signed;
    job.padding = padding.data();
    job.packed = packed.data();
    job.init = init.data();
    for (int threads = 1; threads <= 4; ++threads) {
      std::vector<int32_t> sums(expected.size());
      job.out = sums.data();
      std::vector<std::max_align_t> scratch(
          static_cast<size_t>(ScratchBytes(job.shape, threads)) / sizeof(std::max_align_t) + 1);
      ThreadParallel parallel(threads);
      Run(job, scratch.data(), parallel);
      ASSERT_EQ(sums, expected) << threads << " threads";
    }
  }
  SetIsaForTest(AvailableIsas().back());
}

TEST(IntegerWinograd, EqualsPlainLoops) {
  std::mt19937 random(71);
  const auto pick = [&](int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random() % static_cast<uint32_t>(high - low + 1));
  };
  for (int i = 0; i < 24; ++i) {
    SCOPED_TRACE(i);
    Case c;
    c.batch = pick(0, 2);
    c.in = pick(16, 70);
    c.out = pick(16, 150);
    c.height = pick(1, 19);
    c.width = pick(1, 19);
    c.pad_top = pick(0, 3);
    c.pad_left = pick(0, 3);
    c.lines = pick(1, 21);
    c.columns = pick(1, 21);
    c.image_signed = pick(0, 1) == 1;
    c.weights_signed = pick(0, 1) == 1;
    // Only signed weights around the middle are words for certain when transformed.
    c.weights_zero = c.weights_signed ? 0 : 128;
    c.Fill(random);
    ExpectEqualSums(c);
  }
}

TEST(IntegerWinograd, TakesTheLargestSums) {
  for (const int8_t weight : {127, -127}) {
    Case c;
    c.in = 115;  // 115 * 9 * 127 * 255 is the last below 2^25
    std::mt19937 random(72);
    c.Fill(random);
    std::fill(c.image.begin(), c.image.end(), uint8_t{255});
    std::fill(c.weights.begin(), c.weights.end(), static_cast<uint8_t>(weight));
    ExpectEqualSums(c);
    c.in = 116;
    c.weights.resize(static_cast<size_t>(c.out * c.in * 9), static_cast<uint8_t>(weight));
    EXPECT_FALSE(Fit(Packed(c).data()));
  }
}

TEST(IntegerWinograd, RefusesWeightsThatAreNoWordsWhenTransformed) {
  Case c;
  c.weights_signed = false;
  c.weights.assign(static_cast<size_t>(c.out * c.in * 9), 227);  // 144 * 227 is below 2^15
  EXPECT_TRUE(Fit(Packed(c).data()));
  c.weights.back() = 228;
  EXPECT_FALSE(Fit(Packed(c).data()));
}

}  // namespace
}  // namespace mullion::cpu::integer_winograd
