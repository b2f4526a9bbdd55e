// SPDX-License-Identifier: MIT
// The local functions of a model (ModelProto.functions), found by what a node calls.
#ifndef MULLION_ONNX_FUNCTION_TABLE_H_
#define MULLION_ONNX_FUNCTION_TABLE_H_

#include <string>
#include <string_view>
#include <unordered_map>

#include "base/status.h"
#include "onnx/records.h"

namespace mullion::onnx {

class FunctionTable {
 public:
  Status Add(FunctionRecord record);
  // Null when the node is an ordinary operator.
  const FunctionRecord* Find(const NodeRecord& node) const;

 private:
  std::unordered_map<std::string, FunctionRecord> functions_;
};

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_FUNCTION_TABLE_H_
