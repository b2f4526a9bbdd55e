// SPDX-License-Identifier: MIT
// Attribute to AttributeProto.
#ifndef MULLION_ONNX_ATTRIBUTE_WRITER_H_
#define MULLION_ONNX_ATTRIBUTE_WRITER_H_

#include <memory>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "base/status.h"
#include "graph/attribute.h"
#include "onnx/schema.h"
#include "onnx/type_writer.h"

namespace mullion::onnx {

// Appends a GraphProto to a string.
using SubgraphEncoder = FunctionRef<Status(const Graph&, std::string&)>;

// Writes the fields of one attribute. A call of the object writes the value of one kind.
class AttributeWriter {
 public:
  // `bytes` is what everything goes to in the end.
  AttributeWriter(protozero::pbf_writer& message, const std::string& bytes,
                  DimensionNames& dimensions, SubgraphEncoder encode_subgraph)
      : message_(message),
        bytes_(bytes),
        dimensions_(dimensions),
        encode_subgraph_(encode_subgraph) {}

  Status Write(const Attribute& attribute);

  Status operator()(float value);
  Status operator()(int64_t value);
  Status operator()(const std::string& value);
  Status operator()(const Tensor& value);
  Status operator()(const std::shared_ptr<Graph>& value);
  Status operator()(const TypeInfo& value);
  Status operator()(const std::vector<float>& values);
  Status operator()(const std::vector<int64_t>& values);
  Status operator()(const std::vector<std::string>& values);
  Status operator()(const std::vector<Tensor>& values);
  Status operator()(const std::vector<std::shared_ptr<Graph>>& values);

 private:
  void SetKind(AttributeKind kind);
  Status AddGraph(uint32_t number, const Graph& graph);

  protozero::pbf_writer& message_;
  const std::string& bytes_;
  DimensionNames& dimensions_;
  SubgraphEncoder encode_subgraph_;
};

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_ATTRIBUTE_WRITER_H_
