// SPDX-License-Identifier: MIT
// Elements become integer keys that order as the elements do, so that one selection per key width
// serves all types: greatest key first, among equal ones the lower index.
#include <algorithm>
#include <limits>

#include "base/element_traits.h"
#include "base/str_cat.h"
#include "devices/cpu/registry.h"
#include "operators/int_list.h"

namespace mullion::cpu {

namespace {

template <typename Key>
struct Candidate {
  Key key;
  Key index;
};

// Both zeros have the same key, and every NaN that of the greatest number: also when the smallest
// elements are wanted, where NaN then comes last.
template <typename T>
auto KeyOf(T value) {
  if constexpr (std::is_same_v<T, double>) {
    const auto bits = BitCast<int64_t>(value + 0.0);
    const int64_t key = bits ^ ((bits >> 63) & std::numeric_limits<int64_t>::max());
    return value != value ? std::numeric_limits<int64_t>::max() : key;
  } else if constexpr (kElementTypeOf<T> == ElementType::kFloat ||
                       sizeof(ComputeType<T>) != sizeof(T)) {
    const float wide = static_cast<float>(value) + 0.0f;
    const auto bits = BitCast<int32_t>(wide);
    const int32_t key = bits ^ ((bits >> 31) & std::numeric_limits<int32_t>::max());
    return wide != wide ? std::numeric_limits<int32_t>::max() : key;
  } else if constexpr (sizeof(T) == 8) {
    constexpr uint64_t kFlip = std::is_signed_v<T> ? 0 : uint64_t{1} << 63;
    return static_cast<int64_t>(static_cast<uint64_t>(value) ^ kFlip);
  } else if constexpr (std::is_same_v<T, uint32_t>) {
    return static_cast<int32_t>(value ^ 0x80000000u);
  } else {
    return static_cast<int32_t>(value);
  }
}

template <typename T>
using KeyType = decltype(KeyOf(T{}));

template <typename Key>
bool Before(const Candidate<Key>& a, const Candidate<Key>& b) {
  return a.key > b.key || (a.key == b.key && a.index < b.index);
}

// A heap of the best k is cheaper than a list of all while few elements enter it: for elements in
// random order about k ln(n / k).
bool UsesHeap(int64_t n, int64_t k) { return k <= n / 8; }
int64_t CandidateCount(int64_t n, int64_t k) { return UsesHeap(n, k) ? k : n; }

// One line of `n` elements, `stride` apart. `flip` is 0, or -1 to order the other way round.
template <typename T>
struct Line {
  const T* data;
  int64_t n;
  int64_t stride;
  KeyType<T> flip;

  KeyType<T> key(int64_t i) const { return KeyOf(data[i * stride]) ^ flip; }
};

template <typename T>
void SelectByHeap(const Line<T>& line, Candidate<KeyType<T>>* best, int64_t k) {
  using Key = KeyType<T>;
  for (int64_t i = 0; i < k; ++i) best[i] = {line.key(i), static_cast<Key>(i)};
  std::make_heap(best, best + k, Before<Key>);  // the worst of the best is at the front
  // Blocks that hold nothing better than the worst are passed over without a branch per element.
  constexpr int64_t kBlock = 64;
  Key keys[kBlock];
  for (int64_t first = k; first < line.n; first += kBlock) {
    const int64_t count = std::min(kBlock, line.n - first);
    for (int64_t i = 0; i < count; ++i) keys[i] = line.key(first + i);
    Key greatest = std::numeric_limits<Key>::min();
    for (int64_t i = 0; i < count; ++i) greatest = std::max(greatest, keys[i]);
    if (greatest <= best->key) continue;
    for (int64_t i = 0; i < count; ++i) {
      if (keys[i] <= best->key) continue;
      std::pop_heap(best, best + k, Before<Key>);
      best[k - 1] = {keys[i], static_cast<Key>(first + i)};
      std::push_heap(best, best + k, Before<Key>);
    }
  }
  std::sort_heap(best, best + k, Before<Key>);
}

template <typename T>
void SelectFromAll(const Line<T>& line, Candidate<KeyType<T>>* all, int64_t k) {
  using Key = KeyType<T>;
  for (int64_t i = 0; i < line.n; ++i) all[i] = {line.key(i), static_cast<Key>(i)};
  if (k < line.n) std::nth_element(all, all + k, all + line.n, Before<Key>);
  std::sort(all, all + k, Before<Key>);
}

class TopK final : public Executable {
 public:
  explicit TopK(const Node& node)
      : axis_(node.IntAttribute("axis", -1)), largest_(node.IntAttribute("largest", 1) != 0) {}

  Status Bind(BindContext& context) const override {
    const BindContext::Port& input = *context.input(0);
    const std::optional<int> axis = NormalizeAxis(axis_, input.shape.rank());
    if (!axis.has_value()) return OkStatus();  // Run says so
    const int64_t n = input.shape[*axis];
    const TensorView* const k = context.input(1)->data;
    const bool known = k != nullptr && k->count() == 1;
    const int64_t count = known ? CandidateCount(n, std::clamp<int64_t>(IntAt(*k, 0), 0, n)) : n;
    context.RequestScratch(static_cast<size_t>(count * context.threads()) * 2 * sizeof(int64_t));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const std::optional<int> axis = NormalizeAxis(axis_, input.shape.rank());
    if (!axis.has_value()) return context.Error("attribute 'axis' is outside the input's rank");
    const int64_t n = input.shape[*axis];
    if (context.Input(1).count() != 1) return context.Error("input 'K' must have one element");
    const int64_t k = IntAt(context.Input(1), 0);
    if (k < 0 || k > n || n > std::numeric_limits<int32_t>::max()) {
      return context.Error(StrCat("input 'K' asks for ", k, " of ", n, " elements"));
    }
    Shape shape = input.shape;
    shape[*axis] = k;
    MutableTensorView values, indices;
    if (context.WantsOutput(0)) {
      MULLION_ASSIGN_OR_RETURN(values, context.AllocateOutput(0, shape));
    }
    if (context.WantsOutput(1)) {
      MULLION_ASSIGN_OR_RETURN(indices, context.AllocateOutput(1, shape));
    }
    if (shape.ElementCount() == 0) return OkStatus();
    DispatchType(NumericTypes{}, input.type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      Select<T>(context, *axis, k, values.as<T>(), indices.as<int64_t>());
    });
    return OkStatus();
  }

 private:
  // `values` and `indices` may be null.
  template <typename T>
  void Select(RunContext& context, int axis, int64_t k, T* values, int64_t* indices) const {
    using Key = KeyType<T>;
    const TensorView& input = context.Input(0);
    const int64_t n = input.shape[axis];
    const int64_t inner = input.shape.Product(axis + 1, input.shape.rank());
    const int64_t lines = input.shape.Product(0, axis) * inner;
    auto* const scratch = static_cast<Candidate<Key>*>(context.scratch());
    const int64_t candidates = CandidateCount(n, k);
    const int64_t chunk = std::max<int64_t>(1, 16384 / n);
    context.parallel().For(lines, chunk, [&](int64_t begin, int64_t end, int worker) {
      Candidate<Key>* const best = scratch + worker * candidates;
      for (int64_t i = begin; i < end; ++i) {
        const int64_t from = i / inner * n * inner + i % inner;
        const int64_t to = i / inner * k * inner + i % inner;
        const Line<T> line{input.as<T>() + from, n, inner, largest_ ? Key{0} : Key{-1}};
        if (UsesHeap(n, k)) {
          SelectByHeap(line, best, k);
        } else {
          SelectFromAll(line, best, k);
        }
        for (int64_t j = 0; j < k; ++j) {
          const int64_t index = best[j].index;
          if (values != nullptr) values[to + j * inner] = line.data[index * inner];
          if (indices != nullptr) indices[to + j * inner] = index;
        }
      }
    });
  }

  int64_t axis_;
  bool largest_;
};

}  // namespace

void RegisterTopK(KernelRegistry& registry) {
  registry.Add({.name = "TopK", .types = types::kNumeric, .make = MakeKernel<TopK>});
}

}  // namespace mullion::cpu
