// SPDX-License-Identifier: MIT
#include "onnx/environment.h"

#include <algorithm>

#include "base/str_cat.h"
#include "onnx/schema.h"

namespace mullion::onnx {

namespace {

const OpsetImport* FindImport(const std::vector<OpsetImport>& opsets, std::string_view domain) {
  const auto found = std::find_if(opsets.begin(), opsets.end(),
                                  [&](const OpsetImport& o) { return o.domain == domain; });
  return found == opsets.end() ? nullptr : &*found;
}

}  // namespace

Result<int> Environment::OpsetOf(std::string_view domain) const {
  for (const Environment* place = this; place != nullptr; place = place->caller) {
    if (const OpsetImport* const import = FindImport(*place->opsets, domain)) {
      return import->version;
    }
  }
  if (domain.empty() && ir_version < kIrWithOpsets) return 1;
  // Quantizers forget this import; the domain never had another version.
  if (domain == "com.microsoft") return 1;
  return InvalidModel("the model imports no version of the operator set ",
                      Quoted(domain.empty() ? "ai.onnx" : domain),
                      "; export it again with that import");
}

int Environment::DefaultOpset() const {
  const Result<int> version = OpsetOf("");
  return version.ok() ? std::max(*version, 1) : 1;
}

bool Environment::IsInside(const FunctionRecord& candidate) const {
  for (const Environment* place = this; place != nullptr; place = place->caller) {
    if (place->function == &candidate) return true;
  }
  return false;
}

}  // namespace mullion::onnx
