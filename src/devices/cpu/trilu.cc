// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <string>

#include "devices/cpu/kernels/elementwise/triangle.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/rows.h"

namespace mullion::cpu {

namespace {

// Rows of up to so many bytes are masked, which takes less than the calls that copy and clear parts
// of them.
constexpr int64_t kMaskedRow = 512;

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
    const int64_t bytes = width * size;
    const auto* const from = static_cast<const uint8_t*>(input.data);
    auto* const to = static_cast<uint8_t*>(output.data);
    const int64_t first = k + (upper_ ? 0 : 1);  // where the diagonal is in row 0
    uint8_t mask[2 * kMaskedRow];
    if (bytes <= kMaskedRow) {
      std::memset(mask, upper_ ? 0 : 0xff, static_cast<size_t>(bytes));
      std::memset(mask + bytes, upper_ ? 0xff : 0, static_cast<size_t>(bytes));
    }
    const int64_t rows = input.count() / width;
    context.parallel().For(rows, RowsPerChunk(bytes), [&](int64_t begin, int64_t end, int) {
      for (int64_t row = begin; row < end;) {
        const int64_t at = row % height;
        const int64_t count = std::min(height - at, end - row);  // of one matrix
        if (bytes <= kMaskedRow) {
          MaskTriangle(from + row * bytes, to + row * bytes, count, bytes, (at + first) * size,
                       size, mask);
        } else {
          for (int64_t i = 0; i < count; ++i) {
            const int64_t diagonal = std::clamp<int64_t>(at + i + first, 0, width) * size;
            KeepRow(from + (row + i) * bytes, to + (row + i) * bytes, bytes, diagonal);
          }
        }
        row += count;
      }
    });
    return OkStatus();
  }

 private:
  void KeepRow(const uint8_t* from, uint8_t* to, int64_t bytes, int64_t diagonal) const {
    const int64_t kept = upper_ ? diagonal : 0;
    const auto count = static_cast<size_t>(upper_ ? bytes - diagonal : diagonal);
    std::memset(to + (upper_ ? 0 : diagonal), 0, static_cast<size_t>(bytes) - count);
    if (to != from) std::memcpy(to + kept, from + kept, count);
  }

  void KeepStrings(const TensorView& input, int64_t k, std::string* to) const {
    const auto* const from = input.as<std::string>();
    const int64_t height = input.shape.Back(1), width = input.shape.Back(0);
    for (int64_t i = 0; i < input.count(); ++i) {
      const int64_t beyond = i % width - i / width % height - k;  // the diagonal
      if (upper_ ? beyond < 0 : beyond > 0) {
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
