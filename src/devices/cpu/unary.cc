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

// The bits of infinity: a number with more of them, the sign aside, is NaN.
int64_t InfinityBits(ElementType type) {
  switch (type) {
    case ElementType::kFloat16:
      return 0x7c00;
    case ElementType::kBfloat16:
      return 0x7f80;
    default:
      return 0x7f800000;
  }
}

// IsNaN and IsInf, by the elements' bits; float8 is widened to float.
class Test final : public FlatKernel {
 public:
  explicit Test(const Node& node)
      : FlatKernel(node.input(0)->type.element_type, ElementType::kBool, 32768),
        type_(node.input(0)->type.element_type),
        nan_(node.operator_name() == "IsNaN"),
        positive_(node.IntAttribute("detect_positive", 1) != 0),
        negative_(node.IntAttribute("detect_negative", 1) != 0) {}

 private:
  template <typename Bits>
  void TestRow(const void* x, bool* y, size_t count) const {
    constexpr Bits kMost = std::numeric_limits<Bits>::max();  // all but the sign
    const auto* const bits = static_cast<const Bits*>(x);
    const auto infinity = static_cast<Bits>(InfinityBits(type_));
    if (nan_) {
      for (size_t i = 0; i < count; ++i) y[i] = (bits[i] & kMost) > infinity;
      return;
    }
    // What is looked for is one pattern. When it is nothing, no element has it without its sign.
    const Bits mask = positive_ == negative_ ? kMost : Bits{-1};
    const Bits pattern = positive_   ? infinity
                         : negative_ ? static_cast<Bits>(infinity | ~kMost)
                                     : Bits{-1};
    for (size_t i = 0; i < count; ++i) y[i] = (bits[i] & mask) == pattern;
  }

  // As TestRow: compilers do not make vectors of that for elements of 64 bits.
  void TestDoubles(const int64_t* bits, bool* y, size_t count) const {
    constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
    constexpr int64_t kInfinity = 0x7ff0000000000000;
    if (nan_) {
      return CompareMaskedBits(CompareOp::kLess, kMost, {&kInfinity, 0}, {bits, 1}, y, count);
    }
    if (!positive_ && !negative_) {
      std::fill_n(y, count, false);
      return;
    }
    const int64_t pattern = positive_ ? kInfinity : kInfinity | ~kMost;
    CompareMaskedBits(CompareOp::kEqual, positive_ && negative_ ? kMost : -1, {bits, 1},
                      {&pattern, 0}, y, count);
  }

  void Compute(const void* x, void* y, size_t count) const override {
    auto* const to = static_cast<bool*>(y);
    switch (ElementBits(type_)) {
      case 16:
        return TestRow<int16_t>(x, to, count);
      case 32:
        return TestRow<int32_t>(x, to, count);
      case 64:
        return TestDoubles(static_cast<const int64_t*>(x), to, count);
      default:
        break;
    }
    constexpr size_t kTile = 512;
    float tile[kTile];
    for (size_t begin = 0; begin < count; begin += kTile) {
      const size_t n = std::min(kTile, count - begin);
      ConvertElements(type_, static_cast<const std::byte*>(x) + begin, ElementType::kFloat, tile,
                      n);
      TestRow<int32_t>(tile, to + begin, n);
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
