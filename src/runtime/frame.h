// SPDX-License-Identifier: MIT
// The memory and the progress of one evaluation of a program.
//
// A frame belongs to one thread at a time. It keeps its bound segments and the frames of its
// control-flow bodies between evaluations, so that a repeated evaluation on the same shapes
// allocates nothing. Its memory it lends to others in between.
#ifndef MULLION_RUNTIME_FRAME_H_
#define MULLION_RUNTIME_FRAME_H_

#include <memory>
#include <span>
#include <vector>

#include "base/cancellation.h"
#include "base/parallel.h"
#include "runtime/bound_program.h"
#include "runtime/profiler.h"
#include "runtime/thread_pool.h"
#include "runtime/work_memory.h"

namespace mullion {

// What an evaluation carries along.
struct Evaluation {
  PoolParallel* parallel = nullptr;
  const CancellationToken* cancellation = nullptr;
  Profiler* profiler = nullptr;
  WorkMemory* scratch = nullptr;  // one for all frames, as it is a step's while that runs
  int thread = 0;                 // that runs steps on its own; 0 also where all share them
};

class Frame {
 public:
  explicit Frame(BoundProgram& bound);
  ~Frame();

  // Values to run on: inputs and captures are set, then Run, then outputs are read, then Finish.
  // What is set must stay valid until the outputs were read.
  void SetInput(int index, const Datum& value);
  void SetCapture(int index, const Datum& value);
  // Memory for a tensor output of the main program; an empty view lets the frame allocate.
  void SetOutputMemory(int index, const MutableTensorView& memory);
  Status Run(const Evaluation& evaluation);
  // Whether it is to be helped, with the inputs that are set; null where that is not asked, as
  // sizes are new or what it takes hangs on contents.
  HelpChoice* help() const;
  const Datum& Output(int index) const;
  // Lets go of the inputs, whose memory is the caller's, and of the memory that others may use now:
  // outputs are not there any more.
  void Finish();

  const Program& program() const { return program_; }
  // For an evaluation that begins with this frame.
  WorkMemory& scratch() { return scratch_; }

 private:
  friend class ControlFlow;
  class StepContext;
  struct ControlState;

  // A bound segment with its memory in this frame.
  struct Segment {
    std::shared_ptr<const Binding> binding;
    WorkMemory arena;
    void* placed = nullptr;  // the arena in which its values have their places
    int small_bindings = 0;  // in a row, that need much less than the arena has
  };

  Datum& At(int slot) { return slots_[static_cast<size_t>(slot)]; }
  BindingKey RootKey() const;
  // Whether the first segment is bound for the inputs as they are: RootKey() without making one.
  bool RootIsBound() const;
  TypeInfo TypeOf(int slot) const;
  Result<const Binding*> EnterSegment(size_t depth, BindingKey key, const Evaluation& evaluation);
  Status TakeMemory(Segment& segment, const Evaluation& evaluation);
  static Status TakeScratch(size_t bytes, const Evaluation& evaluation);
  Status PlaceValues(Segment& segment);
  Status PlaceOutputs(const Binding& binding);
  Status PlaceOutput(const Placement& placement);
  // Runs [first, last) of a binding's steps, some of them in groups.
  Status RunGroups(const Binding& binding, std::span<const SampleGroup> groups, size_t first,
                   size_t last, const Evaluation& evaluation);
  Status RunSteps(const Binding& binding, size_t first, size_t last, const Evaluation& evaluation);
  Status RunInTurn(const Binding& binding, const SampleGroup& group, const Evaluation& evaluation);
  Status RunAtOnce(const Binding& binding, const SampleGroup& group, const Evaluation& evaluation);
  Status BeginPasses(const Binding& binding, const SampleGroup& group, const Frame& whole);
  Status RunPass(const Binding& binding, const SampleGroup& group, int64_t pass, const Frame& whole,
                 const Evaluation& evaluation);
  Status RunStep(int index, const BoundState* state, const Evaluation& evaluation);
  // Runs or resolves the step that ends a segment and tells how the next one begins.
  Result<BindingKey> PassDynamicStep(int index, const Evaluation& evaluation);
  Result<bool> ResolveShapes(const Step& step, std::vector<TypeInfo>& types);
  Status RunUnbound(int index, const Evaluation& evaluation);
  Status RunControl(int index, const Evaluation& evaluation);
  BindingKey KeyAfter(int first_step, const Step& step) const;
  ControlState& Control(int index);

  BoundProgram& bound_;
  const Program& program_;
  std::vector<Datum> slots_;
  // Slots whose memory a binding fixed: kernels must not allocate for them.
  std::vector<char> fixed_;
  std::vector<std::vector<const Datum*>> step_inputs_;  // into slots_, by step
  std::vector<std::vector<Datum*>> step_outputs_;
  std::vector<MutableTensorView> output_memory_;
  std::vector<size_t> tensor_outputs_;  // those that may get memory
  std::vector<Segment> segments_;
  bool outputs_changed_ = true;  // output memory was set since the segments were placed
  WorkMemory scratch_;
  // What threads have for passes at once: each its own view of all values, and memory.
  std::vector<std::unique_ptr<Frame>> threads_;
  int small_thread_bindings_ = 0;  // in a row, that need much less than their arenas have
  WorkMemory thread_arena_;        // of such a frame
  std::unique_ptr<LoopCosts[]> unbound_costs_;  // of steps that no binding holds
  std::vector<std::unique_ptr<ControlState>> control_;
};

}  // namespace mullion

#endif  // MULLION_RUNTIME_FRAME_H_
