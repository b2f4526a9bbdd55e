// SPDX-License-Identifier: MIT
#include "operators/recurrent.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/str_cat.h"

namespace mullion::operators {

namespace {

using Kind = RecurrentActivation::Kind;

// Products of this and the gate count cannot overflow.
constexpr int64_t kMostHidden = int64_t{1} << 31;

struct NamedActivation {
  std::string_view name;  // in lower case: some exporters write other cases than the specification
  RecurrentActivation defaults;
  int parameters;  // how many of alpha and beta it takes from the attribute lists
};

// Defaults are those of the operators of the same names.
constexpr NamedActivation kActivations[] = {
    {"affine", {Kind::kAffine, 1.0f, 0.0f}, 2},
    {"relu", {Kind::kRelu, 0.0f, 0.0f}, 0},
    {"leakyrelu", {Kind::kLeakyRelu, 0.01f, 0.0f}, 1},
    {"thresholdedrelu", {Kind::kThresholdedRelu, 1.0f, 0.0f}, 1},
    {"tanh", {Kind::kTanh, 0.0f, 0.0f}, 0},
    {"scaledtanh", {Kind::kScaledTanh, 1.0f, 1.0f}, 2},
    {"sigmoid", {Kind::kSigmoid, 0.0f, 0.0f}, 0},
    {"hardsigmoid", {Kind::kHardSigmoid, 0.2f, 0.5f}, 2},
    {"elu", {Kind::kElu, 1.0f, 0.0f}, 1},
    {"softsign", {Kind::kSoftsign, 0.0f, 0.0f}, 0},
    {"softplus", {Kind::kSoftplus, 0.0f, 0.0f}, 0},
};

const NamedActivation* FindActivation(std::string_view name) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (const NamedActivation& activation : kActivations) {
    if (std::equal(name.begin(), name.end(), activation.name.begin(), activation.name.end(),
                   [&](char a, char b) { return lower(a) == b; })) {
      return &activation;
    }
  }
  return nullptr;
}

Status ParseActivations(const Node& node, RecurrentKind kind, RecurrentParameters& parameters) {
  const size_t per_direction = static_cast<size_t>(ActivationCount(kind));
  const size_t count = per_direction * static_cast<size_t>(parameters.directions);
  for (size_t i = 0; i < count; ++i) {
    const bool is_gate = kind != RecurrentKind::kRnn && i % per_direction == 0;
    parameters.activations[i].kind = is_gate ? Kind::kSigmoid : Kind::kTanh;
  }
  const auto names = node.StringsAttribute("activations");
  if (names.empty()) return OkStatus();
  if (names.size() != count) {
    return node.Error(StatusCode::kInvalidModel, "attribute 'activations' has ", names.size(),
                      " names but must have ", count, ": ", per_direction, " for each direction");
  }
  const auto alphas = node.FloatsAttribute("activation_alpha");
  const auto betas = node.FloatsAttribute("activation_beta");
  size_t alpha = 0;
  size_t beta = 0;
  for (size_t i = 0; i < count; ++i) {
    const NamedActivation* const found = FindActivation(names[i]);
    if (found == nullptr) {
      return node.Error(StatusCode::kInvalidModel, "attribute 'activations' names '", names[i],
                        "', which is not an activation that ONNX defines here");
    }
    RecurrentActivation& activation = parameters.activations[i];
    activation = found->defaults;
    if (found->parameters > 0 && alpha < alphas.size()) activation.alpha = alphas[alpha++];
    if (found->parameters > 1 && beta < betas.size()) activation.beta = betas[beta++];
  }
  return OkStatus();
}

// Unknown dimensions fit everything.
bool Fits(int64_t dim, int64_t wanted) { return dim < 0 || wanted < 0 || dim == wanted; }

// Input i, when it is there, must have these dimensions.
Status RequireDims(const InferenceContext& context, int i, const Shape& wanted) {
  const Shape* const shape = context.InputShape(i);
  if (shape == nullptr) return OkStatus();
  bool fits = shape->rank() == wanted.rank();
  for (int axis = 0; fits && axis < wanted.rank(); ++axis) {
    fits = Fits((*shape)[axis], wanted[axis]);
  }
  if (fits) return OkStatus();
  return context.Error(context.DescribeInput(i), " but must have shape ", wanted.ToString(),
                       " to fit the other inputs and attributes");
}

Status CheckRecurrentTypes(const InferenceContext& context, RecurrentKind kind) {
  MULLION_RETURN_IF_ERROR(context.RequireType(0, types::kAllFloats));
  for (const int i : {1, 2, 3, 5, 6, 7}) {
    if (i > 5 && kind != RecurrentKind::kLstm) break;
    MULLION_RETURN_IF_ERROR(context.RequireSameType(0, i));
  }
  return context.RequireType(4, SetOf(ElementType::kInt32));
}

}  // namespace

Result<RecurrentParameters> ParseRecurrent(const Node& node, RecurrentKind kind) {
  RecurrentParameters parameters;
  const std::string_view direction = node.StringAttribute("direction", "forward");
  if (direction == "bidirectional") {
    parameters.directions = 2;
  } else if (direction == "reverse") {
    parameters.first_is_reverse = true;
  } else if (direction != "forward") {
    return node.Error(StatusCode::kInvalidModel, "attribute 'direction' is '", direction,
                      "' but must be forward, reverse or bidirectional");
  }
  parameters.hidden = node.IntAttribute("hidden_size", 0);
  if (parameters.hidden < 0 || parameters.hidden > kMostHidden) {
    return node.Error(StatusCode::kInvalidModel, "attribute 'hidden_size' is ", parameters.hidden,
                      " but must be in [0, ", kMostHidden, "]");
  }
  parameters.clip = node.FloatAttribute("clip", 0.0f);
  if (!(parameters.clip >= 0.0f)) {
    return node.Error(StatusCode::kInvalidModel, "attribute 'clip' must be positive");
  }
  const int64_t layout = node.IntAttribute("layout", 0);
  if (layout != 0 && layout != 1) {
    return node.Error(StatusCode::kInvalidModel, "attribute 'layout' is ", layout,
                      " but must be 0 or 1");
  }
  parameters.batch_first = layout == 1;
  parameters.input_forget = node.IntAttribute("input_forget", 0) != 0;
  parameters.linear_before_reset = node.IntAttribute("linear_before_reset", 0) != 0;
  MULLION_RETURN_IF_ERROR(ParseActivations(node, kind, parameters));
  return parameters;
}

Status InferRecurrent(InferenceContext& context, RecurrentKind kind) {
  MULLION_RETURN_IF_ERROR(CheckRecurrentTypes(context, kind));
  MULLION_ASSIGN_OR_RETURN(const RecurrentParameters parameters,
                           ParseRecurrent(context.node(), kind));
  for (const int i : {0, 1, 2}) MULLION_RETURN_IF_ERROR(context.RequireRank(i, 3));
  const Shape* const x = context.InputShape(0);
  const Shape* const w = context.InputShape(1);
  const Shape* const r = context.InputShape(2);
  const int64_t directions = parameters.directions;
  const int64_t gates = GateCount(kind);
  int64_t hidden = parameters.hidden > 0 ? parameters.hidden : kUnknownDim;
  if (hidden < 0 && r != nullptr) hidden = (*r)[2];
  const bool batch_first = parameters.batch_first;
  const int64_t steps = x != nullptr ? (*x)[batch_first ? 1 : 0] : kUnknownDim;
  const int64_t batch = x != nullptr ? (*x)[batch_first ? 0 : 1] : kUnknownDim;
  const int64_t width = x != nullptr && (*x)[2] >= 0 ? (*x)[2]
                        : w != nullptr               ? (*w)[2]
                                                     : kUnknownDim;

  const int64_t rows = hidden < 0 ? kUnknownDim : gates * hidden;
  MULLION_RETURN_IF_ERROR(RequireDims(context, 1, Shape{directions, rows, width}));
  MULLION_RETURN_IF_ERROR(RequireDims(context, 2, Shape{directions, rows, hidden}));
  const int64_t biases = rows < 0 ? kUnknownDim : 2 * rows;
  MULLION_RETURN_IF_ERROR(RequireDims(context, 3, Shape{directions, biases}));
  MULLION_RETURN_IF_ERROR(RequireDims(context, 4, Shape{batch}));
  const Shape state =
      batch_first ? Shape{batch, directions, hidden} : Shape{directions, batch, hidden};
  MULLION_RETURN_IF_ERROR(RequireDims(context, 5, state));
  if (kind == RecurrentKind::kLstm) {
    MULLION_RETURN_IF_ERROR(RequireDims(context, 6, state));
    const int64_t peepholes = hidden < 0 ? kUnknownDim : 3 * hidden;
    MULLION_RETURN_IF_ERROR(RequireDims(context, 7, Shape{directions, peepholes}));
  }

  const ElementType type = context.InputType(0);
  const Shape sequence = batch_first ? Shape{batch, steps, directions, hidden}
                                     : Shape{steps, directions, batch, hidden};
  context.SetOutput(0, type, sequence);
  context.SetOutput(1, type, state);
  if (kind == RecurrentKind::kLstm) context.SetOutput(2, type, state);
  return OkStatus();
}

Status UpgradeRecurrent1(Node& node, int next) {
  node.RemoveAttribute("output_sequence");
  node.set_opset(next);
  return OkStatus();
}

}  // namespace mullion::operators
