// SPDX-License-Identifier: MIT
// Elements become integer keys that order as the elements do, so that one selection per key width
// serves all types: greatest key first, among equal ones the lower index.
#include <algorithm>
#include <limits>

#include "base/element_traits.h"
#include "base/str_cat.h"
#include "devices/cpu/order_key.h"
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

template <typename Key>
bool Before(const Candidate<Key>& a, const Candidate<Key>& b) {
  return a.key > b.key || (a.key == b.key && a.index < b.index);
}

// A heap of the best k is cheaper than a list of all while few elements enter it: for elements in
// random order about k ln(n / k).
bool UsesHeap(int64_t n, int64_t k) { return k <= n / 8; }
int64_t CandidateCount(int64_t n, int64_t k) { return UsesHeap(n, k) ? k : n; }

// The keys of `count` elements, `stride` apart, from the first one on.
template <typename T>
void WriteKeys(const void* first, int64_t stride, int64_t count, OrderKeyType<T>* keys) {
  const T* const x = static_cast<const T*>(first);
  for (int64_t i = 0; i < count; ++i) keys[i] = OrderKey(x[i * stride]);
}

// One line of `n` elements, `stride` apart.
template <typename Key>
struct Line {
  static constexpr int64_t kBlock = 64;

  const std::byte* data;
  size_t element_bytes;
  int64_t n;
  int64_t stride;
  Key flip;  // 0, or -1 to order the other way round
  void (*write_keys)(const void* first, int64_t stride, int64_t count, Key* keys);

  // The number of elements in the block that begins at element `first`; their keys go to `keys`.
  int64_t ReadBlock(int64_t first, Key* keys) const {
    const int64_t count = std::min(kBlock, n - first);
    write_keys(data + static_cast<size_t>(first * stride) * element_bytes, stride, count, keys);
    for (int64_t i = 0; i < count; ++i) keys[i] ^= flip;
    return count;
  }
};

template <typename Key>
void SelectByHeap(const Line<Key>& line, Candidate<Key>* best, int64_t k) {
  const auto end = best + k;
  int64_t taken = 0;
  Key keys[Line<Key>::kBlock];
  for (int64_t first = 0; first < line.n; first += Line<Key>::kBlock) {
    const int64_t count = line.ReadBlock(first, keys);
    int64_t i = 0;
    if (taken < k) {
      for (; i < count && taken < k; ++i) best[taken++] = {keys[i], static_cast<Key>(first + i)};
      if (taken < k) continue;
      std::make_heap(best, end, Before<Key>);  // the worst of the best is at the front
    }
    // Blocks that hold nothing better than the worst are passed over without a branch per element.
    Key greatest = std::numeric_limits<Key>::min();
    for (int64_t j = i; j < count; ++j) greatest = std::max(greatest, keys[j]);
    if (greatest <= best->key) continue;
    for (; i < count; ++i) {
      if (keys[i] <= best->key) continue;
      std::pop_heap(best, end, Before<Key>);
      best[k - 1] = {keys[i], static_cast<Key>(first + i)};
      std::push_heap(best, end, Before<Key>);
    }
  }
  std::sort_heap(best, end, Before<Key>);
}

template <typename Key>
void SelectFromAll(const Line<Key>& line, Candidate<Key>* all, int64_t k) {
  Key keys[Line<Key>::kBlock];
  for (int64_t first = 0; first < line.n; first += Line<Key>::kBlock) {
    const int64_t count = line.ReadBlock(first, keys);
    for (int64_t i = 0; i < count; ++i) all[first + i] = {keys[i], static_cast<Key>(first + i)};
  }
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
        if (UsesHeap(n, k)) {
          SelectByHeap(line, best, k);
        } else {
          SelectFromAll(line, best, k);
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
