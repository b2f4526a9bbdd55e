// SPDX-License-Identifier: MIT
#include "onnx/records.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/str_cat.h"
#include "onnx/limits.h"
#include "onnx/schema.h"

namespace mullion::onnx {

namespace {

Result<NodeRecord> ReadNodeRecord(std::string_view bytes, ReadContext& context) {
  NodeRecord record;
  WireReader fields(bytes);
  while (fields.Next()) {
    switch (fields.number()) {
      case field::node::kInput:
        record.inputs.push_back(fields.Name());
        break;
      case field::node::kOutput:
        record.outputs.push_back(fields.Name());
        break;
      case field::node::kName:
        record.name = fields.Name();
        break;
      case field::node::kOpType:
        record.operator_name = fields.Name();
        break;
      case field::node::kAttribute:
        record.attributes.push_back(fields.Bytes());
        break;
      case field::node::kDomain:
        record.domain = NormalizeDomain(fields.Name());
        break;
      case field::node::kOverload:
        record.overload = fields.Name();
        break;
      default:
        break;
    }
  }
  MULLION_RETURN_IF_ERROR(context.Finish(fields));
  if (record.operator_name.empty()) {
    return InvalidModel("the node ", Quoted(record.Label()),
                        " names no operator; the file is damaged, export it again");
  }
  if (record.attributes.size() > kMaxAttributes) {
    return InvalidModel("the node ", Quoted(record.Label()), " has ", record.attributes.size(),
                        " attributes; up to ", kMaxAttributes, " are supported");
  }
  // Views take 16 bytes for as few as two in the file.
  MULLION_RETURN_IF_ERROR(context.budget.Charge(
      sizeof(record) + sizeof(std::string_view) * (record.inputs.size() + record.outputs.size() +
                                                   record.attributes.size())));
  return record;
}

Status AppendNode(std::string_view bytes, ReadContext& context, std::vector<NodeRecord>& nodes) {
  MULLION_ASSIGN_OR_RETURN(NodeRecord record, ReadNodeRecord(bytes, context));
  nodes.push_back(std::move(record));
  return OkStatus();
}

}  // namespace

std::string_view NodeRecord::Label() const {
  if (!name.empty()) return name;
  const auto named =
      std::find_if(outputs.begin(), outputs.end(), [](const auto& o) { return !o.empty(); });
  return named == outputs.end() ? std::string_view() : *named;
}

std::string_view NormalizeDomain(std::string_view domain) {
  return domain == "ai.onnx" ? std::string_view() : domain;
}

Status ReadOpsetImport(std::string_view bytes, const ReadContext& context,
                       std::vector<OpsetImport>& opsets) {
  OpsetImport import;
  int64_t version = 0;
  WireReader fields(bytes);
  while (fields.Next()) {
    if (fields.number() == field::opset::kDomain) import.domain = NormalizeDomain(fields.Name());
    if (fields.number() == field::opset::kVersion) version = fields.Int();
  }
  MULLION_RETURN_IF_ERROR(context.Finish(fields));
  if (version < 0 || version > std::numeric_limits<int>::max()) {
    return InvalidModel("it imports version ", version, " of the operator set ",
                        Quoted(import.domain), "; the file is damaged, export it again");
  }
  import.version = static_cast<int>(version);
  const auto same = std::find_if(opsets.begin(), opsets.end(),
                                 [&](const OpsetImport& o) { return o.domain == import.domain; });
  if (same != opsets.end()) {
    same->version = std::max(same->version, import.version);
    return OkStatus();
  }
  if (opsets.size() == kMaxOpsetImports) {
    return InvalidModel("it imports more than ", kMaxOpsetImports,
                        " operator sets; the file is damaged");
  }
  opsets.push_back(std::move(import));
  return OkStatus();
}

Result<GraphRecord> ReadGraphRecord(std::string_view bytes, ReadContext& context) {
  GraphRecord record;
  Status status;
  WireReader fields(bytes);
  while (status.ok() && fields.Next()) {
    switch (fields.number()) {
      case field::graph::kNode:
        status = AppendNode(fields.Bytes(), context, record.nodes);
        break;
      case field::graph::kName:
        record.name = fields.Name();
        break;
      case field::graph::kInitializer:
        record.initializers.push_back(fields.Bytes());
        break;
      case field::graph::kInput:
        record.inputs.push_back(fields.Bytes());
        break;
      case field::graph::kOutput:
        record.outputs.push_back(fields.Bytes());
        break;
      case field::graph::kValueInfo:
        record.value_infos.push_back(fields.Bytes());
        break;
      case field::graph::kSparseInitializer:
        record.sparse_initializers.push_back(fields.Bytes());
        break;
      default:
        break;
    }
  }
  MULLION_RETURN_IF_ERROR(status);
  MULLION_RETURN_IF_ERROR(context.Finish(fields));
  return record;
}

Result<FunctionRecord> ReadFunctionRecord(std::string_view bytes, ReadContext& context) {
  FunctionRecord record;
  Status status;
  WireReader fields(bytes);
  while (status.ok() && fields.Next()) {
    switch (fields.number()) {
      case field::function::kName:
        record.name = fields.Name();
        break;
      case field::function::kInput:
        record.inputs.push_back(fields.Name());
        break;
      case field::function::kOutput:
        record.outputs.push_back(fields.Name());
        break;
      case field::function::kNode:
        status = AppendNode(fields.Bytes(), context, record.nodes);
        break;
      case field::function::kOpsetImport:
        status = ReadOpsetImport(fields.Bytes(), context, record.opsets);
        break;
      case field::function::kDomain:
        record.domain = NormalizeDomain(fields.Name());
        break;
      case field::function::kAttributeProto:
        record.defaults.push_back(fields.Bytes());
        break;
      case field::function::kOverload:
        record.overload = fields.Name();
        break;
      default:
        break;
    }
  }
  MULLION_RETURN_IF_ERROR(status);
  MULLION_RETURN_IF_ERROR(context.Finish(fields));
  if (record.defaults.size() > kMaxAttributes) {
    return InvalidModel("the function ", Quoted(record.name), " has ", record.defaults.size(),
                        " attributes; up to ", kMaxAttributes, " are supported");
  }
  return record;
}

}  // namespace mullion::onnx
