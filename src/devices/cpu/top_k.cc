// SPDX-License-Identifier: MIT
// Elements become integer keys that order as the elements do, so that one selection per key width
// serves all types: greatest key first, among equal ones the lower index.
#include <algorithm>
#include <limits>

#include "base/element_traits.h"
#include "base/str_cat.h"
#include "devices/cpu/kernels/elementwise/order_key.h"
#include "devices/cpu/kernels/elementwise/order_keys.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/rows.h"
#include "operators/int_list.h"

namespace mullion::cpu {

namespace {

template <typename Key>
struct Candidate {
  Key key;
  Key index;
};

// A class and not a function, which the standard library would call for each pair.
struct Before {
  template <typename Key>
  bool operator()(const Candidate<Key>& a, const Candidate<Key>& b) const {
    return a.key > b.key || (a.key == b.key && a.index < b.index);
  }
};

// While few elements enter the best k, room for as many again is enough, and for one block: for
// elements in random order some k ln(n / k) enter.
int64_t CandidateCount(int64_t n, int64_t k) {
  return k <= n / 8 ? std::min(n, 2 * k + kKeyBlock) : n;
}

// Writes the keys of `count` elements, kKeyBlock at most and `stride` apart, with the bits of
// `flip` changed, and the greatest of each kKeyGroup of them.
template <typename T>
void WriteKeys(const void* first, int64_t stride, int64_t count, OrderKeyType<T> flip,
               OrderKeyType<T>* keys, OrderKeyType<T>* greatest) {
  const T* const x = static_cast<const T*>(first);
  if constexpr (sizeof(T) == sizeof(int64_t)) {
    if (stride == 1 && count == kKeyBlock) {
      return WideOrderKeys(kElementTypeOf<T>, x, flip, keys, greatest);
    }
  }
  // The usual stride by itself, for better loops.
  if (stride == 1) {
    for (int64_t i = 0; i < count; ++i) keys[i] = OrderKey(x[i]) ^ flip;
  } else {
    for (int64_t i = 0; i < count; ++i) keys[i] = OrderKey(x[i * stride]) ^ flip;
  }
  if constexpr (sizeof(T) < sizeof(int64_t)) {
    if (count == kKeyBlock) return GreatestKeys(keys, greatest);
  }
  for (int64_t i = 0; i < count; i += kKeyGroup) {
    greatest[i / kKeyGroup] = *std::max_element(keys + i, keys + std::min(i + kKeyGroup, count));
  }
}

// One line of `n` elements, `stride` apart.
template <typename Key>
struct Line {
  const std::byte* data;
  size_t element_bytes;
  int64_t n;
  int64_t stride;
  Key flip;  // 0, or -1 to order the other way round
  void (*write_keys)(const void* first, int64_t stride, int64_t count, Key flip, Key* keys,
                     Key* greatest);
};

// A part of it.
template <typename Key>
struct Block {
  Key keys[kKeyBlock];
  Key greatest[kKeyBlock / kKeyGroup];
  int64_t count;

  void Read(const Line<Key>& line, int64_t first) {
    count = std::min(kKeyBlock, line.n - first);
    line.write_keys(line.data + static_cast<size_t>(first * line.stride) * line.element_bytes,
                    line.stride, count, line.flip, keys, greatest);
  }
  bool AnyAbove(Key limit) const {
    const int64_t groups = (count + kKeyGroup - 1) / kKeyGroup;
    return std::any_of(greatest, greatest + groups, [=](Key key) { return key > limit; });
  }
};

// The best `k` of `count` come first, the worst of them last.
template <typename Key>
void PartBest(Candidate<Key>* all, int64_t k, int64_t count) {
  std::nth_element(all, all + k - 1, all + count, Before());
}

// The best k of a line, in order. `best` has room for CandidateCount(n, k): whenever a block might
// not fit the best k stay, and their worst is what others must be better than.
template <typename Key>
void SelectBest(const Line<Key>& line, Candidate<Key>* best, int64_t k) {
  const int64_t room = CandidateCount(line.n, k);
  Block<Key> block;
  Key limit = std::numeric_limits<Key>::min();
  bool unlimited = true;  // at first everything is good enough
  int64_t kept = 0;
  for (int64_t first = 0; first < line.n; first += kKeyBlock) {
    block.Read(line, first);
    if (kept + block.count > room) {
      PartBest(best, k, kept);
      kept = k;
      limit = best[k - 1].key;
      unlimited = false;
    }
    if (!unlimited && !block.AnyAbove(limit)) continue;
    // Without a branch for each: one that is not good enough is written over by the next.
    for (int64_t i = 0; i < block.count; ++i) {
      best[kept] = {block.keys[i], static_cast<Key>(first + i)};
      kept += (block.keys[i] > limit) | unlimited;
    }
  }
  if (kept > k) PartBest(best, k, kept);
  std::sort(best, best + k, Before());
}

// So few are kept in order, and each that is better than the last of them put in its place.
constexpr int64_t kFewBest = 12;

template <typename Key>
void InsertBest(const Line<Key>& line, Candidate<Key>* best, int64_t k) {
  Block<Key> block;
  int64_t kept = 0;
  const auto insert = [&](Key key, int64_t index) {
    int64_t place = kept < k ? kept++ : k - 1;
    for (; place > 0 && best[place - 1].key < key; --place) best[place] = best[place - 1];
    best[place] = {key, static_cast<Key>(index)};
  };
  for (int64_t first = 0; first < line.n; first += kKeyBlock) {
    block.Read(line, first);
    int64_t i = 0;
    for (; kept < k && i < block.count; ++i) insert(block.keys[i], first + i);
    while (i < block.count) {
      const int64_t group = i / kKeyGroup;
      const int64_t end = std::min(block.count, (group + 1) * kKeyGroup);
      if (block.greatest[group] > best[k - 1].key) {
        for (; i < end; ++i) {
          if (block.keys[i] > best[k - 1].key) insert(block.keys[i], first + i);
        }
      }
      i = end;
    }
  }
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
      return context.Error("input 'K' asks for ", k, " of the ", n, " elements along the axis");
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
      Select<OrderKeyType<T>>(context, *axis, k, WriteKeys<T>, values, indices.as<int64_t>());
    });
    return OkStatus();
  }

 private:
  // `values` and `indices` may have no memory.
  template <typename Key>
  void Select(RunContext& context, int axis, int64_t k, decltype(Line<Key>::write_keys) write_keys,
              const MutableTensorView& values, int64_t* indices) const {
    const TensorView& input = context.Input(0);
    const size_t bytes = ByteSize(input.type, 1);
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
        const auto* const data = static_cast<const std::byte*>(input.data);
        const Line<Key> line{data + static_cast<size_t>(from) * bytes,
                             bytes,
                             n,
                             inner,
                             largest_ ? Key{0} : Key{-1},
                             write_keys};
        if (k <= kFewBest) {
          InsertBest(line, best, k);
        } else {
          SelectBest(line, best, k);
        }
        if (indices != nullptr) {
          for (int64_t j = 0; j < k; ++j) indices[to + j * inner] = best[j].index;
        }
        if (values.data != nullptr) {
          DispatchSize(input.type, [&](auto tag) {
            using T = typename decltype(tag)::type;
            T* const out = static_cast<T*>(values.data) + to;
            const T* const in = reinterpret_cast<const T*>(line.data);
            for (int64_t j = 0; j < k; ++j) out[j * inner] = in[best[j].index * inner];
          });
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
