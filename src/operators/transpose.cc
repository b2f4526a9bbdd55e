// SPDX-License-Identifier: MIT
#include "operators/transpose.h"

#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

Result<IntList> TransposePermutation(std::span<const int64_t> perm, int rank) {
  if (perm.empty()) {
    IntList reversed;
    for (int i = rank - 1; i >= 0; --i) reversed.Append(i);
    return reversed;
  }
  if (static_cast<int>(perm.size()) != rank) {
    return InvalidModel("attribute 'perm' has ", perm.size(), " axes but the input has rank ",
                        rank);
  }
  MULLION_ASSIGN_OR_RETURN(IntList axes, ToIntList(perm, "attribute 'perm'"));
  MULLION_RETURN_IF_ERROR(NormalizeAxes(axes, rank));
  return axes;
}

namespace {

Status InferTranspose(InferenceContext& context) {
  const Shape* const shape = context.InputShape(0);
  if (shape == nullptr) {
    context.SetOutput(0, context.InputType(0));
    return OkStatus();
  }
  const Result<IntList> perm =
      TransposePermutation(context.node().IntsAttribute("perm"), shape->rank());
  if (!perm.ok()) return context.Error(perm.status().message());
  Shape out;
  for (const int64_t axis : *perm) out.Append((*shape)[static_cast<int>(axis)]);
  context.SetOutput(0, context.InputType(0), out);
  return OkStatus();
}

}  // namespace

void RegisterTranspose(OperatorRegistry& registry) {
  registry.Add({.name = "Transpose", .inputs = {1, 1}, .infer = InferTranspose});
}

}  // namespace mullion::operators
