// SPDX-License-Identifier: MIT
// Reductions of double, integers and bool: plain loops that compilers turn into vectors.
#include <algorithm>
#include <cstring>
#include <type_traits>

#include "base/element_traits.h"
#include "devices/cpu/kernels/reduction/reduce.h"
#include "devices/cpu/kernels/simd/for_elements.h"

#define MULLION_SCALAR_IN_USE
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/reduction/number_reduce.cc"
#include "devices/cpu/kernels/simd/simd.h"
#include "devices/cpu/kernels/simd/two_copies.h"
// Behind these two, which it needs.
#include "devices/cpu/kernels/reduction/number_reductions-inl.h"

// Accumulators are as many in both copies, so that results are the same.
#if MULLION_IS_OF_TWO_COPIES

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace {

// Accumulators side by side, in vectors of the compiler's.
template <typename Op, size_t kBytes = 32>
struct LaneGroup {
  using Number = typename Op::Accumulator;
  static constexpr size_t kVectorBytes = std::min<size_t>(kBytes, HWY_TARGET == HWY_AVX2 ? 32 : 16);
  static constexpr size_t kVectors = kBytes / kVectorBytes;
  static constexpr size_t kLanes = kBytes / sizeof(Number);
  typedef Number Vector __attribute__((vector_size(kVectorBytes)));

  LaneGroup() {
#pragma GCC unroll 2
    for (Vector& vector : vectors) vector = Vector{} + Op::Neutral();
  }
  template <typename T>
  void Take(const T* x) {
    static_assert(sizeof(T) == sizeof(Number));
#pragma GCC unroll 2
    for (size_t i = 0; i < kVectors; ++i) {
      Vector bits;
      std::memcpy(&bits, x + i * (kLanes / kVectors), sizeof(bits));
      vectors[i] = Op::Take(vectors[i], bits);
    }
  }
  void Merge(const LaneGroup& other) {
#pragma GCC unroll 2
    for (size_t i = 0; i < kVectors; ++i) vectors[i] = Op::Merge(vectors[i], other.vectors[i]);
  }
  Number Across() const {
    Number lanes[kLanes];
    std::memcpy(lanes, vectors, sizeof(lanes));
    MergeHalves<kLanes / 2>(lanes);
    return lanes[0];
  }

 private:
  template <size_t kHalf>
  static void MergeHalves(Number* lanes) {
    for (size_t j = 0; j < kHalf; ++j) lanes[j] = Op::Merge(lanes[j], lanes[j + kHalf]);
    if constexpr (kHalf > 1) MergeHalves<kHalf / 2>(lanes);
  }

  Vector vectors[kVectors];
};

template <typename Op>
struct Functions {
  using T = typename Op::Element;
  using Accumulator = typename Op::Accumulator;
  using Taken = std::conditional_t<std::is_arithmetic_v<Accumulator>, Accumulator, T>;
  // Where a call for each short run would be felt.
  static constexpr bool kHasRuns = std::is_same_v<Accumulator, double>;

  static void Init(void* accumulators, size_t n) {
    Accumulator* const a = static_cast<Accumulator*>(accumulators);
    ForEachPlainly(0, n, [=](size_t j) { a[j] = Op::Neutral(); });
  }
  static void Rows(const void* from, size_t rows, size_t stride, size_t n, void* to) {
    const T* x = static_cast<const T*>(from);
    Accumulator* const a = static_cast<Accumulator*>(to);
    if constexpr (std::is_same_v<Op, LogSumExp>) return Op::TakeRows(x, rows, stride, n, a);
    for (size_t r = 0; r < rows; ++r, x += stride) {
      ForElements(n, [=](size_t j) { a[j] = Op::Take(a[j], static_cast<Taken>(x[j])); });
    }
  }
  // From kBytes on to twice as many.
  template <size_t kBytes>
  static Accumulator BothEnds(const T* x, size_t count) {
    LaneGroup<Op, kBytes> group;
    group.Take(x);
    group.Take(x + count - kBytes);
    return group.Across();
  }
  // Four groups of accumulators in registers, whatever the length of vectors, so that results are
  // the same.
  [[gnu::always_inline]] static void TakeOne(const T* x, size_t count, Accumulator* a) {
    if constexpr (requires { Op::TakeRun(x, count, a); }) {
      return Op::TakeRun(x, count, a);
    } else {
      using Group = LaneGroup<Op>;
      constexpr size_t kLanes = Group::kLanes;
      Accumulator last = *a;
      size_t i = 0;
      if (count >= kLanes) {
        Group g0, g1, g2, g3;  // not an array, which compilers would keep in memory
        for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
          g0.Take(x + i);
          g1.Take(x + i + kLanes);
          g2.Take(x + i + 2 * kLanes);
          g3.Take(x + i + 3 * kLanes);
        }
        for (; i + kLanes <= count; i += kLanes) g0.Take(x + i);
        if (Op::kTakesTwice && i < count) {
          g1.Take(x + count - kLanes);
          i = count;
        }
        g0.Merge(g1);
        g2.Merge(g3);
        g0.Merge(g2);
        last = Op::Merge(last, g0.Across());
      } else if (sizeof(T) == 1 && count >= 8) {
        last = Op::Merge(last, count < 16 ? BothEnds<8>(x, count) : BothEnds<16>(x, count));
        i = count;
      }
      ForEachPlainly(i, count, [&](size_t j) { last = Op::Take(last, static_cast<Taken>(x[j])); });
      *a = last;
    }
  }
  static void Runs(const void* from, size_t rows, size_t count, void* to) {
    const T* const x = static_cast<const T*>(from);
    Accumulator* const a = static_cast<Accumulator*>(to);
    for (size_t r = 0; r < rows; ++r) {
      a[r] = Op::Neutral();
      TakeOne(x + r * count, count, a + r);
    }
  }
  static void Run(const void* from, size_t count, void* to) {
    if constexpr (kHasRuns) {
      Accumulator fresh;
      Runs(from, 1, count, &fresh);
      Merge(&fresh, 1, to);
    } else {
      TakeOne(static_cast<const T*>(from), count, static_cast<Accumulator*>(to));
    }
  }
  static void Merge(const void* others, size_t n, void* to) {
    Accumulator* const a = static_cast<Accumulator*>(to);
    const Accumulator* const b = static_cast<const Accumulator*>(others);
    ForEachPlainly(0, n, [=](size_t j) { a[j] = Op::Merge(a[j], b[j]); });
  }
  static void Finish(const void* from, size_t n, int64_t count, void* y) {
    const Accumulator* const a = static_cast<const Accumulator*>(from);
    T* const to = static_cast<T*>(y);
    if constexpr (requires { Op::FinishAll(a, n, to); }) {
      Op::FinishAll(a, n, to);
    } else {
      ForEachPlainly(0, n, [=](size_t j) { to[j] = Op::Finish(a[j], count); });
    }
  }
};

// By measurement on a Zen 5.
template <typename Accumulator>
constexpr int64_t kLongestTurned = !std::is_arithmetic_v<Accumulator> ? 32
                                   : sizeof(Accumulator) == 1         ? 7
                                   : sizeof(Accumulator) == 4         ? 12
                                                                      : 8;

template <typename Functions>
constexpr auto RunsOf() -> decltype(ReduceFunctions::runs) {
  if constexpr (Functions::kHasRuns) return &Functions::Runs;
  return nullptr;
}

template <typename Op>
constexpr ReduceFunctions FunctionsOf() {
  using F = Functions<Op>;
  using L = Functions<typename Op::Loops>;
  return {.accumulator_bytes = sizeof(typename Op::Accumulator),
          .init = &F::Init,
          .rows = &L::Rows,
          .run = &L::Run,
          .runs = RunsOf<L>(),
          .longest_turned = kLongestTurned<typename Op::Accumulator>,
          .merge = &L::Merge,
          .finish = &F::Finish};
}

// Elements that are widened to double at once.
constexpr size_t kReduceTile = 1024;

// What integers compute in double.
template <typename T>
struct WidenedLoops {
  // Of 8 bytes by halves in the lowest bits of 2^84 and 2^52, as only AVX-512 has instructions: the
  // last sum rounds like a conversion.
  static double Wide(T x) {
    if constexpr (sizeof(T) < 8) return static_cast<double>(x);
    constexpr uint64_t kSign = std::is_signed_v<T> ? uint64_t{1} << 63 : 0;
    const uint64_t bits = static_cast<uint64_t>(x) ^ kSign;
    const uint64_t high = bits >> 32 | 0x4530000000000000;
    const uint64_t low = (bits & 0xffffffff) | 0x4330000000000000;
    double parts[2];
    std::memcpy(&parts[0], &high, sizeof(high));
    std::memcpy(&parts[1], &low, sizeof(low));
    return (parts[0] - (0x1p84 + 0x1p52 + static_cast<double>(kSign))) + parts[1];
  }
  static void Widen(const T* x, size_t count, double* wide) {
    ForElements(count, [=](size_t i) { wide[i] = Wide(x[i]); });
  }
  static void Rows(const ReduceFunctions& of, const T* x, size_t rows, size_t stride, size_t n,
                   char* accumulators) {
    double wide[kReduceTile];
    for (size_t r = 0; r < rows; ++r) {
      for (size_t begin = 0; begin < n; begin += kReduceTile) {
        const size_t count = std::min(kReduceTile, n - begin);
        Widen(x + r * stride + begin, count, wide);
        of.rows(wide, 1, 0, count, accumulators + begin * of.accumulator_bytes);
      }
    }
  }
  static void Run(const ReduceFunctions& of, const T* x, size_t n, void* accumulator) {
    double wide[kReduceTile];
    for (size_t begin = 0; begin < n; begin += kReduceTile) {
      const size_t count = std::min(kReduceTile, n - begin);
      Widen(x + begin, count, wide);
      of.run(wide, count, accumulator);
    }
  }
  static void Runs(const ReduceFunctions& of, const T* x, size_t rows, size_t n,
                   char* accumulators) {
    static_assert(kReduceTile >= kLongestOfRuns);
    double wide[kReduceTile];
    const size_t some = std::max<size_t>(kReduceTile / std::max<size_t>(n, 1), 1);
    for (size_t r = 0; r < rows; r += some) {
      const size_t count = std::min(some, rows - r);
      Widen(x + r * n, count * n, wide);
      for (size_t i = 0; i < count; ++i, accumulators += of.accumulator_bytes) {
        of.run(wide + i * n, n, accumulators);
      }
    }
  }
  static void Finish(const ReduceFunctions& of, const char* accumulators, size_t n, int64_t total,
                     T* y) {
    double wide[kReduceTile];
    for (size_t begin = 0; begin < n; begin += kReduceTile) {
      const size_t count = std::min(kReduceTile, n - begin);
      of.finish(accumulators + begin * of.accumulator_bytes, count, total, wide);
      for (size_t i = 0; i < count; ++i) y[begin + i] = FromDouble<T>(wide[i]);
    }
  }
};

template <typename Op, typename T>
ReduceFunctions WidenedFunctionsOf() {
  if constexpr (std::is_same_v<T, double>) {
    return FunctionsOf<Op>();
  } else {
    static constexpr ReduceFunctions kOf = FunctionsOf<Op>();
    ReduceFunctions functions = kOf;
    functions.runs = [](const void* from, size_t rows, size_t n, void* to) {
      WidenedLoops<T>::Runs(kOf, static_cast<const T*>(from), rows, n, static_cast<char*>(to));
    };
    functions.rows = [](const void* from, size_t rows, size_t stride, size_t n, void* to) {
      WidenedLoops<T>::Rows(kOf, static_cast<const T*>(from), rows, stride, n,
                            static_cast<char*>(to));
    };
    functions.run = [](const void* from, size_t n, void* to) {
      WidenedLoops<T>::Run(kOf, static_cast<const T*>(from), n, to);
    };
    functions.finish = [](const void* from, size_t n, int64_t total, void* y) {
      WidenedLoops<T>::Finish(kOf, static_cast<const char*>(from), n, total, static_cast<T*>(y));
    };
    return functions;
  }
}

template <typename T>
ReduceFunctions NumberFunctions(ReduceKind kind) {
  using Bits = Wrapping<T>;  // sums and products of signed numbers have the bits of unsigned ones
  switch (kind) {
    case ReduceKind::kSum:
      return FunctionsOf<Sum<Bits>>();
    case ReduceKind::kMean:
      return WidenedFunctionsOf<Mean, T>();
    case ReduceKind::kMax:
      return FunctionsOf<Max<T>>();
    case ReduceKind::kMin:
      return FunctionsOf<Min<T>>();
    case ReduceKind::kProduct:
      return FunctionsOf<Product<Bits>>();
    case ReduceKind::kL1:
      return FunctionsOf<L1<T>>();
    case ReduceKind::kL2:
      return WidenedFunctionsOf<L2, T>();
    case ReduceKind::kSumSquare:
      return FunctionsOf<SumSquare<Bits>>();
    case ReduceKind::kLogSum:
      return WidenedFunctionsOf<LogSum, T>();
    default:
      if constexpr (std::is_signed_v<T> && std::is_integral_v<T>) {
        return FunctionsOf<IntegerLogSumExp<T>>();
      } else {
        return WidenedFunctionsOf<LogSumExp, T>();
      }
  }
}

// bool is stored as 0 and 1: its maximum is "any", its minimum "all".
struct Any : Max<uint8_t> {};
struct All : Min<uint8_t> {
  static uint8_t Neutral() { return 1; }
};

}  // namespace

ReduceFunctions FunctionsFor(ReduceKind kind, ElementType type) {
  const bool is_max = kind == ReduceKind::kMax;
  if (type == ElementType::kBool) return is_max ? FunctionsOf<Any>() : FunctionsOf<All>();
  if (type == ElementType::kInt8) {
    return is_max ? FunctionsOf<OfSignedBytes<Max>>() : FunctionsOf<OfSignedBytes<Min>>();
  }
  if (type == ElementType::kUint8) {
    return is_max ? FunctionsOf<Max<uint8_t>>() : FunctionsOf<Min<uint8_t>>();
  }
  ReduceFunctions functions;
  DispatchType(TypeList<double, int32_t, int64_t, uint32_t, uint64_t>{}, type,
               [&](auto tag) { functions = NumberFunctions<typename decltype(tag)::type>(kind); });
  return functions;
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#endif

#if HWY_ONCE
namespace mullion::cpu {

ReduceFunctions NumberReduceFunctions(ReduceKind kind, ElementType type) {
  return MULLION_TWO_COPIES_CALL(FunctionsFor)(kind, type);
}

}  // namespace mullion::cpu
#endif  // HWY_ONCE
