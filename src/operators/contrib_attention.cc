// SPDX-License-Identifier: MIT
// com.microsoft's Attention and QAttention: one projection for query, key and value, heads, past
// and present keys, padding and causal masks; written out as matrix products.
#include <cmath>

#include "operators/expansion.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

class Attention {
 public:
  // QAttention has its product's scales and zero points among the inputs, and no bias of scores.
  explicit Attention(Node& node)
      : node_(node),
        expansion_(node),
        quantized_(node.operator_name() == "QAttention"),
        mask_(node.input(quantized_ ? 5 : 3)),
        past_(node.input(quantized_ ? 8 : 4)),
        score_bias_(quantized_ ? nullptr : node.input(5)) {}

  Status Write() {
    heads_ = node_.IntAttribute("num_heads", 0);
    filter_ = node_.FloatAttribute("mask_filter_value", -10000.0f);
    MULLION_RETURN_IF_ERROR(Check());
    Value& projected = Project();
    Node& parts = expansion_.AddNode("Split", {&projected}, 3);
    parts.SetAttribute("axis", int64_t{-1});
    SetSizes(parts);
    Value& query = SplitHeads(*parts.output(0));
    Value* key = &SplitHeads(*parts.output(1));
    Value* value = &SplitHeads(*parts.output(2));
    if (past_ != nullptr) {
      key = &WithPast(*past_, 0, *key);
      value = &WithPast(*past_, 1, *value);
    }
    GivePresent(*key, *value);
    Value& scores = Masked(Scores(query, *key), query, *key);
    Value& weights = Along("Softmax", {&scores}, -1);
    Value& mixed = expansion_.Add("MatMul", {&weights, value});
    Value& turned = Turned(mixed, {0, 2, 1, 3});
    expansion_.Become("Reshape", {&turned, &expansion_.Ints({0, 0, -1})});
    return OkStatus();
  }

 private:
  Status Check() const {
    if (heads_ < 1) {
      return node_.Error(StatusCode::kInvalidModel, "attribute 'num_heads' must be 1 or more");
    }
    const int rank = mask_ == nullptr || !mask_->type.has_shape ? 2 : mask_->type.shape.rank();
    if ((!quantized_ && node_.input(6) != nullptr) || node_.IntAttribute("do_rotary", 0) != 0 ||
        rank > 3) {
      return node_.Error(StatusCode::kUnsupported,
                         "a shared key-value buffer, rotary embedding and masks of rank 4 are not "
                         "supported; export the model without them");
    }
    return OkStatus();
  }

  Value& Project() {
    if (quantized_) {
      // MatMulIntegerToFloat: A, B, scales of both, zero points of both, bias.
      Node& product =
          expansion_.AddNode("MatMulIntegerToFloat",
                             {node_.input(0), node_.input(1), node_.input(3), node_.input(4),
                              node_.input(6), node_.input(7), node_.input(2)},
                             1);
      product.SetOperator("com.microsoft", "MatMulIntegerToFloat", 1);
      return *product.output(0);
    }
    Value& product = expansion_.Add("MatMul", {node_.input(0), node_.input(1)});
    return node_.input(2) == nullptr ? product : expansion_.Add("Add", {&product, node_.input(2)});
  }

  // Without qkv_hidden_sizes the three parts are equal.
  void SetSizes(Node& split) {
    const auto sizes = node_.IntsAttribute("qkv_hidden_sizes");
    if (sizes.size() == 3) {
      split.AddInput(&expansion_.Ints({sizes[0], sizes[1], sizes[2]}));
    } else {
      split.SetAttribute("num_outputs", int64_t{3});
    }
  }

  // [batch, tokens, hidden] to [batch, heads, tokens, size].
  Value& SplitHeads(Value& x) {
    return Turned(expansion_.Add("Reshape", {&x, &expansion_.Ints({0, 0, heads_, -1})}),
                  {0, 2, 1, 3});
  }

  Value& Turned(Value& x, std::vector<int64_t> perm) {
    Node& transpose = expansion_.AddNode("Transpose", {&x}, 1);
    transpose.SetAttribute("perm", std::move(perm));
    return *transpose.output(0);
  }

  Value& Along(std::string_view name, std::initializer_list<Value*> inputs, int64_t axis) {
    Node& node = expansion_.AddNode(name, inputs, 1);
    node.SetAttribute("axis", axis);
    return *node.output(0);
  }

  // past is [2, batch, heads, past tokens, size]: keys, then values.
  Value& WithPast(Value& past, int64_t which, Value& now) {
    Value& before = Along("Gather", {&past, &expansion_.Int(which)}, 0);
    return Along("Concat", {&before, &now}, 2);
  }

  void GivePresent(Value& key, Value& value) {
    Value* const present = node_.output(1);
    if (present == nullptr) return;
    Value& keys = expansion_.Add("Unsqueeze", {&key, &expansion_.Ints({0})});
    Value& values = expansion_.Add("Unsqueeze", {&value, &expansion_.Ints({0})});
    node_.SetOutput(1, nullptr);
    Node& concat = expansion_.AddNode("Concat", {&keys, &values}, 0);
    concat.SetAttribute("axis", int64_t{0});
    concat.SetOutput(0, present);
  }

  // Scaled by 1 / sqrt(size of a head), which the shapes tell, unless `scale` says otherwise.
  Value& Scores(Value& query, Value& key) {
    Value& product = expansion_.Add("MatMul", {&query, &Turned(key, {0, 1, 3, 2})});
    if (const float scale = node_.FloatAttribute("scale", 0); scale != 0) {
      return expansion_.Add("Mul", {&product, &expansion_.Float(scale)});
    }
    Value& size = expansion_.Add("Cast", {&Dim(query, 3)});
    size.producer()->SetAttribute("to", static_cast<int64_t>(ElementType::kFloat));
    return expansion_.Add("Div", {&product, &expansion_.Add("Sqrt", {&size})});
  }

  // The size of one axis as a scalar.
  Value& Dim(Value& x, int64_t axis) {
    return expansion_.Add("Gather", {&expansion_.Add("Shape", {&x}), &expansion_.Int(axis)});
  }

  Value& Masked(Value& scores, Value& query, Value& key) {
    Value* masked = &scores;
    Value& total = Dim(key, 2);
    if (mask_ != nullptr) {
      masked = &expansion_.Add(
          "Where", {&Allowed(*mask_, total), masked, &expansion_.Add("Add", {masked, &Filter()})});
    }
    if (node_.IntAttribute("unidirectional", 0) != 0) {
      masked = &expansion_.Add("Where", {&Causal(query, total), masked, &Filter()});
    }
    if (score_bias_ != nullptr) masked = &expansion_.Add("Add", {masked, score_bias_});
    return *masked;
  }

  Value& Filter() { return expansion_.Float(filter_); }

  // Which keys may be seen. A mask of rank 1 holds the number of keys per row of the batch, one of
  // rank 2 or 3 a 1 for each key that counts.
  Value& Allowed(Value& mask, Value& total) {
    const int rank = mask.type.has_shape ? mask.type.shape.rank() : 2;
    if (rank == 1) {
      Value& lengths = expansion_.Add("Cast", {&mask});
      lengths.producer()->SetAttribute("to", static_cast<int64_t>(ElementType::kInt64));
      Value& column = expansion_.Add("Unsqueeze", {&lengths, &expansion_.Ints({1, 2, 3})});
      return expansion_.Add("Less", {&Positions(expansion_.Int(0), total), &column});
    }
    Value& ones = expansion_.Add("Cast", {&mask});
    ones.producer()->SetAttribute("to", static_cast<int64_t>(ElementType::kBool));
    Value& axes = rank == 2 ? expansion_.Ints({1, 2}) : expansion_.Ints({1});
    return expansion_.Add("Unsqueeze", {&ones, &axes});
  }

  Value& Positions(Value& first, Value& end) {
    return expansion_.Add("Range", {&first, &end, &expansion_.Int(1)});
  }

  // Query i stands at position total - queries + i and sees no key behind it.
  Value& Causal(Value& query, Value& total) {
    Value& first = expansion_.Add("Sub", {&total, &Dim(query, 2)});
    Value& rows = expansion_.Add("Unsqueeze", {&Positions(first, total), &expansion_.Ints({1})});
    return expansion_.Add("LessOrEqual", {&Positions(expansion_.Int(0), total), &rows});
  }

  Node& node_;
  Expansion expansion_;
  bool quantized_;
  Value* mask_;
  Value* past_;
  Value* score_bias_;
  int64_t heads_ = 0;
  float filter_ = 0;
};

Status UpgradeAttention(Node& node) { return Attention(node).Write(); }

}  // namespace

void RegisterContribAttention(OperatorRegistry& registry) {
  registry.Add({.name = "Attention",
                .domain = "com.microsoft",
                .inputs = {2, 7},
                .outputs = {1, 2},
                .upgrade = UpgradeAttention});
  registry.Add({.name = "QAttention",
                .domain = "com.microsoft",
                .inputs = {5, 9},
                .outputs = {1, 2},
                .upgrade = UpgradeAttention});
}

}  // namespace mullion::operators
