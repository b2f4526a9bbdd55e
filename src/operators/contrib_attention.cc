// SPDX-License-Identifier: MIT
// com.microsoft's Attention and QAttention: one projection for query, key and value, heads, past
// and present keys in one tensor, padding and causal masks; as ai.onnx's Attention.
#include "base/str_cat.h"
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
        score_bias_(quantized_ ? nullptr : node.input(5)),
        shares_(past_ != nullptr && node.IntAttribute("past_present_share_buffer", 0) != 0) {}

  Status Write() {
    heads_ = node_.IntAttribute("num_heads", 0);
    MULLION_RETURN_IF_ERROR(Check());
    Value& projected = Project();
    Node& parts = expansion_.AddNode("Split", {&projected}, 3);
    parts.SetAttribute("axis", int64_t{-1});
    SetSizes(parts);
    Value* query = parts.output(0);
    Value* key = parts.output(1);
    if (node_.IntAttribute("do_rotary", 0) != 0) MULLION_RETURN_IF_ERROR(Rotate(query, key));
    Value* const past_key = past_ == nullptr ? nullptr : &Past(0);
    Value* const past_value = past_ == nullptr ? nullptr : &Past(1);
    if (shares_) {
      ReadCaches({query, key, parts.output(2)}, *past_key, *past_value);
      return OkStatus();
    }
    const KeyMask keys{mask_, score_bias_, key, 1, past_, 3};
    Value* const mask = keys.Added(expansion_, node_);
    const bool causal = node_.IntAttribute("unidirectional", 0) != 0;
    const float scale = node_.FloatAttribute("scale", 0);
    Value* const present = node_.output(1);
    if (present != nullptr) node_.SetOutput(1, nullptr);
    expansion_.Become("Attention", {query, key, parts.output(2), mask, past_key, past_value});
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
    if (shares_ && quantized_) {
      return node_.Error(StatusCode::kInvalidModel,
                         "a past in a shared buffer needs the number of keys in it, for which "
                         "QAttention has no input; export the model without attribute "
                         "'past_present_share_buffer'");
    }
    if (shares_ && node_.input(6) == nullptr) {
      return node_.Error(StatusCode::kInvalidModel,
                         "a shared buffer needs input 6, the number of keys in it");
    }
    return KeyMask::Check(node_, mask_, 4);
  }

  // The past has room for more keys than it holds: MultiHeadAttention takes such.
  void ReadCaches(std::initializer_list<Value*> parts, Value& past_key, Value& past_value) {
    Value* const length = node_.input(6);
    Value* const present = node_.output(1);
    if (present != nullptr) node_.SetOutput(1, nullptr);
    node_.ResizeInputs(0);
    for (Value* const part : parts) node_.AddInput(part);
    for (Value* const input :
         {static_cast<Value*>(nullptr), mask_, score_bias_, &past_key, &past_value, length}) {
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

  // Of a head of queries and keys, as far as the weights' shape is known.
  int64_t HeadSize() const {
    const auto sizes = node_.IntsAttribute("qkv_hidden_sizes");
    if (sizes.size() == 3) return sizes[0] / heads_;
    const TypeInfo& weights = node_.input(1)->type;
    if (!weights.has_shape || weights.shape.rank() != 2 || weights.shape[1] < 0) return kUnknownDim;
    return weights.shape[1] / 3 / heads_;
  }

  // Turns queries and keys by their places behind the past, number i of the first `half` of a head
  // with number i + half by place / 10000^(i / half): in double, as the angles of far places have
  // few digits behind the point in float.
  Status Rotate(Value*& query, Value*& key) {
    constexpr int64_t kMostTurned = 4096;  // of heads of unknown size
    const int64_t turned = node_.IntAttribute("rotary_embedding_dim", 0), size = HeadSize();
    const int64_t known = turned != 0 ? turned : size < 0 ? 2 : size;
    if (known < 2 || known % 2 != 0 || known > (size < 0 ? kMostTurned : size)) {
      return node_.Error(
          StatusCode::kInvalidModel,
          StrCat("attribute 'rotary_embedding_dim' is ", turned,
                 " (0: a head) but must be even and no more than a head has, which is ", size,
                 " (-1: not known)"));
    }
    Value& one = expansion_.Int(1);
    const auto numbers = [&](Value& begin, Value& end) -> Value& {
      return expansion_.Cast(expansion_.Add("Range", {&begin, &end, &one}), ElementType::kDouble);
    };
    Value& none = expansion_.Int(0);
    Value* const shared = shares_ ? node_.input(6) : nullptr;
    Value& begin = past_ == nullptr ? none
                   : shared != nullptr
                       ? expansion_.Add("Squeeze", {&expansion_.Cast(*shared, ElementType::kInt64)})
                       : expansion_.Dim(*past_, 3);
    Value& places = numbers(begin, expansion_.Add("Add", {&begin, &expansion_.Dim(*query, 1)}));
    Value& half = turned != 0
                      ? expansion_.Int(turned / 2)
                      : expansion_.Add("Div", {&expansion_.Add("Div", {&expansion_.Dim(*query, 2),
                                                                       &expansion_.Int(heads_)}),
                                               &expansion_.Int(2)});
    Value& exponents =
        expansion_.Add("Div", {&numbers(none, half), &expansion_.Cast(half, ElementType::kDouble)});
    Value& base = node_.graph().AddConstant("base", Tensor::Scalar(10000.0));
    Value& angles =
        expansion_.Add("Div", {&expansion_.Add("Unsqueeze", {&places, &expansion_.Ints({1})}),
                               &expansion_.Add("Pow", {&base, &exponents})});
    Value* tables[2];
    for (int i = 0; i < 2; ++i) {
      Value& table = expansion_.Add(i == 0 ? "Cos" : "Sin", {&angles});
      tables[i] = &expansion_.Add("CastLike", {&table, query});
    }
    for (Value** const part : {&query, &key}) {
      Node& rotary = expansion_.AddNode("RotaryEmbedding",
                                        {*part, tables[0], tables[1], &expansion_.Ints({0})}, 1);
      rotary.set_opset(23);
      rotary.SetAttribute("num_heads", heads_);
      rotary.SetAttribute("rotary_embedding_dim", turned);  // 0: all of a head
      *part = rotary.output(0);
    }
    return OkStatus();
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
  bool shares_;  // the past has room for more keys than it holds
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
