// SPDX-License-Identifier: MIT
// A hash table of numbers, for what is looked up or told apart by the million.
#ifndef MULLION_DEVICES_CPU_SLOT_TABLE_H_
#define MULLION_DEVICES_CPU_SLOT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mullion::cpu {

// Places of 64-bit keys: each in the first free slot from where its hash points. Most slots are
// free, so that a search nearly always ends where it begins.
class SlotTable {
 public:
  // For as many keys at most, with at least so many slots for each.
  explicit SlotTable(size_t keys, size_t slots_each = 8) {
    size_t slots = 64;
    for (; slots < slots_each * keys; slots *= 2) --shift_;
    slots_.resize(slots);
  }

  // -1 for what is not there.
  int64_t Find(uint64_t key) const { return Find(key, AnyPlace()); }
  // The place of the key, which becomes `place` if it is not there yet.
  int64_t FindOrAdd(uint64_t key, int64_t place) { return FindOrAdd(key, place, AnyPlace()); }

  // Says that the key will be looked for soon.
  void Expect(uint64_t key) const { __builtin_prefetch(&slots_[FirstSlot(key)]); }

  // Where different things may have one key: `same` tells whether a place is that of the one meant.
  template <typename Same>
  int64_t Find(uint64_t key, Same same) const {
    return slots_[SlotOf(key, same)].place;
  }
  template <typename Same>
  int64_t FindOrAdd(uint64_t key, int64_t place, Same same) {
    Slot& slot = slots_[SlotOf(key, same)];
    if (slot.place < 0) slot = {key, place};
    return slot.place;
  }

 private:
  struct Slot {
    uint64_t key = 0;
    int64_t place = -1;
  };

  struct AnyPlace {
    bool operator()(int64_t /*place*/) const { return true; }
  };

  // By the golden ratio (Knuth): the highest bits of the product depend on all bits of the key, of
  // which whole numbers as doubles differ in the highest ones alone.
  size_t FirstSlot(uint64_t key) const {
    return static_cast<size_t>((key * 0x9e3779b97f4a7c15u) >> shift_);
  }

  template <typename Same>
  size_t SlotOf(uint64_t key, Same same) const {
    const size_t mask = slots_.size() - 1;
    size_t at = FirstSlot(key);
    while (slots_[at].place >= 0 && !(slots_[at].key == key && same(slots_[at].place))) {
      at = (at + 1) & mask;
    }
    return at;
  }

  int shift_ = 58;  // that leaves as many bits as slots have numbers
  std::vector<Slot> slots_;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_SLOT_TABLE_H_
