// SPDX-License-Identifier: MIT
// com.microsoft's MultiHeadAttention as ai.onnx's Attention.
#include "base/str_cat.h"
#include "operators/expansion.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

enum Input { kQuery, kKey, kValue, kBias, kKeyMask, kScoreBias, kPastKey, kPastValue, kPastLength };

class MultiHeadAttention {
 public:
  explicit MultiHeadAttention(Node& node) : node_(node), expansion_(node) {}

  Status Write() {
    heads_ = node_.IntAttribute("num_heads", 0);
    MULLION_RETURN_IF_ERROR(Check());
    Value* query = node_.input(kQuery);
    Value* key = node_.input(kKey);
    Value* value = node_.input(kValue);
    if (Value* const bias = node_.input(kBias); bias != nullptr) AddBias(*bias, query, key, value);
    // Keys may come split into heads, [batch, heads, tokens, size]; then the query is split, too.
    const bool split = RankOf(key, 3) == 4;
    if (split) query = &SplitHeads(*query);
    Value* const mask = Mask(*key, split);
    const bool causal = node_.IntAttribute("unidirectional", 0) != 0;
    const float scale = node_.FloatAttribute("scale", 0);
    Value* const past_key = node_.input(kPastKey);
    Value* const past_value = node_.input(kPastValue);
    Value* const output = node_.output(0);
    if (split) node_.SetOutput(0, &node_.graph().AddValue(StrCat(output->name(), "_heads")));
    expansion_.Become("Attention", {query, key, value, mask, past_key, past_value});
    node_.set_opset(kAttentionOpset);
    if (!split) {
      node_.SetAttribute("q_num_heads", heads_);
      node_.SetAttribute("kv_num_heads", heads_);
    }
    if (causal) node_.SetAttribute("is_causal", int64_t{1});
    if (scale != 0) node_.SetAttribute("scale", scale);
    if (split) JoinHeads(*node_.output(0), *output);
    return OkStatus();
  }

 private:
  static constexpr int kAttentionOpset = 24;

  static int RankOf(const Value* value, int fallback) {
    return value == nullptr || !value->type.has_shape ? fallback : value->type.shape.rank();
  }

  Status Check() const {
    if (heads_ < 1) {
      return node_.Error(StatusCode::kInvalidModel, "attribute 'num_heads' must be 1 or more");
    }
    if (node_.input(kKey) == nullptr || node_.input(kValue) == nullptr ||
        node_.output(0) == nullptr || RankOf(node_.input(kQuery), 3) != 3) {
      return node_.Error(StatusCode::kUnsupported,
                         "packed keys and values are not supported; export the model with query, "
                         "key and value apart");
    }
    if (node_.input(kPastLength) != nullptr || node_.output(3) != nullptr) {
      return node_.Error(StatusCode::kUnsupported,
                         "a shared key-value buffer and an output of scores are not supported; "
                         "export the model without them");
    }
    return OkStatus();
  }

  // The bias of query, key and value in one row; that of the value may have another length.
  void AddBias(Value& bias, Value*& query, Value*& key, Value*& value) {
    Value& width = expansion_.Add("Unsqueeze", {&Dim(*query, 2), &expansion_.Ints({0})});
    Value& value_width = expansion_.Add("Unsqueeze", {&Dim(*value, 2), &expansion_.Ints({0})});
    Node& widths = expansion_.AddNode("Concat", {&width, &width, &value_width}, 1);
    widths.SetAttribute("axis", int64_t{0});
    Node& parts = expansion_.AddNode("Split", {&bias, widths.output(0)}, 3);
    query = &expansion_.Add("Add", {query, parts.output(0)});
    key = &expansion_.Add("Add", {key, parts.output(1)});
    value = &expansion_.Add("Add", {value, parts.output(2)});
  }

  Value& SplitHeads(Value& x) {
    Node& turned = expansion_.AddNode(
        "Transpose", {&expansion_.Add("Reshape", {&x, &expansion_.Ints({0, 0, heads_, -1})})}, 1);
    turned.SetAttribute("perm", std::vector<int64_t>{0, 2, 1, 3});
    return *turned.output(0);
  }

  // [batch, heads, tokens, size] to [batch, tokens, heads * size], behind the node.
  void JoinHeads(Value& split, Value& joined) {
    Graph& graph = node_.graph();
    const Node* const next = graph.Next(node_);
    Value* const inputs[] = {&split};
    Node& turned = graph.AddNode("", "Transpose", 21, inputs, 1, node_.origin.name, next);
    turned.origin = node_.origin;
    turned.SetAttribute("perm", std::vector<int64_t>{0, 2, 1, 3});
    Node& reshape = graph.AddBareNode("", "Reshape", 21, next);
    reshape.origin = node_.origin;
    reshape.AddInput(turned.output(0));
    reshape.AddInput(&expansion_.Ints({0, 0, -1}));
    reshape.SetOutput(0, &joined);
  }

  // What is added to the scores: the filter where keys do not count, and the given bias.
  Value* Mask(Value& key, bool split) {
    Value* const bias = node_.input(kScoreBias);
    if (node_.input(kKeyMask) == nullptr) return bias;
    Value& filter = expansion_.Float(node_.FloatAttribute("mask_filter_value", -10000.0f));
    Value& added = expansion_.Add("Where", {&Allowed(key, split), &expansion_.Float(0), &filter});
    if (bias == nullptr) return &added;
    return &expansion_.Add("Add", {&added, &expansion_.Cast(*bias, ElementType::kFloat)});
  }

  // A mask of rank 1 holds the number of keys per row of the batch, [batch, keys] and
  // [batch, queries, keys] a 1 for each key that counts.
  Value& Allowed(Value& key, bool split) {
    Value& mask = *node_.input(kKeyMask);
    const int rank = RankOf(&mask, 2);
    Value& numbers = expansion_.Cast(mask, rank == 1 ? ElementType::kInt64 : ElementType::kBool);
    if (rank == 3) return expansion_.Add("Unsqueeze", {&numbers, &expansion_.Ints({1})});
    if (rank == 2) return expansion_.Add("Unsqueeze", {&numbers, &expansion_.Ints({1, 2})});
    Value& column = expansion_.Add("Unsqueeze", {&numbers, &expansion_.Ints({1, 2, 3})});
    Value* keys = &Dim(key, split ? 2 : 1);
    if (Value* const past = node_.input(kPastKey); past != nullptr) {
      keys = &expansion_.Add("Add", {keys, &Dim(*past, 2)});
    }
    Value& positions = expansion_.Add("Range", {&expansion_.Int(0), keys, &expansion_.Int(1)});
    return expansion_.Add("Less", {&positions, &column});
  }

  Value& Dim(Value& x, int64_t axis) {
    return expansion_.Add("Gather", {&expansion_.Add("Shape", {&x}), &expansion_.Int(axis)});
  }

  Node& node_;
  Expansion expansion_;
  int64_t heads_ = 0;
};

Status UpgradeMultiHeadAttention(Node& node) { return MultiHeadAttention(node).Write(); }

}  // namespace

void RegisterContribMultiHeadAttention(OperatorRegistry& registry) {
  registry.Add({.name = "MultiHeadAttention",
                .domain = "com.microsoft",
                .inputs = {1, 10},
                .outputs = {1, 4},
                .upgrade = UpgradeMultiHeadAttention});
}

}  // namespace mullion::operators
