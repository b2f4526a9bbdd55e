// SPDX-License-Identifier: MIT
#include "onnx/attribute_writer.h"

#include <variant>

#include "onnx/tensor_writer.h"

namespace mullion::onnx {

Status AttributeWriter::Write(const Attribute& attribute) {
  message_.add_string(field::attribute::kName, attribute.name);
  return std::visit(*this, attribute.value);
}

void AttributeWriter::SetKind(AttributeKind kind) {
  message_.add_enum(field::attribute::kType, static_cast<int32_t>(kind));
}

Status AttributeWriter::operator()(float value) {
  SetKind(AttributeKind::kFloat);
  message_.add_float(field::attribute::kFloat, value);
  return OkStatus();
}

Status AttributeWriter::operator()(int64_t value) {
  SetKind(AttributeKind::kInt);
  message_.add_int64(field::attribute::kInt, value);
  return OkStatus();
}

Status AttributeWriter::operator()(const std::string& value) {
  SetKind(AttributeKind::kString);
  message_.add_bytes(field::attribute::kString, value);
  return OkStatus();
}

Status AttributeWriter::operator()(const Tensor& value) {
  SetKind(AttributeKind::kTensor);
  return WriteTensor(value.view(), "", field::attribute::kTensor, bytes_, message_);
}

Status AttributeWriter::operator()(const std::shared_ptr<Graph>& value) {
  SetKind(AttributeKind::kGraph);
  return AddGraph(field::attribute::kGraph, *value);
}

Status AttributeWriter::operator()(const TypeInfo& value) {
  SetKind(AttributeKind::kTypeProto);
  message_.add_message(field::attribute::kTypeProto, EncodeType(value, dimensions_));
  return OkStatus();
}

Status AttributeWriter::operator()(const std::vector<float>& values) {
  SetKind(AttributeKind::kFloats);
  for (const float value : values) message_.add_float(field::attribute::kFloats, value);
  return OkStatus();
}

Status AttributeWriter::operator()(const std::vector<int64_t>& values) {
  SetKind(AttributeKind::kInts);
  for (const int64_t value : values) message_.add_int64(field::attribute::kInts, value);
  return OkStatus();
}

Status AttributeWriter::operator()(const std::vector<std::string>& values) {
  SetKind(AttributeKind::kStrings);
  for (const std::string& value : values) message_.add_bytes(field::attribute::kStrings, value);
  return OkStatus();
}

Status AttributeWriter::operator()(const std::vector<Tensor>& values) {
  SetKind(AttributeKind::kTensors);
  for (const Tensor& value : values) {
    MULLION_RETURN_IF_ERROR(
        WriteTensor(value.view(), "", field::attribute::kTensors, bytes_, message_));
  }
  return OkStatus();
}

Status AttributeWriter::operator()(const std::vector<std::shared_ptr<Graph>>& values) {
  SetKind(AttributeKind::kGraphs);
  for (const auto& value : values) {
    MULLION_RETURN_IF_ERROR(AddGraph(field::attribute::kGraphs, *value));
  }
  return OkStatus();
}

Status AttributeWriter::AddGraph(uint32_t number, const Graph& graph) {
  // By itself first: the writer would drop an empty graph.
  std::string bytes;
  MULLION_RETURN_IF_ERROR(encode_subgraph_(graph, bytes));
  message_.add_message(number, bytes);
  return OkStatus();
}

}  // namespace mullion::onnx
