// SPDX-License-Identifier: MIT
// What LabelEncoder, CategoryMapper and OneHotEncoder look their elements up in.
#ifndef MULLION_DEVICES_CPU_KEY_INDEX_H_
#define MULLION_DEVICES_CPU_KEY_INDEX_H_

#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "base/element_traits.h"
#include "base/tensor.h"
#include "devices/cpu/slot_table.h"

namespace mullion::cpu {

using AllLabels = TypeList<int64_t, int32_t, int16_t, float, double, std::string>;

// Where a key stands in the table; the first of equal ones. NaN is a key like any other.
class KeyIndex {
 public:
  explicit KeyIndex(const Tensor& keys) : slots_(static_cast<size_t>(keys.count())) {
    DispatchType(AllLabels(), keys.type(), [&](auto tag) {
      using Key = typename decltype(tag)::type;
      const auto all = keys.span<Key>();
      if constexpr (std::is_same_v<Key, std::string>) words_.assign(all.begin(), all.end());
      for (size_t i = 0; i < all.size(); ++i) {
        slots_.FindOrAdd(KeyOf(all[i]), static_cast<int64_t>(i), SameAs(all[i]));
      }
    });
  }

  // -1 for what is not there. Keys are of the kind (word, integer, real) that the table has.
  template <typename Key>
  int64_t Find(const Key& key) const {
    return slots_.Find(KeyOf(key), SameAs(key));
  }

 private:
  static constexpr uint64_t kLongWord = uint64_t{1} << 63;

  template <typename Number>
  static uint64_t KeyOf(Number key) {
    if constexpr (std::is_floating_point_v<Number>) {
      // Zeros are equal, and so is here every NaN.
      double number = key == 0 ? 0.0 : static_cast<double>(key);
      if (key != key) number = std::numeric_limits<double>::quiet_NaN();
      return Read<uint64_t>(&number);
    } else {
      return static_cast<uint64_t>(static_cast<int64_t>(key));
    }
  }
  // Shorter words than 4 bytes are their own keys: those bytes, once or twice each or the 0 behind
  // them, and how many.
  static uint64_t KeyOf(const std::string& word) {
    const size_t size = word.size();
    const char* const text = word.c_str();
    const auto at = [text](size_t i) { return static_cast<uint64_t>(Read<uint8_t>(text + i)); };
    if (size < 4) return size | at(0) << 8 | at(size / 2) << 16 | at((size + 1) / 2) << 24;
    if (size > 16) return std::hash<std::string>()(word) | kLongWord;
    const uint64_t first = size < 8 ? Read<uint32_t>(text) : Read<uint64_t>(text);
    const uint64_t last =
        size < 8 ? Read<uint32_t>(text + size - 4) : Read<uint64_t>(text + size - 8);
    return (first * 0x9e3779b97f4a7c15u + last) | kLongWord;
  }
  template <typename T>
  static T Read(const void* from) {
    T value;
    std::memcpy(&value, from, sizeof(value));
    return value;
  }

  template <typename Key>
  auto SameAs(const Key& key) const {
    return [this, &key](int64_t place) {
      if constexpr (std::is_same_v<Key, std::string>) {
        return key.size() < 4 || words_[static_cast<size_t>(place)] == key;
      } else {
        return true;
      }
    };
  }

  std::vector<std::string> words_;
  SlotTable slots_;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KEY_INDEX_H_
