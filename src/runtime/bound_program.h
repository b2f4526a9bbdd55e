// SPDX-License-Identifier: MIT
#ifndef MULLION_RUNTIME_BOUND_PROGRAM_H_
#define MULLION_RUNTIME_BOUND_PROGRAM_H_

#include <memory>
#include <mutex>
#include <vector>

#include "runtime/binder.h"
#include "runtime/binding.h"
#include "runtime/block_cache.h"

namespace mullion {

// A program with the bindings made for it so far, those of its control-flow bodies included.
// Thread-safe.
class BoundProgram {
 public:
  BoundProgram(const Program& program, const BindOptions& options)
      : BoundProgram(program, options, BlockCache::OfSessions()) {}

  const Program& program() const { return program_; }
  const BindOptions& options() const { return options_; }
  BindingCache& roots() { return roots_; }
  // Binds a segment that no cache has.
  Result<std::shared_ptr<const Binding>> Bind(const Binding* parent, BindingKey key);
  // Of all sessions.
  BlockCache& blocks() { return *blocks_; }
  BoundProgram& body(int step, int index) {
    return *bodies_[static_cast<size_t>(step)][static_cast<size_t>(index)];
  }

 private:
  BoundProgram(const Program& program, const BindOptions& options,
               std::shared_ptr<BlockCache> blocks);

  const Program& program_;
  BindOptions options_;
  std::shared_ptr<BlockCache> blocks_;
  BindingCache roots_;
  std::mutex binder_mutex_;
  std::unique_ptr<Binder> binder_;  // of first segments, where further shapes may come
  std::vector<std::vector<std::unique_ptr<BoundProgram>>> bodies_;
};

}  // namespace mullion

#endif  // MULLION_RUNTIME_BOUND_PROGRAM_H_
