// SPDX-License-Identifier: MIT
#include "compiled/node_notes.h"

#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "base/str_cat.h"
#include "compiled/file_format.h"

namespace mullion::compiled {

namespace {

// Between the parts of an origin: in no name that a person would choose.
constexpr char kSeparator = '\n';

std::optional<int> NumberOf(std::string_view text) {
  int number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

Status Damaged(const Node& node) {
  return node.Error(
      StatusCode::kInvalidModel,
      "what the compiled model notes about it makes no sense; compile the model again");
}

// Operator, domain and opset come first, as they have no separator in them; the path may.
Status ReadOrigin(Node& node) {
  std::string_view rest = node.StringAttribute(kOriginAttribute, "");
  std::array<std::string_view, 3> parts;
  for (std::string_view& part : parts) {
    const size_t end = rest.find(kSeparator);
    if (end == std::string_view::npos) return Damaged(node);
    part = rest.substr(0, end);
    rest.remove_prefix(end + 1);
  }
  const std::optional<int> opset = NumberOf(parts[2]);
  if (!opset.has_value()) return Damaged(node);
  node.origin.operator_name = parts[0];
  node.origin.domain = parts[1];
  node.origin.opset = *opset;
  node.origin.function_path = rest;
  node.RemoveAttribute(kOriginAttribute);
  return OkStatus();
}

Status ReadOperator(Node& node) {
  const std::string domain = node.domain();
  const size_t at = domain.rfind('@');
  if (at == std::string::npos) return Damaged(node);
  const std::optional<int> opset = NumberOf(std::string_view(domain).substr(at + 1));
  if (!opset.has_value()) return Damaged(node);
  const std::string name = node.operator_name();
  node.SetOperator(domain.substr(0, at), name, *opset);
  return OkStatus();
}

}  // namespace

void WriteNotes(Graph& graph) {
  for (const auto& node : graph.nodes()) {
    for (Graph* const subgraph : node->Subgraphs()) WriteNotes(*subgraph);
    const Origin& origin = node->origin;
    node->SetAttribute(kOriginAttribute,
                       StrCat(origin.operator_name, kSeparator, origin.domain, kSeparator,
                              origin.opset, kSeparator, origin.function_path));
    const std::string name = node->operator_name();
    node->SetOperator(StrCat(node->domain(), "@", node->opset()), name, node->opset());
  }
}

Status ReadNotes(Graph& graph) {
  for (const auto& node : graph.nodes()) {
    for (Graph* const subgraph : node->Subgraphs()) {
      MULLION_RETURN_IF_ERROR(ReadNotes(*subgraph));
    }
    // The reader itself puts an Identity where an output is an input or a constant.
    if (node->domain().empty() && !node->HasAttribute(kOriginAttribute)) continue;
    MULLION_RETURN_IF_ERROR(ReadOrigin(*node));
    MULLION_RETURN_IF_ERROR(ReadOperator(*node));
  }
  return OkStatus();
}

}  // namespace mullion::compiled
