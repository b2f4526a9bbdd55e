// SPDX-License-Identifier: MIT
#ifndef MULLION_LEARNING_MODEL_SESSION_H_
#define MULLION_LEARNING_MODEL_SESSION_H_

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mullion/evaluation_cancellation.h"
#include "mullion/evaluation_result.h"
#include "mullion/handle.h"
#include "mullion/learning_model.h"
#include "mullion/learning_model_device.h"
#include "mullion/learning_model_session_options.h"

namespace mullion {

class LearningModelBinding;

// One step of a profiled evaluation.
struct ProfileEvent {
  std::string Node;                // as the model names it: "node 'conv1' (Conv, opset 9)"
  std::string Operator;            // what it runs as
  std::chrono::nanoseconds Start;  // since the evaluation began
  std::chrono::nanoseconds Duration;
  int64_t Bytes;  // of tensors read and written
  // Of the evaluation: steps of a batch may run for some samples on one and for others on another
  // at the same time. 0 where all threads shared the step.
  uint32_t Thread;
};

// A model made ready for evaluation. A handle; thread-safe: any number of threads may evaluate at
// once, each with a binding of its own.
class LearningModelSession final {
 public:
  // Optimizes the model and packs its weights. ErrorCode::Closed when the model is closed,
  // Unsupported for operators or types that the device lacks, InvalidModel; the message names the
  // model.
  explicit LearningModelSession(const LearningModel& model) : LearningModelSession(Make(model)) {}
  LearningModelSession(const LearningModel& model, const LearningModelDevice& device)
      : LearningModelSession(Make(model, device.get())) {}
  LearningModelSession(const LearningModel& model, const LearningModelDevice& device,
                       const LearningModelSessionOptions& options)
      : LearningModelSession(Make(model, device.get(), options.ToC().get())) {}
  LearningModelSession(std::nullptr_t) {}  // NOLINT(runtime/explicit)

  // Writes what a session would be made of, optimized graph and packed weights, to a file that
  // LearningModel::LoadFromFilePath loads in the time it takes to map and check it. It is for this
  // version of the library and for the instruction set in use. Sizes that the options fix stay
  // free, and it computes in fp32.
  static void Compile(const LearningModel& model, const LearningModelDevice& device,
                      const LearningModelSessionOptions& options,
                      const std::filesystem::path& path) {
    detail::Check(MullionModel_Compile(model.get(), device.get(), options.ToC().get(),
                                       detail::Utf8(path).c_str()));
  }

  LearningModel Model() const {
    return LearningModel(detail::ModelHandle::Share(MullionSession_Model(get())));
  }
  LearningModelDevice Device() const {
    return LearningModelDevice(detail::DeviceHandle::Share(MullionSession_Device(get())));
  }
  // Threads of an evaluation, the caller's included.
  uint32_t Threads() const { return MullionSession_Threads(get()); }

  // Float16 when the options allow it and some node really computes in half precision.
  ProductPrecision Precision() const {
    return static_cast<ProductPrecision>(MullionSession_Precision(get()));
  }

  // Evaluates on this thread and the session's helpers. `correlation_id` comes back in the result.
  // Outputs that are not bound come as fresh values, which stay valid whatever happens to the
  // session. ErrorCode::InvalidBinding for an input without a value, SizeMismatch for a bound
  // output of another shape than the result, Evaluation, Cancelled, Closed, OutOfMemory.
  LearningModelEvaluationResult Evaluate(
      const LearningModelBinding& binding, const std::string& correlation_id = {},
      const EvaluationCancellation& cancellation = nullptr) const;
  // The same on a thread of its own. The binding must be left alone until the future is ready;
  // destroying the future waits for it.
  std::future<LearningModelEvaluationResult> EvaluateAsync(
      const LearningModelBinding& binding, const std::string& correlation_id = {},
      const EvaluationCancellation& cancellation = nullptr) const;
  // Binds what `features`, a map from names to values or anything else that Bind takes, holds, and
  // evaluates.
  template <typename Features>
  LearningModelEvaluationResult EvaluateFeatures(const Features& features,
                                                 const std::string& correlation_id = {}) const;
  // Evaluates without a result: for bound outputs in a tight loop. Allocates nothing once the
  // shapes have been seen, when all outputs are bound to tensors.
  void Run(const LearningModelBinding& binding,
           const EvaluationCancellation& cancellation = nullptr) const;
  // Evaluates once, as Run does, and records every step.
  std::vector<ProfileEvent> Profile(const LearningModelBinding& binding) const;

  // The nodes of the optimized graph with the device that each runs on.
  std::vector<std::pair<std::string, std::string>> Placement() const {
    std::vector<std::pair<std::string, std::string>> placement;
    for (size_t i = 0; i < MullionSession_PlacementCount(get()); ++i) {
      placement.emplace_back(MullionSession_PlacementNode(get(), i),
                             MullionSession_PlacementDevice(get(), i));
    }
    return placement;
  }

  // Frees everything when running evaluations are done. Later evaluations and bindings fail with
  // ErrorCode::Closed; results stay valid.
  void Close() const { MullionSession_Close(get()); }

  explicit operator bool() const { return static_cast<bool>(handle_); }
  MullionSession* get() const { return handle_.get(); }

 private:
  explicit LearningModelSession(detail::SessionHandle session) : handle_(std::move(session)) {}
  static detail::SessionHandle Make(const LearningModel& model, MullionDevice* device = nullptr,
                                    const MullionSessionOptions* options = nullptr) {
    MullionSession* session = nullptr;
    detail::Check(MullionSession_Create(model.get(), device, options, &session));
    return detail::SessionHandle::Adopt(session);
  }

  detail::SessionHandle handle_;
};

}  // namespace mullion

#endif  // MULLION_LEARNING_MODEL_SESSION_H_
