// SPDX-License-Identifier: MIT
// Small ONNX files, written field by field, for tests that see the library from outside only.
#ifndef MULLION_TESTS_API_ONNX_BUILDER_H_
#define MULLION_TESTS_API_ONNX_BUILDER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mullion::test {

// A protobuf message under construction. Field numbers are those of onnx.proto.
class Message {
 public:
  Message& Int(int field, int64_t value);
  Message& Text(int field, std::string_view text);
  Message& Sub(int field, const Message& message) { return Text(field, message.bytes_); }
  const std::string& bytes() const { return bytes_; }

 private:
  void Varint(uint64_t value);
  std::string bytes_;
};

// A dimension: a size, or a name for a free one ("" for none), with an optional denotation.
struct Dim {
  Dim(int64_t fixed) : size(fixed) {}    // NOLINT(runtime/explicit)
  Dim(const char* free) : name(free) {}  // NOLINT(runtime/explicit)
  Dim(int64_t fixed, const char* meaning) : size(fixed), denotation(meaning) {}
  Dim(const char* free, const char* meaning) : name(free), denotation(meaning) {}
  int64_t size = -1;
  std::string name;
  std::string denotation;
};

// TypeProtos. `element` is a number of TensorKind.
Message TensorType(int element, const std::vector<Dim>& dims, std::string_view denotation = "");
Message SequenceType(const Message& element);
Message MapType(int key, const Message& value);

// A model of nodes that have no attributes or integer ones.
class ModelBuilder {
 public:
  ModelBuilder& Input(std::string_view name, const Message& type, std::string_view about = "");
  ModelBuilder& Output(std::string_view name, const Message& type);
  ModelBuilder& Node(std::string_view operator_name, const std::vector<std::string>& inputs,
                     const std::vector<std::string>& outputs,
                     const std::vector<std::pair<std::string, int64_t>>& attributes = {});
  ModelBuilder& Metadata(std::string_view key, std::string_view value);
  ModelBuilder& Opset(int64_t version);
  // The bytes of the file.
  std::string Build() const;

 private:
  Message graph_;
  Message model_;
  int64_t opset_ = 17;
  int nodes_ = 0;
};

// z = x + y, all float of the dimensions given.
std::string AddModel(const std::vector<Dim>& dims);
// y = x, of any type.
std::string IdentityModel(const Message& type);

}  // namespace mullion::test

#endif  // MULLION_TESTS_API_ONNX_BUILDER_H_
