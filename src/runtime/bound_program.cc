// SPDX-License-Identifier: MIT
#include "runtime/bound_program.h"

#include <algorithm>
#include <utility>

#include "runtime/shape_facts.h"

namespace mullion {

BoundProgram::BoundProgram(const Program& program, const BindOptions& options,
                           std::shared_ptr<BlockCache> blocks)
    : program_(program),
      options_(options),
      blocks_(std::move(blocks)),
      bodies_(program.steps.size()) {
  BindOptions inner = options;
  for (size_t i = 0; i < program.steps.size(); ++i) {
    // A branch's results are those of the If: they go where its own would. What a body gives to the
    // next iteration stays in its frame.
    inner.outputs_outside = program.steps[i].kind == StepKind::kIf;
    for (const auto& subprogram : program.steps[i].subprograms) {
      bodies_[i].emplace_back(new BoundProgram(*subprogram, inner, blocks_));
    }
  }
}

Result<std::shared_ptr<const Binding>> BoundProgram::Bind(const Binding* parent, BindingKey key) {
  const auto is_free = [&](int slot) {
    return !IsStaticTensor(program_.slots[static_cast<size_t>(slot)].value->type);
  };
  const bool comes_again =
      parent == nullptr &&
      (std::any_of(program_.inputs.begin(), program_.inputs.end(), is_free) ||
       std::any_of(program_.captures.begin(), program_.captures.end(), is_free));
  const std::unique_lock lock(binder_mutex_, std::try_to_lock);
  if (!comes_again || !lock.owns_lock()) {
    return Binder(program_, options_).Bind(parent, std::move(key));
  }
  if (binder_ == nullptr) binder_ = std::make_unique<Binder>(program_, options_);
  return binder_->Bind(parent, std::move(key));
}

}  // namespace mullion
