// SPDX-License-Identifier: MIT
// What LabelEncoder, CategoryMapper and OneHotEncoder look their elements up in.
#ifndef MULLION_DEVICES_CPU_KEY_INDEX_H_
#define MULLION_DEVICES_CPU_KEY_INDEX_H_

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "base/element_traits.h"
#include "base/tensor.h"

namespace mullion::cpu {

using AllLabels = TypeList<int64_t, int32_t, int16_t, float, double, std::string>;

// Places of 64-bit keys: each in the first free slot from where its hash points. Most slots are
// free, so that a search nearly always ends where it begins.
class SlotTable {
 public:
  // For as many keys at most.
  explicit SlotTable(size_t keys) {
    size_t slots = 64;
    while (slots < 8 * keys) slots *= 2;
    slots_.resize(slots);
  }

  // -1 for what is not there.
  int64_t Find(uint64_t key) const { return slots_[SlotOf(key)].place; }
  // The place of the key, which becomes `place` if it is not there yet.
  int64_t FindOrAdd(uint64_t key, int64_t place) {
    Slot& slot = slots_[SlotOf(key)];
    if (slot.place < 0) slot = {key, place};
    return slot.place;
  }

 private:
  struct Slot {
    uint64_t key = 0;
    int64_t place = -1;
  };

  size_t SlotOf(uint64_t key) const {
    const size_t mask = slots_.size() - 1;
    // By the golden ratio (Knuth): the high bits of the product depend on all bits.
    size_t at = static_cast<size_t>((key * 0x9e3779b97f4a7c15u) >> 32) & mask;
    while (slots_[at].place >= 0 && slots_[at].key != key) at = (at + 1) & mask;
    return at;
  }

  std::vector<Slot> slots_;
};

// Where a key stands in the table; the first of equal ones. NaN is a key like any other.
class KeyIndex {
 public:
  explicit KeyIndex(const Tensor& keys)
      : numbers_(keys.type() == ElementType::kString ? 0 : static_cast<size_t>(keys.count())) {
    DispatchType(AllLabels(), keys.type(), [&](auto tag) {
      using Key = typename decltype(tag)::type;
      const auto all = keys.span<Key>();
      for (size_t i = 0; i < all.size(); ++i) {
        const auto place = static_cast<int64_t>(i);
        if constexpr (std::is_same_v<Key, std::string>) {
          words_.emplace(all[i], place);
        } else {
          numbers_.FindOrAdd(BitsOf(all[i]), place);
        }
      }
    });
  }

  // -1 for what is not there. Keys are of the kind (word, integer, real) that the table has.
  int64_t Find(const std::string& key) const {
    const auto found = words_.find(key);
    return found == words_.end() ? -1 : found->second;
  }
  template <typename Number>
  int64_t Find(Number key) const {
    return numbers_.Find(BitsOf(key));
  }

 private:
  template <typename Number>
  static uint64_t BitsOf(Number key) {
    if constexpr (std::is_floating_point_v<Number>) {
      // Zeros are equal, and so is here every NaN.
      double number = key == 0 ? 0.0 : static_cast<double>(key);
      if (key != key) number = std::numeric_limits<double>::quiet_NaN();
      uint64_t bits = 0;
      std::memcpy(&bits, &number, sizeof(bits));
      return bits;
    } else {
      return static_cast<uint64_t>(static_cast<int64_t>(key));
    }
  }

  std::unordered_map<std::string, int64_t> words_;
  SlotTable numbers_;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KEY_INDEX_H_
