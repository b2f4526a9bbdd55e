// SPDX-License-Identifier: MIT
// com.microsoft's GroupQueryAttention: query, key and value are taken apart, normalized by
// RMSNormalization and turned by RotaryEmbedding of ai.onnx; the rest is the internal operator of
// the same name.
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
  kContribKeyScale,
  kContribValueScale,
  kQueryNorm,
  kKeyNorm,
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
    if (node_.input(kQueryNorm) != nullptr) {
      query_ = &Normalized(*query_, heads_, node_.input(kQueryNorm));
      key_ = &Normalized(*key_, key_heads_, node_.input(kKeyNorm));
    }
    if (node_.IntAttribute("do_rotary", 0) != 0) {
      MULLION_RETURN_IF_ERROR(Rotate(*query_, heads_, query_));
      // Where all keys are in the caches they were turned before.
      const TypeInfo& key = key_->type;
      const bool none = key.has_shape && key.shape.rank() == 3 && key.shape[1] == 0;
      if (!none) MULLION_RETURN_IF_ERROR(Rotate(*key_, key_heads_, key_));
    }
    Value* const rest[] = {node_.input(kContribBias), node_.input(kContribSinks),
                           Scale(kContribKeyScale), Scale(kContribValueScale)};
    node_.ResizeInputs(group_query::kInputs);
    node_.SetInput(group_query::kQuery, query_);
    node_.SetInput(group_query::kKey, key_);
    node_.SetInput(group_query::kValue, value_);
    for (int i = 0; i < 4; ++i) node_.SetInput(group_query::kScoreBias + i, rest[i]);
    node_.SetInput(group_query::kOrigins, nullptr);
    node_.SetOperator(kInternalDomain, "GroupQueryAttention", 1);
    return OkStatus();
  }

 private:
  Status Check() const {
    if (heads_ < 1 || key_heads_ < 1 || heads_ % key_heads_ != 0) {
      return node_.Error(StatusCode::kInvalidModel,
                         "attributes 'num_heads' and 'kv_num_heads' are ", heads_, " and ",
                         key_heads_, "; the second must divide the first");
    }
    const auto wrong = [&](std::string_view text) {
      return node_.Error(StatusCode::kInvalidModel, text);
    };
    bool whole[2];  // keys and values are quantized in the caches
    for (const int i : {0, 1}) {
      const std::string_view kind =
          node_.StringAttribute(i == 0 ? "k_quant_type" : "v_quant_type", "NONE");
      whole[i] = kind != "NONE";
      if (whole[i] && kind != "PER_TENSOR" && kind != "PER_CHANNEL") {
        return wrong(
            "attributes 'k_quant_type' and 'v_quant_type' must be NONE, PER_TENSOR or PER_CHANNEL");
      }
    }
    if (whole[0] != whole[1]) {
      return wrong(
          "attributes 'k_quant_type' and 'v_quant_type' must be NONE both or neither, as both "
          "caches are of one type");
    }
    const int64_t bits = node_.IntAttribute("kv_cache_bit_width", 0);
    if (!whole[0] ? bits != 0 : bits != 4 && bits != 8) {
      return wrong(StrCat("attribute 'kv_cache_bit_width' is ", bits,
                          " but must be 4 or 8 with caches that are quantized, else 0"));
    }
    const int64_t scores = node_.IntAttribute("qk_output", 0);
    if (scores < 0 || scores > 2 || (scores == 0 && node_.output(3) != nullptr)) {
      return wrong("attribute 'qk_output' must be 1 or 2 with an output of scores, else 0");
    }
    const bool window = node_.IntAttribute("local_window_size", -1) > 0;
    if (node_.IntAttribute("causal", 1) == 0 && window) {
      return wrong("attribute 'local_window_size' needs 'causal' to be 1");
    }
    if (node_.IntAttribute("sliding_window_cache", 0) != 0 && !window) {
      return wrong("attribute 'sliding_window_cache' needs a 'local_window_size'");
    }
    if ((node_.input(kQueryNorm) == nullptr) == (node_.input(kKeyNorm) == nullptr)) {
      return OkStatus();
    }
    return wrong("inputs 14 and 15, weights of norms, must be given both or neither");
  }

  // Floats, also in a model that was made one of halves throughout.
  Value* Scale(int i) {
    Value* const scale = node_.input(i);
    return scale == nullptr || !Contains(types::kHalfFloats, scale->type.element_type)
               ? scale
               : &expansion_.Cast(*scale, ElementType::kFloat);
  }

  // Each head of x by the root of its mean square.
  Value& Normalized(Value& x, int64_t heads, Value* weights) {
    Value& split = expansion_.Add("Reshape", {&x, &expansion_.Ints({0, 0, heads, -1})});
    Node& norm = expansion_.AddNode("RMSNormalization", {&split, weights}, 1);
    norm.set_opset(23);
    norm.SetAttribute("epsilon", node_.FloatAttribute("qk_norm_epsilon", 1e-6f));
    return expansion_.Add("Reshape", {norm.output(0), &expansion_.Ints({0, 0, -1})});
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
                .inputs = {7, 16},
                .outputs = {1, 4},
                .optional = 0b11110,
                .upgrade = UpgradeGroupQueryAttention});
}

}  // namespace mullion::operators
