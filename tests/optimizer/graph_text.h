// SPDX-License-Identifier: MIT
// Small graphs for tests of rewrites: made in a few lines, shown in one.
#ifndef MULLION_TESTS_OPTIMIZER_GRAPH_TEXT_H_
#define MULLION_TESTS_OPTIMIZER_GRAPH_TEXT_H_

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "operators/registry.h"
#include "optimizer/infer_graph.h"
#include "optimizer/layout.h"

namespace mullion {

// The nodes in order: "Conv Relu Transpose(0,3,1,2)"; a Transpose shows its permutation, a node
// with a fused activation or a channels-last form says so: "Conv+Relu", "Conv@last".
inline std::string TextOf(const Graph& graph) {
  std::string text;
  for (const auto& node : graph.nodes()) {
    if (!text.empty()) text += ' ';
    text += node->operator_name();
    const std::string& name = node->operator_name();
    const bool takes_residual = name == "Conv" || name == "InstanceNormalization";
    if (takes_residual && node->input(3) != nullptr) text += "+residual";
    const std::string_view fused = node->StringAttribute("fused_activation", "");
    if (!fused.empty()) text += "+" + std::string(fused);
    if (node->IntAttribute("channels_last", 0) != 0) text += "@last";
    if (node->operator_name() != "Transpose") continue;
    text += '(';
    for (const int64_t axis : node->IntsAttribute("perm")) {
      if (text.back() != '(') text += ',';
      text += std::to_string(axis);
    }
    text += ')';
  }
  return text;
}

class GraphMaker {
 public:
  Graph graph;

  Value& Input(const Shape& shape) {
    return graph.AddInput("x", TypeInfo::Tensor(ElementType::kFloat, shape));
  }
  Value& Constant(const Shape& shape, float value = 1.0f) {
    const std::vector<float> values(static_cast<size_t>(shape.ElementCount()), value);
    return graph.AddConstant("c", Tensor::FromSpan<float>(shape, values));
  }
  // A node of one output, in its newest form.
  Value& Add(std::string_view name, std::initializer_list<Value*> inputs) {
    const std::vector<Value*> list(inputs);
    Node& node = graph.AddNode("", name, 22, list, 1, name);
    node.origin = {std::string(name), std::string(name), "", 22, ""};
    return *node.output(0);
  }
  Value& Conv(Value& x, int64_t in, int64_t out, int64_t kernel = 1) {
    return Add("Conv", {&x, &Constant({out, in, kernel, kernel})});
  }
  Status Finish(Value& output) {
    graph.AddOutput(output);
    return optimizer::InferGraph(graph, BuiltInOperators());
  }
  // What `rewrite` makes of the graph that gives out `output`, with channels last before. It must
  // be inferred as it says.
  template <typename Rewrite>
  std::string Rewritten(Value& output, Rewrite&& rewrite) {
    const Status status = Finish(output);
    EXPECT_TRUE(status.ok()) << status.message();
    const Shape before = output.type.shape;
    optimizer::PlaceChannelsLast(graph, BuiltInOperators());
    rewrite(graph);
    EXPECT_TRUE(graph.Validate().ok());
    const Status inferred = optimizer::InferGraph(graph, BuiltInOperators());
    EXPECT_TRUE(inferred.ok()) << inferred.message();
    EXPECT_EQ(graph.outputs().back()->type.shape, before);
    return TextOf(graph);
  }
};

}  // namespace mullion

#endif  // MULLION_TESTS_OPTIMIZER_GRAPH_TEXT_H_
