// SPDX-License-Identifier: MIT
#include "operators/quantize_linear.h"

#include <algorithm>

#include "base/packed.h"
#include "base/small_float.h"
#include "devices/cpu/kernels/elementwise/convert.h"
#include "devices/cpu/kernels/elementwise/quantize.h"
#include "devices/cpu/quantization.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

// Elements per task, and per pass over a buffer on the stack. Both even, so that packed elements
// begin at whole bytes.
constexpr int64_t kChunk = 32 * 1024;
constexpr int64_t kPiece = 1024;

struct Range {
  float low = 0;
  float high = 0;
  bool is_integer = true;
};

Range RangeOf(ElementType type) {
  switch (type) {
    case ElementType::kUint8:
      return {0, 255};
    case ElementType::kInt8:
      return {-128, 127};
    case ElementType::kUint16:
      return {0, 65535};
    case ElementType::kInt16:
      return {-32768, 32767};
    case ElementType::kUint4:
      return {0, 15};
    case ElementType::kInt4:
      return {-8, 7};
    case ElementType::kUint2:
      return {0, 3};
    case ElementType::kInt2:
      return {-2, 1};
    default:
      return {0, 0, false};
  }
}

const void* At(const TensorView& view, int64_t i) {
  return view.as<uint8_t>() + i * ElementBits(view.type) / 8;
}
void* At(const MutableTensorView& view, int64_t i) {
  return view.as<uint8_t>() + i * ElementBits(view.type) / 8;
}

bool IsPackedInteger(ElementType type) {
  return IsSubByte(type) && type != ElementType::kFloat4E2M1;
}

bool IsSigned(ElementType type) {
  return type == ElementType::kInt8 || type == ElementType::kInt4 || type == ElementType::kInt2;
}

bool IsByte(ElementType type) { return type == ElementType::kUint8 || type == ElementType::kInt8; }

// The division rounded to a 16-bit type, as `precision` of QuantizeLinear-23 says.
void DivideInHalf(float* x, int64_t count, const QuantizationSteps& steps, ElementType precision) {
  for (int64_t i = 0; i < count; ++i) {
    const float quotient = x[i] / steps.scale[steps.each ? i : 0];
    x[i] = precision == ElementType::kFloat16 ? static_cast<float>(Float16(quotient))
                                              : static_cast<float>(Bfloat16(quotient));
  }
}

class QuantizeLinear final : public Executable {
 public:
  explicit QuantizeLinear(const Node& node) : saturate_(node.IntAttribute("saturate", 1) != 0) {
    // QuantizeLinear-23: the division has the scale's precision unless the attribute says another.
    const auto precision = static_cast<ElementType>(node.IntAttribute("precision", 0));
    precision_ =
        precision == ElementType::kUndefined ? node.input(1)->type.element_type : precision;
  }

  Status Bind(BindContext& context) const override { return BindQuantization(context); }

  Status Run(RunContext& context) const override {
    const TensorView& x = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView y, context.AllocateOutput(0, x.shape));
    const QuantizationParameters parameters = WidenParameters(context);
    const operators::QuantizationGrid& grid = context.state<BoundQuantization>()->grid;
    const bool direct = x.type == ElementType::kFloat && IsByte(y.type) &&
                        !Contains(types::kHalfFloats, precision_);
    context.parallel().For(x.count(), kChunk, [&](int64_t begin, int64_t end, int) {
      if (direct) {
        ForEachQuantizedRow(grid, parameters, begin, end,
                            [&](int64_t i, int64_t n, const QuantizationSteps& s) {
                              QuantizeToBytes(x.as<float>() + i, IsSigned(y.type), At(y, i), n, s);
                            });
        return;
      }
      for (int64_t i = begin; i < end; i += kPiece) {
        Piece(x, y, grid, parameters, i, std::min(i + kPiece, end));
      }
    });
    return OkStatus();
  }

 private:
  // Any types, by way of float.
  void Piece(const TensorView& x, const MutableTensorView& y,
             const operators::QuantizationGrid& grid, const QuantizationParameters& parameters,
             int64_t begin, int64_t end) const {
    float buffer[kPiece];
    const auto count = static_cast<size_t>(end - begin);
    ConvertElements(x.type, At(x, begin), ElementType::kFloat, buffer, count);
    const Range range = RangeOf(y.type);
    ForEachQuantizedRow(grid, parameters, begin, end,
                        [&](int64_t i, int64_t n, QuantizationSteps steps) {
                          Row(buffer + (i - begin), n, steps, range);
                        });
    if (IsPackedInteger(y.type)) {
      // Whole numbers in range by now: low bits are what bytes have, too.
      uint8_t bytes[kPiece];
      ConvertElements(ElementType::kFloat, buffer, ElementType::kInt8, bytes, count);
      return PackElements(y.type, bytes, At(y, begin), end - begin);
    }
    ConvertElements(ElementType::kFloat, buffer, y.type, At(y, begin), count,
                    {.saturate = saturate_});
  }

  void Row(float* x, int64_t count, QuantizationSteps steps, const Range& range) const {
    if (Contains(types::kHalfFloats, precision_)) {
      DivideInHalf(x, count, steps, precision_);
      if (!range.is_integer) return;
      for (int64_t i = 0; i < count; ++i) {
        const float zero_point = steps.zero_point[steps.each ? i : 0];
        const float one = 1.0f;
        QuantizeFloats(x + i, 1, {&one, &zero_point, false}, range.low, range.high);
      }
      return;
    }
    if (range.is_integer) return QuantizeFloats(x, count, steps, range.low, range.high);
    // For 8- and 4-bit floating types the conversion rounds.
    for (int64_t i = 0; i < count; ++i) {
      const int64_t at = steps.each ? i : 0;
      x[i] = x[i] / steps.scale[at] + steps.zero_point[at];
    }
  }

  bool saturate_;
  ElementType precision_;
};

class DequantizeLinear final : public Executable {
 public:
  explicit DequantizeLinear(const Node& /*node*/) {}

  Status Bind(BindContext& context) const override { return BindQuantization(context); }

  Status Run(RunContext& context) const override {
    const TensorView& x = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView y, context.AllocateOutput(0, x.shape));
    const QuantizationParameters parameters = WidenParameters(context);
    const operators::QuantizationGrid& grid = context.state<BoundQuantization>()->grid;
    const bool direct = y.type == ElementType::kFloat && IsByte(x.type);
    context.parallel().For(x.count(), kChunk, [&](int64_t begin, int64_t end, int) {
      if (direct) {
        ForEachQuantizedRow(grid, parameters, begin, end,
                            [&](int64_t i, int64_t n, const QuantizationSteps& s) {
                              DequantizeBytes(At(x, i), IsSigned(x.type), y.as<float>() + i, n, s);
                            });
        return;
      }
      const int64_t piece = y.type == ElementType::kFloat ? kPieceInPlace : kPiece;
      for (int64_t i = begin; i < end; i += piece) {
        Piece(x, y, grid, parameters, i, std::min(i + piece, end));
      }
    });
    return OkStatus();
  }

 private:
  // Floats are made where they go: 16 KiB stay in the level 1 cache.
  static constexpr int64_t kPieceInPlace = 4096;

  static void Piece(const TensorView& x, const MutableTensorView& y,
                    const operators::QuantizationGrid& grid,
                    const QuantizationParameters& parameters, int64_t begin, int64_t end) {
    if (IsPackedInteger(x.type) && y.type == ElementType::kFloat) {
      uint8_t bytes[kPieceInPlace];
      UnpackElements(x.type, At(x, begin), bytes, end - begin);
      return ForEachQuantizedRow(
          grid, parameters, begin, end, [&](int64_t i, int64_t n, const QuantizationSteps& steps) {
            DequantizeBytes(bytes + (i - begin), IsSigned(x.type), y.as<float>() + i, n, steps);
          });
    }
    float buffer[kPiece];
    float* const floats = y.type == ElementType::kFloat ? y.as<float>() + begin : buffer;
    const auto count = static_cast<size_t>(end - begin);
    ConvertElements(x.type, At(x, begin), ElementType::kFloat, floats, count);
    ForEachQuantizedRow(grid, parameters, begin, end,
                        [&](int64_t i, int64_t n, const QuantizationSteps& steps) {
                          DequantizeFloats(floats + (i - begin), n, steps);
                        });
    if (floats == buffer) ConvertElements(ElementType::kFloat, buffer, y.type, At(y, begin), count);
  }
};

}  // namespace

void RegisterQuantizeLinear(KernelRegistry& registry) {
  registry.Add({.name = "QuantizeLinear",
                .since = 10,
                .types = types::kFloat | types::kHalfFloats | SetOf(ElementType::kInt32),
                .make = MakeKernel<QuantizeLinear>});
  registry.Add({.name = "DequantizeLinear", .since = 10, .make = MakeKernel<DequantizeLinear>});
}

}  // namespace mullion::cpu
