// SPDX-License-Identifier: MIT
#include "onnx/scope.h"

namespace mullion::onnx {

Value* Scope::FindHere(std::string_view name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : found->second.value;
}

Value* Scope::Claim(std::string_view name) {
  if (expected_ == 0) return nullptr;
  const auto found = names_.find(name);
  if (found == names_.end() || found->second.kind != Kind::kExpected) return nullptr;
  found->second.kind = Kind::kProduced;
  --expected_;
  return found->second.value;
}

bool Scope::IsExpected(std::string_view name) const {
  const auto found = names_.find(name);
  return found != names_.end() && found->second.kind == Kind::kExpected;
}

bool Scope::Resolve(std::string_view name, Value*& value) const {
  for (const Scope* scope = this; scope != nullptr; scope = scope->outer_) {
    const auto found = scope->names_.find(name);
    if (found == scope->names_.end()) continue;
    const Entry& entry = found->second;
    value = entry.value;
    if (entry.kind != Kind::kGiven && value->producer() == nullptr && !value->IsConstant()) {
      scope->place_.needs_sort = true;
    }
    return true;
  }
  return false;
}

}  // namespace mullion::onnx
