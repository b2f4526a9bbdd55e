// SPDX-License-Identifier: MIT
// ONNX messages made field by field, so that tests can write what no exporter would.
//
//   const Message graph = MakeGraph({MakeNode("Relu", {"x"}, {"y"})}, {Info("x", 1, {2})},
//   {Info("y", 1)}); const auto model = Read(ModelOf(graph));
#ifndef MULLION_TESTS_ONNX_PROTO_BUILDER_H_
#define MULLION_TESTS_ONNX_PROTO_BUILDER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/model.h"
#include "onnx/reader.h"
#include "onnx/schema.h"

namespace mullion::proto {

// A protobuf message under construction; each call appends a field.
struct Message {
  std::string bytes;

  Message& Int(uint32_t number, int64_t value);
  Message& Float(uint32_t number, float value);
  Message& Double(uint32_t number, double value);
  Message& Bytes(uint32_t number, std::string_view value);
  Message& Add(uint32_t number, const Message& message) { return Bytes(number, message.bytes); }
  Message& PackedInts(uint32_t number, const std::vector<int64_t>& values);
};

using Names = std::vector<std::string_view>;
using Messages = std::vector<Message>;

Message MakeNode(std::string_view op, const Names& inputs, const Names& outputs,
                 const Messages& attributes = {}, std::string_view domain = "",
                 std::string_view name = "");

// Attributes.
Message IntAttribute(std::string_view name, int64_t value);
Message FloatAttribute(std::string_view name, float value);
Message GraphAttribute(std::string_view name, const Message& graph);
Message TensorAttribute(std::string_view name, const Message& tensor);
Message Reference(std::string_view name, std::string_view function_attribute,
                  onnx::AttributeKind kind);

// A ValueInfoProto of a tensor; without dims it has no shape. Negative dims are left unknown.
Message Info(std::string_view name, int element_type,
             std::optional<std::vector<int64_t>> dims = std::nullopt);

// TensorProtos.
Message RawTensor(std::string_view name, int element_type, const std::vector<int64_t>& dims,
                  std::string_view raw);
Message FloatTensor(std::string_view name, const std::vector<int64_t>& dims,
                    const std::vector<float>& values);
Message ExternalTensor(std::string_view name, const std::vector<int64_t>& dims,
                       const std::vector<std::pair<std::string, std::string>>& entries);

Message MakeGraph(const Messages& nodes, const Messages& inputs, const Messages& outputs,
                  const Messages& initializers = {});

// A FunctionProto with an import of ai.onnx 13.
Message MakeFunction(std::string_view name, const Names& inputs, const Names& outputs,
                     const Messages& nodes, const Messages& defaults = {},
                     std::string_view domain = "fn");

// A ModelProto of IR version 8 that imports ai.onnx 13 and fn 1.
Message ModelOf(const Message& graph, const Messages& functions = {});

// x -> y, both float[2], by the given nodes.
Message Chain(const Messages& nodes, const Messages& initializers = {});

Result<std::unique_ptr<Model>> Read(const Message& model, const ReadOptions& options = {});
// The message of the error that reading gives; "" when there is none.
std::string ErrorOf(const Message& model, const ReadOptions& options = {});

std::string Raw(const std::vector<float>& values);

}  // namespace mullion::proto

#endif  // MULLION_TESTS_ONNX_PROTO_BUILDER_H_
