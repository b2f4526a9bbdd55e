// SPDX-License-Identifier: MIT
// NonZero and Compress.
#include <algorithm>
#include <array>
#include <complex>
#include <string>
#include <vector>

#include "devices/cpu/complex_parts.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/rows.h"

namespace mullion::cpu {

namespace {

// The bits that tell zero from anything else: all but the sign of floating types, whose -0 is zero.
template <typename T>
T SignlessMask(ElementType type) {
  constexpr T kAll = static_cast<T>(~T{0});
  return IsFloatingPoint(type) ? static_cast<T>(kAll >> 1) : kAll;
}

// Elements that are looked at together: so few that even a byte can count them.
constexpr int64_t kNonZeroBlock = 128;

template <typename T>
int64_t CountNonZero(const T* data, int64_t count, T mask) {
  int64_t found = 0;
  for (int64_t first = 0; first < count; first += kNonZeroBlock) {
    const int64_t end = std::min(first + kNonZeroBlock, count);
    T some = 0;
    for (int64_t i = first; i < end; ++i) some = static_cast<T>(some + ((data[i] & mask) != 0));
    found += static_cast<int64_t>(some);
  }
  return found;
}

// Writes where in a line of `count` elements those stand that are not zero, and says how many there
// are: no more than `room`.
template <typename T>
int64_t PutPlaces(const T* line, int64_t count, T mask, int64_t* places, int64_t room) {
  int64_t found = 0;
  for (int64_t first = 0; first < count; first += kNonZeroBlock) {
    const int64_t end = std::min(first + kNonZeroBlock, count);
    if (room - found >= end - first) {
      // Without a branch for each: a place that is no hit is written over by the next.
      for (int64_t i = first; i < end; ++i) {
        places[found] = i;
        found += (line[i] & mask) != 0;
      }
    } else {
      for (int64_t i = first; i < end; ++i) {
        if ((line[i] & mask) != 0) places[found++] = i;
      }
    }
  }
  return found;
}

// `out` has a row of `columns` coordinates for each axis. Walks line by line along the last axis:
// the other coordinates are the same for a whole line.
template <typename T>
void PutNonZero(const Shape& shape, const T* data, T mask, int64_t* out, int64_t columns) {
  const int last = shape.rank() - 1;
  const int64_t line = shape[last];
  const int64_t count = shape.ElementCount();
  std::array<int64_t, kMaxRank> at{};
  int64_t column = 0;
  for (int64_t first = 0; first < count; first += line) {
    const int64_t found =
        PutPlaces(data + first, line, mask, out + last * columns + column, columns - column);
    for (int axis = 0; found > 0 && axis < last; ++axis) {
      std::fill_n(out + axis * columns + column, found, at[static_cast<size_t>(axis)]);
    }
    column += found;
    for (int axis = last - 1; axis >= 0; --axis) {
      int64_t& coordinate = at[static_cast<size_t>(axis)];
      if (++coordinate < shape[axis]) break;
      coordinate = 0;
    }
  }
}

class NonZero final : public Executable {
 public:
  explicit NonZero(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    Status status;
    if (DispatchType(UnusualTypes{}, input.type, [&](auto tag) {
          status = RunOfUnusual<typename decltype(tag)::type>(context, input);
        })) {
      return status;
    }
    DispatchSize(input.type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      status = RunOf<T>(context, input);
    });
    return status;
  }

 private:
  using UnusualTypes = TypeList<std::string, std::complex<float>, std::complex<double>>;

  // Empty strings are zero, as in NumPy.
  template <typename T>
  static Status RunOfUnusual(RunContext& context, const TensorView& input) {
    std::vector<uint8_t> filled;
    for (const T& element : input.span<T>()) filled.push_back(element != T());
    TensorView bytes = input;
    bytes.type = ElementType::kUint8;
    bytes.data = filled.data();
    return RunOf<uint8_t>(context, bytes);
  }

  template <typename T>
  static Status RunOf(RunContext& context, const TensorView& input) {
    const T mask = SignlessMask<T>(input.type);
    const int64_t found = CountNonZero(input.as<T>(), input.count(), mask);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, Shape{input.shape.rank(), found}));
    if (found > 0 && input.shape.rank() > 0) {
      PutNonZero(input.shape, input.as<T>(), mask, output.as<int64_t>(), found);
    }
    return OkStatus();
  }
};

// Places of the chosen elements among some conditions, as far as one block has them.
constexpr int64_t kConditionBlock = 1024;

int64_t FindChosen(const uint8_t* conditions, int64_t count, uint32_t* places) {
  int64_t chosen = 0;
  for (int64_t i = 0; i < count; ++i) {
    places[chosen] = static_cast<uint32_t>(i);
    chosen += conditions[i] != 0;
  }
  return chosen;
}

class Compress final : public Executable {
 public:
  explicit Compress(const Node& node)
      : flat_(!node.HasAttribute("axis")), axis_(node.IntAttribute("axis", 0)) {}

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const uint8_t* const keep = context.Input(1).as<uint8_t>();
    Shape shape = flat_ ? Shape{input.count()} : input.shape;
    const std::optional<int> axis = NormalizeAxis(axis_, shape.rank());
    if (!axis.has_value()) return context.Error("attribute 'axis' is outside the input's rank");
    const int64_t dim = shape[*axis];
    // A condition may be shorter than the axis, not longer.
    const int64_t length = std::min(context.Input(1).count(), dim);
    if (CountNonZero<uint8_t>(keep + length, context.Input(1).count() - length, 0xff) != 0) {
      return context.Error("input 'condition' chooses an element after the end of the axis");
    }
    const int64_t outer = shape.Product(0, *axis);
    const int64_t inner = shape.Product(*axis + 1, shape.rank());
    shape[*axis] = CountNonZero<uint8_t>(keep, length, 0xff);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
    if (output.count() == 0) return OkStatus();
    const int64_t row = dim * inner;
    const int64_t chosen_row = shape[*axis] * inner;
    const int64_t bits = ElementBits(input.type);
    const bool whole = bits >= 8 && input.type != ElementType::kString;
    const int64_t chunk = bits < 8 ? outer : RowsPerChunk(chosen_row * ((bits + 7) / 8));
    context.parallel().For(outer, chunk, [&](int64_t begin, int64_t end, int /*worker*/) {
      // Rows of one element's size move as one element.
      if (whole && DispatchBits(bits * inner, [&](auto tag) {
            using T = typename decltype(tag)::type;
            const T* const from = input.as<T>();
            T* const to = output.as<T>();
            ForChosen(keep, length,
                      [&](const uint32_t* places, int64_t count, int64_t first, int64_t written) {
                        for (int64_t i = begin; i < end; ++i) {
                          const T* const source = from + i * dim + first;
                          T* const target = to + i * shape[*axis] + written;
                          for (int64_t j = 0; j < count; ++j) target[j] = source[places[j]];
                        }
                      });
          })) {
        return;
      }
      const int64_t bytes = whole ? inner * bits / 8 : 0;
      const auto* const bytes_from = static_cast<const uint8_t*>(input.data);
      auto* const bytes_to = static_cast<uint8_t*>(output.data);
      ForChosen(keep, length,
                [&](const uint32_t* places, int64_t count, int64_t first, int64_t written) {
                  for (int64_t i = begin; i < end; ++i) {
                    for (int64_t j = 0, next = 0; whole && j < count; j = next) {
                      // Those that follow each other at once.
                      for (next = j + 1; next < count && places[next] == places[next - 1] + 1;)
                        ++next;
                      CopyBytes(bytes_from + (i * dim + first + places[j]) * bytes,
                                bytes_to + (i * shape[*axis] + written + j) * bytes,
                                static_cast<size_t>((next - j) * bytes));
                    }
                    for (int64_t j = 0; !whole && j < count; ++j) {
                      CopyRow(input.type, input.data, i * row + (first + places[j]) * inner,
                              output.data, i * chosen_row + (written + j) * inner, inner);
                    }
                  }
                });
    });
    return OkStatus();
  }

 private:
  // Calls `body(places, count, first, written)` for each block of conditions: those that hold stand
  // at `first` + places[j], and `written` hold before them.
  template <typename Body>
  static void ForChosen(const uint8_t* keep, int64_t length, const Body& body) {
    uint32_t places[kConditionBlock];
    int64_t written = 0;
    for (int64_t first = 0; first < length; first += kConditionBlock) {
      const int64_t count =
          FindChosen(keep + first, std::min(kConditionBlock, length - first), places);
      body(places, count, first, written);
      written += count;
    }
  }

  bool flat_;
  int64_t axis_;
};

constexpr ElementTypeSet kCountable =
    types::kNumeric | types::kBool | types::kString | kComplexTypes;

}  // namespace

void RegisterNonZero(KernelRegistry& registry) {
  registry.Add({.name = "NonZero", .types = kCountable, .make = MakeKernel<NonZero>});
  registry.Add({.name = "Compress", .make = MakeKernel<Compress>});
}

}  // namespace mullion::cpu
