// SPDX-License-Identifier: MIT
#include <algorithm>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/element_traits.h"
#include "devices/cpu/complex_parts.h"
#include "devices/cpu/kernels/elementwise/order_key.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/rows.h"
#include "devices/cpu/slot_table.h"
#include "devices/cpu/strided_copy.h"
#include "devices/cpu/text_key.h"

namespace mullion::cpu {

namespace {

// The input as slices to compare: slice i holds, for each outer index, `inner` elements side by
// side. A flat input has slices of one element.
struct Slices {
  int64_t outer;
  int64_t count;
  int64_t inner;
};

int Compare(int64_t a, int64_t b) { return static_cast<int>(a > b) - static_cast<int>(a < b); }
int Compare(const std::string& a, const std::string& b) { return a.compare(b); }

template <typename T>
int CompareSlices(const Slices& slices, const T* data, int64_t a, int64_t b) {
  for (int64_t o = 0; o < slices.outer; ++o) {
    const T* const x = data + (o * slices.count + a) * slices.inner;
    const T* const y = data + (o * slices.count + b) * slices.inner;
    for (int64_t i = 0; i < slices.inner; ++i) {
      const int order = Compare(x[i], y[i]);
      if (order != 0) return order;
    }
  }
  return 0;
}

struct Group {
  int64_t first;  // lowest slice number
  int64_t count;
};

// Groups of equal slices in ascending order, and the group of each slice.
template <typename T>
std::vector<Group> FindGroups(const Slices& slices, const T* data, std::vector<int64_t>& inverse) {
  std::vector<int64_t> order(static_cast<size_t>(slices.count));
  std::iota(order.begin(), order.end(), int64_t{0});
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    const int comparison = CompareSlices(slices, data, a, b);
    return comparison < 0 || (comparison == 0 && a < b);
  });
  std::vector<Group> groups;
  inverse.resize(order.size());
  for (const int64_t slice : order) {
    if (groups.empty() || CompareSlices(slices, data, groups.back().first, slice) != 0) {
      groups.push_back({slice, 0});
    }
    ++groups.back().count;
    inverse[static_cast<size_t>(slice)] = static_cast<int64_t>(groups.size()) - 1;
  }
  return groups;
}

// Groups of equal elements in the order of their first occurrence, and the group of each of `count`
// elements: those with the same key_of(i), a uint64_t, which are the same(i, k).
template <typename Key, typename Same>
std::vector<Group> FindEqual(int64_t count, Key key_of, Same same, std::vector<int64_t>& inverse) {
  // As large as it has to be, for many elements are often few different ones: a larger one leaves
  // the caches.
  size_t room = 256;
  SlotTable table(room, 2);
  std::vector<Group> groups;
  inverse.resize(static_cast<size_t>(count));
  const auto first_of = [&](int64_t group) { return groups[static_cast<size_t>(group)].first; };
  for (int64_t i = 0; i < count; ++i) {
    const int64_t next = std::ssize(groups);
    if (groups.size() == room) {
      room *= 4;
      table = SlotTable(room, 2);
      for (int64_t group = 0; group < next; ++group) {
        table.FindOrAdd(key_of(first_of(group)), group, [](int64_t) { return false; });
      }
    }
    const int64_t group =
        table.FindOrAdd(key_of(i), next, [&](int64_t known) { return same(i, first_of(known)); });
    inverse[static_cast<size_t>(i)] = group;
    if (group == next) groups.push_back({i, 0});
    ++groups[static_cast<size_t>(group)].count;
  }
  return groups;
}

// Puts groups in ascending order of key_of(group), of which no two are equal.
template <typename Key>
void SortGroups(std::vector<Group>& groups, std::vector<int64_t>& inverse, Key key_of) {
  std::vector<std::pair<decltype(key_of(groups[0])), int64_t>> order;  // key and group
  order.reserve(groups.size());
  for (const Group& group : groups) order.emplace_back(key_of(group), std::ssize(order));
  std::sort(order.begin(), order.end());
  std::vector<Group> sorted;
  sorted.reserve(groups.size());
  std::vector<int64_t> place(groups.size());
  for (const auto& entry : order) {
    place[static_cast<size_t>(entry.second)] = std::ssize(sorted);
    sorted.push_back(groups[static_cast<size_t>(entry.second)]);
  }
  for (int64_t& group : inverse) group = place[static_cast<size_t>(group)];
  groups = std::move(sorted);
}

constexpr ElementTypeSet kUniqueTypes =
    types::kNumeric | types::kBool | types::kString | kComplexTypes;

// NaN equals itself and comes after all numbers, as numpy has it. Complex numbers are two, the real
// part first.
std::vector<int64_t> KeysOf(const TensorView& input) {
  std::vector<int64_t> keys(static_cast<size_t>(input.count() * PartsOf(input.type)));
  const auto write = [&keys](const auto* elements) {
    for (size_t i = 0; i < keys.size(); ++i) keys[i] = OrderKey(elements[i]);
  };
  if (input.type == ElementType::kBool) {
    write(static_cast<const uint8_t*>(input.data));
  } else {
    DispatchType(NumericTypes{}, TypeOfParts(input.type),
                 [&](auto tag) { write(input.as<typename decltype(tag)::type>()); });
  }
  return keys;
}

class Unique final : public Executable {
 public:
  explicit Unique(const Node& node)
      : flat_(!node.HasAttribute("axis")),
        axis_(node.IntAttribute("axis", 0)),
        sorted_(node.IntAttribute("sorted", 1) != 0) {}

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    Shape shape = flat_ ? Shape{input.count()} : input.shape;
    const std::optional<int> axis = NormalizeAxis(axis_, shape.rank());
    if (!axis.has_value()) return context.Error("attribute 'axis' is outside the input's rank");
    const Slices slices{shape.Product(0, *axis), shape[*axis],
                        shape.Product(*axis + 1, shape.rank())};
    Slices compared = slices;
    compared.inner *= PartsOf(input.type);
    std::vector<int64_t> inverse;
    std::vector<Group> groups = Find(input, slices, compared, inverse);
    shape[*axis] = static_cast<int64_t>(groups.size());
    MULLION_RETURN_IF_ERROR(WriteSlices(context, slices, groups, shape));
    MULLION_RETURN_IF_ERROR(
        WriteList(context, 1, groups.size(), [&](size_t i) { return groups[i].first; }));
    MULLION_RETURN_IF_ERROR(
        WriteList(context, 2, inverse.size(), [&](size_t i) { return inverse[i]; }));
    return WriteList(context, 3, groups.size(), [&](size_t i) { return groups[i].count; });
  }

 private:
  // In the order asked for.
  std::vector<Group> Find(const TensorView& input, const Slices& slices, const Slices& compared,
                          std::vector<int64_t>& inverse) const {
    const bool single = compared.outer == 1 && compared.inner == 1;
    std::vector<Group> groups;
    if (input.type == ElementType::kString) {
      const auto* const words = input.as<std::string>();
      if (single) {
        groups = FindEqual(
            compared.count, [=](int64_t i) { return TextKey(words[i]); },
            [=](int64_t i, int64_t k) { return SameTexts(words[i], words[k]); }, inverse);
        if (sorted_) {
          SortGroups(groups, inverse,
                     [=](const Group& group) { return std::string_view(words[group.first]); });
        }
        return groups;
      }
      groups = FindGroups(slices, words, inverse);
    } else {
      const std::vector<int64_t> keys = KeysOf(input);
      if (single) {
        groups = FindEqual(
            compared.count, [&](int64_t i) { return static_cast<uint64_t>(keys.data()[i]); },
            [](int64_t, int64_t) { return true; }, inverse);
        if (sorted_) {
          SortGroups(groups, inverse,
                     [&](const Group& group) { return keys[static_cast<size_t>(group.first)]; });
        }
        return groups;
      }
      groups = FindGroups(compared, keys.data(), inverse);
    }
    if (!sorted_) SortGroups(groups, inverse, [](const Group& group) { return group.first; });
    return groups;
  }

  static Status WriteSlices(RunContext& context, const Slices& slices,
                            const std::vector<Group>& groups, const Shape& shape) {
    if (!context.WantsOutput(0)) return OkStatus();
    const TensorView& input = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
    const auto gather = [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* const from = static_cast<const T*>(input.data);
      T* to = static_cast<T*>(output.data);
      for (const Group& group : groups) *to++ = from[group.first];
    };
    if (slices.outer == 1 && slices.inner == 1 && DispatchSize(input.type, gather)) {
      return OkStatus();
    }
    StridedCopy copy(input.type);
    copy.AddAxis(slices.outer, slices.count * slices.inner,
                 static_cast<int64_t>(groups.size()) * slices.inner);
    copy.AddAxis(slices.inner, 1, 1);
    for (size_t i = 0; i < groups.size(); ++i) {
      copy.Run(input.data, groups[i].first * slices.inner, output.data,
               static_cast<int64_t>(i) * slices.inner, context.parallel());
    }
    return OkStatus();
  }

  template <typename Function>
  static Status WriteList(RunContext& context, int output_index, size_t count, Function element) {
    if (!context.WantsOutput(output_index)) return OkStatus();
    MULLION_ASSIGN_OR_RETURN(
        const MutableTensorView output,
        context.AllocateOutput(output_index, Shape{static_cast<int64_t>(count)}));
    for (size_t i = 0; i < count; ++i) output.as<int64_t>()[i] = element(i);
    return OkStatus();
  }

  bool flat_;
  int64_t axis_;
  bool sorted_;
};

}  // namespace

void RegisterUnique(KernelRegistry& registry) {
  registry.Add({.name = "Unique", .types = kUniqueTypes, .make = MakeKernel<Unique>});
}

}  // namespace mullion::cpu
