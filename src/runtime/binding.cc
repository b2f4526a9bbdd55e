// SPDX-License-Identifier: MIT
#include "runtime/binding.h"

#include <algorithm>
#include <utility>

#include "runtime/shape_facts.h"

namespace mullion {

bool SameKey(const BindingKey& a, const BindingKey& b) {
  return a.first_step == b.first_step && a.values.size() == b.values.size() &&
         std::equal(a.values.begin(), a.values.end(), b.values.begin(),
                    [](const BoundaryValue& x, const BoundaryValue& y) {
                      return x.slot == y.slot && SameType(x.type, y.type);
                    });
}

std::shared_ptr<const Binding> BindingCache::Find(const BindingKey& key) {
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < bindings_.size(); ++i) {
    if (!SameKey(bindings_[i]->key, key)) continue;
    std::rotate(bindings_.begin(), bindings_.begin() + static_cast<std::ptrdiff_t>(i),
                bindings_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    return bindings_.front();
  }
  return nullptr;
}

void BindingCache::Insert(std::shared_ptr<const Binding> binding) {
  const std::lock_guard lock(mutex_);
  bindings_.insert(bindings_.begin(), std::move(binding));
  if (bindings_.size() > kMostBindings) bindings_.pop_back();
}

}  // namespace mullion
