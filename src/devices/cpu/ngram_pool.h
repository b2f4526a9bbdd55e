// SPDX-License-Identifier: MIT
// The n-grams that a TfIdfVectorizer looks for, as a tree of items.
#ifndef MULLION_DEVICES_CPU_NGRAM_POOL_H_
#define MULLION_DEVICES_CPU_NGRAM_POOL_H_

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/tensor.h"
#include "devices/cpu/slot_table.h"
#include "graph/graph.h"

namespace mullion::cpu {

class NgramPool {
 public:
  // Reads and checks the attributes of a TfIdfVectorizer.
  static Result<NgramPool> Make(const Node& node);

  // Width of the output: one more than the greatest index.
  int64_t width() const { return width_; }
  // Numbers for the items of a tensor, negative for those that are in no n-gram.
  void NumberItems(const TensorView& items, int32_t* numbers) const;
  // Adds 1 to counts[index of the n-gram] for each time that it occurs in a row of numbered items.
  void Count(std::span<const int32_t> row, float* counts) const;

 private:
  static constexpr int32_t kRoot = 0;

  Status Read(const Node& node);
  Status AddNgrams(const Node& node, std::span<const int32_t> items, int64_t length,
                   std::span<const int64_t> indexes);
  // The numbers of a pool's items, new ones counted on.
  std::vector<int32_t> Number(std::span<const std::string> pool);
  std::vector<int32_t> Number(std::span<const int64_t> pool);

  int64_t shortest_ = 1;
  int64_t longest_ = 1;
  int64_t most_skips_ = 0;
  int64_t width_ = 0;
  SlotTable integers_{0};
  std::unordered_map<std::string, int32_t> words_;
  std::vector<int32_t> firsts_;   // the root's child for each item, or -1
  SlotTable children_{0};         // of other nodes, by node and item
  std::vector<int64_t> indexes_;  // of the n-gram that ends at a node, or -1
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_NGRAM_POOL_H_
