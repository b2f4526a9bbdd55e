// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/fourier_tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/convolution/fourier_tile.cc"
#include <algorithm>

#include "devices/cpu/kernels/simd/simd.h"

#ifndef MULLION_DEVICES_CPU_KERNELS_FOURIER_TILE_ONCE_
#define MULLION_DEVICES_CPU_KERNELS_FOURIER_TILE_ONCE_
namespace mullion::cpu {
namespace {

// cos and sin of pi k / 16.
constexpr float kHalfCos[] = {1.0f,        0.98078528f, 0.92387953f, 0.83146961f,
                              0.70710678f, 0.55557023f, 0.38268343f, 0.19509032f};
constexpr float kHalfSin[] = {0.0f,        0.19509032f, 0.38268343f, 0.55557023f,
                              0.70710678f, 0.83146961f, 0.92387953f, 0.98078528f};
// cos and sin of 2 pi b c / 16, for b and c from 0 to 3.
constexpr float kTwiddleCos[4][4] = {{1, 1, 1, 1},
                                     {1, 0.92387953f, 0.70710678f, 0.38268343f},
                                     {1, 0.70710678f, 0, -0.70710678f},
                                     {1, 0.38268343f, -0.70710678f, -0.92387953f}};
constexpr float kTwiddleSin[4][4] = {{0, 0, 0, 0},
                                     {0, 0.38268343f, 0.70710678f, 0.92387953f},
                                     {0, 0.70710678f, 1, 0.70710678f},
                                     {0, 0.92387953f, 0.70710678f, -0.38268343f}};

}  // namespace
}  // namespace mullion::cpu
#endif  // MULLION_DEVICES_CPU_KERNELS_FOURIER_TILE_ONCE_

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Transforms are sums of x[j] exp(2 pi i j k / n). Those with the opposite sign are the same with
// real and imaginary parts exchanged.
HWY_INLINE void Transform4(V (&re)[4], V (&im)[4]) {
  const V sum_re = hn::Add(re[0], re[2]), sum_im = hn::Add(im[0], im[2]);
  const V even_re = hn::Sub(re[0], re[2]), even_im = hn::Sub(im[0], im[2]);
  const V other_re = hn::Add(re[1], re[3]), other_im = hn::Add(im[1], im[3]);
  const V odd_re = hn::Sub(re[1], re[3]), odd_im = hn::Sub(im[1], im[3]);
  re[0] = hn::Add(sum_re, other_re);
  im[0] = hn::Add(sum_im, other_im);
  re[1] = hn::Sub(even_re, odd_im);
  im[1] = hn::Add(even_im, odd_re);
  re[2] = hn::Sub(sum_re, other_re);
  im[2] = hn::Sub(sum_im, other_im);
  re[3] = hn::Add(even_re, odd_im);
  im[3] = hn::Sub(even_im, odd_re);
}

HWY_INLINE void Transform8(V (&re)[8], V (&im)[8]) {
  const D d;
  const V root = hn::Set(d, 0.70710678f);
  const V minus_root = hn::Set(d, -0.70710678f);
  V even_re[4], even_im[4], odd_re[4], odd_im[4];
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    even_re[j] = hn::Add(re[j], re[j + 4]);
    even_im[j] = hn::Add(im[j], im[j + 4]);
    odd_re[j] = hn::Sub(re[j], re[j + 4]);
    odd_im[j] = hn::Sub(im[j], im[j + 4]);
  }
  // Times exp(pi i j / 4).
  const V turned = odd_re[1];
  odd_re[1] = hn::Mul(root, hn::Sub(turned, odd_im[1]));
  odd_im[1] = hn::Mul(root, hn::Add(turned, odd_im[1]));
  odd_im[2] = odd_re[2];
  odd_re[2] = hn::Sub(im[6], im[2]);
  const V last = odd_re[3];
  odd_re[3] = hn::Mul(minus_root, hn::Add(last, odd_im[3]));
  odd_im[3] = hn::Mul(root, hn::Sub(last, odd_im[3]));
  Transform4(even_re, even_im);
  Transform4(odd_re, odd_im);
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    re[2 * j] = even_re[j];
    im[2 * j] = even_im[j];
    re[2 * j + 1] = odd_re[j];
    im[2 * j + 1] = odd_im[j];
  }
}

// Where 16 complex numbers go.
struct FourierTarget {
  float* re;
  float* im;
  int64_t stride;
  int count;  // how many of them
};

// Sixteen numbers, the parts of each `part` floats apart.
HWY_NOINLINE void Transform16(const float* const* from, int64_t offset, int64_t part,
                              const FourierTarget& to) {
  const D d;
  V re[4][4];
  V im[4][4];
#pragma GCC unroll 4
  for (int b = 0; b < 4; ++b) {
    V x[4];
    V y[4];
#pragma GCC unroll 4
    for (int a = 0; a < 4; ++a) {
      const float* const number = from[b + 4 * a] + offset;
      x[a] = hn::LoadU(d, number);
      y[a] = hn::LoadU(d, number + part);
    }
    Transform4(x, y);
    re[0][b] = x[0];
    im[0][b] = y[0];
#pragma GCC unroll 4
    for (int c = 1; c < 4; ++c) {
      const V cos = hn::Set(d, kTwiddleCos[b][c]);
      const V sin = hn::Set(d, kTwiddleSin[b][c]);
      re[c][b] = b == 0 ? x[c] : hn::NegMulAdd(sin, y[c], hn::Mul(cos, x[c]));
      im[c][b] = b == 0 ? y[c] : hn::MulAdd(sin, x[c], hn::Mul(cos, y[c]));
    }
  }
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    Transform4(re[c], im[c]);
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const int k = c + 4 * j;
      if (k >= to.count) continue;
      hn::StoreU(re[c][j], d, to.re + k * to.stride);
      hn::StoreU(im[c][j], d, to.im + k * to.stride);
    }
  }
}

void TransformLine(const FourierLine& line) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t places[kFourierWindow];
  for (int64_t n = 0; n < kFourierWindow; ++n) {
    places[n] = n % line.step * line.channels * line.plane_stride + n / line.step;
  }
  for (int64_t channel = 0; channel < line.channels; ++channel) {
    const float* const planes = line.planes + channel * line.plane_stride;
    V re[8];
    V im[8];
#pragma GCC unroll 8
    for (int p = 0; p < 8; ++p) {
      const V a = hn::LoadU(d, planes + places[p]);
      const V b = hn::LoadU(d, planes + places[p + 8]);
      const V cos = hn::Set(d, kHalfCos[p]);
      const V sin = hn::Set(d, kHalfSin[p]);
      re[p] = p == 0 ? a : hn::NegMulAdd(sin, b, hn::Mul(cos, a));
      im[p] = p == 0 ? b : hn::MulAdd(sin, a, hn::Mul(cos, b));
    }
    Transform8(re, im);
    float* out = line.out + channel * lanes;
#pragma GCC unroll 8
    for (int m = 0; m < 8; ++m, out += line.column_stride) {
      hn::StoreU(re[m], d, out);
      hn::StoreU(im[m], d, out + line.part_stride);
    }
  }
}

// Products of complex numbers, summed over the channels of the input.
template <int kOutputs>
HWY_NOINLINE void Multiply(const FourierColumn& t, int row, const float* weights, float* out) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const float* x = t.numbers + 2 * row * t.number_stride;
  V re[kOutputs];
  V im[kOutputs];
#pragma GCC unroll 4
  for (int j = 0; j < kOutputs; ++j) re[j] = im[j] = hn::Zero(d);
  for (int64_t channel = 0; channel < t.in_channels; ++channel, x += lanes) {
    const V a = hn::LoadU(d, x);
    const V b = hn::LoadU(d, x + t.number_stride);
#pragma GCC unroll 4
    for (int j = 0; j < kOutputs; ++j, weights += 2) {
      const V c = hn::Set(d, weights[0]);
      const V e = hn::Set(d, weights[1]);
      re[j] = hn::MulAdd(a, c, re[j]);
      im[j] = hn::MulAdd(a, e, im[j]);
      re[j] = hn::NegMulAdd(b, e, re[j]);
      im[j] = hn::MulAdd(b, c, im[j]);
    }
  }
#pragma GCC unroll 4
  for (int j = 0; j < kOutputs; ++j) {
    hn::StoreU(re[j], d, out + j * lanes);
    hn::StoreU(im[j], d, out + j * lanes + t.product_stride);
  }
}

// The cache lines of one of the parts that `floats` are cut into.
template <class T, class Fetch>
HWY_INLINE void FetchPart(std::span<T> floats, int part, Fetch fetch) {
  constexpr size_t kLineFloats = 16;
  const auto at = [&](int i) { return floats.size() * static_cast<size_t>(i) / kFourierWindow; };
  for (size_t i = at(part); i < at(part + 1); i += kLineFloats) fetch(floats.data() + i);
}

void ConvolveColumn(const FourierColumn& t) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(D()));
  for (int64_t channel = 0; channel < t.in_channels; ++channel) {
    float* const to = t.numbers + channel * lanes;
    Transform16(t.lines.data(), channel * lanes, t.part_stride,
                {to, to + t.number_stride, 2 * t.number_stride, kFourierWindow});
  }
  const float* weights = t.weights;
  const float* rows[kFourierWindow];
  for (int row = 0; row < kFourierWindow; ++row) {
    // A few lines at a time: the processor drops what it has no place for.
    FetchPart(t.ahead, row, [](const float* x) { __builtin_prefetch(x, 0, 2); });
    FetchPart(t.ahead_out, row, [](float* x) { __builtin_prefetch(x, 1, 2); });
    float* const products = t.products + 2 * row * t.product_stride;
    rows[row] = products + t.product_stride;
    for (int64_t first = 0; first < t.out_channels; first += kMostFourierOutputs) {
      const int64_t outputs = std::min<int64_t>(t.out_channels - first, kMostFourierOutputs);
      const auto multiply = outputs == 4   ? &Multiply<4>
                            : outputs == 3 ? &Multiply<3>
                            : outputs == 2 ? &Multiply<2>
                                           : &Multiply<1>;
      multiply(t, row, weights, products + first * lanes);
      weights += 2 * outputs * t.in_channels;
    }
  }
  // Back, by parts exchanged.
  for (int64_t channel = 0; channel < t.out_channels; ++channel) {
    float* const to = t.out + channel * lanes;
    Transform16(rows, channel * lanes, -t.product_stride,
                {to + t.out_part_stride, to, t.out_line_stride, t.outputs});
  }
}

void TransformBack(const FourierOutput& t) {
  const D d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t channel = 0; channel < t.channels; ++channel) {
    const float* numbers = t.numbers + channel * lanes;
    V re[8];
    V im[8];
#pragma GCC unroll 8
    for (int m = 0; m < 8; ++m, numbers += t.column_stride) {
      re[m] = hn::LoadU(d, numbers);
      im[m] = hn::LoadU(d, numbers + t.part_stride);
    }
    Transform8(im, re);
    const V bias = t.bias == nullptr ? hn::Zero(d) : hn::Set(d, t.bias[channel]);
    float* out = t.out + channel * lanes;
    const int64_t step = t.channels * lanes;
#pragma GCC unroll 8
    for (int p = 0; p < 8; ++p, out += step) {
      const V cos = hn::Set(d, kHalfCos[p]);
      const V sin = hn::Set(d, kHalfSin[p]);
      if (p < t.outputs) {
        hn::StoreU(hn::MulAdd(sin, im[p], hn::MulAdd(cos, re[p], bias)), d, out);
      }
      if (p + 8 < t.outputs) {
        hn::StoreU(hn::NegMulAdd(sin, re[p], hn::MulAdd(cos, im[p], bias)), d, out + 8 * step);
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

void TransformFourierLine(const FourierLine& line) { MULLION_SIMD_CALL(TransformLine)(line); }

void ConvolveFourierColumn(const FourierColumn& column) {
  MULLION_SIMD_CALL(ConvolveColumn)(column);
}

void TransformFourierOutput(const FourierOutput& output) {
  MULLION_SIMD_CALL(TransformBack)(output);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
