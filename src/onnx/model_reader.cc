// SPDX-License-Identifier: MIT
#include "onnx/model_reader.h"

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/str_cat.h"
#include "onnx/environment.h"
#include "onnx/function_table.h"
#include "onnx/graph_reader.h"
#include "onnx/schema.h"

namespace mullion::onnx {

namespace {

// The parts of a ModelProto that need the rest to be read first.
struct Parts {
  std::optional<std::string_view> graph;
  std::vector<std::string_view> functions;
};

Status ReadMetadata(std::string_view bytes, const ReadContext& context, Model& model) {
  auto& [key, value] = model.metadata.emplace_back();
  WireReader fields(bytes);
  while (fields.Next()) {
    if (fields.number() == field::entry::kKey) key = fields.Bytes();
    if (fields.number() == field::entry::kValue) value = fields.Bytes();
  }
  return context.Finish(fields);
}

Result<Parts> ReadParts(const ReadContext& context, Model& model) {
  Parts parts;
  Status status;
  WireReader fields(context.source.bytes);
  while (status.ok() && fields.Next()) {
    switch (fields.number()) {
      case field::model::kIrVersion:
        model.ir_version = fields.Int();
        break;
      case field::model::kProducerName:
        model.producer_name = fields.Bytes();
        break;
      case field::model::kProducerVersion:
        model.producer_version = fields.Bytes();
        break;
      case field::model::kDomain:
        model.domain = fields.Bytes();
        break;
      case field::model::kModelVersion:
        model.model_version = fields.Int();
        break;
      case field::model::kDocString:
        model.description = fields.Bytes();
        break;
      case field::model::kGraph:
        parts.graph = fields.Bytes();
        break;
      case field::model::kOpsetImport:
        status = ReadOpsetImport(fields.Bytes(), context, model.opsets);
        break;
      case field::model::kMetadata:
        status = ReadMetadata(fields.Bytes(), context, model);
        break;
      case field::model::kFunctions:
        parts.functions.push_back(fields.Bytes());
        break;
      default:
        break;
    }
  }
  MULLION_RETURN_IF_ERROR(status);
  MULLION_RETURN_IF_ERROR(context.Finish(fields));
  return parts;
}

Result<FunctionTable> ReadFunctions(const std::vector<std::string_view>& functions,
                                    ReadContext& context) {
  FunctionTable table;
  for (const std::string_view bytes : functions) {
    MULLION_ASSIGN_OR_RETURN(FunctionRecord record, ReadFunctionRecord(bytes, context));
    MULLION_RETURN_IF_ERROR(table.Add(std::move(record)));
  }
  return table;
}

}  // namespace

Result<std::unique_ptr<Model>> ReadModelProto(ReadContext& context) {
  if (context.source.bytes.empty()) return InvalidModel("it is empty; fetch or export it again");
  auto model = std::make_unique<Model>();
  MULLION_ASSIGN_OR_RETURN(const Parts parts, ReadParts(context, *model));
  if (model->ir_version < 1 || !parts.graph.has_value()) {
    return InvalidModel("it has no ", model->ir_version < 1 ? "IR version" : "graph",
                        ", as every ONNX model does; is it another kind of file?");
  }
  MULLION_ASSIGN_OR_RETURN(const FunctionTable functions, ReadFunctions(parts.functions, context));
  Environment environment;
  environment.opsets = &model->opsets;
  environment.ir_version = model->ir_version;
  GraphReader reader(context, functions);
  MULLION_RETURN_IF_ERROR(reader.ReadMain(*parts.graph, environment, *model));
  return model;
}

}  // namespace mullion::onnx
