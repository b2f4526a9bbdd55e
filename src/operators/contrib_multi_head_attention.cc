// SPDX-License-Identifier: MIT
// com.microsoft's MultiHeadAttention as ai.onnx's Attention.
#include "base/str_cat.h"
#include "operators/expansion.h"
#include "operators/key_mask.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

enum Input {
  kQuery,
  kKey,
  kValue,
  kBias,
  kKeyMask,
  kScoreBias,
  kPastKey,
  kPastValue,
  kPastLength,
  kIndirection
};

class MultiHeadAttention {
 public:
  explicit MultiHeadAttention(Node& node) : node_(node), expansion_(node) {}

  Status Write() {
    heads_ = node_.IntAttribute("num_heads", 0);
    MULLION_RETURN_IF_ERROR(Check());
    Value* query = node_.input(kQuery);
    Value* key = node_.input(kKey);
    Value* value = node_.input(kValue);
    if (RankOf(query, 3) == 5) {
      Unpack(*query, {&query, &key, &value});
    } else if (value == nullptr) {
      Unpack(*key, {&key, &value});
    }
    if (Value* const bias = node_.input(kBias); bias != nullptr) AddBias(*bias, query, key, value);
    // Keys may come split into heads, [batch, heads, tokens, size]; then the query is split, too.
    const bool split = RankOf(key, 3) == 4;
    if (split) query = &SplitHeads(*query);
    const bool causal = node_.IntAttribute("unidirectional", 0) != 0;
    const float scale = node_.FloatAttribute("scale", 0);
    Value* const past_key = node_.input(kPastKey);
    Value* const past_value = node_.input(kPastValue);
    const KeyMask keys{
        node_.input(kKeyMask), node_.input(kScoreBias), key, split ? 2 : 1, past_key, 2};
    Value* const mask = keys.Added(expansion_, node_);
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
    const Value* const key = node_.input(kKey);
    const Value* const value = node_.input(kValue);
    // All in the query, keys with values in the key, or each in its own input.
    const int rank = RankOf(node_.input(kQuery), 3);
    const bool whole = rank == 5 ? key == nullptr && value == nullptr
                                 : rank == 3 && key != nullptr &&
                                       (value != nullptr) == (RankOf(key, value ? 3 : 5) != 5);
    if (!whole || node_.output(0) == nullptr) {
      return node_.Error(StatusCode::kInvalidModel,
                         "query, key and value must come apart, or packed in an input of rank 5");
    }
    if (node_.input(kPastLength) != nullptr || node_.input(kIndirection) != nullptr ||
        node_.output(3) != nullptr) {
      return node_.Error(StatusCode::kUnsupported,
                         "a shared key-value buffer and an output of scores are not supported; "
                         "export the model without them");
    }
    return KeyMask::Check(node_, node_.input(kKeyMask), 3);
  }

  // [batch, tokens, heads, parts, size] to as many of [batch, tokens, heads * size].
  void Unpack(Value& packed, std::initializer_list<Value**> parts) {
    const int count = static_cast<int>(parts.size());
    Node& split = expansion_.AddNode("Split", {&packed}, count);
    split.SetAttribute("axis", int64_t{3});
    split.SetAttribute("num_outputs", int64_t{count});
    int i = 0;
    for (Value** const part : parts) {
      *part = &expansion_.Add("Reshape", {split.output(i++), &expansion_.Ints({0, 0, -1})});
    }
  }

  // The bias of query, key and value in one row; that of the value may have another length.
  void AddBias(Value& bias, Value*& query, Value*& key, Value*& value) {
    Value& width = expansion_.DimList(*query, 2);
    Node& widths =
        expansion_.AddNode("Concat", {&width, &width, &expansion_.DimList(*value, 2)}, 1);
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
