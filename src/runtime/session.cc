// SPDX-License-Identifier: MIT
#include "runtime/session.h"

#include <algorithm>
#include <chrono>

#include "base/platform.h"
#include "base/str_cat.h"
#include "device/weight_store.h"
#include "planner/plan.h"
#include "runtime/prepare_graph.h"

namespace mullion {

namespace {

// Whether the step does, or one inside it.
bool ComputesInHalf(const Step& step) {
  if (step.executable != nullptr) return step.executable->ComputesInHalf();
  return std::any_of(step.subprograms.begin(), step.subprograms.end(), [](const auto& body) {
    return std::any_of(body->steps.begin(), body->steps.end(), ComputesInHalf);
  });
}

// Threads that are worth their start: one for every so many bytes of weights, and no more than read
// memory faster.
int PackersFor(const Graph& graph) {
  constexpr size_t kBytesOfOne = size_t{8} << 20;
  constexpr size_t kMost = 4;
  size_t bytes = 0;
  for (const Value& value : graph.values()) {
    if (value.IsConstant() && !value.uses().empty()) bytes += value.constant.bytes();
  }
  const auto wanted = static_cast<int>(std::min(bytes / kBytesOfOne, kMost));
  return wanted > 1 ? std::min(wanted, AvailableProcessors()) : 1;
}

}  // namespace

Session::~Session() = default;

Result<std::unique_ptr<Session>> Session::Create(const Model& model,
                                                 std::span<const Device* const> devices,
                                                 const OperatorRegistry& operators,
                                                 const SessionOptions& options) {
  std::unique_ptr<Session> session(new Session());
  session->threads_ = options.threads > 0 ? options.threads : AvailableProcessors();
  const auto fail = [&](const Status& status) {
    return status.WithPrefix(StrCat("model '", model.path, "': "));
  };
  auto prepared = PrepareGraph(model, devices, operators, options);
  if (!prepared.ok()) return fail(prepared.status());
  session->inputs_ = std::move(prepared->inputs);
  session->outputs_ = std::move(prepared->outputs);
  session->graph_ = std::move(prepared->graph);
  if (session->threads_ > 1) session->pool_ = ThreadPool::Acquire(session->threads_ - 1);
  // Large weights are packed by some processors, however few threads evaluations will take.
  const int packers =
      std::max(session->threads_, model.compiled ? 1 : PackersFor(*session->graph_));
  const auto pool = packers > session->threads_ ? ThreadPool::Acquire(packers - 1) : session->pool_;
  PoolParallel parallel(pool.get(), packers, nullptr);
  auto program =
      PlanGraph(*session->graph_, {&operators, devices, &WeightStore::Global(), &parallel});
  if (!program.ok()) return fail(program.status());
  session->program_ = *std::move(program);
  session->bound_ = std::make_unique<BoundProgram>(
      *session->program_, BindOptions{.threads = session->threads_, .outputs_outside = true});
  // A frame looks at constants: now rather than in the first run.
  session->ReturnFrame(session->TakeFrame());
  return session;
}

Status Session::CheckInput(size_t index, const Datum& value) const {
  const FeatureInfo& feature = inputs_[index];
  const TypeInfo& type = feature.type;
  if (value.kind == ValueKind::kUnknown) {
    return InvalidBinding("input '", feature.name, "' (", type.ToString(),
                          ") is not bound; bind a value to every input");
  }
  if (!type.IsTensor()) return OkStatus();
  if (!value.IsTensor() || value.view.type != type.element_type) {
    return InvalidBinding("input '", feature.name, "' is ", type.ToString(), " but ",
                          value.IsTensor() ? Describe(value.view) : "no tensor",
                          " was bound; convert the value first");
  }
  if (!type.has_shape) return OkStatus();
  const Shape& shape = value.view.shape;
  bool fits = shape.rank() == type.shape.rank();
  for (int i = 0; fits && i < shape.rank(); ++i) {
    fits = type.shape[i] < 0 || type.shape[i] == shape[i];
  }
  if (fits) return OkStatus();
  return SizeMismatch("input '", feature.name, "' is ", type.ToString(), " but ",
                      Describe(value.view), " was bound; give it the shape of the input");
}

std::unique_ptr<Frame> Session::TakeFrame() {
  {
    const std::lock_guard lock(frames_mutex_);
    if (!frames_.empty()) {
      std::unique_ptr<Frame> frame = std::move(frames_.back());
      frames_.pop_back();
      return frame;
    }
  }
  return std::make_unique<Frame>(*bound_);
}

void Session::ReturnFrame(std::unique_ptr<Frame> frame) {
  const std::lock_guard lock(frames_mutex_);
  frames_.push_back(std::move(frame));
}

Status Session::Run(std::span<const Datum> inputs, std::span<Datum> outputs,
                    const CancellationToken* cancellation, Profiler* profiler) {
  if (inputs.size() != inputs_.size() || outputs.size() != outputs_.size()) {
    return InvalidArgument("an evaluation takes ", inputs_.size(), " inputs and ", outputs_.size(),
                           " outputs, not ", inputs.size(), " and ", outputs.size());
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    MULLION_RETURN_IF_ERROR(CheckInput(i, inputs[i]));
  }
  std::unique_ptr<Frame> frame = TakeFrame();
  for (size_t i = 0; i < inputs.size(); ++i) frame->SetInput(static_cast<int>(i), inputs[i]);
  for (size_t i = 0; i < outputs.size(); ++i) {
    const TensorView& view = outputs[i].view;
    const bool bound = outputs[i].IsTensor() && view.data != nullptr;
    frame->SetOutputMemory(static_cast<int>(i),
                           bound ? MutableTensorView{view.type, view.location, view.shape,
                                                     const_cast<void*>(view.data)}
                                 : MutableTensorView{});
  }
  Status status = RunFrame(*frame, cancellation, profiler);
  for (size_t i = 0; status.ok() && i < outputs.size(); ++i) {
    status = Deliver(*frame, i, outputs[i]);
  }
  if (status.ok() && cancellation != nullptr && cancellation->cancelled()) {
    status = Status(StatusCode::kCancelled, "the evaluation was cancelled");
  }
  frame->Finish();
  ReturnFrame(std::move(frame));
  return status;
}

// With the inputs and outputs that are set; on this thread alone where help gains nothing.
Status Session::RunFrame(Frame& frame, const CancellationToken* cancellation, Profiler* profiler) {
  HelpChoice* const choice = pool_ == nullptr ? nullptr : frame.help();
  const bool helped = choice == nullptr || choice->Helped();
  ThreadPool* const pool = helped ? pool_.get() : nullptr;
  PoolParallel parallel(pool, threads_, cancellation);
  std::chrono::steady_clock::time_point start;
  if (choice != nullptr) start = std::chrono::steady_clock::now();
  Status status;
  {
    const ThreadPool::ActiveScope active(pool, shareable_.load(std::memory_order_relaxed));
    status = frame.Run({&parallel, cancellation, profiler, &frame.scratch()});
  }
  if (helped) shareable_.store(parallel.shareable(), std::memory_order_relaxed);
  if (choice != nullptr && status.ok() && (!helped || parallel.WasHelped())) {
    const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - start;
    choice->Took(helped, took.count(), parallel.won());
  }
  return status;
}

// Hands over what the frame holds; copies where the result is not in the bound memory yet.
Status Session::Deliver(Frame& frame, size_t index, Datum& output) const {
  const Datum& result = frame.Output(static_cast<int>(index));
  const bool bound = output.IsTensor() && output.view.data != nullptr;
  if (!bound) {
    if (!result.IsTensor()) {
      output = result;
      return OkStatus();
    }
    MULLION_ASSIGN_OR_RETURN(Tensor owned, result.OwnedTensor());
    output = Datum::FromTensor(std::move(owned));
    return OkStatus();
  }
  if (result.IsTensor() && result.view.data == output.view.data) return OkStatus();
  if (!result.IsTensor() || result.view.type != output.view.type ||
      !(result.view.shape == output.view.shape)) {
    return SizeMismatch("output '", outputs_[index].name, "' is ",
                        result.IsTensor() ? Describe(result.view) : "no tensor", " but ",
                        Describe(output.view),
                        " was bound to it; bind a tensor of the right shape or none");
  }
  CopyElements(result.view, {output.view.type, output.view.location, output.view.shape,
                             const_cast<void*>(output.view.data)});
  return OkStatus();
}

std::vector<NodePlacement> Session::Placement() const {
  std::vector<NodePlacement> placement;
  for (const Step& step : program_->steps) {
    placement.push_back({step.node->origin.ToString(),
                         step.device != nullptr ? step.device->name() : "control flow",
                         ComputesInHalf(step) ? Precision::kHalf : Precision::kFloat});
  }
  return placement;
}

}  // namespace mullion
