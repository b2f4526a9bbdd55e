// SPDX-License-Identifier: MIT
// com.microsoft's GatherBlockQuantized, written out: parts of a table of small numbers with a scale
// for each block along one of its axes.
#include <algorithm>

#include "base/packed.h"
#include "base/str_cat.h"
#include "operators/expansion.h"
#include "operators/registry.h"
#include "operators/spread_bytes.h"

namespace mullion::operators {

namespace {

// Along the axis of blocks, before anything of that size is made.
constexpr int64_t kMostNumbers = int64_t{1} << 24;

enum Input { kTable, kIndices, kTableScales, kTableZeros };

// Tables of words are large: rows are looked up first, and only those become floats. Where blocks
// lie along another axis, or rows have no bytes of their own, the whole table does.
class GatherBlocks {
 public:
  explicit GatherBlocks(Node& node) : node_(node), expansion_(node) {}

  Status Write() {
    MULLION_RETURN_IF_ERROR(Read());
    MULLION_RETURN_IF_ERROR(CheckSizes());
    if (!by_rows_) {
      WriteWhole();
      return OkStatus();
    }
    MULLION_ASSIGN_OR_RETURN(Value * numbers, Numbers(kTable, width_));
    Value* zeros = nullptr;
    if (node_.input(kTableZeros) != nullptr) {
      MULLION_ASSIGN_OR_RETURN(zeros, Numbers(kTableZeros, blocks_));
      zeros = &OfEach(*zeros);
    } else if (in_bytes_ || sign_) {
      // Numbers in bytes count from the middle of their range, as those with a sign do here.
      zeros = &expansion_.Float(static_cast<float>(int64_t{1} << (bits_ - 1)));
    }
    if (whole_blocks()) numbers = &Shaped(*numbers, {blocks_, block_});
    if (zeros != nullptr) numbers = &expansion_.Add("Sub", {numbers, zeros});
    Value& scales = expansion_.Cast(OfEach(Rows(*node_.input(kTableScales))), ElementType::kFloat);
    Value* scaled = &expansion_.Add("Mul", {numbers, &scales});
    if (whole_blocks()) scaled = &Shaped(*scaled, {width_});
    expansion_.Become("CastLike", {scaled, node_.input(kTableScales)});
    return OkStatus();
  }

 private:
  Status Refuse(StatusCode code, int i, const char* why) const {
    return node_.Error(code, StrCat("input ", i, " is ", node_.input(i)->type.ToString(), ", with ",
                                    bits_, " bits and blocks of ", block_, ": ", why));
  }

  Status Read() {
    const Value& table = *node_.input(kTable);
    const ElementType type = table.type.element_type;
    in_bytes_ = type == ElementType::kUint8;
    sign_ = type == ElementType::kInt4;
    is_float_ = Contains(types::kFloat8, type) || type == ElementType::kFloat4E2M1;
    bits_ = in_bytes_ ? node_.IntAttribute("bits", 4) : Contains(types::kFloat8, type) ? 8 : 4;
    const bool known = bits_ == 8 || bits_ == 4 || (in_bytes_ && bits_ == 2);
    if (!known || !(in_bytes_ || sign_ || is_float_ || type == ElementType::kUint4)) {
      return Refuse(StatusCode::kUnsupported, kTable,
                    "bytes that hold numbers of 2, 4 or 8 bits, 4-bit numbers and floats of 4 or 8 "
                    "bits are supported");
    }
    if (!table.type.has_shape || !table.type.shape.IsConcrete() || table.type.shape.rank() < 1) {
      return Refuse(StatusCode::kUnsupported, kTable, "its shape must be known");
    }
    table_ = table.type.shape;
    const std::optional<int> gather =
        NormalizeAxis(node_.IntAttribute("gather_axis", 0), table_.rank());
    const std::optional<int> quantize =
        NormalizeAxis(node_.IntAttribute("quantize_axis", 1), table_.rank());
    block_ = node_.IntAttribute("block_size", 128);
    if (!gather.has_value() || !quantize.has_value() || block_ < (is_float_ ? 0 : 1) ||
        table_[*quantize] > kMostNumbers) {
      return Refuse(StatusCode::kInvalidModel, kTable,
                    "attribute 'gather_axis', 'quantize_axis' or 'block_size' does not fit");
    }
    gather_ = *gather;
    quantize_ = *quantize;
    width_ = table_[quantize_] * (in_bytes_ ? 8 / bits_ : 1);
    if (block_ == 0) block_ = std::max<int64_t>(width_, 1);
    blocks_ = width_ / block_ + (width_ % block_ != 0 ? 1 : 0);
    by_rows_ =
        gather_ == 0 && quantize_ == table_.rank() - 1 && quantize_ > 0 && width_ > 0 &&
        (bits_ == 8 || in_bytes_ || (!is_float_ && IsConstant(kTable) && IsConstant(kTableZeros)));
    if (in_bytes_ && !by_rows_ && width_ > 0) {
      return Refuse(StatusCode::kInvalidModel, kTable,
                    "bytes can only be looked up along axis 0, with blocks along the last axis");
    }
    return OkStatus();
  }

  bool IsConstant(int i) const { return node_.input(i) == nullptr || node_.input(i)->IsConstant(); }

  // Scales and zero points belong to one block each; those of floats may be repeated along the
  // other axes.
  Status CheckSizes() const {
    for (const int i : {kTableScales, kTableZeros}) {
      const Value* const value = node_.input(i);
      if (value == nullptr || !value->type.has_shape) continue;
      Shape wanted = table_;
      wanted[quantize_] = i == kTableZeros && in_bytes_ ? (blocks_ * bits_ + 7) / 8 : blocks_;
      const Shape& given = value->type.shape;
      bool fits = given.rank() == wanted.rank() && !(is_float_ && i == kTableZeros) &&
                  (i == kTableScales || value->type.element_type == TableType());
      for (int axis = 0; fits && axis < given.rank(); ++axis) {
        const bool repeats = is_float_ && axis != quantize_ && given[axis] == 1;
        fits = given[axis] < 0 || given[axis] == wanted[axis] || repeats;
      }
      if (fits) continue;
      return Refuse(StatusCode::kInvalidModel, i, "it does not fit input 0");
    }
    return OkStatus();
  }

  ElementType TableType() const { return node_.input(kTable)->type.element_type; }
  bool whole_blocks() const { return width_ % block_ == 0; }

  void WriteWhole() {
    Value* scales = node_.input(kTableScales);
    if (is_float_) {
      Shape all = table_;
      all[quantize_] = blocks_;
      const std::vector<int64_t> sizes(all.begin(), all.end());
      scales = &expansion_.Add("Expand", {scales, &expansion_.Ints(sizes)});
    }
    Value& table =
        expansion_.Add("DequantizeLinear", {node_.input(kTable), scales, node_.input(kTableZeros)});
    table.producer()->SetAttribute("axis", int64_t{quantize_});
    table.producer()->SetAttribute("block_size", block_);
    expansion_.Become("Gather", {&table, node_.input(kIndices)});
    node_.SetAttribute("axis", int64_t{gather_});
  }

  // Rows of input i as floats, which hold `columns` numbers.
  Result<Value*> Numbers(int i, int64_t columns) {
    Value* numbers = node_.input(i);
    if (bits_ < 8 && !in_bytes_) {
      MULLION_ASSIGN_OR_RETURN(Tensor bytes, Bytes(numbers->constant, columns));
      numbers = &node_.graph().AddConstant(numbers->name(), std::move(bytes));
    }
    numbers = &Rows(*numbers);
    if (bits_ < 8) {
      // A row of an odd count ends within a byte.
      const int64_t per_byte = 8 / bits_;
      const int64_t padded = (columns + per_byte - 1) / per_byte * per_byte;
      numbers = &Shaped(SpreadBytes(expansion_, node_.graph(), *numbers, bits_), {padded});
      if (padded != columns) {
        numbers = &expansion_.Add("Slice", {numbers, &expansion_.Ints({0}),
                                            &expansion_.Ints({columns}), &expansion_.Ints({-1})});
      }
    }
    if (sign_) {  // two's complement of 4 bits, counted from -8
      numbers = &expansion_.Add(
          "BitwiseXor", {numbers, &node_.graph().AddConstant("sign", Tensor::Scalar(uint8_t{8}))});
    }
    return &expansion_.Cast(*numbers, ElementType::kFloat);
  }

  // 4-bit numbers in bytes of their own for each row.
  static Result<Tensor> Bytes(const Tensor& packed, int64_t columns) {
    const int64_t row_bytes = (columns + 1) / 2;
    Shape shape = packed.shape();
    shape[shape.rank() - 1] = row_bytes;
    MULLION_ASSIGN_OR_RETURN(Tensor bytes, Tensor::Allocate(ElementType::kUint8, shape));
    auto* const to = static_cast<uint8_t*>(bytes.mutable_data());
    const auto* const from = static_cast<const uint8_t*>(packed.data());
    if (columns % 2 == 0) {
      std::copy_n(from, bytes.count(), to);
      return bytes;
    }
    std::fill_n(to, bytes.count(), uint8_t{0});
    const int64_t rows = bytes.count() / row_bytes;
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t column = 0; column < columns; ++column) {
        SetPackedBits<4>(to + row * row_bytes, column, PackedBits<4>(from, row * columns + column));
      }
    }
    return bytes;
  }

  // What is the same for all rows stays as it is.
  Value& Rows(Value& table) {
    const TypeInfo& type = table.type;
    if (is_float_ && type.has_shape && type.shape[0] == 1 && table_[0] != 1) return table;
    return expansion_.Add("Gather", {&table, node_.input(kIndices)});
  }

  // What is given for blocks, for the numbers of each.
  Value& OfEach(Value& blocks) {
    if (whole_blocks()) return expansion_.Add("Unsqueeze", {&blocks, &expansion_.Ints({-1})});
    std::vector<int64_t> places;
    for (int64_t i = 0; i < width_; ++i) places.push_back(i / block_);
    Value& each = expansion_.Add("Gather", {&blocks, &expansion_.Ints(places)});
    each.producer()->SetAttribute("axis", int64_t{-1});
    return each;
  }

  // The shape of rows that were looked up, with other axes at its end.
  Value& Shaped(Value& x, std::initializer_list<int64_t> last) {
    std::vector<int64_t> sizes(table_.begin() + 1, table_.end() - 1);
    sizes.insert(sizes.end(), last);
    Node& shape = expansion_.AddNode(
        "Concat", {&expansion_.Add("Shape", {node_.input(kIndices)}), &expansion_.Ints(sizes)}, 1);
    shape.SetAttribute("axis", int64_t{0});
    return expansion_.Add("Reshape", {&x, shape.output(0)});
  }

  Node& node_;
  Expansion expansion_;
  Shape table_;
  bool in_bytes_ = false;  // numbers of `bits_` along the last axis of a table of bytes
  bool sign_ = false;
  bool is_float_ = false;
  bool by_rows_ = false;
  int gather_ = 0;
  int quantize_ = 0;
  int64_t block_ = 0;
  int64_t bits_ = 4;
  int64_t width_ = 0;   // numbers along the axis of blocks
  int64_t blocks_ = 0;  // along it
};

Status UpgradeGatherBlockQuantized(Node& node) { return GatherBlocks(node).Write(); }

}  // namespace

void RegisterContribBlockQuantized(OperatorRegistry& registry) {
  registry.Add({.name = "GatherBlockQuantized",
                .domain = "com.microsoft",
                .inputs = {3, 4},
                .upgrade = UpgradeGatherBlockQuantized});
}

}  // namespace mullion::operators
