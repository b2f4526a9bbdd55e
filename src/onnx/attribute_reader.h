// SPDX-License-Identifier: MIT
// AttributeProto to Attribute.
#ifndef MULLION_ONNX_ATTRIBUTE_READER_H_
#define MULLION_ONNX_ATTRIBUTE_READER_H_

#include <memory>
#include <string_view>

#include "base/function_ref.h"
#include "graph/attribute.h"
#include "onnx/read_context.h"

namespace mullion::onnx {

// The name of an attribute and, inside a function, the attribute of the function that it stands
// for.
struct AttributeHead {
  std::string_view name;
  std::string_view reference;
};
Result<AttributeHead> ReadAttributeHead(std::string_view bytes, const ReadContext& context);

// Makes a subgraph from a GraphProto.
using SubgraphReader = FunctionRef<Result<std::shared_ptr<Graph>>(std::string_view)>;

// The value of an attribute that is not a reference. Sparse tensors come out dense.
Result<AttributeValue> ReadAttributeValue(std::string_view bytes, ReadContext& context,
                                          SubgraphReader read_subgraph);

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_ATTRIBUTE_READER_H_
