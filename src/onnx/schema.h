// SPDX-License-Identifier: MIT
// Field numbers of the ONNX messages (onnx.proto, onnx-data.proto), up to IR version 13. Fields
// that say nothing about what a model computes are left out and skipped.
#ifndef MULLION_ONNX_SCHEMA_H_
#define MULLION_ONNX_SCHEMA_H_

#include <cstdint>

namespace mullion::onnx::field {

namespace model {
enum : uint32_t {
  kIrVersion = 1,
  kProducerName = 2,
  kProducerVersion = 3,
  kDomain = 4,
  kModelVersion = 5,
  kDocString = 6,
  kGraph = 7,
  kOpsetImport = 8,
  kMetadata = 14,
  kFunctions = 25,
};
}  // namespace model

namespace opset {
enum : uint32_t { kDomain = 1, kVersion = 2 };
}  // namespace opset

namespace entry {  // StringStringEntryProto
enum : uint32_t { kKey = 1, kValue = 2 };
}  // namespace entry

namespace graph {
enum : uint32_t {
  kNode = 1,
  kName = 2,
  kInitializer = 5,
  kInput = 11,
  kOutput = 12,
  kValueInfo = 13,
  kSparseInitializer = 15,
};
}  // namespace graph

namespace node {
enum : uint32_t {
  kInput = 1,
  kOutput = 2,
  kName = 3,
  kOpType = 4,
  kAttribute = 5,
  kDomain = 7,
  kOverload = 8,
};
}  // namespace node

namespace function {
enum : uint32_t {
  kName = 1,
  kInput = 4,
  kOutput = 5,
  kAttribute = 6,  // names of attributes without a default
  kNode = 7,
  kOpsetImport = 9,
  kDomain = 10,
  kAttributeProto = 11,  // attributes with their defaults
  kOverload = 13,
};
}  // namespace function

namespace attribute {
enum : uint32_t {
  kName = 1,
  kFloat = 2,
  kInt = 3,
  kString = 4,
  kTensor = 5,
  kGraph = 6,
  kFloats = 7,
  kInts = 8,
  kStrings = 9,
  kTensors = 10,
  kGraphs = 11,
  kTypeProto = 14,
  kTypeProtos = 15,
  kType = 20,
  kRefAttrName = 21,
  kSparseTensor = 22,
  kSparseTensors = 23,
};
}  // namespace attribute

namespace value_info {
enum : uint32_t { kName = 1, kType = 2, kDocString = 3 };
}  // namespace value_info

namespace type {
enum : uint32_t {
  kTensor = 1,
  kSequence = 4,
  kMap = 5,
  kDenotation = 6,
  kSparseTensor = 8,
  kOptional = 9,
};
enum : uint32_t { kElemType = 1, kShape = 2 };                         // of a (sparse) tensor type
enum : uint32_t { kKeyType = 1, kValueType = 2 };                      // of a map type
enum : uint32_t { kDim = 1 };                                          // of a shape
enum : uint32_t { kDimValue = 1, kDimParam = 2, kDimDenotation = 3 };  // of a dimension
}  // namespace type

namespace tensor {
enum : uint32_t {
  kDims = 1,
  kDataType = 2,
  kSegment = 3,
  kFloatData = 4,
  kInt32Data = 5,
  kStringData = 6,
  kInt64Data = 7,
  kName = 8,
  kRawData = 9,
  kDoubleData = 10,
  kUint64Data = 11,
  kExternalData = 13,
  kDataLocation = 14,
};
}  // namespace tensor

namespace sparse_tensor {
enum : uint32_t { kValues = 1, kIndices = 2, kDims = 3 };
}  // namespace sparse_tensor

namespace sequence {  // SequenceProto
enum : uint32_t {
  kName = 1,
  kElemType = 2,
  kTensors = 3,
  kSparseTensors = 4,
  kSequences = 5,
  kMaps = 6,
  kOptionals = 7,
};
}  // namespace sequence

namespace map {  // MapProto
enum : uint32_t { kName = 1, kKeyType = 2, kKeys = 3, kStringKeys = 4, kValues = 5 };
}  // namespace map

namespace optional {  // OptionalProto
enum : uint32_t {
  kName = 1,
  kElemType = 2,
  kTensor = 3,
  kSparseTensor = 4,
  kSequence = 5,
  kMap = 6,
  kOptional = 7,
};
}  // namespace optional

}  // namespace mullion::onnx::field

namespace mullion::onnx {

// AttributeProto.AttributeType.
enum class AttributeKind : int64_t {
  kUndefined = 0,
  kFloat = 1,
  kInt = 2,
  kString = 3,
  kTensor = 4,
  kGraph = 5,
  kFloats = 6,
  kInts = 7,
  kStrings = 8,
  kTensors = 9,
  kGraphs = 10,
  kSparseTensor = 11,
  kSparseTensors = 12,
  kTypeProto = 13,
  kTypeProtos = 14,
};

// TensorProto.DataLocation.
inline constexpr int64_t kDataLocationExternal = 1;
// The key of TensorProto.external_data by which a compiled model numbers its tensors.
inline constexpr const char kKeptEntry[] = "kept";

// From this IR version on an initializer need not be listed as a graph input.
inline constexpr int64_t kIrWithFreeInitializers = 4;
// Before this IR version a model had no opset imports.
inline constexpr int64_t kIrWithOpsets = 3;

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_SCHEMA_H_
