// SPDX-License-Identifier: MIT
// What operators and attribute references mean at one place of a model: in the main graph with its
// subgraphs, or in the body of an inlined function.
#ifndef MULLION_ONNX_ENVIRONMENT_H_
#define MULLION_ONNX_ENVIRONMENT_H_

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "graph/model.h"
#include "onnx/records.h"
#include "onnx/scope.h"

namespace mullion::onnx {

struct Environment;

// An attribute that a function's nodes may refer to: where it is written, and the names that a
// graph in it sees.
struct BoundAttribute {
  std::string_view bytes;
  const Environment* environment;
  const Scope* scope;
};

struct Environment {
  // Versions imported by the model and, in a function, by the function itself.
  const std::vector<OpsetImport>* opsets = nullptr;
  int64_t ir_version = 0;

  // The rest belongs to functions.
  const Environment* caller = nullptr;
  const FunctionRecord* function = nullptr;
  std::string function_path;  // "Outer/Inner"
  std::string prefix;         // stands before names, "call/"
  std::unordered_map<std::string_view, BoundAttribute> attributes;

  // The version that nodes of `domain` follow.
  Result<int> OpsetOf(std::string_view domain) const;
  // The same for the nodes that the reader itself puts in, which any version serves.
  int DefaultOpset() const;
  // Whether `candidate` is the function being inlined or one of its callers.
  bool IsInside(const FunctionRecord& candidate) const;
};

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_ENVIRONMENT_H_
