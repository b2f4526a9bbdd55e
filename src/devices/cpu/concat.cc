// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>

#include "base/tensor.h"
#include "devices/cpu/joined_inputs.h"
#include "devices/cpu/kernels/matrix/transpose_tile.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/strided_copy.h"

namespace mullion::cpu {

namespace {

// What is turned at once, half of a first-level cache, and the fewest rows that are worth it.
constexpr int64_t kJoinedTileBytes = 16 * 1024;
constexpr int64_t kFewestJoinedRows = 16;

// Bytes that each input gives to a row, where they all give 1, 2, 4, 8 or 16; else 0.
size_t EvenPartBytes(const RunContext& context, const JoinedInputs& joined) {
  const int64_t inputs = context.input_count();
  const ElementType type = context.Input(0).type;
  if (type == ElementType::kString || IsSubByte(type)) return 0;
  if (inputs < 2 || joined.row() % inputs != 0) return 0;
  const int64_t part = joined.row() / inputs;
  for (int i = 0; i < inputs; ++i) {
    const Shape& shape = context.Input(i).shape;
    if (shape.Product(joined.axis, shape.rank()) != part) return 0;
  }
  const size_t bytes = ByteSize(type, part);
  return bytes > 0 && bytes <= 16 && (bytes & (bytes - 1)) == 0 ? bytes : 0;
}

// Single elements side by side: a few rows of every input are brought together and turned.
void JoinElements(const RunContext& context, size_t element, int64_t rows, uint8_t* out) {
  const int64_t inputs = context.input_count();
  const int64_t tile = kJoinedTileBytes / (inputs * static_cast<int64_t>(element));
  const auto row_bytes = static_cast<ptrdiff_t>(element) * inputs;
  context.parallel().For((rows + tile - 1) / tile, 1, [&](int64_t begin, int64_t end, int) {
    alignas(kMemoryAlignment) uint8_t parts[kJoinedTileBytes];
    for (int64_t first = begin * tile; first < std::min(end * tile, rows); first += tile) {
      const auto count = static_cast<size_t>(std::min(tile, rows - first));
      const size_t bytes = count * element;
      for (int i = 0; i < inputs; ++i) {
        std::memcpy(parts + static_cast<size_t>(i) * bytes,
                    static_cast<const uint8_t*>(context.Input(i).data) +
                        static_cast<size_t>(first) * element,
                    bytes);
      }
      TransposeTile(element, parts, static_cast<ptrdiff_t>(bytes), out + first * row_bytes,
                    row_bytes, static_cast<size_t>(inputs), count);
    }
  });
}

class Concat final : public Executable {
 public:
  explicit Concat(const Node& node) : axis_(node.IntAttribute("axis", 0)) {}

  Status Bind(BindContext& context) const override {
    if (context.input_count() == 1) context.AllowInPlace(0, 0);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    MULLION_ASSIGN_OR_RETURN(const JoinedInputs joined, JoinInputs(context, axis_));
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, joined.shape));
    const size_t element = EvenPartBytes(context, joined);
    if (element != 0 && joined.rows() >= kFewestJoinedRows &&
        static_cast<int64_t>(element) * context.input_count() <=
            kJoinedTileBytes / kFewestJoinedRows) {
      JoinElements(context, element, joined.rows(), static_cast<uint8_t*>(output.data));
      return OkStatus();
    }
    const int64_t row = joined.row();
    int64_t offset = 0;
    for (int i = 0; i < context.input_count(); ++i) {
      const TensorView& input = context.Input(i);
      const int64_t part = input.shape.Product(joined.axis, joined.shape.rank());
      if (input.data != output.data) {
        StridedCopy copy(output.type);
        copy.AddAxis(joined.rows(), part, row);
        copy.AddAxis(part, 1, 1);
        copy.Run(input.data, 0, output.data, offset, context.parallel());
      }
      offset += part;
    }
    return OkStatus();
  }

 private:
  int64_t axis_;
};

}  // namespace

void RegisterConcat(KernelRegistry& registry) {
  registry.Add({.name = "Concat", .make = MakeKernel<Concat>});
}

}  // namespace mullion::cpu
