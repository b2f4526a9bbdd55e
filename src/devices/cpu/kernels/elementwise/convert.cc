// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/elementwise/convert.h"

#include <algorithm>
#include <cstring>

#include "devices/cpu/kernels/elementwise/convert_step.h"

namespace mullion::cpu {

namespace {

using Step = ConvertStep;

// What steps hand on lies in the level 1 cache, twice.
constexpr size_t kConvertTile = 512;

bool IsPackedInteger(ElementType type) {
  return IsSubByte(type) && type != ElementType::kFloat4E2M1;
}

bool IsSmallFloat(ElementType type) {
  return Contains(types::kFloat8, type) || type == ElementType::kFloat4E2M1;
}

// One type for all whose elements are the same bits when one is converted to the other.
ElementType BitsOf(ElementType type) {
  if (type == ElementType::kInt4) return ElementType::kUint4;
  if (type == ElementType::kInt2) return ElementType::kUint2;
  return UnsignedOf(type);
}

// The steps of a conversion from one type to another.
class ConvertPath {
 public:
  ConvertPath(ElementType from, ElementType to, const ConvertOptions& options)
      : bits_(ElementBits(from)), to_bits_(ElementBits(to)) {
    options_.saturate = options.saturate;
    options_.rounding = options.rounding;
    options_.format = SmallFloatFormatOf(to);
    if (from == ElementType::kFloat8E8M0 && to_bits_ > 8) {
      Add(Step::kScaleToF);
      FromReal(false, to);
    } else if (IsSmallFloat(from)) {
      FromCodes(from, to, options);
    } else {
      FromNumbers(from, to);
    }
    if (IsSubByte(to)) Add(to_bits_ == 4 ? Step::kPack4 : Step::kPack2);
  }

  void Run(const void* x, void* y, size_t count) const;

 private:
  void Add(Step step) { steps_[count_++] = step; }
  void FromCodes(ElementType from, ElementType to, const ConvertOptions& options);
  void FromNumbers(ElementType from, ElementType to);
  void FromReal(bool is_double, ElementType to);
  void FromInteger(ElementType from, ElementType to);
  void Resize(int bits, int to_bits, bool is_signed);
  void Finish(ElementType to);

  int bits_;
  int to_bits_;
  int count_ = 0;
  Step steps_[6];
  ConvertStepOptions options_;
  alignas(8) std::byte table_[256 * sizeof(double)];
};

// Floats of 8 and 4 bits are taken from a table of what all of them become; to packed types a byte
// each.
void ConvertPath::FromCodes(ElementType from, ElementType to, const ConvertOptions& options) {
  if (IsSubByte(from)) Add(Step::kUnpack4);
  const float* const values = SmallFloatValues(from);
  options_.table = values;
  if (to != ElementType::kFloat) {
    ConvertPath path(ElementType::kFloat, to, options);
    if (IsSubByte(to)) {
      --path.count_;
      path.to_bits_ = 8;
    }
    path.Run(values, table_, 256);
    options_.table = table_;
  }
  Add(to_bits_ <= 8    ? Step::kLookUp8
      : to_bits_ == 16 ? Step::kLookUp16
      : to_bits_ == 32 ? Step::kLookUp32
                       : Step::kLookUp64);
}

void ConvertPath::FromNumbers(ElementType from, ElementType to) {
  if (IsPackedInteger(from)) {
    Add(bits_ == 4 ? Step::kUnpack4 : Step::kUnpack2);
    options_.is_signed = BitsOf(from) != from;
    from = options_.is_signed ? ElementType::kInt8 : ElementType::kUint8;
  }
  if (from == ElementType::kFloat16) Add(Step::kFloat16ToF);
  if (from == ElementType::kBfloat16) Add(Step::kBfloat16ToF);
  if (Contains(types::kAllFloats, from)) {
    FromReal(from == ElementType::kDouble, to);
  } else {
    FromInteger(from, to);
  }
}

void ConvertPath::FromReal(bool is_double, ElementType to) {
  const auto add = [&](Step of_double, Step of_float) { Add(is_double ? of_double : of_float); };
  // Floating-point numbers round to even before their low bits are taken (ONNX, "4 bit integer
  // types").
  if (IsPackedInteger(to)) add(Step::kRoundD, Step::kRoundF);
  if (to == ElementType::kBool) return add(Step::kTestD, Step::kTestF);
  if (to == ElementType::kInt64) return add(Step::kDToI64, Step::kFToI64);
  if (to == ElementType::kUint64) return add(Step::kDToU64, Step::kFToU64);
  if (to == ElementType::kUint32) return add(Step::kDToU32, Step::kFToU32);
  if (IsInteger(to) || IsPackedInteger(to)) {
    add(Step::kDToI32, Step::kFToI32);
    return Resize(32, std::max(8, to_bits_), false);
  }
  if (is_double && to != ElementType::kDouble) {
    // What rounds to fewer places than a float does so once.
    Add(to == ElementType::kFloat ? Step::kDToF : Step::kDToOddF);
  } else if (!is_double && to == ElementType::kDouble) {
    Add(Step::kFToD);
  }
  Finish(to);
}

void ConvertPath::FromInteger(ElementType from, ElementType to) {
  const bool is_signed = Contains(types::kSigned, from);
  const int bits = ElementBits(from) < 8 ? 8 : ElementBits(from);
  if (to == ElementType::kBool) {
    return Add(bits == 8    ? Step::kTest8
               : bits == 16 ? Step::kTest16
               : bits == 32 ? Step::kTest32
                            : Step::kTest64);
  }
  if (IsInteger(to) || IsPackedInteger(to)) return Resize(bits, std::max(8, to_bits_), is_signed);
  if (bits == 8 && to != ElementType::kDouble) {
    Add(is_signed ? Step::kI8ToF : Step::kU8ToF);
    return Finish(to);
  }
  if (bits < 32) Resize(bits, 32, is_signed);
  if (to == ElementType::kFloat) {
    if (bits < 32 || is_signed) return Add(bits == 64 ? Step::kI64ToF : Step::kI32ToF);
    if (bits == 64) return Add(Step::kU64ToF);
  }
  if (bits < 32) {  // which floats hold
    Add(to == ElementType::kDouble ? Step::kI32ToD : Step::kI32ToF);
    return Finish(to);
  }
  if (bits == 32 && !Contains(types::kFloatDouble, to)) {
    Add(is_signed ? Step::kI32ToOddF : Step::kU32ToOddF);
    return Finish(to);
  }
  // Beyond 2^53 integers are rounded once more, 40 places below those that matter to halves.
  if (bits == 32) {
    Add(is_signed ? Step::kI32ToD : Step::kU32ToD);
  } else {
    Add(is_signed ? Step::kI64ToD : Step::kU64ToD);
  }
  FromReal(true, to);
}

// Integers of so many bits, 8 at least.
void ConvertPath::Resize(int bits, int to_bits, bool is_signed) {
  if (bits == 64 && to_bits < 64) {
    Add(Step::k64To32);
    bits = 32;
  } else if (bits < 32 && to_bits == 64) {
    Resize(bits, 32, is_signed);
    bits = 32;
  }
  if (bits == to_bits) return;
  if (bits == 32 && to_bits == 64) Add(is_signed ? Step::kI32To64 : Step::kU32To64);
  if (bits == 32 && to_bits == 16) Add(Step::k32To16);
  if (bits == 32 && to_bits == 8) Add(Step::k32To8);
  if (bits == 16 && to_bits == 32) Add(is_signed ? Step::kI16To32 : Step::kU16To32);
  if (bits == 16 && to_bits == 8) Add(Step::k16To8);
  if (bits == 8 && to_bits == 32) Add(is_signed ? Step::kI8To32 : Step::kU8To32);
  if (bits == 8 && to_bits == 16) Add(is_signed ? Step::kI8To16 : Step::kU8To16);
}

// From float to floats of fewer bits.
void ConvertPath::Finish(ElementType to) {
  if (to == ElementType::kFloat16) Add(Step::kFToFloat16);
  if (to == ElementType::kBfloat16) Add(Step::kFToBfloat16);
  if (to == ElementType::kFloat8E8M0) Add(Step::kFToScale);
  if (options_.format != nullptr) Add(Step::kFToSmall);
}

void ConvertPath::Run(const void* x, void* y, size_t count) const {
  alignas(64) std::byte tiles[2][kConvertTile * sizeof(double)];
  const auto bits = static_cast<size_t>(bits_);
  const auto to_bits = static_cast<size_t>(to_bits_);
  for (size_t begin = 0, n = 0; begin < count; begin += n) {
    // Whole blocks, and what is left with others behind it.
    n = (count - begin) & ~(kConvertBlock - 1);
    if (count_ > 1) n = std::min(n, kConvertTile);  // one step needs no tiles
    const bool is_rest = n == 0;
    if (is_rest) n = count - begin;
    const void* from = static_cast<const std::byte*>(x) + begin * bits / 8;
    void* const out = static_cast<std::byte*>(y) + begin * to_bits / 8;
    if (is_rest) {
      std::memset(tiles[0], 0, kConvertBlock * bits / 8);
      std::memcpy(tiles[0], from, (n * bits + 7) / 8);
      // Packed elements leave nothing behind them in their last byte.
      if (n * bits % 8 != 0) tiles[0][n * bits / 8] &= std::byte((1 << n * bits % 8) - 1);
      from = tiles[0];
    }
    for (int k = 0; k < count_; ++k) {
      void* const to = k + 1 == count_ && !is_rest ? out : tiles[(k + 1) % 2];
      RunConvertStep(steps_[k], from, to, is_rest ? kConvertBlock : n, options_);
      from = to;
    }
    if (is_rest) std::memcpy(out, from, (n * to_bits + 7) / 8);
  }
}

}  // namespace

void ConvertElements(ElementType from, const void* x, ElementType to, void* y, size_t count,
                     const ConvertOptions& options) {
  if (count == 0) return;  // of nothing there may be no address
  const bool same_bits = BitsOf(from) == BitsOf(to) ||
                         (from == ElementType::kBool && UnsignedOf(to) == ElementType::kUint8);
  if (same_bits) {
    if (x != y) std::memcpy(y, x, ByteSize(from, static_cast<int64_t>(count)));
    return;
  }
  ConvertPath(from, to, options).Run(x, y, count);
}

}  // namespace mullion::cpu
