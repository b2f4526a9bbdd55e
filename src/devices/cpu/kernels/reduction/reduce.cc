// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/reduction/reduce.h"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/reduction/reduce.cc"
#include "devices/cpu/kernels/simd/simd.h"

#include "devices/cpu/kernels/simd/lane_sums-inl.h"
#include "devices/cpu/kernels/simd/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

namespace {

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Each reduction: the value that changes nothing, how an element and how another accumulator are
// taken in, and how the lanes of one vector become one number.
struct Sum {
  static constexpr float kNeutral = 0;
  static HWY_INLINE V Take(V a, V x) { return hn::Add(a, x); }
  static HWY_INLINE V Merge(V a, V b) { return hn::Add(a, b); }
  static HWY_INLINE float Across(V a) { return hn::GetLane(hn::SumOfLanes(D(), a)); }
  static HWY_INLINE void AcrossFour(V a, V b, V c, V e, float* to) {
    SumsOfLanes(D(), a, b, c, e, to);
  }
};
struct SumSquare : Sum {
  static HWY_INLINE V Take(V a, V x) { return hn::MulAdd(x, x, a); }
};
struct SumAbs : Sum {
  static HWY_INLINE V Take(V a, V x) { return hn::Add(a, hn::Abs(x)); }
};
struct Product {
  static constexpr float kNeutral = 1;
  static HWY_INLINE V Take(V a, V x) { return hn::Mul(a, x); }
  static HWY_INLINE V Merge(V a, V b) { return hn::Mul(a, b); }
  static HWY_INLINE float Across(V a) {
    HWY_ALIGN float lanes[hn::MaxLanes(D())];
    hn::Store(a, D(), lanes);
    float product = 1;
    for (size_t i = 0; i < hn::Lanes(D()); ++i) product *= lanes[i];
    return product;
  }
};
struct Maximum {
  static constexpr float kNeutral = -std::numeric_limits<float>::infinity();
  static HWY_INLINE V Take(V a, V x) { return hn::Max(a, x); }
  static HWY_INLINE V Merge(V a, V b) { return hn::Max(a, b); }
  static HWY_INLINE float Across(V a) { return hn::GetLane(hn::MaxOfLanes(D(), a)); }
  static HWY_INLINE void AcrossFour(V a, V b, V c, V e, float* to) {
    to[0] = Across(a);
    to[1] = Across(b);
    to[2] = Across(c);
    to[3] = Across(e);
  }
};
struct Minimum {
  static constexpr float kNeutral = std::numeric_limits<float>::infinity();
  static HWY_INLINE V Take(V a, V x) { return hn::Min(a, x); }
  static HWY_INLINE V Merge(V a, V b) { return hn::Min(a, b); }
  static HWY_INLINE float Across(V a) { return hn::GetLane(hn::MinOfLanes(D(), a)); }
};

template <class Op>
void Init(void* accumulators, size_t n) {
  std::fill_n(static_cast<float*>(accumulators), n, Op::kNeutral);
}

// kVectors vectors of columns over `rows` rows. kChains accumulators a column hide the latency of
// the additions; they start empty, so that long sums are sums of shorter ones.
template <class Op, int kVectors, int kChains>
HWY_INLINE void ColumnBlock(const float* x, size_t rows, size_t stride, float* accumulators) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  V a[kChains][kVectors];
#pragma GCC unroll 8
  for (int c = 0; c < kChains; ++c) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) a[c][v] = hn::Set(d, Op::kNeutral);
  }
  size_t r = 0;
  for (; r + kChains <= rows; r += kChains) {
#pragma GCC unroll 8
    for (int c = 0; c < kChains; ++c) {
      const float* const row = x + (r + static_cast<size_t>(c)) * stride;
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        a[c][v] = Op::Take(a[c][v], hn::LoadU(d, row + static_cast<size_t>(v) * lanes));
      }
    }
  }
  for (; r < rows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      a[0][v] = Op::Take(a[0][v], hn::LoadU(d, x + r * stride + static_cast<size_t>(v) * lanes));
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) {
    V sum = a[0][v];
#pragma GCC unroll 8
    for (int c = 1; c < kChains; ++c) sum = Op::Merge(sum, a[c][v]);
    float* const to = accumulators + static_cast<size_t>(v) * lanes;
    hn::StoreU(Op::Merge(hn::LoadU(d, to), sum), d, to);
  }
}

// The same for the last n < lanes columns.
template <class Op>
HWY_INLINE void LastColumns(const float* x, size_t rows, size_t stride, size_t n,
                            float* accumulators) {
  const D d;
  V a = hn::Set(d, Op::kNeutral);
  V b = a;
  size_t r = 0;
  for (; r + 2 <= rows; r += 2) {
    a = Op::Take(a, LoadFirst(d, x + r * stride, n));
    b = Op::Take(b, LoadFirst(d, x + (r + 1) * stride, n));
  }
  if (r < rows) a = Op::Take(a, LoadFirst(d, x + r * stride, n));
  a = Op::Merge(a, b);
  StoreFirst(Op::Merge(LoadFirst(d, accumulators, n), a), d, accumulators, n);
}

template <class Op>
void Rows(const void* from, size_t rows, size_t stride, size_t n, void* to) {
  const size_t lanes = hn::Lanes(D());
  // Wide rows are read a few at a time, so that memory streams; narrow ones keep their accumulators
  // in registers for longer.
  const size_t block = n > 4 * lanes ? 8 : 256;
  for (size_t r = 0; r < rows; r += block) {
    const float* const x = static_cast<const float*>(from) + r * stride;
    float* const accumulators = static_cast<float*>(to);
    const size_t count = std::min(block, rows - r);
    size_t j = 0;
    for (; j + 4 * lanes <= n; j += 4 * lanes) {
      ColumnBlock<Op, 4, 2>(x + j, count, stride, accumulators + j);
    }
    for (; j + lanes <= n; j += lanes) {
      ColumnBlock<Op, 1, 4>(x + j, count, stride, accumulators + j);
    }
    if (j < n) LastColumns<Op>(x + j, count, stride, n - j, accumulators + j);
  }
}

template <class Op>
HWY_INLINE float RunBlock(const float* x, size_t count) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  V a = hn::Set(d, Op::kNeutral);
  size_t i = 0;
  if (count >= 4 * lanes) {
    V b = a, c = a, e = a;
    for (; i + 4 * lanes <= count; i += 4 * lanes) {
      a = Op::Take(a, hn::LoadU(d, x + i));
      b = Op::Take(b, hn::LoadU(d, x + i + lanes));
      c = Op::Take(c, hn::LoadU(d, x + i + 2 * lanes));
      e = Op::Take(e, hn::LoadU(d, x + i + 3 * lanes));
    }
    a = Op::Merge(Op::Merge(a, b), Op::Merge(c, e));
  }
  for (; i + lanes <= count; i += lanes) a = Op::Take(a, hn::LoadU(d, x + i));
  if (i < count) {
    a = Op::Take(a, LoadFirstOr(d, x + i, count - i, hn::Set(d, Op::kNeutral)));
  }
  return Op::Across(a);
}

template <class Op>
void Run(const void* from, size_t count, void* to) {
  // Sums of 4096 elements are added up: 64 additions a lane in AVX-512, 256 in SSE.
  constexpr size_t kBlock = 4096;
  const D d;
  const float* const x = static_cast<const float*>(from);
  float* const accumulator = static_cast<float*>(to);
  for (size_t i = 0; i < count; i += kBlock) {
    const float part = RunBlock<Op>(x + i, std::min(kBlock, count - i));
    *accumulator = hn::GetLane(Op::Merge(hn::Set(d, *accumulator), hn::Set(d, part)));
  }
}

// Four rows side by side hide the latency of the additions, and have as many in a lane as those of
// 4096 elements: 64 in AVX-512, 256 in SSE. The last rows are looked at again where there are
// fewer, so that a row's sum does not hang on where it lies. `flip` are bits to turn in all
// elements, and in the results again.
template <class Op>
HWY_NOINLINE void ReduceFours(const void* from, size_t rows, size_t count, float flip, void* to) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const V neutral = hn::Set(d, Op::kNeutral);
  const V bits = hn::Set(d, flip);
  for (size_t r = 0; r < rows; r += 4) {
    const float* const a = static_cast<const float*>(from) + r * count;
    const float* const b = a + (r + 1 < rows ? count : 0);
    const float* const c = b + (r + 2 < rows ? count : 0);
    const float* const e = c + (r + 3 < rows ? count : 0);
    V va = neutral, vb = neutral, vc = neutral, ve = neutral;
    size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      va = Op::Take(va, hn::Xor(bits, hn::LoadU(d, a + i)));
      vb = Op::Take(vb, hn::Xor(bits, hn::LoadU(d, b + i)));
      vc = Op::Take(vc, hn::Xor(bits, hn::LoadU(d, c + i)));
      ve = Op::Take(ve, hn::Xor(bits, hn::LoadU(d, e + i)));
    }
    if (i < count) {
      const auto last = [&](const float* row) HWY_ATTR {
        return hn::Xor(bits, LoadFirstOr(d, row + i, count - i, hn::Xor(bits, neutral)));
      };
      va = Op::Take(va, last(a));
      vb = Op::Take(vb, last(b));
      vc = Op::Take(vc, last(c));
      ve = Op::Take(ve, last(e));
    }
    float four[4];
    Op::AcrossFour(va, vb, vc, ve, four);
    for (size_t k = 0; k < 4 && r + k < rows; ++k) {
      static_cast<float*>(to)[r + k] = hn::GetLane(hn::Xor(bits, hn::Set(d, four[k])));
    }
  }
}

void SumRuns(const void* from, size_t rows, size_t count, void* to) {
  ReduceFours<Sum>(from, rows, count, 0.0f, to);
}
void MaximumRuns(const void* from, size_t rows, size_t count, void* to) {
  ReduceFours<Maximum>(from, rows, count, 0.0f, to);
}
// The greatest of the opposites.
void MinimumRuns(const void* from, size_t rows, size_t count, void* to) {
  ReduceFours<Maximum>(from, rows, count, -0.0f, to);
}

template <class Op>
void Merge(const void* others, size_t n, void* accumulators) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  const float* const from = static_cast<const float*>(others);
  float* const to = static_cast<float*>(accumulators);
  size_t j = 0;
  for (; j + lanes <= n; j += lanes) {
    hn::StoreU(Op::Merge(hn::LoadU(d, to + j), hn::LoadU(d, from + j)), d, to + j);
  }
  if (j < n) {
    const V merged = Op::Merge(LoadFirst(d, to + j, n - j), LoadFirst(d, from + j, n - j));
    StoreFirst(merged, d, to + j, n - j);
  }
}

template <class Op>
ReduceFunctions FunctionsOf(decltype(ReduceFunctions::runs) runs = nullptr) {
  return {.accumulator_bytes = sizeof(float),
          .init = &Init<Op>,
          .rows = &Rows<Op>,
          .run = &Run<Op>,
          .runs = runs,
          .longest_turned = runs == nullptr ? 32 : 12,
          .merge = &Merge<Op>};
}

}  // namespace

ReduceFunctions MakeFloatReduceFunctions(FloatReduction reduction) {
  switch (reduction) {
    case FloatReduction::kSum:
      return FunctionsOf<Sum>(&SumRuns);
    case FloatReduction::kSumSquare:
      return FunctionsOf<SumSquare>();
    case FloatReduction::kSumAbs:
      return FunctionsOf<SumAbs>();
    case FloatReduction::kProduct:
      return FunctionsOf<Product>();
    case FloatReduction::kMax:
      return FunctionsOf<Maximum>(&MaximumRuns);
    default:
      return FunctionsOf<Minimum>(&MinimumRuns);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

ReduceFunctions LogSumExpFunctions();  // log_sum_exp.cc

ReduceFunctions FloatReduceFunctions(FloatReduction reduction) {
  if (reduction == FloatReduction::kLogSumExp) return LogSumExpFunctions();
  return MULLION_SIMD_CALL(MakeFloatReduceFunctions)(reduction);
}

}  // namespace mullion::cpu
#endif
