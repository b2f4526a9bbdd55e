// SPDX-License-Identifier: MIT
// GraphProto to Graph: names become values, subgraphs see the graphs around them, Constant nodes
// become constants, calls of local functions are inlined.
#ifndef MULLION_ONNX_GRAPH_READER_H_
#define MULLION_ONNX_GRAPH_READER_H_

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "graph/model.h"
#include "onnx/environment.h"
#include "onnx/function_table.h"
#include "onnx/read_context.h"
#include "onnx/records.h"
#include "onnx/scope.h"

namespace mullion::onnx {

class GraphReader {
 public:
  GraphReader(ReadContext& context, const FunctionTable& functions)
      : context_(context), functions_(functions) {}

  // Fills `model.graph`, `model.inputs` and `model.outputs`.
  Status ReadMain(std::string_view bytes, const Environment& environment, Model& model);

 private:
  friend class FunctionInliner;

  Result<std::shared_ptr<Graph>> ReadSubgraph(std::string_view bytes,
                                              const Environment& environment, const Scope& outer,
                                              Graph& parent);
  Status AddNodes(const GraphRecord& record, const Environment& environment, Scope& scope);

  Status DeclareInputs(const GraphRecord& record, Scope& scope, std::vector<FeatureInfo>* features);
  Status DeclareInitializers(const GraphRecord& record, bool inputs_win, Scope& scope);
  Status DeclareConstant(std::string_view name, Tensor tensor, bool inputs_win, Scope& scope);
  Status DeclareNodeOutputs(const std::vector<NodeRecord>& nodes, const Environment& environment,
                            Scope& scope);
  Status ReadHints(const GraphRecord& record, Scope& scope);

  Status AddNode(const NodeRecord& record, const Environment& environment, Scope& scope);
  Status AddOperator(const NodeRecord& record, const Origin& origin, const Environment& environment,
                     Scope& scope);
  Status AddConstant(const NodeRecord& record, std::vector<Attribute> attributes, Scope& scope);
  Result<std::vector<Attribute>> ReadAttributes(const NodeRecord& record,
                                                const Environment& environment, Scope& scope);
  Result<std::optional<AttributeValue>> ReadAttribute(std::string_view bytes,
                                                      std::string_view reference,
                                                      const Environment& environment, Scope& scope);
  Status ConnectInputs(const NodeRecord& record, const Scope& scope, Node& node);

  Status AddOutputs(const GraphRecord& record, const Environment& environment, Scope& scope,
                    std::vector<FeatureInfo>* features);
  // `value` by way of an Identity node, as `into`.
  void PassOn(Value& value, Value& into, const Environment& environment);
  Value& ProducedHere(Value& value, const Environment& environment, Graph& graph);

  // Memory of a value or node, its name included.
  Status ChargeFor(size_t object, size_t name_bytes);

  ReadContext& context_;
  const FunctionTable& functions_;
  int depth_ = 0;  // of subgraphs and function calls within each other
};

// Counts one level of nesting while it lives.
class DepthGuard {
 public:
  explicit DepthGuard(int& depth) : depth_(++depth) {}
  ~DepthGuard() { --depth_; }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;
  // An error when the nesting is deeper than any model's.
  Status Check() const;

 private:
  int& depth_;
};

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_GRAPH_READER_H_
