// SPDX-License-Identifier: MIT
// com.microsoft's GatherBlockQuantized, written out: rows of a table of 4 or 8 bits with a scale
// for each block of a row.
#include <algorithm>

#include "base/packed.h"
#include "base/str_cat.h"
#include "operators/expansion.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status Unsupported(const Node& node, const std::string& text) {
  return node.Error(StatusCode::kUnsupported, text);
}

// Rows are looked up first, and only those become floats: tables of words are large.
class GatherBlocks {
 public:
  explicit GatherBlocks(Node& node) : node_(node), expansion_(node) {}

  Status Write() {
    MULLION_RETURN_IF_ERROR(Read());
    Value& numbers = Numbers(Rows(0, packed_), width_);
    Value& scales = Rows(*node_.input(2));
    Value* shifted = nullptr;
    if (node_.input(3) != nullptr) {
      shifted = &expansion_.Add(
          "Sub", {&Blocked(numbers), &Column(Numbers(Rows(3, zeros_), width_ / block_))});
    } else {
      // Unsigned numbers count from the middle of their range when packed into bytes.
      const int64_t middle = in_bytes_ ? int64_t{1} << (bits_ - 1) : 0;
      shifted = &expansion_.Add("Sub",
                                {&Blocked(numbers), &expansion_.Float(static_cast<float>(middle))});
    }
    Value& column = Column(scales);
    Value& scaled = expansion_.Add("Mul", {shifted, &expansion_.Cast(column, ElementType::kFloat)});
    Value& flat = Shaped(scaled, {width_});
    expansion_.Become("CastLike", {&flat, node_.input(2)});
    return OkStatus();
  }

 private:
  Status Read() {
    block_ = node_.IntAttribute("block_size", 128);
    const Value* const data = node_.input(0);
    const TypeInfo& indices = node_.input(1)->type;
    const bool plain = data->IsConstant() && data->constant.shape().rank() == 2 &&
                       node_.IntAttribute("gather_axis", 0) == 0 &&
                       (node_.IntAttribute("quantize_axis", 1) == 1 ||
                        node_.IntAttribute("quantize_axis", 1) == -1) &&
                       indices.has_shape && block_ >= 1;
    if (!plain) {
      return Unsupported(node_,
                         "only rows of a constant matrix with blocks along its rows are supported, "
                         "with indices of known rank");
    }
    const ElementType type = data->constant.type();
    in_bytes_ = type == ElementType::kUint8;
    sign_ = type == ElementType::kInt4;
    bits_ = in_bytes_ ? node_.IntAttribute("bits", 4) : 4;
    const bool known = (in_bytes_ && (bits_ == 4 || bits_ == 8)) || type == ElementType::kUint4 ||
                       type == ElementType::kInt4;
    width_ = data->constant.shape()[1] * (in_bytes_ && bits_ == 4 ? 2 : 1);
    if (!known || width_ % block_ != 0) {
      return Unsupported(node_,
                         StrCat("input 0 is ", data->type.ToString(), " with blocks of ", block_,
                                "; numbers of 4 or 8 bits in whole blocks are "
                                "supported"));
    }
    MULLION_ASSIGN_OR_RETURN(packed_, Bytes(0, width_));
    if (node_.input(3) != nullptr) {
      MULLION_ASSIGN_OR_RETURN(zeros_, Bytes(3, width_ / block_));
    }
    return OkStatus();
  }

  // Constant i as a matrix of bytes whose rows hold `columns` numbers, two a byte for 4 bits.
  Result<Tensor> Bytes(int i, int64_t columns) const {
    const Value* const value = node_.input(i);
    if (!value->IsConstant() || value->constant.shape().rank() != 2 ||
        value->constant.type() != node_.input(0)->constant.type()) {
      return Unsupported(node_, StrCat("input ", i, " must be a constant matrix as input 0"));
    }
    const Tensor& constant = value->constant;
    if (in_bytes_) return constant;
    const int64_t rows = constant.shape()[0];
    if (constant.shape()[1] != columns) {
      return node_.Error(StatusCode::kInvalidModel,
                         StrCat("input ", i, " is ", Describe(constant.view()), " but must have ",
                                columns, " columns"));
    }
    // A row may begin in the middle of a byte.
    const int64_t row_bytes = (columns + 1) / 2;
    MULLION_ASSIGN_OR_RETURN(Tensor bytes,
                             Tensor::Allocate(ElementType::kUint8, {rows, row_bytes}));
    auto* const to = static_cast<uint8_t*>(bytes.mutable_data());
    std::fill_n(to, rows * row_bytes, uint8_t{0});
    const auto* const from = static_cast<const uint8_t*>(constant.data());
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t column = 0; column < columns; ++column) {
        SetPackedBits<4>(to + row * row_bytes, column, PackedBits<4>(from, row * columns + column));
      }
    }
    return bytes;
  }

  Value& Rows(int i, const Tensor& table) {
    return Rows(node_.graph().AddConstant(node_.input(i)->name(), table));
  }
  Value& Rows(Value& table) { return expansion_.Add("Gather", {&table, node_.input(1)}); }

  // [..., count] floats of [..., bytes].
  Value& Numbers(Value& bytes, int64_t count) {
    Value* numbers = &bytes;
    if (bits_ == 4) {
      const auto byte = [&](uint8_t value) {
        return &node_.graph().AddConstant("byte", Tensor::Scalar(value));
      };
      Value& low = expansion_.Add("BitwiseAnd", {&bytes, byte(15)});
      Value& high = expansion_.Add("BitShift", {&bytes, byte(4)});
      high.producer()->SetAttribute("direction", std::string("RIGHT"));
      Node& pair = expansion_.AddNode("Concat", {&Column(low), &Column(high)}, 1);
      pair.SetAttribute("axis", int64_t{-1});
      // Rows of an odd count end with half a byte.
      const int64_t whole = (count + 1) / 2 * 2;
      numbers = &Shaped(*pair.output(0), {whole});
      if (whole != count) {
        numbers = &expansion_.Add("Slice", {numbers, &expansion_.Ints({0}),
                                            &expansion_.Ints({count}), &expansion_.Ints({-1})});
      }
      if (sign_) {  // two's complement of 4 bits, counted from -8
        numbers = &expansion_.Add("BitwiseXor", {numbers, byte(8)});
      }
    }
    Value& floats = expansion_.Cast(*numbers, ElementType::kFloat);
    return sign_ ? expansion_.Add("Sub", {&floats, &expansion_.Float(8)}) : floats;
  }

  Value& Column(Value& x) { return expansion_.Add("Unsqueeze", {&x, &expansion_.Ints({-1})}); }

  // The shape of the indices with more axes behind it.
  Value& Shaped(Value& x, std::initializer_list<int64_t> sizes) {
    Node& shape = expansion_.AddNode(
        "Concat", {&expansion_.Add("Shape", {node_.input(1)}), &expansion_.Ints(sizes)}, 1);
    shape.SetAttribute("axis", int64_t{0});
    return expansion_.Add("Reshape", {&x, shape.output(0)});
  }
  Value& Blocked(Value& x) { return Shaped(x, {width_ / block_, block_}); }

  Node& node_;
  Expansion expansion_;
  int64_t block_ = 0;
  int64_t bits_ = 4;
  int64_t width_ = 0;  // numbers of a row
  bool in_bytes_ = false;
  bool sign_ = false;
  Tensor packed_;
  Tensor zeros_;
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
