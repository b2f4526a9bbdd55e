// SPDX-License-Identifier: MIT
// A model made ready for evaluation on devices.
#ifndef MULLION_RUNTIME_SESSION_H_
#define MULLION_RUNTIME_SESSION_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/cancellation.h"
#include "device/datum.h"
#include "device/device.h"
#include "graph/model.h"
#include "operators/registry.h"
#include "planner/program.h"
#include "runtime/frame.h"
#include "runtime/profiler.h"
#include "runtime/thread_pool.h"

namespace mullion {

enum class Precision : uint8_t { kFloat, kHalf };

struct SessionOptions {
  // Threads that an evaluation may use, the caller's included; 0 takes all processors available to
  // the process. More than there are processors is allowed.
  int threads = 0;
  // Sizes for symbolic dimensions of inputs, by dim_param name; names that no input has are
  // ignored.
  std::vector<std::pair<std::string, int64_t>> dimensions;
  // A size for the free batch dimension of every input and output: the one with the denotation
  // DATA_BATCH, else the leading one. 0 leaves it free.
  int64_t batch_size = 0;
  // Rewrites other than import normalisation; off for debugging and for comparing.
  bool optimize = true;
  // kHalf allows products of float tensors with constant weights to round their operands and sums
  // to float16, where a device is faster so.
  Precision precision = Precision::kFloat;
};

// Where a node of the optimized graph runs.
struct NodePlacement {
  std::string node;     // its name in the model, with operator and opset
  std::string device;   // "cpu", or "control flow" for If, Loop and the like
  Precision precision;  // that is really used
};

// Thread-safe: any number of threads may call Run at once; each evaluation has memory of its own.
class Session {
 public:
  // Optimizes, compiles and packs. `devices` in order of preference; they, and `operators`, outlive
  // the session. The model is not changed and may be used again or destroyed.
  static Result<std::unique_ptr<Session>> Create(const Model& model,
                                                 std::span<const Device* const> devices,
                                                 const OperatorRegistry& operators,
                                                 const SessionOptions& options);
  ~Session();

  const std::vector<FeatureInfo>& inputs() const { return inputs_; }
  const std::vector<FeatureInfo>& outputs() const { return outputs_; }
  int threads() const { return threads_; }

  // Evaluates. `inputs` are in the order of inputs() and must all be there; they are read in place.
  // `outputs` are in the order of outputs(): a tensor Datum with memory is written in place (its
  // type and shape must be those of the result), any other is replaced by a fresh value.
  Status Run(std::span<const Datum> inputs, std::span<Datum> outputs,
             const CancellationToken* cancellation = nullptr, Profiler* profiler = nullptr);

  std::vector<NodePlacement> Placement() const;
  const Graph& graph() const { return *graph_; }

 private:
  Session() = default;
  Status CheckInput(size_t index, const Datum& value) const;
  Status RunFrame(Frame& frame, const CancellationToken* cancellation, Profiler* profiler);
  Status Deliver(Frame& frame, size_t index, Datum& output) const;
  std::unique_ptr<Frame> TakeFrame();
  void ReturnFrame(std::unique_ptr<Frame> frame);

  std::vector<FeatureInfo> inputs_;
  std::vector<FeatureInfo> outputs_;
  std::unique_ptr<Graph> graph_;
  std::unique_ptr<Program> program_;
  std::unique_ptr<BoundProgram> bound_;
  std::shared_ptr<ThreadPool> pool_;
  int threads_ = 1;
  // What the last evaluation shared or could have: the next one will be much like it.
  std::atomic<int64_t> shareable_{0};
  std::mutex frames_mutex_;
  std::vector<std::unique_ptr<Frame>> frames_;  // idle ones
};

}  // namespace mullion

#endif  // MULLION_RUNTIME_SESSION_H_
