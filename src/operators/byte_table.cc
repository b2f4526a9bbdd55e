// SPDX-License-Identifier: MIT
#include "operators/byte_table.h"

#include "operators/quantized_input.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferByteTable(InferenceContext& context) {
  MULLION_ASSIGN_OR_RETURN(const Tensor table, ByteTableOf(context.node()));
  const Shape* const shape = context.InputShape(0);
  if (shape == nullptr) {
    context.SetOutput(0, table.type());
  } else {
    context.SetOutput(0, table.type(), *shape);
  }
  return OkStatus();
}

}  // namespace

Result<Tensor> ByteTableOf(const Node& node) {
  const Tensor* const table = node.TensorAttribute(kTable);
  if (table == nullptr || table->count() != 256 || !Contains(kQuantizedBytes, table->type())) {
    return node.Error(StatusCode::kInvalidModel,
                      "attribute 'table' must be a tensor of 256 elements of 8 bits");
  }
  return *table;
}

void RegisterByteTable(OperatorRegistry& registry) {
  registry.Add({.name = kByteTable,
                .domain = kInternalDomain,
                .inputs = {1, 1},
                .types = kQuantizedBytes,
                .infer = InferByteTable});
}

}  // namespace mullion::operators
