// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/integer/integer_depthwise.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "devices/cpu/kernels/matrix/transpose_tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/integer/integer_depthwise.cc"
#include "devices/cpu/kernels/simd/simd.h"

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
  const int32_t* weights = static_cast<const int32_t*>(t.weights) + channel;
  for (int64_t tap = 0; tap < t.taps; ++tap, weights += t.weights_stride) {
    const auto* const from =
        reinterpret_cast<const T*>(t.rows[tap * t.rows_stride + row]) + t.first_channel + channel;
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
      const auto* const from = reinterpret_cast<const T*>(t.rows[tap * t.rows_stride + row]);
      const int32_t weight =
          static_cast<const int32_t*>(t.weights)[tap * t.weights_stride + channel];
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

constexpr int64_t kTileChannels = kDepthwiseBlock;
// Rows of a block, and fewer when their addresses would leave the cache.
constexpr int64_t kBlockRows = 96;
// Rows whose sums stay in the first-level cache beside what they are made of: 6 KiB.
constexpr int64_t kTileRows = 24;
constexpr int64_t kMaxAddresses = 8192;
// Multiply-adds of a task at least.
constexpr int64_t kLeastWork = 100'000;

int64_t BlockRows(int64_t taps) { return std::clamp<int64_t>(kMaxAddresses / taps, 1, kBlockRows); }

// Addresses, the sums of a tile, and a block of results that are to be transposed.
constexpr int64_t kSumBytes = kTileRows * kTileChannels * 4;
int64_t WorkspaceBytes(const IntegerDepthwise& job) {
  const int64_t taps = job.rows->taps();
  return BlockRows(taps) * taps * int64_t{sizeof(void*)} + kSumBytes +
         (job.transposed ? kBlockRows * kTileChannels * 4 : 0);
}

// Pixels of a block of rows.
struct PixelBlock {
  const uint8_t* const* rows;  // [tap][row]
  int64_t row_count;
  int64_t image;
  int64_t first_row;
};

// Channels [first, first + count) of a block.
class ChannelRunner {
 public:
  ChannelRunner(const IntegerDepthwise& job, const PixelBlock& block, int64_t first, int64_t count,
                FloatRange* range, uint8_t* space)
      : job_(job), block_(block), count_(count), finish_(job.finish) {
    sums_ = reinterpret_cast<int32_t*>(space);
    const int64_t bytes = OutputBytes(job.finish.output);
    const int64_t pixels = job.rows->output_pixels();
    const int64_t at = job.transposed
                           ? (block.image * job.channels + first) * pixels + block.first_row
                           : (block.image * pixels + block.first_row) * job.channels + first;
    out_ = static_cast<uint8_t*>(job.out) + at * bytes;
    results_ = job.transposed ? space + kSumBytes : out_;
    stride_ = job.transposed ? kTileChannels : job.channels;
    finish_.MoveColumns(first);
    if (finish_.rescale.residual != nullptr) {
      finish_.rescale.residual += (block.image * pixels + block.first_row) * job.channels + first;
    }
    if (finish_.residual != nullptr) finish_.residual += at;
    finish_.range = range;
    const bool by_bytes = job.form == IntegerForm::kBytes;
    // In byte form whole groups are written.
    direct_ = finish_.IsPlain() && (!by_bytes || count % kColumnGroup == 0);
    tile_.rows_stride = block.row_count;
    tile_.taps = job.rows->taps();
    tile_.first_channel = first;
    tile_.channels = count;
    tile_.weights =
        static_cast<const uint8_t*>(job.weights) +
        (by_bytes ? first * 4 * ((tile_.taps + 3) / 4) : first * int64_t{sizeof(int32_t)});
    tile_.weights_stride = PadDepthwiseChannels(job.channels);
    tile_.init = job.init + first;
  }

  void Run() {
    for (int64_t row = 0; row < block_.row_count; row += kTileRows) {
      RunRows(row, std::min(kTileRows, block_.row_count - row));
    }
    if (!job_.transposed) return;
    const int64_t bytes = OutputBytes(job_.finish.output);
    TransposeTile(static_cast<size_t>(bytes), results_, stride_ * bytes, out_,
                  job_.rows->output_pixels() * bytes, static_cast<size_t>(block_.row_count),
                  static_cast<size_t>(count_));
  }

 private:
  void RunRows(int64_t row, int64_t row_count) {
    uint8_t* const results = results_ + row * stride_ * OutputBytes(job_.finish.output);
    tile_.rows = block_.rows + row;
    tile_.row_count = row_count;
    tile_.out = direct_ ? reinterpret_cast<int32_t*>(results) : sums_;
    tile_.out_stride = direct_ ? stride_ : kTileChannels;
    Sum();
    if (direct_) return;
    IntegerFinish finish = finish_;
    if (finish.residual != nullptr) finish.residual += row * stride_;
    if (finish.rescale.residual != nullptr) finish.rescale.residual += row * job_.channels;
    FinishIntegers(finish, sums_, kTileChannels, row_count, count_, results, stride_);
  }

  void Sum() const {
#if defined(__x86_64__)
    if (job_.form == IntegerForm::kBytes) return vnni::SumDepthwise(tile_, job_.is_signed);
#endif
    MULLION_SIMD_CALL(SumDepthwise)(tile_, job_.is_signed);
  }

  const IntegerDepthwise& job_;
  const PixelBlock& block_;
  int64_t count_;
  IntegerFinish finish_;
  int32_t* sums_;
  uint8_t* out_;
  uint8_t* results_;
  int64_t stride_;
  bool direct_;
  IntegerDepthwiseTile tile_{};
};

int64_t WeightBytes(IntegerForm form, int64_t channels, int64_t taps) {
  if (form == IntegerForm::kWords) return taps * PadDepthwiseChannels(channels) * 4;
  const int64_t blocks = (channels + kDepthwiseBlock - 1) / kDepthwiseBlock;
  return blocks * ((taps + 3) / 4) * kDepthwiseBlock * 4;
}

// Where in byte form the weight of a channel at a tap lies; `copy` counts the times that a narrow
// block has its channels.
int64_t ByteAt(int64_t channels, int64_t taps, int64_t channel, int64_t tap, int64_t copy) {
  const int64_t block = channel / kDepthwiseBlock;
  const int64_t width = DepthwiseBlockWidth(channels - block * kDepthwiseBlock);
  const int64_t column = channel % kDepthwiseBlock + copy * width;
  const int64_t vector = column / 4 % 4;
  const int64_t lane = column / 16 * 4 + column % 4;
  const int64_t group = TapsAreColumns(taps) ? tap % 3 : tap / 4;
  const int64_t place = TapsAreColumns(taps) ? tap / 3 : tap % 4;
  return ((block * ((taps + 3) / 4) + group) * 64 + vector * 16 + lane) * 4 + place;
}

}  // namespace

int64_t IntegerDepthwiseBytes(IntegerForm form, int64_t channels, int64_t taps) {
  return WeightBytes(form, channels, taps) + PadDepthwiseChannels(channels) * 4;
}

const int32_t* DepthwiseWeightSums(IntegerForm form, const void* packed, int64_t channels,
                                   int64_t taps) {
  return reinterpret_cast<const int32_t*>(static_cast<const uint8_t*>(packed) +
                                          WeightBytes(form, channels, taps));
}

void PackIntegerDepthwise(IntegerForm form, const void* weights, bool is_signed,
                          const int32_t* zero_points, int64_t channels, int64_t taps,
                          void* packed) {
  std::memset(packed, 0, static_cast<size_t>(IntegerDepthwiseBytes(form, channels, taps)));
  auto* const words = static_cast<int32_t*>(packed);
  auto* const bytes = static_cast<int8_t*>(packed);
  auto* const sums = words + WeightBytes(form, channels, taps) / 4;
  for (int64_t channel = 0; channel < channels; ++channel) {
    const int64_t block = channel / kDepthwiseBlock * kDepthwiseBlock;
    const int64_t copies = kDepthwiseBlock / DepthwiseBlockWidth(channels - block);
    for (int64_t tap = 0; tap < taps; ++tap) {
      const int64_t i = channel * taps + tap;
      const int32_t element = is_signed ? static_cast<const int8_t*>(weights)[i]
                                        : static_cast<const uint8_t*>(weights)[i];
      const int32_t weight = element - zero_points[channel];
      sums[channel] += weight;
      if (form == IntegerForm::kWords) {
        words[tap * PadDepthwiseChannels(channels) + channel] = weight;
        continue;
      }
      for (int64_t copy = 0; copy < copies; ++copy) {
        bytes[ByteAt(channels, taps, channel, tap, copy)] = static_cast<int8_t>(weight);
      }
    }
  }
}

int64_t IntegerDepthwiseScratchBytes(const IntegerDepthwise& job, int threads) {
  return WorkspaceBytes(job) * threads;
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
    uint8_t* const space = static_cast<uint8_t*>(scratch) + WorkspaceBytes(job) * worker;
    auto* const addresses = reinterpret_cast<const uint8_t**>(
        space + WorkspaceBytes(job) - BlockRows(taps) * taps * int64_t{sizeof(void*)});
    FloatRange* const range = job.ranges == nullptr ? nullptr : job.ranges + worker;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t image = i / blocks;
      const int64_t first = i % blocks * block_rows;
      const int64_t count = std::min(block_rows, pixels - first);
      rows.Find(job.input + image * rows.input_pixels() * job.channels, job.channels, job.padding,
                first, count, addresses, count);
      const PixelBlock block{addresses, count, image, first};
      for (int64_t c = 0; c < job.channels; c += kTileChannels) {
        ChannelRunner(job, block, c, std::min(kTileChannels, job.channels - c), range, space).Run();
      }
    }
  });
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
