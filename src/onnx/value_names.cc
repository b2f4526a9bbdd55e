// SPDX-License-Identifier: MIT
#include "onnx/value_names.h"

#include "base/str_cat.h"

namespace mullion::onnx {

void ValueNames::Add(const Value& value, std::string_view wish) {
  if (names_.contains(&value)) return;
  const std::string base(wish.empty() ? "value" : wish);
  std::string name = base;
  while (IsTaken(name)) name = StrCat(base, "_", ++next_number_[base]);
  taken_.insert(name);
  names_.emplace(&value, std::move(name));
}

void ValueNames::AddAlias(const Value& value, const Value& other) {
  if (const std::string* const name = Find(other)) names_.emplace(&value, *name);
}

const std::string* ValueNames::Find(const Value& value) const {
  for (const ValueNames* scope = this; scope != nullptr; scope = scope->outer_) {
    const auto found = scope->names_.find(&value);
    if (found != scope->names_.end()) return &found->second;
  }
  return nullptr;
}

bool ValueNames::IsTaken(const std::string& name) const {
  for (const ValueNames* scope = this; scope != nullptr; scope = scope->outer_) {
    if (scope->taken_.contains(name)) return true;
  }
  return false;
}

}  // namespace mullion::onnx
