// SPDX-License-Identifier: MIT
#include "api/onnx_builder.h"

namespace mullion::test {

void Message::Varint(uint64_t value) {
  while (value >= 0x80) {
    bytes_ += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  bytes_ += static_cast<char>(value);
}

Message& Message::Int(int field, int64_t value) {
  Varint(static_cast<uint64_t>(field) << 3);
  Varint(static_cast<uint64_t>(value));
  return *this;
}

Message& Message::Text(int field, std::string_view text) {
  Varint(static_cast<uint64_t>(field) << 3 | 2);
  Varint(text.size());
  bytes_ += text;
  return *this;
}

Message TensorType(int element, const std::vector<Dim>& dims, std::string_view denotation) {
  Message shape;
  for (const Dim& dim : dims) {
    Message proto;
    if (dim.size >= 0) proto.Int(1, dim.size);
    if (dim.size < 0 && !dim.name.empty()) proto.Text(2, dim.name);
    if (!dim.denotation.empty()) proto.Text(3, dim.denotation);
    shape.Sub(1, proto);
  }
  Message type;
  type.Sub(1, Message().Int(1, element).Sub(2, shape));
  if (!denotation.empty()) type.Text(6, denotation);
  return type;
}

Message SequenceType(const Message& element) { return Message().Sub(4, Message().Sub(1, element)); }

Message MapType(int key, const Message& value) {
  return Message().Sub(5, Message().Int(1, key).Sub(2, value));
}

ModelBuilder& ModelBuilder::Input(std::string_view name, const Message& type,
                                  std::string_view about) {
  graph_.Sub(11, Message().Text(1, name).Sub(2, type).Text(3, about));
  return *this;
}

ModelBuilder& ModelBuilder::Output(std::string_view name, const Message& type) {
  graph_.Sub(12, Message().Text(1, name).Sub(2, type));
  return *this;
}

ModelBuilder& ModelBuilder::Node(std::string_view operator_name,
                                 const std::vector<std::string>& inputs,
                                 const std::vector<std::string>& outputs,
                                 const std::vector<std::pair<std::string, int64_t>>& attributes) {
  Message node;
  for (const std::string& input : inputs) node.Text(1, input);
  for (const std::string& output : outputs) node.Text(2, output);
  node.Text(3, "node" + std::to_string(nodes_++)).Text(4, operator_name);
  for (const auto& [name, value] : attributes) {
    node.Sub(5, Message().Text(1, name).Int(3, value).Int(20, 2));
  }
  graph_.Sub(1, node);
  return *this;
}

ModelBuilder& ModelBuilder::Metadata(std::string_view key, std::string_view value) {
  model_.Sub(14, Message().Text(1, key).Text(2, value));
  return *this;
}

ModelBuilder& ModelBuilder::Opset(int64_t version) {
  opset_ = version;
  return *this;
}

std::string ModelBuilder::Build() const {
  Message graph = graph_;
  graph.Text(2, "a graph");
  Message model = model_;
  model.Int(1, 8)
      .Text(2, "a producer")
      .Text(4, "a.domain")
      .Int(5, 7)
      .Text(6, "a description")
      .Sub(7, graph)
      .Sub(8, Message().Int(2, opset_));
  return model.bytes();
}

std::string AddModel(const std::vector<Dim>& dims) {
  const Message type = TensorType(1, dims);
  return ModelBuilder()
      .Input("x", type)
      .Input("y", type)
      .Output("z", type)
      .Node("Add", {"x", "y"}, {"z"})
      .Build();
}

std::string IdentityModel(const Message& type) {
  return ModelBuilder().Input("x", type).Output("y", type).Node("Identity", {"x"}, {"y"}).Build();
}

}  // namespace mullion::test
