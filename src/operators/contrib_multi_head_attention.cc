// SPDX-License-Identifier: MIT
// com.microsoft's MultiHeadAttention as ai.onnx's Attention, or, where the past lies in caches that
// have room for more, as the internal GroupQueryAttention; and DecoderMaskedMultiHeadAttention as
// MultiHeadAttention.
#include <iterator>

#include "base/str_cat.h"
#include "operators/expansion.h"
#include "operators/group_query_attention.h"
#include "operators/key_mask.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

enum MultiHeadInput {
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
    // Without a past the length says nothing.
    if (past_key != nullptr && node_.input(kPastLength) != nullptr) {
      ReadCaches(*query, *key, *value, mask);
      return OkStatus();
    }
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
    if (node_.output(3) != nullptr) node_.SetAttribute("qk_matmul_output_mode", kMaskedScores);
    if (split) JoinHeads(*node_.output(0), *output);
    return OkStatus();
  }

 private:
  static constexpr int kAttentionOpset = 24;
  static constexpr int64_t kMaskedScores = 2;  // scores before softmax

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
    return KeyMask::Check(node_, node_.input(kKeyMask), 3);
  }

  // All rows of the caches are as long as input kPastLength says.
  void ReadCaches(Value& query, Value& key, Value& value, Value* mask) {
    Value& past = expansion_.Cast(*node_.input(kPastLength), ElementType::kInt64);
    Value& rows = expansion_.Add("Reshape", {&past, &expansion_.Ints({1})});
    Value& total = expansion_.Add("Add", {&rows, &expansion_.DimList(query, 1)});
    Value& last =
        expansion_.Cast(expansion_.Add("Sub", {&total, &expansion_.Int(1)}), ElementType::kInt32);
    Value& lengths = expansion_.Add("Expand", {&last, &expansion_.DimList(query, 0)});
    Value* const caches[] = {node_.input(kPastKey), node_.input(kPastValue)};
    Value* const origins = node_.input(kIndirection);
    const bool scores = node_.output(3) != nullptr;
    node_.ResizeInputs(0);
    for (Value* const input :
         {&query, &key, &value, caches[0], caches[1], &lengths,
          scores ? &expansion_.Cast(total, ElementType::kInt32) : nullptr, mask}) {
      node_.AddInput(input);
    }
    node_.ResizeInputs(group_query::kInputs);
    node_.SetInput(group_query::kOrigins, origins);
    node_.SetAttribute("kv_num_heads", heads_);
    node_.SetAttribute("causal", node_.IntAttribute("unidirectional", 0));
    node_.SetAttribute("qk_output", int64_t{scores});
    node_.SetOperator(kInternalDomain, "GroupQueryAttention", 1);
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

// Inputs query, key, value, mask, bias of scores, past keys and values, their number, that of beams
// (which the indirection has, too), indirection, bias.
Status UpgradeDecoderMaskedAttention(Node& node) {
  constexpr int kPlaces[] = {0, 1, 2, 10, 3, 4, 5, 6, 7, 9};
  Value* inputs[std::size(kPlaces)];
  for (size_t i = 0; i < std::size(kPlaces); ++i) inputs[i] = node.input(kPlaces[i]);
  node.ResizeInputs(static_cast<int>(std::size(kPlaces)));
  for (size_t i = 0; i < std::size(kPlaces); ++i) node.SetInput(static_cast<int>(i), inputs[i]);
  node.SetOperator("com.microsoft", "MultiHeadAttention", 1);
  return OkStatus();
}

}  // namespace

void RegisterContribMultiHeadAttention(OperatorRegistry& registry) {
  registry.Add({.name = "MultiHeadAttention",
                .domain = "com.microsoft",
                .inputs = {1, 10},
                .outputs = {1, 4},
                .upgrade = UpgradeMultiHeadAttention});
  registry.Add({.name = "DecoderMaskedMultiHeadAttention",
                .domain = "com.microsoft",
                .inputs = {1, 11},
                .outputs = {1, 4},
                .upgrade = UpgradeDecoderMaskedAttention});
}

}  // namespace mullion::operators
