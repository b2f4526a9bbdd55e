// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <string>

#include "devices/cpu/registry.h"
#include "devices/cpu/rows.h"

namespace mullion::cpu {

namespace {

// Row `row` of a matrix keeps the elements of columns [begin, end).
struct Kept {
  int64_t begin;
  int64_t end;
};

Kept KeptOf(bool upper, int64_t row, int64_t k, int64_t columns) {
  const int64_t diagonal = std::clamp<int64_t>(row + k + (upper ? 0 : 1), 0, columns);
  return upper ? Kept{diagonal, columns} : Kept{0, diagonal};
}

class Trilu final : public Executable {
 public:
  explicit Trilu(const Node& node) : upper_(node.IntAttribute("upper", 1) != 0) {}

  Status Bind(BindContext& context) const override {
    context.AllowInPlace(0, 0);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    int64_t k = 0;
    if (context.HasInput(1)) {
      if (context.Input(1).count() != 1) return context.Error("input 'k' must have one element");
      // Beyond 2^40 no matrix has a diagonal.
      constexpr int64_t kFar = int64_t{1} << 40;
      k = std::clamp(*context.Input(1).as<int64_t>(), -kFar, kFar);
    }
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, input.shape));
    if (output.count() == 0) return OkStatus();
    if (input.type == ElementType::kString) {
      KeepStrings(input, k, output.as<std::string>());
      return OkStatus();
    }
    const int64_t height = input.shape.Back(1);
    const int64_t width = input.shape.Back(0);
    const int64_t size = ElementBits(input.type) / 8;
    const int64_t rows = input.count() / width;
    const auto* const from = static_cast<const uint8_t*>(input.data);
    auto* const to = static_cast<uint8_t*>(output.data);
    context.parallel().For(rows, RowsPerChunk(width * size), [&](int64_t begin, int64_t end, int) {
      for (int64_t row = begin; row < end; ++row) {
        const Kept kept = KeptOf(upper_, row % height, k, width);
        const int64_t first = row * width;
        const auto at = [&](int64_t column) { return (first + column) * size; };
        const auto bytes = [&](int64_t columns) { return static_cast<size_t>(columns * size); };
        std::memset(to + at(0), 0, bytes(kept.begin));
        if (to != from) {
          std::memcpy(to + at(kept.begin), from + at(kept.begin), bytes(kept.end - kept.begin));
        }
        std::memset(to + at(kept.end), 0, bytes(width - kept.end));
      }
    });
    return OkStatus();
  }

 private:
  void KeepStrings(const TensorView& input, int64_t k, std::string* to) const {
    const auto* const from = input.as<std::string>();
    const int64_t height = input.shape.Back(1), width = input.shape.Back(0);
    for (int64_t i = 0; i < input.count(); ++i) {
      const Kept kept = KeptOf(upper_, i / width % height, k, width);
      if (i % width < kept.begin || i % width >= kept.end) {
        to[i].clear();
      } else if (to != from) {
        to[i] = from[i];
      }
    }
  }

  bool upper_;
};

}  // namespace

void RegisterTrilu(KernelRegistry& registry) {
  registry.Add(
      {.name = "Trilu", .types = types::kAll & ~types::kSubByte, .make = MakeKernel<Trilu>});
}

}  // namespace mullion::cpu
