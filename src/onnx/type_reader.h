// SPDX-License-Identifier: MIT
// TypeProto and ValueInfoProto to TypeInfo and FeatureInfo.
#ifndef MULLION_ONNX_TYPE_READER_H_
#define MULLION_ONNX_TYPE_READER_H_

#include <string_view>

#include "base/status.h"
#include "graph/model.h"
#include "onnx/read_context.h"

namespace mullion::onnx {

// Named dimensions become symbols, -1 and unnamed ones kUnknownDim. A type that this version does
// not know (opaque types, newer element types) has kind kUnknown.
Result<TypeInfo> ReadType(std::string_view bytes, ReadContext& context);

// A ValueInfoProto whose type is not looked into yet.
struct ValueInfoRecord {
  std::string_view name;
  std::string_view type;
  std::string_view description;
};
Result<ValueInfoRecord> ReadValueInfo(std::string_view bytes, const ReadContext& context);

// A graph input or output with all that is said about it. `type` and the rest agree in rank.
Result<FeatureInfo> ReadFeature(const ValueInfoRecord& record, ReadContext& context);

// The element type of that number, or kUndefined when it is not known.
ElementType ElementTypeFromNumber(int64_t number);

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_TYPE_READER_H_
