// SPDX-License-Identifier: MIT
#include "onnx/attribute_reader.h"

#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/str_cat.h"
#include "onnx/schema.h"
#include "onnx/sparse_tensor.h"
#include "onnx/tensor_reader.h"
#include "onnx/type_reader.h"

namespace mullion::onnx {

namespace {

// All that an AttributeProto may hold; `kind` says which part counts.
struct AttributeRecord {
  AttributeKind kind = AttributeKind::kUndefined;
  AttributeKind last_seen = AttributeKind::kUndefined;
  float number = 0;
  int64_t integer = 0;
  std::string_view message;  // string, tensor, graph, sparse tensor or type
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string_view> messages;  // strings, tensors, graphs or sparse tensors
};

void AppendFloats(std::string_view run, std::vector<float>& floats) {
  const size_t old_size = floats.size();
  floats.resize(old_size + run.size() / sizeof(float));
  if (!run.empty()) std::memcpy(floats.data() + old_size, run.data(), run.size());
}

// Stores the field if it is one of `record.kind`, or of any kind while that is unknown. Files of IR
// version 1 do not say the kind: there the one field that is present tells.
void ReadValueField(WireReader& fields, AttributeRecord& record) {
  const auto wanted = [&](AttributeKind kind) {
    if (record.kind != AttributeKind::kUndefined && record.kind != kind) return false;
    record.last_seen = kind;
    return true;
  };
  const auto take_message = [&](AttributeKind kind) {
    if (wanted(kind)) record.message = fields.Bytes();
  };
  const auto take_element = [&](AttributeKind kind) {
    if (wanted(kind)) record.messages.push_back(fields.Bytes());
  };
  switch (fields.number()) {
    case field::attribute::kFloat:
      if (wanted(AttributeKind::kFloat)) record.number = fields.Float();
      break;
    case field::attribute::kInt:
      if (wanted(AttributeKind::kInt)) record.integer = fields.Int();
      break;
    case field::attribute::kFloats:
      if (wanted(AttributeKind::kFloats)) AppendFloats(fields.FixedRun(4), record.floats);
      break;
    case field::attribute::kInts:
      if (!wanted(AttributeKind::kInts)) break;
      fields.ForEachInt([&](int64_t value) { record.ints.push_back(value); });
      break;
    case field::attribute::kString:
      take_message(AttributeKind::kString);
      break;
    case field::attribute::kTensor:
      take_message(AttributeKind::kTensor);
      break;
    case field::attribute::kGraph:
      take_message(AttributeKind::kGraph);
      break;
    case field::attribute::kSparseTensor:
      take_message(AttributeKind::kSparseTensor);
      break;
    case field::attribute::kTypeProto:
      take_message(AttributeKind::kTypeProto);
      break;
    case field::attribute::kStrings:
      take_element(AttributeKind::kStrings);
      break;
    case field::attribute::kTensors:
      take_element(AttributeKind::kTensors);
      break;
    case field::attribute::kGraphs:
      take_element(AttributeKind::kGraphs);
      break;
    case field::attribute::kSparseTensors:
      take_element(AttributeKind::kSparseTensors);
      break;
    case field::attribute::kTypeProtos:
      take_element(AttributeKind::kTypeProtos);
      break;
    default:
      break;
  }
}

Result<AttributeKind> ReadKind(std::string_view bytes, const ReadContext& context) {
  auto kind = AttributeKind::kUndefined;
  WireReader fields(bytes);
  while (fields.Next()) {
    if (fields.number() == field::attribute::kType) kind = AttributeKind{fields.Int()};
  }
  MULLION_RETURN_IF_ERROR(context.Finish(fields));
  return kind;
}

Result<AttributeRecord> ReadRecord(std::string_view bytes, const ReadContext& context) {
  AttributeRecord record;
  MULLION_ASSIGN_OR_RETURN(record.kind, ReadKind(bytes, context));
  WireReader fields(bytes);
  while (fields.Next()) ReadValueField(fields, record);
  MULLION_RETURN_IF_ERROR(context.Finish(fields));
  const bool is_message =
      record.kind == AttributeKind::kTensor || record.kind == AttributeKind::kGraph ||
      record.kind == AttributeKind::kSparseTensor || record.kind == AttributeKind::kTypeProto;
  if (is_message && record.last_seen == AttributeKind::kUndefined) {
    return InvalidModel(
        "it says that it holds a tensor, graph or type but has none; the file is "
        "damaged, export it again");
  }
  if (record.kind == AttributeKind::kUndefined) record.kind = record.last_seen;
  return record;
}

// What the value will take, without what tensors and graphs charge for themselves.
uint64_t MemoryOf(const AttributeRecord& record) {
  uint64_t bytes = sizeof(float) * record.floats.size() + sizeof(int64_t) * record.ints.size() +
                   sizeof(Tensor) * record.messages.size();
  if (record.kind == AttributeKind::kString) bytes += record.message.size();
  if (record.kind == AttributeKind::kStrings) {
    for (const std::string_view text : record.messages) bytes += text.size();
  }
  return bytes;
}

// A list of what `read` makes of each message.
template <typename T, typename Read>
Result<AttributeValue> ReadList(const std::vector<std::string_view>& messages, Read read) {
  std::vector<T> list;
  list.reserve(messages.size());
  for (const std::string_view message : messages) {
    Result<T> item = read(message);
    if (!item.ok()) return item.status();
    list.push_back(*std::move(item));
  }
  return AttributeValue(std::move(list));
}

template <typename T>
Result<AttributeValue> AsValue(Result<T> result) {
  if (!result.ok()) return result.status();
  return AttributeValue(*std::move(result));
}

Result<AttributeValue> MakeValue(AttributeRecord record, ReadContext& context,
                                 SubgraphReader read_subgraph) {
  const auto read_tensor = [&](std::string_view bytes) { return ReadTensor(bytes, context); };
  const auto read_sparse = [&](std::string_view bytes) -> Result<Tensor> {
    MULLION_ASSIGN_OR_RETURN(SparseTensor sparse, ReadSparseTensor(bytes, context));
    return std::move(sparse.dense);
  };
  const auto read_string = [](std::string_view bytes) -> Result<std::string> {
    return std::string(bytes);
  };
  switch (record.kind) {
    case AttributeKind::kFloat:
      return AttributeValue(record.number);
    case AttributeKind::kInt:
      return AttributeValue(record.integer);
    case AttributeKind::kString:
      return AttributeValue(std::string(record.message));
    case AttributeKind::kTensor:
      return AsValue(read_tensor(record.message));
    case AttributeKind::kGraph:
      return AsValue(read_subgraph(record.message));
    case AttributeKind::kSparseTensor:
      return AsValue(read_sparse(record.message));
    case AttributeKind::kTypeProto:
      return AsValue(ReadType(record.message, context));
    case AttributeKind::kFloats:
      return AttributeValue(std::move(record.floats));
    case AttributeKind::kInts:
      return AttributeValue(std::move(record.ints));
    case AttributeKind::kStrings:
      return ReadList<std::string>(record.messages, read_string);
    case AttributeKind::kTensors:
      return ReadList<Tensor>(record.messages, read_tensor);
    case AttributeKind::kSparseTensors:
      return ReadList<Tensor>(record.messages, read_sparse);
    case AttributeKind::kGraphs:
      return ReadList<std::shared_ptr<Graph>>(record.messages, read_subgraph);
    default:
      return Unsupported("its kind is number ", static_cast<int64_t>(record.kind),
                         ", which this version does not know; export the model for an "
                         "older opset");
  }
}

}  // namespace

Result<AttributeHead> ReadAttributeHead(std::string_view bytes, const ReadContext& context) {
  AttributeHead head;
  WireReader fields(bytes);
  while (fields.Next()) {
    if (fields.number() == field::attribute::kName) head.name = fields.Name();
    if (fields.number() == field::attribute::kRefAttrName) head.reference = fields.Name();
  }
  MULLION_RETURN_IF_ERROR(context.Finish(fields));
  if (head.name.empty()) {
    return InvalidModel("an attribute has no name; the file is damaged, export it again");
  }
  return head;
}

Result<AttributeValue> ReadAttributeValue(std::string_view bytes, ReadContext& context,
                                          SubgraphReader read_subgraph) {
  MULLION_ASSIGN_OR_RETURN(AttributeRecord record, ReadRecord(bytes, context));
  MULLION_RETURN_IF_ERROR(context.budget.Charge(MemoryOf(record)));
  return MakeValue(std::move(record), context, read_subgraph);
}

}  // namespace mullion::onnx
