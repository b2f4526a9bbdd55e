// SPDX-License-Identifier: MIT
#include "onnx/tensor_file.h"

#include <utility>

#include "base/platform.h"
#include "base/str_cat.h"
#include "onnx/limits.h"
#include "onnx/read_context.h"
#include "onnx/schema.h"
#include "onnx/sparse_tensor.h"
#include "onnx/tensor_reader.h"
#include "onnx/tensor_writer.h"
#include "onnx/write_file.h"

namespace mullion {

namespace {

using onnx::ReadContext;
using onnx::WireReader;
namespace field = onnx::field;

// Each function reads one message; those of one value within another count the depth.
class ValueReader {
 public:
  explicit ValueReader(ReadContext& context) : context_(context) {}

  Result<TensorFileValue> Read(std::string_view bytes, ValueKind kind, int depth) {
    if (depth > onnx::kMaxTypeDepth) {
      return InvalidModel("values are nested more than ", onnx::kMaxTypeDepth,
                          " deep; the file is damaged");
    }
    MULLION_RETURN_IF_ERROR(context_.budget.Charge(sizeof(TensorFileValue)));
    TensorFileValue value;
    value.kind = kind;
    MULLION_RETURN_IF_ERROR(ReadFields(bytes, depth, value));
    return value;
  }

 private:
  Status ReadFields(std::string_view bytes, int depth, TensorFileValue& value) {
    switch (value.kind) {
      case ValueKind::kSequence:
        return ReadSequence(bytes, depth, value);
      case ValueKind::kMap:
        return ReadMap(bytes, depth, value);
      case ValueKind::kOptional:
        return ReadOptional(bytes, depth, value);
      default:
        value.kind = ValueKind::kTensor;
        return ReadDense(bytes, value);
    }
  }

  Status ReadDense(std::string_view bytes, TensorFileValue& value) {
    MULLION_ASSIGN_OR_RETURN(const auto record, onnx::ReadTensorRecord(bytes, context_));
    MULLION_ASSIGN_OR_RETURN(value.tensor, onnx::ReadTensor(record, context_));
    value.name = record.name;
    return OkStatus();
  }

  Status AppendSparse(std::string_view bytes, TensorFileValue& value) {
    MULLION_ASSIGN_OR_RETURN(auto sparse, onnx::ReadSparseTensor(bytes, context_));
    TensorFileValue& item = value.items.emplace_back();
    item.kind = ValueKind::kTensor;
    item.name = sparse.name;
    item.tensor = std::move(sparse.dense);
    return OkStatus();
  }

  Status Append(std::string_view bytes, ValueKind kind, int depth, TensorFileValue& value) {
    MULLION_ASSIGN_OR_RETURN(TensorFileValue item, Read(bytes, kind, depth + 1));
    value.items.push_back(std::move(item));
    return OkStatus();
  }

  Status ReadSequence(std::string_view bytes, int depth, TensorFileValue& value) {
    Status status;
    WireReader fields(bytes);
    while (status.ok() && fields.Next()) {
      switch (fields.number()) {
        case field::sequence::kName:
          value.name = fields.Name();
          break;
        case field::sequence::kTensors:
          status = Append(fields.Bytes(), ValueKind::kTensor, depth, value);
          break;
        case field::sequence::kSparseTensors:
          status = AppendSparse(fields.Bytes(), value);
          break;
        case field::sequence::kSequences:
          status = Append(fields.Bytes(), ValueKind::kSequence, depth, value);
          break;
        case field::sequence::kMaps:
          status = Append(fields.Bytes(), ValueKind::kMap, depth, value);
          break;
        case field::sequence::kOptionals:
          status = Append(fields.Bytes(), ValueKind::kOptional, depth, value);
          break;
        default:
          break;
      }
    }
    MULLION_RETURN_IF_ERROR(status);
    return context_.Finish(fields);
  }

  Status ReadMap(std::string_view bytes, int depth, TensorFileValue& value) {
    Status status;
    WireReader fields(bytes);
    while (status.ok() && fields.Next()) {
      switch (fields.number()) {
        case field::map::kName:
          value.name = fields.Name();
          break;
        case field::map::kKeys:
          fields.ForEachInt([&](int64_t key) { value.int_keys.push_back(key); });
          break;
        case field::map::kStringKeys:
          value.string_keys.emplace_back(fields.Bytes());
          break;
        case field::map::kValues: {
          auto values = Read(fields.Bytes(), ValueKind::kSequence, depth + 1);
          status = values.ok() ? OkStatus() : values.status();
          if (values.ok()) value.items = std::move(values->items);
          break;
        }
        default:
          break;
      }
    }
    MULLION_RETURN_IF_ERROR(status);
    MULLION_RETURN_IF_ERROR(context_.Finish(fields));
    const size_t keys = value.int_keys.size() + value.string_keys.size();
    if ((value.int_keys.empty() || value.string_keys.empty()) && keys == value.items.size()) {
      return OkStatus();
    }
    return InvalidModel("a map has ", value.int_keys.size(), " integer and ",
                        value.string_keys.size(), " string keys for ", value.items.size(),
                        " values; the file is damaged");
  }

  Status ReadOptional(std::string_view bytes, int depth, TensorFileValue& value) {
    Status status;
    WireReader fields(bytes);
    while (status.ok() && fields.Next()) {
      switch (fields.number()) {
        case field::optional::kName:
          value.name = fields.Name();
          break;
        case field::optional::kTensor:
          status = Append(fields.Bytes(), ValueKind::kTensor, depth, value);
          break;
        case field::optional::kSparseTensor:
          status = AppendSparse(fields.Bytes(), value);
          break;
        case field::optional::kSequence:
          status = Append(fields.Bytes(), ValueKind::kSequence, depth, value);
          break;
        case field::optional::kMap:
          status = Append(fields.Bytes(), ValueKind::kMap, depth, value);
          break;
        case field::optional::kOptional:
          status = Append(fields.Bytes(), ValueKind::kOptional, depth, value);
          break;
        default:
          break;
      }
    }
    MULLION_RETURN_IF_ERROR(status);
    MULLION_RETURN_IF_ERROR(context_.Finish(fields));
    if (value.items.size() <= 1) return OkStatus();
    return InvalidModel("an optional has more than one value; the file is damaged");
  }

  ReadContext& context_;
};

}  // namespace

Result<TensorFileValue> ParseTensorFile(std::span<const uint8_t> bytes, ValueKind kind) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  ReadContext context({text, nullptr, nullptr});
  return ValueReader(context).Read(text, kind, 0);
}

Result<TensorFileValue> ReadTensorFile(const std::filesystem::path& path, ValueKind kind) {
  const std::string prefix = StrCat("tensor file '", path.string(), "': ");
  Result<std::shared_ptr<const MappedFile>> mapping = MapFile(path);
  if (!mapping.ok()) return mapping.status().WithPrefix(prefix);
  Result<TensorFileValue> value = ParseTensorFile({(*mapping)->data(), (*mapping)->size()}, kind);
  return value.ok() ? std::move(value) : value.status().WithPrefix(prefix);
}

Result<std::string> EncodeTensorFile(const TensorView& tensor, std::string_view name) {
  return onnx::EncodeTensor(tensor, name);
}

Status WriteTensorFile(const std::filesystem::path& path, const TensorView& tensor,
                       std::string_view name) {
  MULLION_ASSIGN_OR_RETURN(const std::string bytes, EncodeTensorFile(tensor, name));
  return onnx::WriteFile(path, bytes);
}

}  // namespace mullion
