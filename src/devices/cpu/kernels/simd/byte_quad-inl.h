// SPDX-License-Identifier: MIT
// Four vectors of numbers to bytes at once, for kernel files (see simd.h for their layout): where
// there are instructions that narrow two vectors into one and clamp, they cost a third of narrowing
// vector by vector.

#if defined(MULLION_DEVICES_CPU_KERNELS_SIMD_BYTE_QUAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MULLION_DEVICES_CPU_KERNELS_SIMD_BYTE_QUAD_INL_H_
#undef MULLION_DEVICES_CPU_KERNELS_SIMD_BYTE_QUAD_INL_H_
#else
#define MULLION_DEVICES_CPU_KERNELS_SIMD_BYTE_QUAD_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "devices/cpu/kernels/simd/partial_vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace byte_quad {

namespace hn = hwy::HWY_NAMESPACE;
using D32 = hn::CappedTag<int32_t, 16>;
using DF = hn::RebindToFloat<D32>;
using DPart = hn::Rebind<uint8_t, D32>;
using V32 = hn::Vec<D32>;
using VF = hn::Vec<DF>;
using Part = hn::Vec<DPart>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(D32()));

#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3

using D16 = hn::Repartition<int16_t, D32>;
using D8 = hn::Repartition<uint8_t, D32>;
using DHalf = hn::Half<D8>;

// Conversions of NaN and of what is too small give the least number.
#if HWY_TARGET == HWY_AVX3
HWY_INLINE V32 Nearest(VF v) { return V32{_mm512_cvtps_epi32(v.raw)}; }
HWY_INLINE hn::Vec<D8> Unsigned(hn::Vec<D16> a, hn::Vec<D16> b) {
  return hn::Vec<D8>{_mm512_packus_epi16(a.raw, b.raw)};
}
template <int kPart>
HWY_INLINE Part PartOf(hn::Vec<D8> v) {
  return Part{_mm512_extracti32x4_epi32(v.raw, kPart)};
}
#elif HWY_TARGET == HWY_AVX2
HWY_INLINE V32 Nearest(VF v) { return V32{_mm256_cvtps_epi32(v.raw)}; }
HWY_INLINE hn::Vec<D8> Unsigned(hn::Vec<D16> a, hn::Vec<D16> b) {
  return hn::Vec<D8>{_mm256_packus_epi16(a.raw, b.raw)};
}
template <int kPart>
HWY_INLINE Part PartOf(hn::Vec<D8> v) {
  const __m128i half = _mm256_extracti128_si256(v.raw, kPart / 2);
  return Part{kPart % 2 == 0 ? half : _mm_unpackhi_epi64(half, half)};
}
#else
HWY_INLINE V32 Nearest(VF v) { return V32{_mm_cvtps_epi32(v.raw)}; }
HWY_INLINE hn::Vec<D8> Unsigned(hn::Vec<D16> a, hn::Vec<D16> b) {
  return hn::Vec<D8>{_mm_packus_epi16(a.raw, b.raw)};
}
template <int kPart>
HWY_INLINE Part PartOf(hn::Vec<D8> v) {
  return Part{_mm_shuffle_epi32(v.raw, kPart)};
}
#endif

// Rounds to nearest even, and clamps to the lowest number when NaN. What is lower may stay so: the
// narrowing clamps.
class Rounding {
 public:
  Rounding(float /*low*/, float high) : high_(hn::Set(DF(), high)) {}
  // The minimum is its second operand when either is NaN.
  HWY_INLINE V32 operator()(VF v) const { return Nearest(hn::Min(high_, v)); }

 private:
  VF high_;
};

// The bytes of four vectors.
class Quad {
 public:
  explicit Quad(hn::Vec<D8> bytes) : bytes_(bytes) {}
  // One behind the other.
  HWY_INLINE void Store(uint8_t* out) const { hn::StoreU(bytes_, D8(), out); }
  // Those of two vectors.
  HWY_INLINE void StoreLow(uint8_t* out) const { hn::StoreU(hn::LowerHalf(bytes_), DHalf(), out); }
  HWY_INLINE void StoreHigh(uint8_t* out) const {
    hn::StoreU(hn::UpperHalf(DHalf(), bytes_), DHalf(), out);
  }
  template <int kPart>
  HWY_INLINE Part Get() const {
    return PartOf<kPart>(bytes_);
  }

 private:
  hn::Vec<D8> bytes_;
};

class Narrowing {
 public:
  Narrowing(int32_t zero_point, bool is_signed, bool rectified) {
    const int32_t middle = is_signed ? 128 : 0;
    zero_ = hn::Set(D16(), static_cast<int16_t>(zero_point + middle));
    least_ = hn::Set(D8(), static_cast<uint8_t>(rectified ? zero_point + middle : 0));
    flip_ = hn::Set(D8(), static_cast<uint8_t>(is_signed ? 0x80 : 0));
    // Within blocks of four lanes each the parts are in order.
    HWY_ALIGN int32_t order[kLanes];
    for (int32_t i = 0; i < kLanes; ++i) order[i] = i % (kLanes / 4) * 4 + i / (kLanes / 4);
    order_ = hn::Load(D32(), order);
  }
  HWY_INLINE Quad operator()(V32 a, V32 b, V32 c, V32 d) const {
    const auto low = hn::SaturatedAdd(hn::ReorderDemote2To(D16(), a, b), zero_);
    const auto high = hn::SaturatedAdd(hn::ReorderDemote2To(D16(), c, d), zero_);
    const auto bytes = hn::Xor(hn::Max(Unsigned(low, high), least_), flip_);
    if constexpr (kLanes == 4) return Quad(bytes);
    const auto indices = hn::IndicesFromVec(D32(), order_);
    return Quad(hn::BitCast(D8(), hn::TableLookupLanes(hn::BitCast(D32(), bytes), indices)));
  }

 private:
  hn::Vec<D16> zero_;
  hn::Vec<D8> least_;
  hn::Vec<D8> flip_;
  V32 order_;
};

#else

class Rounding {
 public:
  Rounding(float low, float high) : low_(hn::Set(DF(), low)), high_(hn::Set(DF(), high)) {}
  HWY_INLINE V32 operator()(VF v) const {
    return hn::NearestInt(hn::Min(hn::IfThenElse(hn::Gt(v, low_), v, low_), high_));
  }

 private:
  VF low_;
  VF high_;
};

class Quad {
 public:
  Quad(Part a, Part b, Part c, Part d) : parts_{a, b, c, d} {}
  HWY_INLINE void Store(uint8_t* out) const {
    for (int64_t i = 0; i < 4; ++i) hn::StoreU(parts_[i], DPart(), out + i * kLanes);
  }
  template <int kPart>
  HWY_INLINE Part Get() const {
    return parts_[kPart];
  }

 private:
  Part parts_[4];
};

class Narrowing {
 public:
  Narrowing(int32_t zero_point, bool is_signed, bool rectified) {
    const int32_t middle = is_signed ? 128 : 0;
    zero_ = hn::Set(D32(), zero_point + middle);
    least_ = hn::Set(DPart(), static_cast<uint8_t>(rectified ? zero_point + middle : 0));
    flip_ = hn::Set(DPart(), static_cast<uint8_t>(is_signed ? 0x80 : 0));
  }
  HWY_INLINE Quad operator()(V32 a, V32 b, V32 c, V32 d) const {
    return Quad(One(a), One(b), One(c), One(d));
  }

 private:
  HWY_INLINE Part One(V32 v) const {
    const Part bytes = hn::DemoteTo(DPart(), hn::Add(v, zero_));
    return hn::Xor(hn::Max(bytes, least_), flip_);
  }

  V32 zero_;
  Part least_;
  Part flip_;
};

#endif

// Four rows, of which the last may stand for those that are missing.
struct Rows {
  explicit Rows(int64_t left) {
    for (int64_t i = 0; i < 4; ++i) at[i] = i < left ? i : left - 1;
  }
  int64_t at[4];
};

// `count` bytes to each row.
HWY_INLINE void StoreRows(const Quad& quad, const Rows& rows, int64_t count, uint8_t* out,
                          int64_t stride) {
  if (stride == kLanes && count >= kLanes && rows.at[3] == 3) return quad.Store(out);
  const auto store = [&](Part part, int64_t row) HWY_ATTR {
    // No call of memcpy: around it the compiler would keep nothing in vector registers.
    if (count >= kLanes) {
      hn::StoreU(part, DPart(), out + row * stride);
    } else {
      StoreFirst(part, DPart(), out + row * stride, static_cast<size_t>(count));
    }
  };
  store(quad.Get<0>(), rows.at[0]);
  store(quad.Get<1>(), rows.at[1]);
  store(quad.Get<2>(), rows.at[2]);
  store(quad.Get<3>(), rows.at[3]);
}

}  // namespace byte_quad

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#endif  // MULLION_DEVICES_CPU_KERNELS_SIMD_BYTE_QUAD_INL_H_
