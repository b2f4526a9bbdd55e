// SPDX-License-Identifier: MIT
#include "onnx/writer.h"

#include <algorithm>
#include <protozero/pbf_writer.hpp>

#include "onnx/graph_writer.h"
#include "onnx/schema.h"
#include "onnx/write_file.h"

namespace mullion {

namespace {

namespace field = onnx::field;
using protozero::pbf_writer;

// Released in 2021 with ONNX 1.10; everything that runs ONNX today takes it.
constexpr int64_t kDefaultIrVersion = 8;

int64_t IrVersionFor(const Model& model) {
  if (model.ir_version == 0) return kDefaultIrVersion;
  return std::max(model.ir_version, onnx::kIrWithFreeInitializers);
}

void AddText(pbf_writer& message, uint32_t number, const std::string& text) {
  if (!text.empty()) message.add_string(number, text);
}

void WriteHeader(const Model& model, pbf_writer& message) {
  message.add_int64(field::model::kIrVersion, IrVersionFor(model));
  AddText(message, field::model::kProducerName, model.producer_name);
  AddText(message, field::model::kProducerVersion, model.producer_version);
  AddText(message, field::model::kDomain, model.domain);
  if (model.model_version != 0) message.add_int64(field::model::kModelVersion, model.model_version);
  AddText(message, field::model::kDocString, model.description);
}

void WriteOpset(const std::string& domain, int version, pbf_writer& message) {
  pbf_writer inner(message, field::model::kOpsetImport);
  inner.add_string(field::opset::kDomain, domain);
  inner.add_int64(field::opset::kVersion, version);
}

void WriteMetadata(const Model& model, pbf_writer& message) {
  for (const auto& [key, value] : model.metadata) {
    pbf_writer inner(message, field::model::kMetadata);
    inner.add_string(field::entry::kKey, key);
    inner.add_string(field::entry::kValue, value);
  }
}

// The imports of the model in its order, then those of nodes whose domain it does not import.
void WriteOpsets(const Model& model, const onnx::GraphWriter& graph, pbf_writer& message) {
  for (const OpsetImport& import : model.opsets) {
    WriteOpset(import.domain, import.version, message);
  }
  for (const auto& [domain, version] : graph.opsets()) {
    const bool written =
        std::any_of(model.opsets.begin(), model.opsets.end(),
                    [&name = domain](const OpsetImport& o) { return o.domain == name; });
    if (!written) WriteOpset(domain, version, message);
  }
}

}  // namespace

Result<std::string> WriteModel(const Model& model) { return WriteModel(model, {}); }

Result<std::string> WriteModel(const Model& model, const KeptTensors& kept) {
  std::string bytes;
  pbf_writer message(bytes);
  WriteHeader(model, message);
  onnx::GraphWriter graph(model, kept, bytes);
  {
    pbf_writer inner(message, field::model::kGraph);
    MULLION_RETURN_IF_ERROR(graph.WriteMain(inner));
  }
  WriteOpsets(model, graph, message);
  WriteMetadata(model, message);
  return bytes;
}

Status WriteModelFile(const Model& model, const std::filesystem::path& path) {
  MULLION_ASSIGN_OR_RETURN(const std::string bytes, WriteModel(model));
  return onnx::WriteFile(path, bytes);
}

}  // namespace mullion
