// SPDX-License-Identifier: MIT
// `mullion info`: what a model is, and whether it can run here.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <vector>

#include "base/str_cat.h"
#include "compiled/open_model.h"
#include "devices/cpu/cpu_device.h"
#include "operators/registry.h"
#include "optimizer/check_imported.h"
#include "optimizer/infer_graph.h"
#include "optimizer/stand_in_types.h"
#include "optimizer/widen_halves.h"
#include "tools/commands.h"
#include "tools/failure.h"
#include "tools/json.h"
#include "tools/model_counts.h"
#include "tools/operator_support.h"

namespace mullion::tools {

namespace {

using Json = nlohmann::ordered_json;

struct Unsupported {
  Origin origin;
  std::string why;
};

class CpuCapabilities final : public optimizer::Capabilities {
 public:
  bool Supports(const Node& node) const override { return cpu_.Supports(node).ok(); }
  Status Check(const Node& node) const { return cpu_.Supports(node); }

 private:
  cpu::CpuDevice cpu_;
};

bool IsControlFlow(const Node& node) { return !node.Subgraphs().empty(); }

void FindUnsupported(const Graph& graph, const CpuCapabilities& cpu,
                     std::vector<Unsupported>& found) {
  for (const auto& node : graph.nodes()) {
    for (const Graph* const subgraph : node->Subgraphs()) FindUnsupported(*subgraph, cpu, found);
    if (IsControlFlow(*node)) continue;
    const Status status = cpu.Check(*node);
    if (!status.ok()) found.push_back({node->origin, status.message()});
  }
}

// Whether a node failed for want of the type of an input, which a node before it was to give.
bool FollowsFromAnother(const Node& node) {
  return std::any_of(node.inputs().begin(), node.inputs().end(), [](const Value* input) {
    if (input == nullptr) return false;
    return input->type.kind == ValueKind::kUnknown ||
           (input->type.IsTensor() && input->type.element_type == ElementType::kUndefined);
  });
}

// Checks and infers the graph as a session does, and asks the CPU for a kernel for every node.
std::vector<Unsupported> CheckSupport(const Model& model) {
  Graph& graph = *model.graph;
  std::vector<optimizer::Problem> problems;
  std::vector<Unsupported> found;
  if (!model.compiled) {
    ThrowIfError(optimizer::CheckImported(graph, BuiltInOperators(), &problems));
  }
  if (problems.empty()) {
    ThrowIfError(optimizer::InferGraph(graph, BuiltInOperators(), &problems));
  }
  if (!problems.empty()) {
    for (const optimizer::Problem& problem : problems) {
      if (!FollowsFromAnother(*problem.node)) {
        found.push_back({problem.node->origin, problem.status.message()});
      }
    }
    return found;
  }
  const CpuCapabilities cpu;
  optimizer::StandInTypes(graph, cpu);
  optimizer::WidenHalves(graph, cpu, optimizer::HalfRange::kWhereNeeded);
  FindUnsupported(graph, cpu, found);
  return found;
}

// null when the rank is not known.
Json ShapeOf(const FeatureInfo& feature) {
  if (feature.type.IsTensor() && !feature.type.has_shape) return nullptr;
  Json dims = Json::array();
  for (int axis = 0; axis < feature.type.shape.rank(); ++axis) {
    const int64_t dim = feature.type.shape[axis];
    const auto index = static_cast<size_t>(axis);
    const std::string name = index < feature.dim_names.size() ? feature.dim_names[index] : "";
    if (dim >= 0) {
      dims.push_back(dim);
    } else {
      dims.push_back(name.empty() ? Json("?") : Json(name));
    }
  }
  return dims;
}

const char* KindName(const FeatureInfo& feature) {
  switch (feature.type.kind) {
    case ValueKind::kTensor:
      return feature.denotation == "IMAGE" ? "image" : "tensor";
    case ValueKind::kSequence:
      return "sequence";
    case ValueKind::kMap:
      return "map";
    case ValueKind::kOptional:
      return "optional";
    case ValueKind::kUnknown:
      break;
  }
  return "unknown";
}

Json FeatureJson(const FeatureInfo& feature) {
  Json json;
  json["name"] = feature.name;
  json["type"] = feature.type.IsTensor() ? std::string(ElementTypeName(feature.type.element_type))
                                         : feature.type.ToString();
  json["shape"] = ShapeOf(feature);
  json["kind"] = KindName(feature);
  return json;
}

std::string FeatureText(const FeatureInfo& feature) {
  if (!feature.type.IsTensor()) return StrCat(feature.name, ": ", feature.type.ToString());
  std::string shape = feature.type.has_shape ? "" : "...";
  for (const Json& dim : ShapeOf(feature)) {
    shape += shape.empty() ? "" : ",";
    shape += dim.is_string() ? dim.get<std::string>() : dim.dump();
  }
  const char* const image = feature.denotation == "IMAGE" ? " (image)" : "";
  return StrCat(feature.name, ": ", ElementTypeName(feature.type.element_type), "[", shape, "]",
                image);
}

// For each operator of the graph and its subgraphs, the element types that the CPU takes.
void DescribeOperators(const Graph& graph, std::map<std::string, std::string>& support) {
  for (const auto& node : graph.nodes()) {
    for (const Graph* const subgraph : node->Subgraphs()) DescribeOperators(*subgraph, support);
    const OperatorDefinition* const form =
        BuiltInOperators().Find(node->domain(), node->operator_name(), node->opset());
    const std::string domain = node->domain().empty() ? "" : StrCat(node->domain(), "::");
    support[StrCat(domain, node->operator_name(), "-", node->opset())] =
        form == nullptr ? "unknown" : DescribeSupport(*form);
  }
}

struct Report {
  const Model& model;
  ModelCounts counts;
  std::map<std::string, std::string> support;
  std::vector<Unsupported> unsupported;
};

void PrintJson(const Report& report) {
  Json json;
  json["model"] = report.model.path;
  json["producer"] = report.model.producer_name;
  json["ir_version"] = report.model.ir_version;
  Json& opsets = json["opsets"] = Json::object();
  for (const OpsetImport& opset : report.model.opsets) {
    opsets[opset.domain.empty() ? "ai.onnx" : opset.domain] = opset.version;
  }
  json["inputs"] = Json::array();
  for (const FeatureInfo& input : report.model.inputs) json["inputs"].push_back(FeatureJson(input));
  json["outputs"] = Json::array();
  for (const FeatureInfo& output : report.model.outputs) {
    json["outputs"].push_back(FeatureJson(output));
  }
  json["operators"] = report.counts.operators;
  json["support"] = report.support;
  json["parameters"] = report.counts.parameters;
  json["macs"] = report.counts.macs;
  Json& unsupported = json["unsupported"] = Json::array();
  for (const Unsupported& node : report.unsupported) {
    unsupported.push_back({{"node", node.origin.name},
                           {"operator", node.origin.operator_name},
                           {"opset", node.origin.opset},
                           {"why", node.why}});
  }
  std::cout << json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
}

void PrintText(const Report& report) {
  const Model& model = report.model;
  std::cout << model.path << "\n  producer    "
            << (model.producer_name.empty() ? "unknown" : model.producer_name) << ' '
            << model.producer_version << "\n  opsets      ";
  for (size_t i = 0; i < model.opsets.size(); ++i) {
    const OpsetImport& opset = model.opsets[i];
    std::cout << (i == 0 ? "" : ", ") << (opset.domain.empty() ? "ai.onnx" : opset.domain) << ' '
              << opset.version;
  }
  std::cout << " (IR " << model.ir_version << ")\n";
  for (const FeatureInfo& input : model.inputs) {
    std::cout << "  input       " << FeatureText(input) << "\n";
  }
  for (const FeatureInfo& output : model.outputs) {
    std::cout << "  output      " << FeatureText(output) << "\n";
  }
  std::cout << "  parameters  " << report.counts.parameters << "\n";
  if (report.counts.macs > 0) {
    std::cout << "  work        " << StrCat(static_cast<double>(report.counts.macs) / 1e6)
              << " million multiply-adds\n";
  }
  std::cout << "  operators  ";
  for (const auto& [name, count] : report.counts.operators)
    std::cout << ' ' << name << ' ' << count;
  std::cout << "\n";
  for (const auto& [name, types] : report.support) {
    std::cout << "              " << name << ": " << types << "\n";
  }
  if (report.unsupported.empty()) {
    std::cout << "  every node can run on the CPU\n";
    return;
  }
  const size_t count = report.unsupported.size();
  std::cout << "  " << count << (count == 1 ? " node cannot run:\n" : " nodes cannot run:\n");
  for (const Unsupported& node : report.unsupported) std::cout << "    " << node.why << "\n";
}

struct InfoArguments {
  std::string model;
  bool check = false;
  bool json = false;
};

int RunInfo(const InfoArguments& arguments) {
  const std::unique_ptr<Model> model = ValueOrThrow(OpenModelFile(arguments.model));
  Report report{*model, CountOperators(*model->graph), {}, {}};
  DescribeOperators(*model->graph, report.support);
  report.unsupported = CheckSupport(*model);
  report.counts.macs = CountMacs(*model->graph);
  if (arguments.json) {
    PrintJson(report);
  } else {
    PrintText(report);
  }
  return arguments.check && !report.unsupported.empty() ? kExitNo : kExitDone;
}

}  // namespace

void AddInfo(CLI::App& app, int& exit_code) {
  CLI::App* const command = app.add_subcommand("info", "Show what a model is and what it needs");
  const auto arguments = std::make_shared<InfoArguments>();
  command->add_option("MODEL", arguments->model, "An ONNX file, or a compiled one")
      ->required()
      ->type_name("");
  command->add_flag("--check", arguments->check, "Exit with 1 when a node cannot run here");
  command->add_flag("--json", arguments->json, "Print one JSON object");
  command->footer(
      "\nJSON: model, producer, ir_version, opsets, inputs and outputs (name, type, shape, kind),\n"
      "operators (name: count), support (name-opset: types), parameters, macs (where shapes are\n"
      "known), unsupported (node, operator, opset, why).");
  command->callback([arguments, &exit_code] { exit_code = RunInfo(*arguments); });
}

}  // namespace mullion::tools
