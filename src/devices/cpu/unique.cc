// SPDX-License-Identifier: MIT
#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "base/element_traits.h"
#include "devices/cpu/complex_parts.h"
#include "devices/cpu/order_key.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/strided_copy.h"

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

// From ascending order to that of first occurrence.
void SortByOccurrence(std::vector<Group>& groups, std::vector<int64_t>& inverse) {
  std::vector<int64_t> order(groups.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return groups[static_cast<size_t>(a)].first < groups[static_cast<size_t>(b)].first;
  });
  std::vector<Group> sorted;
  std::vector<int64_t> place(groups.size());
  for (const int64_t group : order) {
    place[static_cast<size_t>(group)] = static_cast<int64_t>(sorted.size());
    sorted.push_back(groups[static_cast<size_t>(group)]);
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
    std::vector<Group> groups = input.type == ElementType::kString
                                    ? FindGroups(slices, input.as<std::string>(), inverse)
                                    : FindGroups(compared, KeysOf(input).data(), inverse);
    if (!sorted_) SortByOccurrence(groups, inverse);
    shape[*axis] = static_cast<int64_t>(groups.size());
    MULLION_RETURN_IF_ERROR(WriteSlices(context, slices, groups, shape));
    MULLION_RETURN_IF_ERROR(
        WriteList(context, 1, groups.size(), [&](size_t i) { return groups[i].first; }));
    MULLION_RETURN_IF_ERROR(
        WriteList(context, 2, inverse.size(), [&](size_t i) { return inverse[i]; }));
    return WriteList(context, 3, groups.size(), [&](size_t i) { return groups[i].count; });
  }

 private:
  static Status WriteSlices(RunContext& context, const Slices& slices,
                            const std::vector<Group>& groups, const Shape& shape) {
    if (!context.WantsOutput(0)) return OkStatus();
    const TensorView& input = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
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
