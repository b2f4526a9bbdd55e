// SPDX-License-Identifier: MIT
#include "devices/cpu/ngram_pool.h"

#include <algorithm>

#include "base/str_cat.h"

namespace mullion::cpu {

namespace {

Status Wrong(const Node& node, std::string_view text) {
  return node.Error(StatusCode::kInvalidModel, text);
}

uint64_t EdgeOf(int32_t parent, int32_t item) {
  return static_cast<uint64_t>(static_cast<uint32_t>(parent)) << 32 | static_cast<uint32_t>(item);
}

}  // namespace

Result<NgramPool> NgramPool::Make(const Node& node) {
  NgramPool pool;
  MULLION_RETURN_IF_ERROR(pool.Read(node));
  return pool;
}

Status NgramPool::Read(const Node& node) {
  shortest_ = node.IntAttribute("min_gram_length", 0);
  longest_ = node.IntAttribute("max_gram_length", 0);
  most_skips_ = node.IntAttribute("max_skip_count", -1);
  if (shortest_ < 1 || longest_ < shortest_ || most_skips_ < 0) {
    return Wrong(node, StrCat("the attributes 'min_gram_length' ", shortest_,
                              ", 'max_gram_length' ", longest_, " and 'max_skip_count' ",
                              most_skips_, " must be at least 1, min_gram_length and 0"));
  }
  const bool text = node.input(0)->type.element_type == ElementType::kString;
  const std::vector<int32_t> items = text ? Number(node.StringsAttribute("pool_strings"))
                                          : Number(node.IntsAttribute("pool_int64s"));
  firsts_.assign(items.size(), -1);
  children_ = SlotTable(items.size());
  if (node.HasAttribute(text ? "pool_int64s" : "pool_strings")) {
    return Wrong(node, text ? "its input holds strings, but its pool is 'pool_int64s'"
                            : "its input holds integers, but its pool is 'pool_strings'");
  }

  const std::span<const int64_t> starts = node.IntsAttribute("ngram_counts");
  std::span<const int64_t> indexes = node.IntsAttribute("ngram_indexes");
  if (starts.size() < static_cast<size_t>(longest_)) {
    return Wrong(node, StrCat("the attribute 'ngram_counts' has ", starts.size(),
                              " entries, but 'max_gram_length' is ", longest_));
  }
  for (const int64_t index : indexes) width_ = std::max(width_, index + 1);
  indexes_ = {-1};
  std::vector<std::span<const int32_t>> ngrams;  // all of length 1, of length 2, ...
  size_t count = 0;
  for (size_t i = 0; i < starts.size(); ++i) {
    const int64_t begin = starts[i];
    const auto all = static_cast<int64_t>(items.size());
    const int64_t end = i + 1 < starts.size() ? starts[i + 1] : all;
    const auto length = static_cast<int64_t>(i) + 1;
    if (begin < 0 || end < begin || end > all || (end - begin) % length != 0) {
      return Wrong(node, StrCat("the attribute 'ngram_counts' gives ", length, "-grams the items ",
                                begin, " to ", end, " of a pool of ", all,
                                "; they must be whole n-grams within the pool"));
    }
    ngrams.push_back(
        std::span(items).subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)));
    count += ngrams.back().size() / (i + 1);
  }
  if (count != indexes.size()) {
    return Wrong(node, StrCat("the attribute 'ngram_indexes' has ", indexes.size(),
                              " entries for the ", count, " n-grams of its pool"));
  }
  for (size_t i = 0; i < ngrams.size(); ++i) {
    const auto length = static_cast<int64_t>(i) + 1;
    const auto these = indexes.first(ngrams[i].size() / (i + 1));
    indexes = indexes.subspan(these.size());
    if (length < shortest_ || length > longest_) continue;
    MULLION_RETURN_IF_ERROR(AddNgrams(node, ngrams[i], length, these));
  }
  return OkStatus();
}

Status NgramPool::AddNgrams(const Node& node, std::span<const int32_t> items, int64_t length,
                            std::span<const int64_t> indexes) {
  for (const int64_t index : indexes) {
    int32_t at = kRoot;
    for (const int32_t item : items.first(static_cast<size_t>(length))) {
      const auto next = static_cast<int32_t>(indexes_.size());
      int32_t& first = firsts_[static_cast<size_t>(item)];
      if (at != kRoot) {
        at = static_cast<int32_t>(children_.FindOrAdd(EdgeOf(at, item), next));
      } else {
        at = first = first < 0 ? next : first;
      }
      if (at == next) indexes_.push_back(-1);
    }
    if (indexes_[static_cast<size_t>(at)] >= 0) {
      return Wrong(node, StrCat("its pool has a ", length, "-gram twice"));
    }
    indexes_[static_cast<size_t>(at)] = index;
    items = items.subspan(static_cast<size_t>(length));
  }
  return OkStatus();
}

std::vector<int32_t> NgramPool::Number(std::span<const std::string> pool) {
  std::vector<int32_t> numbers;
  for (const std::string& word : pool) {
    numbers.push_back(words_.try_emplace(word, static_cast<int32_t>(words_.size())).first->second);
  }
  return numbers;
}

std::vector<int32_t> NgramPool::Number(std::span<const int64_t> pool) {
  integers_ = SlotTable(pool.size());
  std::vector<int32_t> numbers;
  int32_t next = 0;
  for (const int64_t item : pool) {
    const int64_t number = integers_.FindOrAdd(static_cast<uint64_t>(item), next);
    numbers.push_back(static_cast<int32_t>(number));
    next += number == next ? 1 : 0;
  }
  return numbers;
}

void NgramPool::NumberItems(const TensorView& items, int32_t* numbers) const {
  if (items.type == ElementType::kString) {
    for (const std::string& item : items.span<std::string>()) {
      const auto found = words_.find(item);
      *numbers++ = found == words_.end() ? -1 : found->second;
    }
    return;
  }
  const auto find = [&](const auto& all) {
    for (const int64_t item : all) {
      *numbers++ = static_cast<int32_t>(integers_.Find(static_cast<uint64_t>(item)));
    }
  };
  items.type == ElementType::kInt32 ? find(items.span<int32_t>()) : find(items.span<int64_t>());
}

// An n-gram's items stand 1 + skip places apart, the same skip throughout. One of a single item
// has no skip and counts once.
void NgramPool::Count(std::span<const int32_t> row, float* counts) const {
  const auto size = static_cast<int64_t>(row.size());
  const int64_t longest_step = std::min(most_skips_ + 1, size - 1);
  for (int64_t start = 0; start < size; ++start) {
    const int32_t item = row[static_cast<size_t>(start)];
    const int32_t first = item < 0 ? -1 : firsts_[static_cast<size_t>(item)];
    if (first < 0) continue;
    if (const int64_t index = indexes_[static_cast<size_t>(first)]; index >= 0) counts[index] += 1;
    for (int64_t step = 1; step <= longest_step; ++step) {
      int32_t at = first;
      for (int64_t i = start + step; i < size; i += step) {
        const int32_t next = row[static_cast<size_t>(i)];
        at = next < 0 ? -1 : static_cast<int32_t>(children_.Find(EdgeOf(at, next)));
        if (at < 0) break;
        const int64_t index = indexes_[static_cast<size_t>(at)];
        if (index >= 0) counts[index] += 1;
      }
    }
  }
}

}  // namespace mullion::cpu
