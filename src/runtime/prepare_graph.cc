// SPDX-License-Identifier: MIT
#include "runtime/prepare_graph.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/str_cat.h"
#include "device/weight_store.h"
#include "optimizer/allow_half_precision.h"
#include "optimizer/check_imported.h"
#include "optimizer/infer_graph.h"
#include "optimizer/pipeline.h"
#include "runtime/run_node.h"

namespace mullion {

namespace {

using NamedSizes = std::vector<std::pair<std::string, int64_t>>;

// The free axis that counts the items of a batch, or -1. Scalars and sequences have none.
int FreeBatchAxis(const FeatureInfo& feature) {
  if (!feature.type.has_shape || feature.type.shape.rank() == 0) return -1;
  const auto& denotations = feature.dim_denotations;
  const auto marked = std::find(denotations.begin(), denotations.end(), "DATA_BATCH");
  const auto axis =
      marked == denotations.end() ? 0 : static_cast<int>(marked - denotations.begin());
  return axis < feature.type.shape.rank() && feature.type.shape[axis] < 0 ? axis : -1;
}

// Fixes the batch axis of the features, and in `names` the names that it goes by: the same name
// means the same size elsewhere.
void FixBatch(int64_t size, std::vector<FeatureInfo>& features, NamedSizes& names) {
  for (FeatureInfo& feature : features) {
    const int axis = FreeBatchAxis(feature);
    if (axis < 0) continue;
    feature.type.shape[axis] = size;
    const auto index = static_cast<size_t>(axis);
    if (index < feature.dim_names.size()) names.emplace_back(feature.dim_names[index], size);
  }
}

// Puts sizes in place of the symbols that `dimensions` names.
void FixDimensions(const NamedSizes& dimensions, std::vector<FeatureInfo>& features) {
  for (FeatureInfo& feature : features) {
    if (!feature.type.has_shape) continue;
    for (int axis = 0; axis < feature.type.shape.rank(); ++axis) {
      for (const auto& [name, size] : dimensions) {
        const auto index = static_cast<size_t>(axis);
        if (index < feature.dim_names.size() && !name.empty() && feature.dim_names[index] == name &&
            size > 0) {
          feature.type.shape[axis] = size;
        }
      }
    }
  }
}

// What the session's devices can do, for the optimizer.
class DeviceCapabilities final : public optimizer::Capabilities {
 public:
  explicit DeviceCapabilities(std::span<const Device* const> devices) : devices_(devices) {}
  bool Supports(const Node& node) const override {
    return std::any_of(devices_.begin(), devices_.end(),
                       [&](const Device* device) { return device->Supports(node).ok(); });
  }

 private:
  std::span<const Device* const> devices_;
};

// What a caller is told of an output is what the file declares: it must be what comes out.
Status CheckDeclaredOutputs(std::span<const FeatureInfo> declared, const Graph& graph) {
  for (size_t i = 0; i < declared.size(); ++i) {
    const TypeInfo& said = declared[i].type;
    const TypeInfo& made = graph.outputs()[i]->type;
    if (said.kind == ValueKind::kUnknown || made.kind == ValueKind::kUnknown) continue;
    if (said.kind == made.kind && (!said.IsTensor() || said.element_type == made.element_type ||
                                   said.element_type == ElementType::kUndefined)) {
      continue;
    }
    return InvalidModel("output '", declared[i].name, "' is declared as ", said.ToString(),
                        " but the graph gives ", made.ToString(),
                        "; correct its declaration, or export the model again");
  }
  return OkStatus();
}

}  // namespace

Result<PreparedGraph> PrepareGraph(const Model& model, std::span<const Device* const> devices,
                                   const OperatorRegistry& operators,
                                   const SessionOptions& options) {
  PreparedGraph prepared{model.inputs, model.outputs, model.graph->Clone()};
  NamedSizes sizes;  // the last one of a name counts: what the caller named himself
  if (options.batch_size > 0) {
    FixBatch(options.batch_size, prepared.inputs, sizes);
    FixBatch(options.batch_size, prepared.outputs, sizes);
  }
  sizes.insert(sizes.end(), options.dimensions.begin(), options.dimensions.end());
  FixDimensions(sizes, prepared.inputs);
  FixDimensions(sizes, prepared.outputs);
  Graph& graph = *prepared.graph;
  for (size_t i = 0; i < prepared.inputs.size(); ++i) {
    graph.inputs()[i]->type = prepared.inputs[i].type;
  }
  if (model.compiled) {
    MULLION_RETURN_IF_ERROR(optimizer::InferGraph(graph, operators));
    return prepared;
  }
  MULLION_RETURN_IF_ERROR(optimizer::CheckImported(graph, operators));
  DeviceEvaluator evaluator(*devices.back(), operators, WeightStore::Global());
  const DeviceCapabilities capabilities(devices);
  const optimizer::PipelineOptions pipeline{.operators = &operators,
                                            .capabilities = &capabilities,
                                            .evaluator = &evaluator,
                                            .rewrite = options.optimize};
  MULLION_RETURN_IF_ERROR(optimizer::Optimize(graph, pipeline));
  MULLION_RETURN_IF_ERROR(CheckDeclaredOutputs(prepared.outputs, graph));
  const bool half = options.precision == Precision::kHalf &&
                    std::any_of(devices.begin(), devices.end(),
                                [](const Device* device) { return device->HasHalfPrecision(); });
  if (half) optimizer::AllowHalfPrecision(graph);
  return prepared;
}

}  // namespace mullion
