// SPDX-License-Identifier: MIT
#include "onnx/function_table.h"

#include <utility>

#include "base/str_cat.h"

namespace mullion::onnx {

namespace {

// Names cannot hold a zero byte in sensible files; where they do, two functions clash and are
// refused.
std::string KeyOf(std::string_view domain, std::string_view name, std::string_view overload) {
  return StrCat(domain, '\0', name, '\0', overload);
}

}  // namespace

Status FunctionTable::Add(FunctionRecord record) {
  std::string key = KeyOf(record.domain, record.name, record.overload);
  const std::string_view name = record.name;
  if (functions_.emplace(std::move(key), std::move(record)).second) return OkStatus();
  return InvalidModel("the function ", Quoted(name),
                      " is defined twice; give one of them another name or overload");
}

const FunctionRecord* FunctionTable::Find(const NodeRecord& node) const {
  if (functions_.empty()) return nullptr;
  const auto found = functions_.find(KeyOf(node.domain, node.operator_name, node.overload));
  return found == functions_.end() ? nullptr : &found->second;
}

}  // namespace mullion::onnx
