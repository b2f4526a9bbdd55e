// SPDX-License-Identifier: MIT
#include "operators/by_sample.h"

#include <string_view>

#include "operators/image_operators.h"
#include "operators/scaled_conv.h"
#include "operators/whole_output.h"

namespace mullion::operators {

namespace {

constexpr uint32_t kFirstInput = 1;
constexpr int kMostInputs = 32;

// Where a tensor's rank or its axis 0 says that it is the same for all samples, it is.
uint32_t ElementwiseInputs(std::span<const Shape* const> inputs, const Shape& output) {
  uint32_t bits = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Shape* const input = inputs[i];
    if (input != nullptr && input->rank() == output.rank() && (*input)[0] != 1) bits |= 1u << i;
  }
  return bits;
}

// Indices of a MaxPool count through the whole batch, a BatchNormalization in training measures it,
// a ScaledConv measures the range of its result; sizes of a Resize are those of the whole batch.
uint32_t SpatialInputs(const Node& node) {
  if (node.output(1) != nullptr || node.operator_name() == kScaledConv) return 0;
  if (node.operator_name() == "Resize" && node.input(3) != nullptr) return 0;
  uint32_t bits = kFirstInput;
  const int residual = ResidualInput(node);
  if (residual >= 0 && node.input(residual) != nullptr) bits |= 1u << residual;
  if (node.operator_name() == "Conv" && node.input(kConvWhole) != nullptr) bits |= 1u << kConvWhole;
  return bits;
}

}  // namespace

uint32_t InputsBySample(const Node& node, std::span<const Shape* const> inputs,
                        const Shape& output) {
  if (!IsKnownDomain(node) || inputs.empty() || inputs.size() > kMostInputs || inputs[0] == nullptr)
    return 0;
  const std::string_view name = node.operator_name();
  const int rank = inputs[0]->rank();
  if (IsSpatial(node)) return SpatialInputs(node);
  if (IsElementwise(node)) return ElementwiseInputs(inputs, output);
  if (name == "Concat" || name == "Split" || name == "Softmax" || name == "LogSoftmax") {
    const auto axis = NormalizeAxis(node.IntAttribute("axis", name == "Split" ? 0 : -1), rank);
    if (!axis.has_value() || *axis == 0) return 0;
    return name == "Concat" ? static_cast<uint32_t>((uint64_t{1} << inputs.size()) - 1)
                            : kFirstInput;
  }
  if (name == "Transpose") {
    const auto perm = node.IntsAttribute("perm");
    return !perm.empty() && perm[0] == 0 ? kFirstInput : 0;
  }
  if (name == "Reshape") return kFirstInput;
  return name == kJoinPart ? kFirstInput | 1u << kJoinPartWhole : 0;
}

}  // namespace mullion::operators
