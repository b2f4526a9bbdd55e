// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "base/element_traits.h"
#include "devices/cpu/flat_kernel.h"
#include "devices/cpu/kernels/elementwise/compare.h"
#include "devices/cpu/kernels/elementwise/convert.h"
#include "devices/cpu/kernels/elementwise/elements.h"
#include "devices/cpu/kernels/elementwise/flip_bits.h"
#include "devices/cpu/registry.h"
#include "operators/elementwise_op.h"

namespace mullion::cpu {

namespace {

using operators::ElementwiseOp;
using operators::ElementwiseStep;

// Elements that one thread takes at once: some ten microseconds of work.
int64_t ChunkOf(ElementwiseOp op) {
  if (op >= ElementwiseOp::kSin && op <= ElementwiseOp::kAtanh) return 2048;
  if (op >= ElementwiseOp::kExp && op <= ElementwiseOp::kSigmoid) return 16384;
  if (op >= ElementwiseOp::kElu && op <= ElementwiseOp::kSwish) return 16384;
  return 32768;
}

// The mathematical functions and activations.
class Unary final : public FlatKernel {
 public:
  explicit Unary(const Node& node) : Unary(node, *operators::ElementwiseStepOf(node)) {}

 private:
  Unary(const Node& node, const ElementwiseStep& step)
      : FlatKernel(node.input(0)->type.element_type, node.input(0)->type.element_type,
                   ChunkOf(step.op)),
        step_(step),
        type_(node.input(0)->type.element_type) {}

  void Compute(const void* x, void* y, size_t count) const override {
    UnaryElements(step_, type_, x, y, count);
  }

  ElementwiseStep step_;
  ElementType type_;
};

// Not and BitwiseNot: both flip bits, Not the lowest of each byte.
class Flip final : public FlatKernel {
 public:
  explicit Flip(const Node& node)
      : FlatKernel(node.input(0)->type.element_type, node.input(0)->type.element_type, 65536),
        bytes_(static_cast<size_t>(ElementBits(node.input(0)->type.element_type)) / 8),
        truth_(node.operator_name() == "Not") {}

 private:
  void Compute(const void* x, void* y, size_t count) const override {
    const auto* const from = static_cast<const uint8_t*>(x);
    auto* const to = static_cast<uint8_t*>(y);
    const size_t total = count * bytes_;
    FlipBits(from, to, total, truth_ ? 1 : 0xff);
  }

  size_t bytes_;
  bool truth_;
};

// The bits of infinity.
uint64_t InfinityBits(ElementType type) {
  switch (type) {
    case ElementType::kFloat16:
      return 0x7c00;
    case ElementType::kBfloat16:
      return 0x7f80;
    case ElementType::kDouble:
      return uint64_t{0x7ff} << 52;
    default:
      return 0x7f800000;
  }
}

// IsNaN and IsInf, by comparisons: NaN is not even equal to itself. float8 is widened to float.
class Test final : public FlatKernel {
 public:
  explicit Test(const Node& node)
      : FlatKernel(node.input(0)->type.element_type, ElementType::kBool, 32768),
        type_(node.input(0)->type.element_type),
        nan_(node.operator_name() == "IsNaN"),
        positive_(node.IntAttribute("detect_positive", 1) != 0),
        negative_(node.IntAttribute("detect_negative", 1) != 0) {}

 private:
  static constexpr size_t kTile = 2048;

  void TestTile(ElementType type, const void* x, bool* y, size_t count) const {
    auto* const truths = reinterpret_cast<uint8_t*>(y);
    if (nan_) {
      CompareElements(CompareOp::kEqual, type, {x, 1}, {x, 1}, y, count);
      FlipBits(truths, truths, count, 1);
      return;
    }
    if (!positive_ && !negative_) {
      std::fill_n(y, count, false);
      return;
    }
    uint64_t magnitudes[kTile];
    if (positive_ && negative_) {
      UnaryElements({ElementwiseOp::kAbs}, type, x, magnitudes, count);
      x = magnitudes;
    }
    uint64_t sought = InfinityBits(type);
    if (!positive_) sought |= uint64_t{1} << (ElementBits(type) - 1);
    CompareElements(CompareOp::kEqual, type, {x, 1}, {&sought, 0}, y, count);
  }

  void Compute(const void* x, void* y, size_t count) const override {
    const bool widen = ElementBits(type_) == 8;
    float tile[kTile];
    for (size_t begin = 0; begin < count; begin += kTile) {
      const size_t n = std::min(kTile, count - begin);
      const void* from = static_cast<const std::byte*>(x) + ByteSize(type_, begin);
      if (widen) {
        ConvertElements(type_, from, ElementType::kFloat, tile, n);
        from = tile;
      }
      TestTile(widen ? ElementType::kFloat : type_, from, static_cast<bool*>(y) + begin, n);
    }
  }

  ElementType type_;
  bool nan_;
  bool positive_;
  bool negative_;
};

struct Entry {
  std::string_view name;
  ElementTypeSet types = types::kAllFloats;
};

constexpr ElementTypeSet kSignedNumbers = types::kAllFloats | types::kSigned;

constexpr Entry kEntries[] = {
    {"Abs", types::kNumeric},
    {"Neg", kSignedNumbers},
    {"Sign", types::kNumeric},
    {"Erf", types::kNumeric},
    {"Relu", kSignedNumbers},
    {"Shrink", types::kNumeric},
    {"Ceil"},
    {"Floor"},
    {"Round"},
    {"Sqrt"},
    {"Reciprocal"},
    {"Exp"},
    {"Log"},
    {"Tanh"},
    {"Sigmoid"},
    {"Sin"},
    {"Cos"},
    {"Tan"},
    {"Asin"},
    {"Acos"},
    {"Atan"},
    {"Sinh"},
    {"Cosh"},
    {"Asinh"},
    {"Acosh"},
    {"Atanh"},
    {"LeakyRelu"},
    {"Elu"},
    {"Selu"},
    {"Celu"},
    {"Gelu"},
    {"HardSigmoid"},
    {"HardSwish"},
    {"Mish"},
    {"Softplus"},
    {"Softsign"},
    {"ThresholdedRelu"},
    {"Swish"},
};

}  // namespace

void RegisterUnary(KernelRegistry& registry) {
  for (const Entry& entry : kEntries) {
    registry.Add({.name = entry.name, .types = entry.types, .make = MakeKernel<Unary>});
  }
  registry.Add({.name = "Not", .types = types::kBool, .make = MakeKernel<Flip>});
  registry.Add({.name = "BitwiseNot", .types = types::kIntegers, .make = MakeKernel<Flip>});
  constexpr ElementTypeSet kMayBeNaN = types::kAllFloats | types::kFloat8;
  registry.Add({.name = "IsNaN", .types = kMayBeNaN, .make = MakeKernel<Test>});
  registry.Add({.name = "IsInf", .types = kMayBeNaN, .make = MakeKernel<Test>});
}

}  // namespace mullion::cpu
