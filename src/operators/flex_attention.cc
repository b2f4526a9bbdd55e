// SPDX-License-Identifier: MIT
// FlexAttention of ai.onnx.preview: attention whose scores and probabilities pass through graphs of
// the model's own. Without such graphs it is Attention; with them it is written out, the graphs put
// in place.
#include <cmath>
#include <unordered_map>

#include "base/str_cat.h"
#include "operators/expansion.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

class FlexAttention {
 public:
  explicit FlexAttention(Node& node)
      : node_(node), graph_(node.graph()), expansion_(node), type_(ElementOf(0)) {}

  Status Write() {
    MULLION_RETURN_IF_ERROR(Check());
    const bool plain =
        node_.GraphAttribute("score_mod") == nullptr && node_.GraphAttribute("prob_mod") == nullptr;
    // Attention works in float at least, and in no more than float.
    if (plain && precision_ == ElementType::kFloat && type_ != ElementType::kDouble) {
      return BecomeAttention();
    }
    Value& query = InPrecision(*node_.input(0));
    Value& key = InPrecision(*node_.input(1));
    Value& value = InPrecision(*node_.input(2));
    // Query heads that share a key head stand one below the other: [batch, key heads, tokens of the
    // group, size].
    Value& key_heads = SizeOf(key, 1);
    Value& turned = expansion_.Add("Transpose", {&key});
    turned.producer()->SetAttribute("perm", std::vector<int64_t>{0, 1, 3, 2});
    Value& products = expansion_.Add("MatMul", {&WithHeads(query, key_heads), &turned});
    Value& scaled = expansion_.Add("Mul", {&products, &Scale(query)});
    Value& scores = WithHeads(scaled, SizeOf(query, 1));
    MULLION_ASSIGN_OR_RETURN(Value* const modified, Modified("score_mod", scores));
    Value& probabilities = expansion_.Add("Softmax", {modified});
    probabilities.producer()->SetAttribute("axis", int64_t{-1});
    MULLION_ASSIGN_OR_RETURN(Value* const weights, Modified("prob_mod", probabilities));
    Value& mixed = expansion_.Add("MatMul", {&WithHeads(*weights, key_heads), &value});
    Value& output = WithHeads(mixed, SizeOf(query, 1));
    expansion_.Become("Cast", {&output});
    node_.SetAttribute("to", static_cast<int64_t>(type_));
    return OkStatus();
  }

 private:
  ElementType ElementOf(int input) const { return node_.input(input)->type.element_type; }

  Status Check() {
    for (int i = 0; i < 3; ++i) {
      const TypeInfo& type = node_.input(i)->type;
      if (type.element_type != type_) {
        return Wrong(StrCat("input ", i, " is ", type.ToString(), " but input 0 is ",
                            node_.input(0)->type.ToString(), "; all must have one type"));
      }
      if (type.has_shape && type.shape.rank() != 4) {
        return Wrong(StrCat("input ", i, " is ", type.ToString(),
                            " but must have 4 axes: batch, "
                            "heads, tokens, size"));
      }
    }
    const TypeInfo& query = node_.input(0)->type;
    const TypeInfo& key = node_.input(1)->type;
    if (query.has_shape && key.has_shape && query.shape[1] >= 0 && key.shape[1] >= 0 &&
        (key.shape[1] == 0 || query.shape[1] % key.shape[1] != 0)) {
      return Wrong(StrCat("the query has ", query.shape[1], " heads, the key ", key.shape[1],
                          "; the first must be a multiple of the second"));
    }
    const ElementType usual =
        type_ == ElementType::kDouble ? ElementType::kDouble : ElementType::kFloat;
    const int64_t precision = node_.IntAttribute("softmax_precision", static_cast<int64_t>(usual));
    precision_ = static_cast<ElementType>(precision);
    if (precision > 0 && precision < kElementTypeCount && Contains(types::kAllFloats, precision_)) {
      return OkStatus();
    }
    return Wrong(StrCat("the attribute 'softmax_precision' is ", precision,
                        " but must name a floating-point type"));
  }

  Status BecomeAttention() {
    const bool has_scale = node_.HasAttribute("scale");
    const float scale = node_.FloatAttribute("scale", 0.0f);
    while (!node_.attributes().empty()) node_.RemoveAttribute(node_.attributes().back().name);
    node_.SetOperator("", "Attention", 23);
    if (has_scale) node_.SetAttribute("scale", scale);
    return OkStatus();
  }

  Value& InPrecision(Value& value) {
    if (precision_ == type_) return value;
    return expansion_.Cast(value, precision_);
  }

  // The size of an axis, as a list of one; folded where it is known.
  Value& SizeOf(Value& value, int64_t axis) {
    Value& size = expansion_.Add("Shape", {&value});
    size.producer()->SetAttribute("start", axis);
    size.producer()->SetAttribute("end", axis + 1);
    return size;
  }

  // [batch, heads, whatever is left, last].
  Value& WithHeads(Value& value, Value& heads) {
    Value& same = expansion_.Ints({0});
    Value& shape =
        expansion_.Add("Concat", {&same, &heads, &expansion_.Ints({-1}), &LastOf(value)});
    shape.producer()->SetAttribute("axis", int64_t{0});
    return expansion_.Add("Reshape", {&value, &shape});
  }
  Value& LastOf(Value& value) {
    Value& size = expansion_.Add("Shape", {&value});
    size.producer()->SetAttribute("start", int64_t{-1});
    return size;
  }

  // The attribute, or 1 / sqrt(size of a head), in the precision of the scores.
  Value& Scale(Value& query) {
    Value* scale = &expansion_.Float(node_.FloatAttribute("scale", 0.0f));
    if (!node_.HasAttribute("scale")) {
      Value& size = expansion_.Cast(LastOf(query), ElementType::kDouble);
      scale = &expansion_.Add("Reciprocal", {&expansion_.Add("Sqrt", {&size})});
    }
    return expansion_.Cast(*scale, precision_);
  }

  Result<Value*> Modified(const char* attribute, Value& argument) {
    Graph* const body = node_.GraphAttribute(attribute);
    if (body == nullptr) return &argument;
    if (body->inputs().size() != 1 || body->outputs().size() != 1) {
      return Wrong(StrCat("the graph '", attribute, "' must have one input and one output"));
    }
    std::unordered_map<const Value*, Value*> places = {{body->inputs()[0], &argument}};
    const auto place_of = [&](Value* value) -> Value* {
      if (value == nullptr || &value->graph() != body) return value;  // left out, or from around
      Value*& place = places[value];
      if (place == nullptr && value->IsConstant()) {
        place = &graph_.AddConstant(value->name(), value->constant);
      } else if (place == nullptr) {
        place = &graph_.AddValue(value->name());
      }
      return place;
    };
    for (const auto& from : body->nodes()) {
      if (!from->Subgraphs().empty()) {
        return Status(node_.Error(StatusCode::kUnsupported, "the graph '", attribute,
                                  "' has control flow of its own "
                                  "(",
                                  from->operator_name(), "), which is not supported"));
      }
      Node& to = graph_.AddBareNode(from->domain(), from->operator_name(), from->opset(), &node_);
      to.origin = from->origin;
      for (const Attribute& item : from->attributes()) to.SetAttribute(item.name, item.value);
      for (int i = 0; i < from->input_count(); ++i) to.SetInput(i, place_of(from->input(i)));
      for (int i = 0; i < from->output_count(); ++i) to.SetOutput(i, place_of(from->output(i)));
    }
    Value* const result = place_of(body->outputs()[0]);
    // What the graph read of the values around it, it reads no more.
    while (body->node_count() > 0) body->Remove(*body->nodes().back());
    return result;
  }

  Status Wrong(std::string_view text) const { return node_.Error(StatusCode::kInvalidModel, text); }

  Node& node_;
  Graph& graph_;
  Expansion expansion_;
  ElementType type_;
  ElementType precision_ = ElementType::kFloat;
};

Status UpgradeFlexAttention(Node& node) {
  for (int i = 0; i < 3; ++i) {
    if (node.input(i) != nullptr && Contains(types::kAllFloats, node.input(i)->type.element_type)) {
      continue;
    }
    return node.Error(StatusCode::kInvalidModel, "input ", i,
                      " must be there and hold floating-point numbers");
  }
  return FlexAttention(node).Write();
}

}  // namespace

void RegisterFlexAttention(OperatorRegistry& registry) {
  registry.Add({.name = "FlexAttention",
                .domain = "ai.onnx.preview",
                .inputs = {3, 3},
                .types = types::kAllFloats,
                .upgrade = UpgradeFlexAttention});
}

}  // namespace mullion::operators
