// SPDX-License-Identifier: MIT
// Puts the body of a local function in the place of a call.
#ifndef MULLION_ONNX_FUNCTION_INLINER_H_
#define MULLION_ONNX_FUNCTION_INLINER_H_

#include <utility>
#include <vector>

#include "onnx/graph_reader.h"

namespace mullion::onnx {

// One call. The body's nodes go into the graph of the call, named "call/node", with the function in
// their origin's path. The body sees its arguments and attributes only.
class FunctionInliner {
 public:
  FunctionInliner(GraphReader& reader, const FunctionRecord& function, const NodeRecord& call,
                  const Environment& caller, Scope& scope);

  Status Inline();

 private:
  Status BindInputs(Scope& body);
  Status BindAttributes(const Scope& body);
  Status DeclareOutputs(Scope& body);
  Status PassInputsOn(const Scope& body);
  Status Fail(std::string_view text) const;

  GraphReader& reader_;
  const FunctionRecord& function_;
  const NodeRecord& call_;
  const Environment& caller_;
  Scope& scope_;
  Environment environment_;
  // Outputs of the call whose value some node of the body must make, with the name it has there.
  std::vector<std::pair<std::string_view, Value*>> pending_;
  // Outputs that are an input, or another output, of the function itself.
  std::vector<std::pair<std::string_view, Value*>> passed_;
};

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_FUNCTION_INLINER_H_
