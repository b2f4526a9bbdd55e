// SPDX-License-Identifier: MIT
// What LabelEncoder, CategoryMapper and OneHotEncoder look their elements up in.
#ifndef MULLION_DEVICES_CPU_KEY_INDEX_H_
#define MULLION_DEVICES_CPU_KEY_INDEX_H_

#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "base/element_traits.h"
#include "base/tensor.h"
#include "devices/cpu/slot_table.h"
#include "devices/cpu/text_key.h"

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
  // The same for `count` keys. The slots of words are asked for ahead: most of what a search takes
  // is waiting for them.
  template <typename Key>
  void FindEach(const Key* keys, int64_t count, int64_t* places) const {
    constexpr bool kWords = std::is_same_v<Key, std::string>;
    for (int64_t i = 0; kWords && i < count; ++i) {
      const uint64_t key = KeyOf(keys[i]);
      slots_.Expect(key);
      places[i] = static_cast<int64_t>(key);
    }
    for (int64_t i = 0; i < count; ++i) {
      const uint64_t key = kWords ? static_cast<uint64_t>(places[i]) : KeyOf(keys[i]);
      places[i] = slots_.Find(key, SameAs(keys[i]));
    }
  }

 private:
  template <typename Number>
  static uint64_t KeyOf(Number key) {
    if constexpr (std::is_floating_point_v<Number>) {
      // Zeros are equal, and so is here every NaN.
      double number = key == 0 ? 0.0 : static_cast<double>(key);
      if (key != key) number = std::numeric_limits<double>::quiet_NaN();
      return BitCast<uint64_t>(number);
    } else {
      return static_cast<uint64_t>(static_cast<int64_t>(key));
    }
  }
  static uint64_t KeyOf(const std::string& word) { return TextKey(word); }

  template <typename Key>
  auto SameAs(const Key& key) const {
    return [this, &key](int64_t place) {
      if constexpr (std::is_same_v<Key, std::string>) {
        return SameTexts(key, words_[static_cast<size_t>(place)]);
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
