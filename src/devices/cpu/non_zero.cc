// SPDX-License-Identifier: MIT
// NonZero and Compress.
#include <algorithm>
#include <string>
#include <vector>

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

template <typename T>
int64_t CountNonZero(const T* data, int64_t count, T mask) {
  int64_t found = 0;
  for (int64_t i = 0; i < count; ++i) found += (data[i] & mask) != 0;
  return found;
}

// Coordinates of element `index` go to column `column` of `out`, whose rows are `columns` long.
void PutCoordinates(const Shape& shape, int64_t index, int64_t* out, int64_t columns,
                    int64_t column) {
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    out[axis * columns + column] = index % shape[axis];
    index /= shape[axis];
  }
}

// Walks line by line along the last axis, so that only hits cost a division for the outer ones.
template <typename T>
void PutNonZero(const Shape& shape, const T* data, T mask, int64_t* out, int64_t columns) {
  const int64_t line = shape.Back(0);
  const int64_t count = shape.ElementCount();
  int64_t column = 0;
  for (int64_t first = 0; first < count; first += line) {
    for (int64_t i = 0; i < line; ++i) {
      if ((data[first + i] & mask) != 0) PutCoordinates(shape, first + i, out, columns, column++);
    }
  }
}

class NonZero final : public Executable {
 public:
  explicit NonZero(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    Status status;
    if (input.type == ElementType::kString) return RunOfStrings(context, input);
    DispatchSize(input.type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      status = RunOf<T>(context, input);
    });
    return status;
  }

 private:
  // Empty strings are zero, as in NumPy.
  static Status RunOfStrings(RunContext& context, const TensorView& input) {
    std::vector<uint8_t> filled;
    for (const std::string& text : input.span<std::string>()) filled.push_back(!text.empty());
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

class Compress final : public Executable {
 public:
  explicit Compress(const Node& node)
      : flat_(!node.HasAttribute("axis")), axis_(node.IntAttribute("axis", 0)) {}

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const bool* const keep = context.Input(1).as<bool>();
    Shape shape = flat_ ? Shape{input.count()} : input.shape;
    const std::optional<int> axis = NormalizeAxis(axis_, shape.rank());
    if (!axis.has_value()) return context.Error("attribute 'axis' is outside the input's rank");
    const int64_t dim = shape[*axis];
    // A condition may be shorter than the axis, not longer.
    const int64_t length = context.Input(1).count();
    const int64_t kept = std::count(keep, keep + length, true);
    if (std::find(keep + std::min(length, dim), keep + length, true) != keep + length) {
      return context.Error("input 'condition' chooses an element after the end of the axis");
    }
    const int64_t outer = shape.Product(0, *axis);
    const int64_t inner = shape.Product(*axis + 1, shape.rank());
    shape[*axis] = kept;
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
    int64_t to = 0;
    for (int64_t i = 0; i < outer; ++i) {
      for (int64_t j = 0; j < std::min(length, dim); ++j) {
        if (!keep[j]) continue;
        CopyRow(input.type, input.data, (i * dim + j) * inner, output.data, to, inner);
        to += inner;
      }
    }
    return OkStatus();
  }

 private:
  bool flat_;
  int64_t axis_;
};

constexpr ElementTypeSet kCountable = types::kNumeric | types::kBool | types::kString;

}  // namespace

void RegisterNonZero(KernelRegistry& registry) {
  registry.Add({.name = "NonZero", .types = kCountable, .make = MakeKernel<NonZero>});
  registry.Add({.name = "Compress", .make = MakeKernel<Compress>});
}

}  // namespace mullion::cpu
