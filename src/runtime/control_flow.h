// SPDX-License-Identifier: MIT
// If, Loop, Scan and SequenceMap: steps that run other programs.
#ifndef MULLION_RUNTIME_CONTROL_FLOW_H_
#define MULLION_RUNTIME_CONTROL_FLOW_H_

#include <memory>
#include <span>
#include <vector>

#include "runtime/frame.h"
#include "runtime/slices.h"

namespace mullion {

// Frames of a step's bodies, kept between evaluations. Loops alternate between two frames of the
// same body, so that an iteration reads what the one before it wrote without a copy.
struct Frame::ControlState {
  std::vector<std::unique_ptr<Frame>> frames;
};

// Carries out one control-flow step of a frame.
class ControlFlow {
 public:
  ControlFlow(Frame& frame, int step_index, const Evaluation& evaluation);
  Status Run();

 private:
  Status RunIf();
  Status RunLoop();
  Status RunScan();
  Status RunBatchedScan();
  Status RunSequenceMap();

  struct Walk;
  // Runs the body along the scan inputs; each of its scan outputs goes to a stack.
  Status RunWalk(Walk& walk, std::span<Stack> stacks);

  // The declared type of an output of the step's only body.
  const TypeInfo& BodyOutputType(int i) const;
  // The frame number `index` of body `body`, with its captures set.
  Frame& Body(int body, int index);
  const Datum* Input(int i) const;
  BlockCache& blocks();
  void SetOutput(int i, Datum value);
  MutableTensorView OutputMemory(int i) const;
  Status Error(std::string_view text) const;

  Frame& frame_;
  int step_index_;
  const Step& step_;
  const Evaluation& evaluation_;
};

}  // namespace mullion

#endif  // MULLION_RUNTIME_CONTROL_FLOW_H_
