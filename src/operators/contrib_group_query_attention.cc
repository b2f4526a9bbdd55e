// SPDX-License-Identifier: MIT
// com.microsoft's GroupQueryAttention: query, key and value are taken apart and turned by
// RotaryEmbedding of ai.onnx; the rest is the internal operator of the same name.
#include "base/str_cat.h"
#include "operators/expansion.h"
#include "operators/group_query_attention.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

// Inputs as a model gives them; the first seven are those of the internal operator.
enum ContribInput {
  kCosines = group_query::kTotal + 1,
  kSines,
  kPositions,
  kContribBias,
  kContribSinks,
};

class ContribGroupQuery {
 public:
  explicit ContribGroupQuery(Node& node) : node_(node), expansion_(node) {}

  Status Write() {
    heads_ = node_.IntAttribute("num_heads", 0);
    key_heads_ = node_.IntAttribute("kv_num_heads", 0);
    MULLION_RETURN_IF_ERROR(Check());
    query_ = node_.input(group_query::kQuery);
    key_ = node_.input(group_query::kKey);
    value_ = node_.input(group_query::kValue);
    if (key_ == nullptr) Unpack();
    if (node_.IntAttribute("do_rotary", 0) != 0) {
      MULLION_RETURN_IF_ERROR(Rotate(*query_, heads_, query_));
      MULLION_RETURN_IF_ERROR(Rotate(*key_, key_heads_, key_));
    }
    Value* const bias = node_.input(kContribBias);
    Value* const sinks = node_.input(kContribSinks);
    node_.ResizeInputs(group_query::kInputs);
    node_.SetInput(group_query::kQuery, query_);
    node_.SetInput(group_query::kKey, key_);
    node_.SetInput(group_query::kValue, value_);
    node_.SetInput(group_query::kScoreBias, bias);
    node_.SetInput(group_query::kSinks, sinks);
    node_.SetOperator(kInternalDomain, "GroupQueryAttention", 1);
    return OkStatus();
  }

 private:
  Status Check() const {
    if (heads_ < 1 || key_heads_ < 1 || heads_ % key_heads_ != 0) {
      return node_.Error(StatusCode::kInvalidModel,
                         StrCat("attributes 'num_heads' and 'kv_num_heads' are ", heads_, " and ",
                                key_heads_, "; the second must divide the first"));
    }
    const bool quantized = node_.StringAttribute("k_quant_type", "NONE") != "NONE" ||
                           node_.StringAttribute("v_quant_type", "NONE") != "NONE";
    const bool other_keys =
        node_.IntAttribute("causal", 1) == 0 || node_.IntAttribute("sliding_window_cache", 0) != 0;
    if (quantized || other_keys || node_.output(3) != nullptr ||
        node_.input_count() > kContribSinks + 1) {
      return node_.Error(
          StatusCode::kUnsupported,
          "quantized caches, caches of a sliding window only, keys after the query "
          "and an output of scores are not supported; export the model without them");
    }
    return OkStatus();
  }

  // Query, key and value in one tensor.
  void Unpack() {
    Value& heads = expansion_.Int(heads_ + 2 * key_heads_);
    Value& size = expansion_.Add("Div", {&expansion_.Dim(*query_, 2), &heads});
    Value& sizes =
        expansion_.Add("Mul", {&expansion_.Ints({heads_, key_heads_, key_heads_}), &size});
    Node& split = expansion_.AddNode("Split", {query_, &sizes}, 3);
    split.SetAttribute("axis", int64_t{-1});
    query_ = split.output(0);
    key_ = split.output(1);
    value_ = split.output(2);
  }

  Status Rotate(Value& x, int64_t heads, Value*& rotated) {
    Value* const cosines = node_.input(kCosines);
    if (cosines == nullptr || node_.input(kSines) == nullptr || !cosines->type.has_shape ||
        cosines->type.shape.rank() != 2 || cosines->type.shape[1] < 0) {
      return node_.Error(StatusCode::kUnsupported,
                         "rotary embedding needs tables of known size in inputs 7 and 8");
    }
    Value* const given = node_.input(kPositions);
    Node& rotary = expansion_.AddNode(
        "RotaryEmbedding",
        {&x, cosines, node_.input(kSines), given != nullptr ? given : &Positions()}, 1);
    rotary.set_opset(23);
    rotary.SetAttribute("num_heads", heads);
    rotary.SetAttribute("rotary_embedding_dim", 2 * cosines->type.shape[1]);
    rotary.SetAttribute("interleaved", node_.IntAttribute("rotary_interleaved", 0));
    rotated = rotary.output(0);
    return OkStatus();
  }

  // Those of the new tokens behind the keys that each row has in its cache.
  Value& Positions() {
    if (positions_ != nullptr) return *positions_;
    Value& lengths = expansion_.Cast(*node_.input(group_query::kLengths), ElementType::kInt64);
    Value& tokens = expansion_.Dim(*query_, 1);
    Value& ends = expansion_.Add("Add", {&lengths, &expansion_.Int(1)});
    Value& column = expansion_.Add("Reshape", {&ends, &expansion_.Ints({-1, 1})});
    Value& begins =
        expansion_.Add("Max", {&expansion_.Add("Sub", {&column, &tokens}), &expansion_.Int(0)});
    Value& steps = expansion_.Add("Range", {&expansion_.Int(0), &tokens, &expansion_.Int(1)});
    positions_ = &expansion_.Add("Add", {&begins, &steps});
    return *positions_;
  }

  Node& node_;
  Expansion expansion_;
  int64_t heads_ = 0;
  int64_t key_heads_ = 0;
  Value* query_ = nullptr;
  Value* key_ = nullptr;
  Value* value_ = nullptr;
  Value* positions_ = nullptr;  // int64 [batch, tokens]
};

Status UpgradeGroupQueryAttention(Node& node) { return ContribGroupQuery(node).Write(); }

}  // namespace

void RegisterContribGroupQueryAttention(OperatorRegistry& registry) {
  registry.Add({.name = "GroupQueryAttention",
                .domain = "com.microsoft",
                .inputs = {7, 14},
                .outputs = {1, 4},
                .optional = 0b11110,
                .upgrade = UpgradeGroupQueryAttention});
}

}  // namespace mullion::operators
