// SPDX-License-Identifier: MIT
// Definitions found by the domain and name of what they define.
//
// The process keeps these for good, so they lie in one block each: as many small ones, between what
// the first model leaves behind, would hold as many pages of the heap.
#ifndef MULLION_OPERATORS_DEFINITION_TABLE_H_
#define MULLION_OPERATORS_DEFINITION_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace mullion {

// A Definition has members `domain` and `name`, views of text that outlives the table. "ai.onnx" is
// the same domain as "".
template <typename Definition>
class DefinitionTable {
 public:
  DefinitionTable() { first_.fill(kNone); }

  // Pointers to definitions are good until the next one is added.
  void Add(const Definition& definition) {
    const auto place = static_cast<uint32_t>(entries_.size());
    entries_.push_back({definition, kNone});
    uint32_t* link = &first_[BucketOf(definition.domain, definition.name)];
    while (*link != kNone) link = &entries_[*link].next;
    *link = place;
  }

  // Calls `visit` with all definitions of one domain and name, in the order they were added in.
  template <typename Visit>
  void ForEach(std::string_view domain, std::string_view name, Visit&& visit) const {
    for (uint32_t i = first_[BucketOf(domain, name)]; i != kNone; i = entries_[i].next) {
      const Definition& definition = entries_[i].definition;
      if (definition.name == name && Canonical(definition.domain) == Canonical(domain)) {
        visit(definition);
      }
    }
  }

  template <typename Visit>
  void ForEach(Visit&& visit) const {
    for (const Entry& entry : entries_) visit(entry.definition);
  }

 private:
  struct Entry {
    Definition definition;
    uint32_t next;  // of the same bucket
  };
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr size_t kBuckets = 1024;  // the library's own are 700 and a few

  static std::string_view Canonical(std::string_view domain) {
    return domain == "ai.onnx" ? std::string_view() : domain;
  }
  static size_t BucketOf(std::string_view domain, std::string_view name) {
    uint32_t hash = 0;
    for (const std::string_view part : {Canonical(domain), name}) {
      for (const char c : part) hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193;
    }
    return (hash ^ hash >> 16) % kBuckets;
  }

  std::vector<Entry> entries_;
  std::array<uint32_t, kBuckets> first_;
};

}  // namespace mullion

#endif  // MULLION_OPERATORS_DEFINITION_TABLE_H_
