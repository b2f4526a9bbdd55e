// SPDX-License-Identifier: MIT
// TypeInfo and FeatureInfo to TypeProto and ValueInfoProto.
#ifndef MULLION_ONNX_TYPE_WRITER_H_
#define MULLION_ONNX_TYPE_WRITER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "graph/model.h"

namespace mullion::onnx {

// The names of symbolic dimensions: those of the model's inputs and outputs, made-up ones for the
// rest.
class DimensionNames {
 public:
  explicit DimensionNames(const Model& model);
  // "" for kUnknownDim.
  const std::string& Get(int64_t symbol);

 private:
  void Learn(const FeatureInfo& feature);

  std::unordered_map<int64_t, std::string> names_{{kUnknownDim, ""}};
  std::unordered_set<std::string> taken_;
};

std::string EncodeType(const TypeInfo& type, DimensionNames& names);
std::string EncodeValueInfo(std::string_view name, const TypeInfo& type, DimensionNames& names);
std::string EncodeFeature(const FeatureInfo& feature, DimensionNames& names);

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_TYPE_WRITER_H_
