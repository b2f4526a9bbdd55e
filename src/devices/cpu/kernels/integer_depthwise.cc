// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/integer_depthwise.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "devices/cpu/kernels/transpose_tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/integer_depthwise.cc"
#include "devices/cpu/kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D32 = hn::CappedTag<int32_t, 16>;
using V32 = hn::Vec<D32>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(D32()));
// As many vectors as hide the latency of multiplication.
constexpr int kVectors = 4;

template <typename T>
HWY_INLINE V32 LoadWide(const T* from) {
  return hn::PromoteTo(D32(), hn::LoadU(hn::Rebind<T, D32>(), from));
}

template <typename T, int kCount>
void SumChannels(const IntegerDepthwiseTile& t, int64_t row, int64_t channel) {
  const D32 d;
  V32 sums[kCount];
#pragma GCC unroll 4
  for (int v = 0; v < kCount; ++v) sums[v] = hn::LoadU(d, t.init + channel + v * kLanes);
  const int32_t* weights = t.weights + channel;
  for (int64_t tap = 0; tap < t.taps; ++tap, weights += t.weights_stride) {
    const auto* const from =
        reinterpret_cast<const T*>(t.rows[tap * t.row_count + row]) + t.first_channel + channel;
#pragma GCC unroll 4
    for (int v = 0; v < kCount; ++v) {
      const V32 w = hn::LoadU(d, weights + v * kLanes);
      sums[v] = hn::Add(sums[v], hn::Mul(LoadWide(from + v * kLanes), w));
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < kCount; ++v) {
    hn::StoreU(sums[v], d, t.out + row * t.out_stride + channel + v * kLanes);
  }
}

template <typename T>
void SumLastChannels(const IntegerDepthwiseTile& t, int64_t row, int64_t channel) {
  for (; channel < t.channels; ++channel) {
    auto sum = static_cast<uint32_t>(t.init[channel]);
    for (int64_t tap = 0; tap < t.taps; ++tap) {
      const auto* const from = reinterpret_cast<const T*>(t.rows[tap * t.row_count + row]);
      const int32_t weight = t.weights[tap * t.weights_stride + channel];
      sum += static_cast<uint32_t>(from[t.first_channel + channel] * weight);
    }
    t.out[row * t.out_stride + channel] = static_cast<int32_t>(sum);
  }
}

template <typename T>
void SumTile(const IntegerDepthwiseTile& t) {
  for (int64_t row = 0; row < t.row_count; ++row) {
    int64_t channel = 0;
    for (; channel + kVectors * kLanes <= t.channels; channel += kVectors * kLanes) {
      SumChannels<T, kVectors>(t, row, channel);
    }
    for (; channel + kLanes <= t.channels; channel += kLanes) SumChannels<T, 1>(t, row, channel);
    SumLastChannels<T>(t, row, channel);
  }
}

}  // namespace

void SumDepthwise(const IntegerDepthwiseTile& tile, bool is_signed) {
  if (is_signed) {
    SumTile<int8_t>(tile);
  } else {
    SumTile<uint8_t>(tile);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

namespace {

constexpr int64_t kTileChannels = 64;
// Rows of a block, and fewer when their addresses would leave the cache.
constexpr int64_t kBlockRows = 96;
constexpr int64_t kMaxAddresses = 8192;
// Multiply-adds of a task at least.
constexpr int64_t kLeastWork = 100'000;

int64_t BlockRows(int64_t taps) { return std::clamp<int64_t>(kMaxAddresses / taps, 1, kBlockRows); }

int64_t WorkspaceBytes(int64_t taps) {
  return BlockRows(taps) * taps * int64_t{sizeof(void*)} + 2 * kBlockRows * kTileChannels * 4;
}

// Channels [first, first + count) of a block of rows whose pixels are known.
void RunTile(const IntegerDepthwise& job, const uint8_t* const* rows, int64_t row_count,
             int64_t image, int64_t first_row, int64_t first, int64_t count, uint8_t* space) {
  auto* const sums = reinterpret_cast<int32_t*>(space);
  uint8_t* const block = space + kBlockRows * kTileChannels * 4;
  const int64_t bytes = OutputBytes(job.finish.output);
  const int64_t pixels = job.rows->output_pixels();
  const int64_t at = job.transposed ? (image * job.channels + first) * pixels + first_row
                                    : (image * pixels + first_row) * job.channels + first;
  uint8_t* const out = static_cast<uint8_t*>(job.out) + at * bytes;
  uint8_t* const results = job.transposed ? block : out;
  const int64_t stride = job.transposed ? kTileChannels : job.channels;
  const bool direct = job.finish.IsPlain();
  IntegerDepthwiseTile tile{};
  tile.rows = rows;
  tile.row_count = row_count;
  tile.taps = job.rows->taps();
  tile.first_channel = first;
  tile.channels = count;
  tile.weights = job.weights + first;
  tile.weights_stride = PadDepthwiseChannels(job.channels);
  tile.init = job.init + first;
  tile.out = direct ? reinterpret_cast<int32_t*>(results) : sums;
  tile.out_stride = direct ? stride : kTileChannels;
  MULLION_SIMD_CALL(SumDepthwise)(tile, job.is_signed);
  if (!direct) {
    IntegerFinish finish = job.finish;
    if (finish.scales != nullptr) finish.scales += first;
    if (finish.biases != nullptr) finish.biases += first;
    FinishIntegers(finish, sums, kTileChannels, row_count, count, results, stride);
  }
  if (job.transposed) {
    TransposeTile(static_cast<size_t>(bytes), results, stride * bytes, out, pixels * bytes,
                  static_cast<size_t>(row_count), static_cast<size_t>(count));
  }
}

}  // namespace

void PackIntegerDepthwise(const void* weights, bool is_signed, const int32_t* zero_points,
                          int64_t channels, int64_t taps, int32_t* packed) {
  const int64_t padded = PadDepthwiseChannels(channels);
  std::fill_n(packed, taps * padded, 0);
  for (int64_t channel = 0; channel < channels; ++channel) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      const int64_t i = channel * taps + tap;
      const int32_t weight = is_signed ? static_cast<const int8_t*>(weights)[i]
                                       : static_cast<const uint8_t*>(weights)[i];
      packed[tap * padded + channel] = weight - zero_points[channel];
    }
  }
}

int64_t IntegerDepthwiseScratchBytes(int64_t taps, int threads) {
  return WorkspaceBytes(taps) * threads;
}

void RunIntegerDepthwise(const IntegerDepthwise& job, void* scratch, Parallel& parallel) {
  const PixelRows& rows = *job.rows;
  const int64_t taps = rows.taps();
  const int64_t pixels = rows.output_pixels();
  if (pixels == 0 || job.channels == 0) return;
  const int64_t block_rows = BlockRows(taps);
  const int64_t blocks = (pixels + block_rows - 1) / block_rows;
  const int64_t work = std::max<int64_t>(block_rows * job.channels * taps, 1);
  const int64_t chunk = (kLeastWork + work - 1) / work;
  parallel.For(job.images * blocks, chunk, [&](int64_t begin, int64_t end, int worker) {
    uint8_t* const space = static_cast<uint8_t*>(scratch) + WorkspaceBytes(taps) * worker;
    auto* const addresses =
        reinterpret_cast<const uint8_t**>(space + 2 * kBlockRows * kTileChannels * 4);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t image = i / blocks;
      const int64_t first = i % blocks * block_rows;
      const int64_t count = std::min(block_rows, pixels - first);
      rows.Find(job.input + image * rows.input_pixels() * job.channels, job.channels, job.padding,
                first, count, addresses, count);
      for (int64_t c = 0; c < job.channels; c += kTileChannels) {
        RunTile(job, addresses, count, image, first, c, std::min(kTileChannels, job.channels - c),
                space);
      }
    }
  });
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
