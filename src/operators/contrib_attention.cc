// SPDX-License-Identifier: MIT
// com.microsoft's Attention and QAttention: one projection for query, key and value, heads, past
// and present keys in one tensor, padding and causal masks; as ai.onnx's Attention.
#include "operators/expansion.h"
#include "operators/key_mask.h"
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
    MULLION_RETURN_IF_ERROR(Check());
    Value& projected = Project();
    Node& parts = expansion_.AddNode("Split", {&projected}, 3);
    parts.SetAttribute("axis", int64_t{-1});
    SetSizes(parts);
    Value& key = *parts.output(1);
    Value* const past_key = past_ == nullptr ? nullptr : &Past(0);
    Value* const past_value = past_ == nullptr ? nullptr : &Past(1);
    if (past_ != nullptr && node_.IntAttribute("past_present_share_buffer", 0) != 0) {
      ReadCaches(parts, *past_key, *past_value);
      return OkStatus();
    }
    const KeyMask keys{mask_, score_bias_, &key, 1, past_, 3};
    Value* const mask = keys.Added(expansion_, node_);
    const bool causal = node_.IntAttribute("unidirectional", 0) != 0;
    const float scale = node_.FloatAttribute("scale", 0);
    Value* const present = node_.output(1);
    if (present != nullptr) node_.SetOutput(1, nullptr);
    expansion_.Become("Attention",
                      {parts.output(0), &key, parts.output(2), mask, past_key, past_value});
    node_.set_opset(kAttentionOpset);
    node_.SetAttribute("q_num_heads", heads_);
    node_.SetAttribute("kv_num_heads", heads_);
    if (causal) node_.SetAttribute("is_causal", int64_t{1});
    if (scale != 0) node_.SetAttribute("scale", scale);
    if (present != nullptr) GivePresent(*present);
    return OkStatus();
  }

 private:
  static constexpr int kAttentionOpset = 24;

  Status Check() const {
    if (heads_ < 1) {
      return node_.Error(StatusCode::kInvalidModel, "attribute 'num_heads' must be 1 or more");
    }
    const bool shares = node_.IntAttribute("past_present_share_buffer", 0) != 0;
    if (node_.IntAttribute("do_rotary", 0) != 0 || (quantized_ && shares)) {
      return node_.Error(StatusCode::kUnsupported,
                         "rotary embedding and a shared buffer of bytes are not supported; export "
                         "the model without them");
    }
    if (shares && past_ != nullptr && node_.input(6) == nullptr) {
      return node_.Error(StatusCode::kInvalidModel,
                         "a shared buffer needs input 6, the number of keys in it");
    }
    return KeyMask::Check(node_, mask_, 4);
  }

  // The past has room for more keys than it holds: MultiHeadAttention takes such.
  void ReadCaches(const Node& parts, Value& past_key, Value& past_value) {
    Value* const length = node_.input(6);
    Value* const present = node_.output(1);
    if (present != nullptr) node_.SetOutput(1, nullptr);
    node_.ResizeInputs(0);
    for (Value* const input :
         {parts.output(0), parts.output(1), parts.output(2), static_cast<Value*>(nullptr), mask_,
          score_bias_, &past_key, &past_value, length}) {
      node_.AddInput(input);
    }
    node_.SetOperator("com.microsoft", "MultiHeadAttention", 1);
    if (present != nullptr) GivePresent(*present);
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

  // Keys (0) or values (1) of the past [2, batch, heads, past tokens, size].
  Value& Past(int64_t which) { return expansion_.Add("Gather", {past_, &expansion_.Int(which)}); }

  // Keys and values of past and present, behind the node.
  void GivePresent(Value& present) {
    Graph& graph = node_.graph();
    const Node* const next = graph.Next(node_);
    Value* parts[2];
    for (int i = 0; i < 2; ++i) {
      Value& part = graph.AddValue(present.name());
      node_.SetOutput(1 + i, &part);
      Value* const inputs[] = {&part, &expansion_.Ints({0})};
      Node& wide =
          graph.AddNode("", "Unsqueeze", Expansion::kFormOpset, inputs, 1, present.name(), next);
      wide.origin = node_.origin;
      parts[i] = wide.output(0);
    }
    Node& concat = graph.AddBareNode("", "Concat", Expansion::kFormOpset, next);
    concat.origin = node_.origin;
    concat.SetAttribute("axis", int64_t{0});
    for (Value* const part : parts) concat.AddInput(part);
    concat.SetOutput(0, &present);
  }

  Node& node_;
  Expansion expansion_;
  bool quantized_;
  Value* mask_;
  Value* past_;
  Value* score_bias_;
  int64_t heads_ = 0;
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
