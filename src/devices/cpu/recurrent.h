// SPDX-License-Identifier: MIT
// The loop that RNN, GRU and LSTM share: products of all inputs of several steps at once, then step
// by step the product with the state and the layer's cell.
#ifndef MULLION_DEVICES_CPU_RECURRENT_H_
#define MULLION_DEVICES_CPU_RECURRENT_H_

#include <memory>

#include "base/memory.h"
#include "device/kernel.h"
#include "device/weight_store.h"
#include "devices/cpu/kernels/matrix/panel_product.h"
#include "devices/cpu/kernels/sequence/recurrent_cells.h"
#include "devices/cpu/recurrent_weights.h"
#include "operators/recurrent.h"

namespace mullion::cpu {

// What a cell works on: one step of a few rows of the batch.
template <typename T>
struct RecurrentStep {
  int64_t index = 0;
  int64_t rows = 0;
  int64_t depth = 0;                 // the hidden size
  const int64_t* lengths = nullptr;  // row m takes part while index < lengths[m]
  T* sums = nullptr;                 // biases and products with the input, by `sums_stride`
  int64_t sums_stride = 0;
  T* hidden = nullptr;  // each row has `width` elements
  T* cell = nullptr;    // LSTM
  T* spare = nullptr;
  const T* const* hidden_rows = nullptr;
  const T* const* spare_rows = nullptr;
  const T* weights = nullptr;  // R packed, group after group
  // Not null: the product with the input, which is made beside the first one with R.
  const PanelProductArguments<T>* input = nullptr;
  CellArguments<T> arguments;
  Parallel* parallel = nullptr;  // null when the caller is parallel already

  bool Active(int64_t row) const { return index < lengths[row]; }
  T* Sums(int64_t row, int block) const { return sums + row * sums_stride + block * width(); }
  int64_t width() const { return arguments.width; }
};

template <typename T>
class Recurrent : public Executable {
 public:
  Recurrent(const operators::RecurrentParameters& parameters, GatePlan plan);
  // Packs what is constant.
  Status Prepare(const Node& node, WeightStore& weights);

  Status Bind(BindContext& context) const final;
  Status Run(RunContext& context) const final;
  bool Holds(int i) const final {
    return (i == 1 && input_weights_ != nullptr) || (i == 2 && recurrent_weights_ != nullptr);
  }

 protected:
  // Adds the product of `rows` and group `g` of R to the sums.
  void AddRecurrent(const RecurrentStep<T>& step, int g, const T* const* rows) const;
  // Takes the rows that are active from one state to the next.
  virtual void Step(const RecurrentStep<T>& step) const = 0;

  const GatePlan plan_;

 private:
  struct Bound;
  struct Task;
  struct Sources;
  struct Packed;

  Status CheckLengths(const RunContext& context, const Bound& bound) const;
  Packed PackAtRun(const RunContext& context, const Bound& bound) const;
  void RunTask(const RunContext& context, const Bound& bound, const Packed& packed,
               const Sources& sources, int64_t index) const;
  void Start(const Bound& bound, const Sources& sources, Task& task) const;
  void MultiplyInputs(const Bound& bound, const Packed& packed, const Sources& sources, Task& task,
                      int64_t first_step, int64_t steps) const;
  void Emit(const Bound& bound, const Sources& sources, const Task& task, int64_t step) const;
  void Finish(const Bound& bound, const Sources& sources, const Task& task) const;

  operators::RecurrentParameters parameters_;
  std::shared_ptr<const void> input_weights_;
  std::shared_ptr<const void> recurrent_weights_;
  bool constant_biases_ = false;
  AlignedBuffer biases_;  // rows of sums, per direction
};

// The executable of class `Layer<T>` for the node's element type, float or double.
template <template <typename> class Layer>
Result<std::unique_ptr<Executable>> MakeRecurrent(const Node& node, WeightStore& weights,
                                                  operators::RecurrentKind kind) {
  MULLION_ASSIGN_OR_RETURN(const operators::RecurrentParameters parameters,
                           operators::ParseRecurrent(node, kind));
  const auto make = [&](auto layer) -> Result<std::unique_ptr<Executable>> {
    MULLION_RETURN_IF_ERROR(layer->Prepare(node, weights));
    return std::unique_ptr<Executable>(std::move(layer));
  };
  if (node.input(0)->type.element_type == ElementType::kDouble) {
    return make(std::make_unique<Layer<double>>(parameters));
  }
  return make(std::make_unique<Layer<float>>(parameters));
}

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_RECURRENT_H_
