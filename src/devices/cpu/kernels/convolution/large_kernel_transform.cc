// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/large_kernel_transform.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/convolution/large_kernel_transform.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Five inputs along one axis to five numbers: the matrix B^T of the points 0, 1, -1, 2 and
// infinity,
//   2 -1 -2  1  0
//   0 -2 -1  1  0
//   0  2 -3  1  0
//   0 -1  0  1  0
//   0  2 -1 -2  1
template <class D, class V = hn::Vec<D>>
HWY_INLINE void ToPoints(D tag, V& a, V& b, V& c, V& d, V& e) {
  const V two = hn::Set(tag, 2.0f);
  const V near = hn::Sub(d, c);
  const V wide = hn::Sub(d, b);
  a = hn::MulAdd(two, hn::Sub(a, c), wide);
  e = hn::NegMulAdd(two, wide, hn::Sub(e, c));
  c = hn::MulAdd(two, hn::Sub(b, c), near);
  b = hn::NegMulAdd(two, b, near);
  d = wide;
}

// Five sums along one axis to three outputs: A^T.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void FromPoints(D tag, V a, V b, V c, V d, V e, V& o0, V& o1, V& o2) {
  const V even = hn::Add(b, c);
  o0 = hn::Add(hn::Add(a, d), even);
  o1 = hn::MulAdd(hn::Set(tag, 2.0f), d, hn::Sub(b, c));
  o2 = hn::Add(hn::MulAdd(hn::Set(tag, 4.0f), d, even), e);
}

void TransformDown(const std::array<const float*, kLargeWindow>& lines, int64_t count, float* out,
                   int64_t stride) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto transform = [&](int64_t x, auto load) HWY_ATTR {
    auto a = load(lines[0] + x), b = load(lines[1] + x), c = load(lines[2] + x);
    auto e = load(lines[3] + x), f = load(lines[4] + x);
    ToPoints(d, a, b, c, e, f);
    hn::StoreU(a, d, out + x);
    hn::StoreU(b, d, out + stride + x);
    hn::StoreU(c, d, out + 2 * stride + x);
    hn::StoreU(e, d, out + 3 * stride + x);
    hn::StoreU(f, d, out + 4 * stride + x);
  };
  int64_t x = 0;
  for (; x + lanes <= count; x += lanes) {
    transform(x, [&](const float* from) HWY_ATTR { return hn::LoadU(d, from); });
  }
  if (x < count) {
    const auto rest = static_cast<size_t>(count - x);
    transform(x, [&](const float* from) HWY_ATTR { return LoadFirst(d, from, rest); });
  }
}

// Vectors that hang over a tile's channels write into the next tile, which comes later.
template <class D>
void Across(D d, const float* lines, int64_t stride, int64_t tiles, int64_t channels, float* out,
            int64_t point_stride) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int i = 0; i < kLargeWindow; ++i, lines += stride, out += kLargeWindow * point_stride) {
    const float* from = lines;
    float* to = out;
    for (int64_t tile = 0; tile < tiles; ++tile, from += kLargeTile * channels, to += channels) {
      for (int64_t channel = 0; channel < channels; channel += lanes) {
        auto a = hn::LoadU(d, from + channel);
        auto b = hn::LoadU(d, from + channels + channel);
        auto c = hn::LoadU(d, from + 2 * channels + channel);
        auto e = hn::LoadU(d, from + 3 * channels + channel);
        auto f = hn::LoadU(d, from + 4 * channels + channel);
        ToPoints(d, a, b, c, e, f);
        hn::StoreU(a, d, to + channel);
        hn::StoreU(b, d, to + point_stride + channel);
        hn::StoreU(c, d, to + 2 * point_stride + channel);
        hn::StoreU(e, d, to + 3 * point_stride + channel);
        hn::StoreU(f, d, to + 4 * point_stride + channel);
      }
    }
  }
}

void TransformAcross(const float* lines, int64_t stride, int64_t tiles, int64_t channels,
                     float* out, int64_t point_stride) {
  if (channels <= 4) {
    Across(hn::CappedTag<float, 4>(), lines, stride, tiles, channels, out, point_stride);
  } else if (channels <= 8) {
    Across(hn::CappedTag<float, 8>(), lines, stride, tiles, channels, out, point_stride);
  } else {
    Across(hn::ScalableTag<float>(), lines, stride, tiles, channels, out, point_stride);
  }
}

template <class D>
void AddBlocksBy(D d, const float* sums, int64_t tiles, int64_t blocks, int64_t channels,
                 float* out) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t step = (blocks + 1) * channels;
  for (int64_t tile = 0; tile < tiles; ++tile, sums += blocks * channels, out += channels) {
    for (int64_t channel = 0; channel < channels; channel += lanes) {
      const float* from = sums + channel;
      auto sum = hn::LoadU(d, from);
      for (int64_t block = 1; block < blocks; ++block) {
        from += step;
        sum = hn::Add(sum, hn::LoadU(d, from));
      }
      hn::StoreU(sum, d, out + channel);
    }
  }
}

void AddBlocks(const float* sums, int64_t tiles, int64_t blocks, int64_t channels, float* out) {
  if (channels <= 4) {
    AddBlocksBy(hn::CappedTag<float, 4>(), sums, tiles, blocks, channels, out);
  } else {
    AddBlocksBy(hn::ScalableTag<float>(), sums, tiles, blocks, channels, out);
  }
}

// One vector of sums to its nine outputs.
template <class V>
HWY_INLINE void OutputVector(const float* sums, int64_t point_stride,
                             V out[kLargeTile][kLargeTile]) {
  const hn::ScalableTag<float> d;
  V across[kLargeTile][kLargeWindow];
#pragma GCC unroll 5
  for (int j = 0; j < kLargeWindow; ++j) {
    const float* const from = sums + j * point_stride;
    const int64_t step = kLargeWindow * point_stride;
    FromPoints(d, hn::LoadU(d, from), hn::LoadU(d, from + step), hn::LoadU(d, from + 2 * step),
               hn::LoadU(d, from + 3 * step), hn::LoadU(d, from + 4 * step), across[0][j],
               across[1][j], across[2][j]);
  }
#pragma GCC unroll 3
  for (int i = 0; i < kLargeTile; ++i) {
    V* const x = across[i];
    FromPoints(d, x[0], x[1], x[2], x[3], x[4], out[i][0], out[i][1], out[i][2]);
  }
}

// The outputs of each place in a tile, [place][tile][channel], to lines of pixels. Vectors that
// hang over a pixel's channels write into the next pixel, which comes later.
template <class D>
void Interleave(D d, const float* rows, int64_t row_stride, int64_t tiles, int64_t channels,
                float* lines, int64_t line_stride) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int i = 0; i < kLargeTile; ++i) {
    const float* from = rows + i * kLargeTile * row_stride;
    float* to = lines + i * line_stride;
    for (int64_t tile = 0; tile < tiles; ++tile, from += channels) {
#pragma GCC unroll 3
      for (int j = 0; j < kLargeTile; ++j, to += channels) {
        for (int64_t channel = 0; channel < channels; channel += lanes) {
          hn::StoreU(hn::LoadU(d, from + j * row_stride + channel), d, to + channel);
        }
      }
    }
  }
}

void TransformOutput(const float* sums, int64_t point_stride, int64_t tiles, int64_t channels,
                     float* rows, float* lines, int64_t line_stride) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto transform = [&](int64_t x, float* to, int64_t row, int64_t column) HWY_ATTR {
    V out[kLargeTile][kLargeTile];
    OutputVector(sums + x, point_stride, out);
#pragma GCC unroll 3
    for (int i = 0; i < kLargeTile; ++i) {
#pragma GCC unroll 3
      for (int j = 0; j < kLargeTile; ++j) hn::StoreU(out[i][j], d, to + i * row + j * column);
    }
  };
  if (channels % lanes == 0) {
    for (int64_t tile = 0; tile < tiles; ++tile) {
      for (int64_t channel = 0; channel < channels; channel += lanes) {
        transform(tile * channels + channel, lines + tile * kLargeTile * channels + channel,
                  line_stride, channels);
      }
    }
    return;
  }
  const int64_t row = tiles * channels + kTransformSlack;
  for (int64_t x = 0; x < tiles * channels; x += lanes) {
    transform(x, rows + x, kLargeTile * row, row);
  }
  if (channels <= 4) {
    Interleave(hn::CappedTag<float, 4>(), rows, row, tiles, channels, lines, line_stride);
  } else if (channels <= 8) {
    Interleave(hn::CappedTag<float, 8>(), rows, row, tiles, channels, lines, line_stride);
  } else {
    Interleave(hn::ScalableTag<float>(), rows, row, tiles, channels, lines, line_stride);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void TransformLargeDown(const std::array<const float*, kLargeWindow>& lines, int64_t count,
                        float* out, int64_t stride) {
  MULLION_SIMD_CALL(TransformDown)(lines, count, out, stride);
}

void TransformLargeAcross(const float* lines, int64_t stride, int64_t tiles, int64_t channels,
                          float* out, int64_t point_stride) {
  MULLION_SIMD_CALL(TransformAcross)(lines, stride, tiles, channels, out, point_stride);
}

void AddLargeBlocks(const float* sums, int64_t tiles, int64_t blocks, int64_t channels,
                    float* out) {
  MULLION_SIMD_CALL(AddBlocks)(sums, tiles, blocks, channels, out);
}

void TransformLargeOutput(const float* sums, int64_t point_stride, int64_t tiles, int64_t channels,
                          float* rows, float* lines, int64_t line_stride) {
  MULLION_SIMD_CALL(TransformOutput)
  (sums, point_stride, tiles, channels, rows, lines, line_stride);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
