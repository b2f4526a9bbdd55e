// SPDX-License-Identifier: MIT
#include "tests/onnx/graph_equality.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "base/str_cat.h"

namespace mullion {

namespace {

class Comparison {
 public:
  bool Models(const Model& a, const Model& b) {
    return Check(a.producer_name == b.producer_name && a.model_version == b.model_version &&
                     a.description == b.description && a.metadata == b.metadata &&
                     a.domain == b.domain && a.producer_version == b.producer_version,
                 "what the models say about themselves") &&
           Check(Opsets(a) == Opsets(b), "opset imports") && Features(a.inputs, b.inputs) &&
           Features(a.outputs, b.outputs) && Graphs(*a.graph, *b.graph);
  }

  const std::string& difference() const { return difference_; }

 private:
  bool Check(bool equal, const std::string& what) {
    if (!equal && difference_.empty()) difference_ = what;
    return equal;
  }

  static std::string Opsets(const Model& model) {
    std::string text;
    for (const OpsetImport& o : model.opsets) text += StrCat(o.domain, ":", o.version, " ");
    return text;
  }

  bool Features(const std::vector<FeatureInfo>& a, const std::vector<FeatureInfo>& b) {
    if (!Check(a.size() == b.size(), "number of features")) return false;
    for (size_t i = 0; i < a.size(); ++i) {
      const bool equal = a[i].name == b[i].name && a[i].description == b[i].description &&
                         a[i].denotation == b[i].denotation && a[i].dim_names == b[i].dim_names &&
                         a[i].dim_denotations == b[i].dim_denotations &&
                         Types(a[i].type, b[i].type);
      if (!Check(equal, StrCat("feature ", a[i].name))) return false;
    }
    return true;
  }

  bool Types(const TypeInfo& a, const TypeInfo& b) {
    if (a.kind != b.kind || a.element_type != b.element_type || a.key_type != b.key_type ||
        a.has_shape != b.has_shape || a.shape.rank() != b.shape.rank() ||
        (a.element == nullptr) != (b.element == nullptr)) {
      return false;
    }
    for (int axis = 0; axis < a.shape.rank(); ++axis) {
      if (!Dimensions(a.shape[axis], b.shape[axis])) return false;
    }
    return a.element == nullptr || Types(*a.element, *b.element);
  }

  bool Dimensions(int64_t a, int64_t b) {
    if (a >= kUnknownDim || b >= kUnknownDim) return a == b;
    return symbols_.emplace(a, b).first->second == b;
  }

  // The same place in both graphs is the same value everywhere.
  bool Values(const Value* a, const Value* b) {
    if (a == nullptr || b == nullptr) return a == b;
    const auto [found, first_time] = values_.emplace(a, b);
    if (!first_time) return found->second == b;
    return Tensors(a->constant, b->constant) &&
           Check(Types(a->type, b->type), StrCat("type of ", a->name(), ": ", a->type.ToString(),
                                                 " and ", b->type.ToString()));
  }

  template <typename List>
  bool ValueLists(const List& a, const List& b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(),
                      [&](const Value* x, const Value* y) { return Values(x, y); });
  }

  bool Tensors(const Tensor& a, const Tensor& b) {
    if (!(a.type() == b.type() && a.shape() == b.shape())) return false;
    if (!a || a.count() == 0) return true;
    if (a.type() == ElementType::kString) {
      const auto x = a.span<std::string>();
      const auto y = b.span<std::string>();
      return std::equal(x.begin(), x.end(), y.begin());
    }
    return std::memcmp(a.data(), b.data(), a.bytes()) == 0;
  }

  bool Same(float a, float b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }
  bool Same(const Tensor& a, const Tensor& b) { return Tensors(a, b); }
  bool Same(const TypeInfo& a, const TypeInfo& b) { return Types(a, b); }
  bool Same(const std::shared_ptr<Graph>& a, const std::shared_ptr<Graph>& b) {
    return Graphs(*a, *b);
  }
  bool Same(int64_t a, int64_t b) { return a == b; }
  bool Same(const std::string& a, const std::string& b) { return a == b; }
  template <typename T>
  bool Same(const std::vector<T>& a, const std::vector<T>& b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                              [&](const T& x, const T& y) { return Same(x, y); });
  }

  bool Attributes(const Node& a, const Node& b) {
    if (a.attributes().size() != b.attributes().size()) return false;
    for (size_t i = 0; i < a.attributes().size(); ++i) {
      const Attribute& x = a.attributes()[i];
      const Attribute& y = b.attributes()[i];
      const bool equal = x.name == y.name && x.value.index() == y.value.index() &&
                         std::visit(
                             [&](const auto& value) {
                               return Same(value, std::get<std::decay_t<decltype(value)>>(y.value));
                             },
                             x.value);
      if (!Check(equal, StrCat(a.origin.ToString(), ": attribute ", x.name))) return false;
    }
    return true;
  }

  bool Nodes(const Node& a, const Node& b) {
    const bool alike = a.operator_name() == b.operator_name() && a.domain() == b.domain() &&
                       a.opset() == b.opset() && a.origin.name == b.origin.name;
    return Check(alike, StrCat(a.origin.ToString(), " and ", b.origin.ToString())) &&
           Check(ValueLists(a.inputs(), b.inputs()), StrCat(a.origin.ToString(), ": inputs")) &&
           Check(Attributes(a, b), StrCat(a.origin.ToString(), ": attributes")) &&
           Check(ValueLists(a.outputs(), b.outputs()), StrCat(a.origin.ToString(), ": outputs"));
  }

  bool Graphs(const Graph& a, const Graph& b) {
    if (!Check(a.name == b.name && a.node_count() == b.node_count(), "number of nodes") ||
        !Check(ValueLists(a.inputs(), b.inputs()), "graph inputs")) {
      return false;
    }
    const bool nodes = std::equal(a.nodes().begin(), a.nodes().end(), b.nodes().begin(),
                                  [&](const auto& x, const auto& y) { return Nodes(*x, *y); });
    return nodes && Check(ValueLists(a.outputs(), b.outputs()), "graph outputs");
  }

  std::string difference_;
  std::unordered_map<const Value*, const Value*> values_;
  std::unordered_map<int64_t, int64_t> symbols_;
};

}  // namespace

std::string FirstDifference(const Model& a, const Model& b) {
  Comparison comparison;
  const bool equal = comparison.Models(a, b);
  return equal ? "" : StrCat("difference: ", comparison.difference());
}

}  // namespace mullion
