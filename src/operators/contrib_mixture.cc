// SPDX-License-Identifier: MIT
// com.microsoft's MoE and QMoE, written out: each token's row goes through the two or three
// products of the experts that its router prefers, and their results are added by the router's
// weights.
#include <algorithm>
#include <limits>

#include "operators/expansion.h"
#include "operators/registry.h"
#include "operators/widen_constant.h"

namespace mullion::operators {

namespace {

// Inputs of one product, as the operator has them; -1: it has none.
struct Layer {
  int weights;
  int bias;
  int scales = -1;
  int zeros = -1;
};
struct Form {
  Layer first, second, gate;
  int router_weights = -1;
  int64_t bits = 0;
};
constexpr Form kFloats = {{2, 3}, {4, 5}, {6, 7}};
constexpr Form kNumbers = {{2, 4, 3, 11}, {5, 7, 6, 12}, {8, 10, 9, 13}, 14, 4};

constexpr int kTokens = 0;  // [tokens, hidden] or [batch, length, hidden]
constexpr int kRouter = 1;  // [tokens, experts]

class Mixture {
 public:
  Mixture(Node& node, const Form& form) : node_(node), form_(form), expansion_(node) {}

  Status Write() {
    MULLION_RETURN_IF_ERROR(Check());
    Value& x = *node_.input(kTokens);
    Value& size = expansion_.DimList(x, -1);
    Value& count = expansion_.Ints({-1});
    Node& joined = expansion_.AddNode("Concat", {&count, &size}, 1);
    joined.SetAttribute("axis", int64_t{0});
    Value& rows = expansion_.Add("Reshape", {&x, joined.output(0)});
    Route();
    Value* hidden = &Product(rows, form_.first);
    Value* const gate =
        node_.input(form_.gate.weights) == nullptr ? nullptr : &Product(rows, form_.gate);
    hidden = swiglu_ ? &SwiGlu(*hidden, gate) : &Activated(*hidden);
    if (gate != nullptr && !swiglu_) hidden = &expansion_.Add("Mul", {hidden, gate});
    Value& results = Product(*hidden, form_.second);
    Value& parts = expansion_.Add(
        "Unsqueeze", {&expansion_.Add("CastLike", {weights_, &results}), &expansion_.Ints({-1})});
    Node& sum = expansion_.AddNode(
        "ReduceSum", {&expansion_.Add("Mul", {&results, &parts}), &expansion_.Ints({1})}, 1);
    sum.SetAttribute("keepdims", int64_t{0});
    Value& shape = expansion_.Add("Shape", {&x});
    expansion_.Become("Reshape", {sum.output(0), &shape});
    return OkStatus();
  }

 private:
  Status Check() {
    activation_ = node_.StringAttribute("activation_type", "relu");
    swiglu_ = activation_ == "swiglu";
    fusion_ = node_.IntAttribute("swiglu_fusion", 0);
    alpha_ = node_.FloatAttribute("activation_alpha", 1.0f);
    beta_ = node_.FloatAttribute("activation_beta", 0.0f);
    limit_ = node_.FloatAttribute("swiglu_limit", std::numeric_limits<float>::infinity());
    choices_ = node_.IntAttribute("k", 1);
    normalize_ = node_.IntAttribute("normalize_routing_weights", 0) != 0;
    bits_ = form_.bits == 0 ? 0 : node_.IntAttribute("expert_weight_bits", form_.bits);
    block_ = form_.bits == 0 ? 0 : node_.IntAttribute("block_size", 0);
    for (const std::string_view known : {"relu", "gelu", "silu", "swiglu", "identity"}) {
      if (activation_ == known) return CheckSizes();
    }
    return node_.Error(StatusCode::kInvalidModel, "attribute 'activation_type' is '", activation_,
                       "' but must be relu, gelu, silu, swiglu or identity");
  }

  Status CheckSizes() const {
    const bool gated = node_.input(form_.gate.weights) != nullptr;
    if (choices_ < 1) {
      return node_.Error(StatusCode::kInvalidModel, "attribute 'k' is ", choices_,
                         " but each token must go to one expert or more");
    }
    if (swiglu_ && (fusion_ < 0 || fusion_ > 2 || gated != (fusion_ == 0))) {
      return node_.Error(StatusCode::kInvalidModel, "attribute 'swiglu_fusion' is ", fusion_,
                         " but must be 0 with fc3_experts_weights, and 1 or 2 without");
    }
    if (node_.IntAttribute("use_sparse_mixer", 0) != 0) {
      return node_.Error(StatusCode::kUnsupported,
                         "attribute 'use_sparse_mixer' is not supported; export the model with "
                         "plain routing (use_sparse_mixer=0)");
    }
    if (form_.bits == 0) return OkStatus();
    const std::string_view kind = node_.StringAttribute("quant_type", "int");
    if (kind != "int" || node_.IntAttribute("weights_prepacked", -1) == 1) {
      return node_.Error(StatusCode::kUnsupported,
                         "only whole numbers that are not packed for a device are supported "
                         "(quant_type 'int', weights_prepacked 0 or -1); quant_type is '",
                         kind, "'");
    }
    if (bits_ != 2 && bits_ != 4 && bits_ != 8) {
      return node_.Error(StatusCode::kInvalidModel, "attribute 'expert_weight_bits' is ", bits_,
                         " but must be 2, 4 or 8");
    }
    constexpr int64_t kMostBlock = int64_t{1} << 30;
    if (block_ < 0 || block_ > kMostBlock || block_ % 8 != 0) {
      return node_.Error(StatusCode::kInvalidModel, "attribute 'block_size' is ", block_,
                         " but must be a multiple of 8, or left out for one scale per row");
    }
    return OkStatus();
  }

  // Chooses the experts of each token and the weights of what they say. Scores of QMoE are weighed
  // among the chosen only, as in ONNX Runtime, whatever 'normalize_routing_weights' says.
  void Route() {
    Value* const own = form_.router_weights < 0 ? nullptr : node_.input(form_.router_weights);
    const bool among_all = form_.bits == 0;
    Value& given = expansion_.Cast(*node_.input(kRouter), ElementType::kFloat);
    Value& scores = among_all ? expansion_.Add("Softmax", {&given}) : given;
    Node& best = expansion_.AddNode("TopK", {&scores, &expansion_.Ints({choices_})}, 2);
    weights_ = best.output(0);
    experts_ = best.output(1);
    if (own != nullptr) {
      Node& gather = expansion_.AddNode("GatherElements", {own, experts_}, 1);
      gather.SetAttribute("axis", int64_t{-1});
      weights_ = &expansion_.Cast(*gather.output(0), ElementType::kFloat);
    } else if (!among_all) {
      weights_ = &expansion_.Add("Softmax", {weights_});
      return;
    }
    if (!normalize_) return;
    Value& sum = expansion_.Add("ReduceSum", {weights_, &expansion_.Ints({-1})});
    weights_ = &expansion_.Add("Div", {weights_, &sum});
  }

  // [tokens, choices, columns] of rows that are the same for all choices, or not.
  Value& Product(Value& rows, const Layer& layer) {
    const auto input = [&](int i) { return i < 0 ? nullptr : node_.input(i); };
    Node& product = expansion_.AddNode("Identity",
                                       {&rows, experts_, input(layer.weights), input(layer.bias),
                                        input(layer.scales), input(layer.zeros)},
                                       1);
    product.SetOperator(kInternalDomain, "ExpertProduct", 1);
    if (bits_ == 0) return *product.output(0);
    product.SetAttribute("bits", bits_);
    product.SetAttribute("block_size", block_);
    return *product.output(0);
  }

  Value& Sigmoid(Value& x, float factor) {
    Value& scaled = factor == 1.0f ? x : expansion_.Add("Mul", {&x, &expansion_.Like(factor, x)});
    return expansion_.Add("Sigmoid", {&scaled});
  }

  Value& Activated(Value& x) {
    if (activation_ == "relu") return expansion_.Add("Relu", {&x});
    if (activation_ == "silu") return expansion_.Add("Mul", {&x, &Sigmoid(x, 1.0f)});
    if (activation_ == "identity") return x;
    Value& gelu = expansion_.Add("Gelu", {&x});
    gelu.producer()->SetAttribute("approximate", std::string("tanh"));
    return gelu;
  }

  // Every `step`-th element of the last axis, from `begin` to before `end`.
  Value& Part(Value& x, int64_t begin, Value& end, int64_t step) {
    return expansion_.Add("Slice", {&x, &expansion_.Ints({begin}), &end, &expansion_.Ints({-1}),
                                    &expansion_.Ints({step})});
  }

  // One half of `joined` is what the gate `linear` has without fusion.
  Value& SwiGlu(Value& joined, Value* linear) {
    Value* gate = &joined;
    if (fusion_ == 1) {
      Value& end = expansion_.Ints({std::numeric_limits<int64_t>::max()});
      gate = &Part(joined, 0, end, 2);
      linear = &Part(joined, 1, end, 2);
    } else if (fusion_ == 2) {
      Node& halves = expansion_.AddNode("Split", {&joined}, 2);
      halves.SetAttribute("axis", int64_t{-1});
      halves.SetAttribute("num_outputs", int64_t{2});
      gate = halves.output(0);
      linear = halves.output(1);
    }
    if (limit_ < std::numeric_limits<float>::infinity()) {
      Value& limit = expansion_.Like(limit_, joined);
      gate = &expansion_.Add("Min", {gate, &limit});
      linear = &expansion_.Add("Clip", {linear, &expansion_.Like(-limit_, joined), &limit});
    }
    Value& swish = expansion_.Add("Mul", {gate, &Sigmoid(*gate, alpha_)});
    if (beta_ != 0.0f) {
      linear = &expansion_.Add("Add", {linear, &expansion_.Like(beta_, joined)});
    }
    return expansion_.Add("Mul", {&swish, linear});
  }

  Node& node_;
  const Form& form_;
  Expansion expansion_;
  std::string activation_;
  bool swiglu_ = false;
  int64_t fusion_ = 0;
  float alpha_ = 1.0f;
  float beta_ = 0.0f;
  float limit_ = 0.0f;
  int64_t choices_ = 1;
  bool normalize_ = false;
  int64_t bits_ = 0;  // of a number; 0 for floats
  int64_t block_ = 0;
  Value* weights_ = nullptr;  // [tokens, choices]
  Value* experts_ = nullptr;
};

Status UpgradeMoe(Node& node) { return Mixture(node, kFloats).Write(); }

Status UpgradeQmoe(Node& node) {
  for (const int i : {kNumbers.first.scales, kNumbers.second.scales, kNumbers.gate.scales}) {
    MULLION_RETURN_IF_ERROR(WidenConstant(node, i));
  }
  return Mixture(node, kNumbers).Write();
}

}  // namespace

void RegisterContribMixture(OperatorRegistry& registry) {
  registry.Add({.name = "MoE",
                .domain = "com.microsoft",
                .inputs = {5, 8},
                .optional = 1u << kFloats.first.bias,
                .types = types::kFloat | types::kHalfFloats,
                .upgrade = UpgradeMoe});
  registry.Add({.name = "QMoE",
                .domain = "com.microsoft",
                .inputs = {6, 21},
                .optional = 1u << kNumbers.first.scales | 1u << kNumbers.first.bias,
                .types = types::kFloat | types::kHalfFloats,
                .upgrade = UpgradeQmoe});
}

}  // namespace mullion::operators
