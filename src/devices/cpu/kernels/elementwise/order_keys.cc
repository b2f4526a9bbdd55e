// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/order_keys.h"

#include <limits>
#include <type_traits>

#include "devices/cpu/kernels/elementwise/order_key.h"

#define MULLION_SCALAR_IN_USE
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/elementwise/order_keys.cc"
#include "devices/cpu/kernels/simd/simd.h"
#include "devices/cpu/kernels/simd/two_copies.h"

#if MULLION_IS_OF_TWO_COPIES

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

template <typename Key>
void GroupMaxima(const Key* HWY_RESTRICT keys, Key* HWY_RESTRICT greatest) {
  for (int64_t group = 0; group < kKeyBlock / kKeyGroup; ++group) {
    const Key* const own = keys + group * kKeyGroup;
    Key most = own[0];
    for (int64_t i = 1; i < kKeyGroup; ++i) most = own[i] > most ? own[i] : most;
    greatest[group] = most;
  }
}

template <typename T>
void KeyBlock(const T* x, int64_t flip, int64_t* HWY_RESTRICT keys,
              int64_t* HWY_RESTRICT greatest) {
  for (int64_t i = 0; i < kKeyBlock; ++i) {
    // As OrderKey has it, which is no code of this target.
    if constexpr (std::is_same_v<T, double>) {
      const auto bits = BitCast<int64_t>(x[i] + 0.0);
      constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
      const int64_t key = bits < 0 ? bits ^ kMost : bits;
      keys[i] = (x[i] != x[i] ? kMost : key) ^ flip;
    } else {
      keys[i] = x[i] ^ flip;
    }
  }
  GroupMaxima(keys, greatest);
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#endif

#if HWY_ONCE
namespace mullion::cpu {

void WideOrderKeys(ElementType type, const void* x, int64_t flip, int64_t* keys,
                   int64_t* greatest) {
  if (type == ElementType::kDouble) {
    return MULLION_TWO_COPIES_CALL(KeyBlock<double>)(static_cast<const double*>(x), flip, keys,
                                                     greatest);
  }
  if (type == ElementType::kUint64) flip ^= OrderKey(uint64_t{0});
  MULLION_TWO_COPIES_CALL(KeyBlock<int64_t>)(static_cast<const int64_t*>(x), flip, keys, greatest);
}

void GreatestKeys(const int32_t* keys, int32_t* greatest) {
  MULLION_TWO_COPIES_CALL(GroupMaxima<int32_t>)(keys, greatest);
}

}  // namespace mullion::cpu
#endif
