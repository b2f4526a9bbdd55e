// SPDX-License-Identifier: MIT
#include "operators/quantized_concat.h"

#include "operators/concat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferQuantizedConcat(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(InferJoined(context, ElementType::kUint8));
  context.SetOutput(1, ElementType::kFloat, Shape{});
  context.SetOutput(2, ElementType::kUint8, Shape{});
  return OkStatus();
}

}  // namespace

void RegisterQuantizedConcat(OperatorRegistry& registry) {
  registry.Add({.name = kQuantizedConcat,
                .domain = kInternalDomain,
                .inputs = {1, kVariadic},
                .outputs = {3, 3},
                .types = types::kFloat,
                .infer = InferQuantizedConcat});
}

}  // namespace mullion::operators
