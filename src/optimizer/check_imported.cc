// SPDX-License-Identifier: MIT
#include "optimizer/check_imported.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/str_cat.h"
#include "operators/attention.h"
#include "operators/attribute_kinds.h"
#include "operators/convolution_geometry.h"
#include "operators/epilogue.h"
#include "operators/pool.h"
#include "operators/precision.h"
#include "operators/whole_output.h"

namespace mullion::optimizer {

namespace {

constexpr auto kAdded = std::to_array<std::string_view>({
    operators::kFusedActivation,
    operators::kFusedAlpha,
    operators::kFusedBeta,
    operators::kResidualBegin,
    operators::kReadsPlanes,
    operators::kShufflesChannels,
    operators::kMaxPooled,
    operators::attention::kFusedFill,
    operators::attention::kFusedFlatOutput,
    operators::attention::kFusedWithoutNan,
    operators::attention::kJoinedOperands,
    operators::attention::kJoinedPast,
    operators::attention::kJoinedPresent,
    operators::kWholeChannels,
    operators::kFirstChannel,
    operators::kHalfPrecision,
});

bool IsAdded(const Node& node, std::string_view attribute) {
  // com.microsoft has operators of its own with this one.
  if (attribute == "channels_last") return node.domain().empty();
  return std::find(kAdded.begin(), kAdded.end(), attribute) != kAdded.end();
}

Status CheckAttributeKinds(const Node& node) {
  if (!node.domain().empty() && node.domain().rfind("ai.onnx.", 0) != 0) return OkStatus();
  for (const Attribute& attribute : node.attributes()) {
    const std::string taken = operators::OtherAttributeKind(attribute);
    if (taken.empty()) continue;
    return node.Error(StatusCode::kInvalidModel, "attribute '", attribute.name, "' is of kind ",
                      AttributeKindName(attribute.value), " but must be of kind ", taken,
                      "; export the model again");
  }
  return OkStatus();
}

Status CheckNode(const Node& node, const OperatorRegistry& registry) {
  if (node.domain() == operators::kInternalDomain) {
    return node.Error(StatusCode::kUnsupported, "the domain '", operators::kInternalDomain,
                      "' is the library's own; export the model without it");
  }
  MULLION_RETURN_IF_ERROR(CheckAttributeKinds(node));
  if (!node.domain().empty() && node.domain() != "com.microsoft") return OkStatus();
  for (const Attribute& attribute : node.attributes()) {
    if (!IsAdded(node, attribute.name)) continue;
    return node.Error(StatusCode::kInvalidModel, "the operator has no attribute '", attribute.name,
                      "'; export the model without it");
  }
  const OperatorDefinition* const definition =
      registry.Find(node.domain(), node.operator_name(), node.opset());
  if (definition == nullptr || definition->added_inputs == 0) return OkStatus();
  const int most = definition->inputs.max - definition->added_inputs;
  if (node.input_count() <= most) return OkStatus();
  return node.Error(StatusCode::kInvalidModel, "it has ", node.input_count(),
                    " inputs but the operator takes ", definition->inputs.min, " to ", most,
                    "; export the model again");
}

}  // namespace

Status CheckImported(const Graph& graph, const OperatorRegistry& registry,
                     std::vector<Problem>* problems) {
  for (const auto& node : graph.nodes()) {
    Status status = CheckNode(*node, registry);
    if (!status.ok()) {
      if (problems == nullptr) return status;
      problems->push_back({node.get(), std::move(status)});
    }
    for (const Graph* const subgraph : node->Subgraphs()) {
      MULLION_RETURN_IF_ERROR(CheckImported(*subgraph, registry, problems));
    }
  }
  return OkStatus();
}

}  // namespace mullion::optimizer
