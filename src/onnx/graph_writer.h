// SPDX-License-Identifier: MIT
// Graph to GraphProto.
#ifndef MULLION_ONNX_GRAPH_WRITER_H_
#define MULLION_ONNX_GRAPH_WRITER_H_

#include <map>
#include <protozero/pbf_writer.hpp>
#include <string>

#include "base/status.h"
#include "graph/model.h"
#include "onnx/type_writer.h"
#include "onnx/value_names.h"
#include "onnx/writer.h"

namespace mullion::onnx {

class GraphWriter {
 public:
  // `bytes` is what everything goes to in the end. Contents of constants in `kept` are not written.
  GraphWriter(const Model& model, const KeptTensors& kept, const std::string& bytes);

  // Adds the fields of the main graph to `message`.
  Status WriteMain(protozero::pbf_writer& message);

  // The operator sets that the model and its nodes use; complete once the graph is written.
  const std::map<std::string, int>& opsets() const { return opsets_; }

 private:
  Status WriteSubgraph(const Graph& graph, const ValueNames& outer, std::string& bytes);
  Status WriteBody(const Graph& graph, const ValueNames& names, protozero::pbf_writer& message);
  Status WriteNode(const Node& node, const ValueNames& names, protozero::pbf_writer& message);
  Status WriteAttribute(const Attribute& attribute, const ValueNames& names,
                        protozero::pbf_writer& message);
  Status CheckOpset(const Node& node);
  void WriteHint(const Value& value, const ValueNames& names, protozero::pbf_writer& message);

  const Model& model_;
  const KeptTensors& kept_;
  const std::string& bytes_;
  DimensionNames dimensions_;
  std::map<std::string, int> opsets_;
};

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_GRAPH_WRITER_H_
