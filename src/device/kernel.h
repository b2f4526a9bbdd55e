// SPDX-License-Identifier: MIT
// What a device makes of a node or of several: an executable that the runtime binds to shapes and
// then runs, many times and from several threads.
//
// The life of an Executable:
//   made once per session     constants are known, shapes may not be: pack weights, parse
//   attributes Bind, once per shapes     all input shapes are known: choose tiles, ask for scratch
//   memory Run, every evaluation     const, thread-safe, allocates nothing when outputs have known
//   shapes
#ifndef MULLION_DEVICE_KERNEL_H_
#define MULLION_DEVICE_KERNEL_H_

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/cancellation.h"
#include "base/parallel.h"
#include "base/status.h"
#include "base/tensor.h"
#include "device/datum.h"
#include "graph/graph.h"

namespace mullion {

// What an executable worked out for one set of shapes. Owned by the binding; read-only during Run.
class BoundState {
 public:
  virtual ~BoundState() = default;
};

// Handed to Bind. Inputs and outputs are those of the executable's node; a null pointer is an input
// left out or an output nobody wants. Shapes are concrete.
class BindContext {
 public:
  struct Port {
    ElementType type = ElementType::kUndefined;
    Shape shape;
    const TensorView* data = nullptr;  // content known at binding: constants, folded arithmetic
  };

  BindContext(const Node& node, std::span<const Port* const> inputs,
              std::span<const Port* const> outputs, int threads)
      : node_(node), inputs_(inputs), outputs_(outputs), threads_(threads) {}

  const Node& node() const { return node_; }
  int input_count() const { return static_cast<int>(inputs_.size()); }
  int output_count() const { return static_cast<int>(outputs_.size()); }
  const Port* input(int i) const {
    return i < input_count() ? inputs_[static_cast<size_t>(i)] : nullptr;
  }
  // Null also when the output's shape is known only after running.
  const Port* output(int i) const {
    return i < output_count() ? outputs_[static_cast<size_t>(i)] : nullptr;
  }
  // The most threads that Run will see in its Parallel.
  int threads() const { return threads_; }

  // Scratch memory for Run, aligned to 64 bytes, contents unspecified.
  void RequestScratch(size_t bytes) { scratch_bytes_ = bytes; }
  // Output `out` may share memory with input `in` if that input is not read later by anyone else
  // and both have the same number of bytes. Run must then be right when the two pointers are equal
  // and equally when they are not.
  void AllowInPlace(int out, int in) { in_place_.push_back({out, in}); }
  // The output is input 0 under another shape, byte for byte: where both can be one memory Run is
  // left out. Others may read that memory still.
  void GiveView() { gives_view_ = true; }
  void SetState(std::unique_ptr<BoundState> state) { state_ = std::move(state); }

  struct InPlace {
    int output;
    int input;
  };
  size_t scratch_bytes() const { return scratch_bytes_; }
  bool gives_view() const { return gives_view_; }
  const std::vector<InPlace>& in_place() const { return in_place_; }
  std::unique_ptr<BoundState> TakeState() { return std::move(state_); }

 private:
  const Node& node_;
  std::span<const Port* const> inputs_;
  std::span<const Port* const> outputs_;
  int threads_;
  size_t scratch_bytes_ = 0;
  bool gives_view_ = false;
  std::vector<InPlace> in_place_;
  std::unique_ptr<BoundState> state_;
};

// Where a kernel writes: a view of an output that lives as long as the step, or why there is none.
// Copied once, where it is taken, and as a whole: what was copied member by member would make the
// copies that follow wait for each of them, which takes longer than all else in a small step.
class [[nodiscard]] OutputView {
 public:
  OutputView(const TensorView& view) : view_(&view) {}       // NOLINT(runtime/explicit)
  OutputView(Status status) : status_(std::move(status)) {}  // NOLINT(runtime/explicit)

  bool ok() const { return view_ != nullptr; }
  const Status& status() const { return status_; }
  MutableTensorView operator*() const {
    static_assert(std::is_trivially_copyable_v<TensorView> &&
                  std::is_trivially_copyable_v<MutableTensorView> &&
                  sizeof(TensorView) == sizeof(MutableTensorView) &&
                  offsetof(TensorView, data) == offsetof(MutableTensorView, data));
    MutableTensorView writable;
    std::memcpy(static_cast<void*>(&writable), view_, sizeof(writable));
    return writable;
  }

 private:
  const TensorView* view_ = nullptr;
  Status status_;
};

// Handed to Run.
class RunContext {
 public:
  virtual ~RunContext() = default;

  const Node& node() const { return *node_; }
  int input_count() const { return static_cast<int>(inputs_.size()); }
  int output_count() const { return static_cast<int>(outputs_.size()); }
  bool HasInput(int i) const {
    return i < input_count() && inputs_[static_cast<size_t>(i)] != nullptr;
  }
  bool WantsOutput(int i) const {
    return i < output_count() && outputs_[static_cast<size_t>(i)] != nullptr;
  }

  // A tensor input; must be there and be a tensor.
  const TensorView& Input(int i) const { return inputs_[static_cast<size_t>(i)]->view; }
  // Any input: sequences, maps, optionals. The tensor of a Datum that is one is in its view.
  const Datum& InputDatum(int i) const { return *inputs_[static_cast<size_t>(i)]; }

  // A tensor output whose memory is ready: its shape was known at binding.
  MutableTensorView Output(int i) const {
    return *OutputView(outputs_[static_cast<size_t>(i)]->view);
  }
  // An output whose shape was not known at binding (or of strings): makes room for it. Also right
  // for outputs whose shape was known, which then must be equal.
  virtual OutputView AllocateOutput(int i, const Shape& shape) = 0;
  // What the evaluation before has left as output `i`, or nothing: its memory may serve again while
  // nobody else holds it.
  Datum& OutputBefore(int i) const { return *outputs_[static_cast<size_t>(i)]; }
  // An output that is not a tensor, or a tensor that exists already.
  virtual void SetOutput(int i, Datum value) = 0;
  // Memory for a tensor of its own: an item of a sequence.
  virtual Result<Tensor> NewTensor(ElementType type, const Shape& shape) {
    return Tensor::Allocate(type, shape);
  }
  Result<Tensor> Own(const Datum& datum) {
    return datum.OwnedTensor(
        [this](ElementType type, const Shape& shape) { return NewTensor(type, shape); });
  }

  void* scratch() const { return scratch_; }
  template <typename State>
  const State* state() const {
    return static_cast<const State*>(state_);
  }
  Parallel& parallel() const { return *parallel_; }
  const CancellationToken* cancellation() const { return cancellation_; }

  // A failure of this evaluation: run-time values that make no sense (an index out of range).
  template <typename... Pieces>
  [[gnu::always_inline]] Status Error(const Pieces&... pieces) const {
    return node_->Error(StatusCode::kEvaluation, pieces...);
  }

 protected:
  const Node* node_ = nullptr;
  std::span<const Datum* const> inputs_;
  std::span<Datum* const> outputs_;
  void* scratch_ = nullptr;
  const BoundState* state_ = nullptr;
  Parallel* parallel_ = nullptr;
  const CancellationToken* cancellation_ = nullptr;
};

class Executable {
 public:
  virtual ~Executable() = default;
  // Whether the executable has taken what it needs of constant input `i`: neither Bind nor Run
  // looks at its contents, and weights that all their readers hold need not stay in memory.
  virtual bool Holds(int /*i*/) const { return false; }
  // Whether it computes float tensors in half precision, which operators/precision.h allows.
  virtual bool ComputesInHalf() const { return false; }
  // The shape of output 0, which has the element type of input 0, for concrete shapes of the inputs
  // (null where one is left out or has none): where that takes less than to infer it from the node,
  // as attributes were read when the executable was made. False where the shapes are not known to
  // go together: inference says what is wrong with them.
  virtual bool TellShape(std::span<const Shape* const> /*inputs*/, Shape& /*output*/) const {
    return false;
  }
  virtual Status Bind(BindContext& /*context*/) const { return OkStatus(); }
  virtual Status Run(RunContext& context) const = 0;
};

}  // namespace mullion

#endif  // MULLION_DEVICE_KERNEL_H_
