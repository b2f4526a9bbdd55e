// SPDX-License-Identifier: MIT
// Memory that evaluations work in and leave nothing in that anybody reads later. All sessions of
// the process share it, as those that are used in turn then work in what the caches hold.
#ifndef MULLION_RUNTIME_WORK_MEMORY_H_
#define MULLION_RUNTIME_WORK_MEMORY_H_

#include <cstddef>
#include <memory>

namespace mullion {

// One place that an evaluation takes memory for. It has a block of its own, which others may own,
// too: the one that came back last when it needed one. So places that are used in turn share one
// block, and those that were used at the same time once have one each from then on. Never are there
// more blocks than places. Not thread-safe; several at once are.
class WorkMemory {
 public:
  WorkMemory() = default;
  WorkMemory(WorkMemory&&) = default;
  WorkMemory& operator=(WorkMemory&& other) noexcept;
  ~WorkMemory();

  // At least `bytes` bytes aligned to kMemoryAlignment, for nobody else until Return(): what get()
  // gives then. What was there before is lost where it was smaller. False when there is no memory.
  bool Take(size_t bytes);
  // Others may have it until the next Take(). Little is kept: it costs less than asking for it.
  void Return();
  // What was taken, else null.
  void* get() const;
  // Of its own block.
  size_t bytes() const;

 private:
  struct Block;
  struct Idle;
  static Idle*& IdleBlocks();
  static void RegisterForkHandler();
  void Choose(size_t bytes);

  std::shared_ptr<Block> own_;    // may be that of others, too
  std::shared_ptr<Block> taken_;  // by this one now
};

}  // namespace mullion

#endif  // MULLION_RUNTIME_WORK_MEMORY_H_
