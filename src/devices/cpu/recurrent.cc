// SPDX-License-Identifier: MIT
#include "devices/cpu/recurrent.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

#include "base/rounding.h"
#include "base/str_cat.h"
#include "devices/cpu/kernels/matrix/panel_product.h"

namespace mullion::cpu {

namespace {

// Rows of the batch that go through all steps together: four tiles of six.
constexpr int64_t kBatchBlock = 24;
// Input products of several steps are made at once, as many as fit half of a small L2 cache.
constexpr int64_t kSumsBytes = 256 * 1024;
// Multiply-adds from which one product may be worth several threads, 2 microseconds where weights
// come from beyond the level 2 cache, and into how many parts at most.
constexpr int64_t kParallelProduct = 48 * 1024;
constexpr int64_t kProductParts = 8;

// One after the other, panel by panel: sums are still near, and threads share one loop.
template <typename T>
void Multiply(std::span<const PanelProductArguments<T>> products, Parallel* parallel) {
  const int64_t columns = products[0].columns;
  const int64_t panels = DivideUp(columns, kPanelWidth);
  const auto multiply = [&](int64_t begin, int64_t end, int /*worker*/) {
    for (; begin < end; ++begin) {
      for (const PanelProductArguments<T>& product : products) {
        PanelProduct(product, begin * kPanelWidth, std::min((begin + 1) * kPanelWidth, columns));
      }
    }
  };
  int64_t work = 0;
  for (const auto& product : products) work += columns * product.depth * product.row_count;
  if (parallel == nullptr || work < kParallelProduct) return multiply(0, panels, 0);
  parallel->For(panels, DivideUp(panels, kProductParts), multiply);
}

// Hands out parts of the scratch memory, each aligned.
class Layout {
 public:
  int64_t Take(int64_t bytes) {
    const int64_t at = size_;
    size_ += DivideUp(bytes, static_cast<int64_t>(kMemoryAlignment)) *
             static_cast<int64_t>(kMemoryAlignment);
    return at;
  }
  int64_t size() const { return size_; }

 private:
  int64_t size_ = 0;
};

template <typename T>
const T* DataOrNull(const RunContext& context, int i) {
  return context.HasInput(i) ? context.Input(i).as<T>() : nullptr;
}

}  // namespace

// Sizes and scratch offsets (in bytes) for one set of shapes.
template <typename T>
struct Recurrent<T>::Bound : BoundState {
  int64_t steps, batch, input, hidden, width, row;
  int directions;
  int64_t block_rows;   // rows of the batch per task
  int64_t blocks;       // tasks per direction
  int64_t chunk_steps;  // steps whose input products are made at once
  // Shared by all tasks; only what is not constant.
  int64_t input_weights, recurrent_weights, biases, peepholes;
  int64_t input_weights_size, recurrent_weights_size;  // elements per direction
  // Per task, from `tasks` on.
  int64_t tasks, task_bytes;
  int64_t sums, states, cells, spares, input_rows, state_rows, spare_rows, lengths;
};

template <typename T>
struct Recurrent<T>::Packed {
  const T* input_weights;
  const T* recurrent_weights;
  const T* biases;
  const T* peepholes;
};

template <typename T>
struct Recurrent<T>::Sources {
  const T* x;
  const int32_t* lengths;
  const T* initial_hidden;
  const T* initial_cell;
  T* y;
  T* last_hidden;
  T* last_cell;
};

template <typename T>
struct Recurrent<T>::Task {
  int direction;
  bool reverse;
  int64_t first_row;
  int64_t longest;
  RecurrentStep<T> step;
  PanelProductArguments<T> input;
  T* sums;
  const T** input_rows;
  int64_t* lengths;
  Parallel* parallel;

  int64_t Time(int64_t row, int64_t index) const {
    return reverse && index < lengths[row] ? lengths[row] - 1 - index : index;
  }
};

template <typename T>
Recurrent<T>::Recurrent(const operators::RecurrentParameters& parameters, GatePlan plan)
    : plan_(std::move(plan)), parameters_(parameters) {}

template <typename T>
Status Recurrent<T>::Prepare(const Node& node, WeightStore& weights) {
  const auto pack = [&](int input, std::span<const GateGroup> groups,
                        std::shared_ptr<const void>& packed) -> Status {
    const Value& value = *node.input(input);
    if (!value.IsConstant()) return OkStatus();
    const Shape& shape = value.constant.shape();
    const int64_t rows = shape[1];
    const int64_t depth = shape[2];
    const int64_t hidden = rows / operators::GateCount(plan_.kind);
    const int64_t size = PackedGateSize(groups, depth, hidden);
    const auto fill = [&](const TensorView& source, void* memory) {
      for (int64_t d = 0; d < shape[0]; ++d) {
        PackGates(source.as<T>() + d * rows * depth, groups, depth, hidden,
                  static_cast<T*>(memory) + d * size);
      }
    };
    const std::string format =
        StrCat("recurrent", static_cast<int>(plan_.kind), ":", groups.size(), ":", groups[0].count);
    const int64_t bytes = shape[0] * size * static_cast<int64_t>(sizeof(T));
    MULLION_ASSIGN_OR_RETURN(packed,
                             weights.Get(value.constant, format, static_cast<size_t>(bytes), fill));
    return OkStatus();
  };
  MULLION_RETURN_IF_ERROR(pack(1, plan_.input, input_weights_));
  MULLION_RETURN_IF_ERROR(pack(2, plan_.recurrent, recurrent_weights_));

  const Value* const biases = node.input(3);
  if (biases != nullptr && biases->IsConstant()) {
    const Shape& shape = biases->constant.shape();
    const int64_t hidden = shape[1] / (2 * operators::GateCount(plan_.kind));
    const int64_t row = plan_.blocks * RoundUpToPanelGroup(hidden);
    biases_.reset(AllocateAligned(static_cast<size_t>(shape[0] * row) * sizeof(T)));
    if (biases_ == nullptr) return OutOfMemory("no memory for the biases of a recurrent layer");
    for (int64_t d = 0; d < shape[0]; ++d) {
      PackGateBiases(biases->constant.span<T>().data() + d * shape[1], plan_, hidden,
                     static_cast<T*>(biases_.get()) + d * row);
    }
    constant_biases_ = true;
  }
  return OkStatus();
}

template <typename T>
Status Recurrent<T>::Bind(BindContext& context) const {
  const Shape& x = context.input(0)->shape;
  const Shape& r = context.input(2)->shape;
  auto bound = std::make_unique<Bound>();
  Bound& b = *bound;
  b.steps = x[parameters_.batch_first ? 1 : 0];
  b.batch = x[parameters_.batch_first ? 0 : 1];
  b.input = x[2];
  b.hidden = r[2];
  b.width = RoundUpToPanelGroup(b.hidden);
  b.row = plan_.blocks * b.width;
  b.directions = parameters_.directions;
  b.blocks = std::max<int64_t>(DivideUp(b.batch, kBatchBlock), 1);
  b.block_rows = DivideUp(b.batch, b.blocks);
  const int64_t step_bytes = std::max<int64_t>(b.block_rows * b.row * int64_t{sizeof(T)}, 1);
  b.chunk_steps = std::clamp<int64_t>(kSumsBytes / step_bytes, 1, std::max<int64_t>(b.steps, 1));

  Layout shared;
  b.input_weights_size = PackedGateSize(plan_.input, b.input, b.hidden);
  b.recurrent_weights_size = PackedGateSize(plan_.recurrent, b.hidden, b.hidden);
  const int64_t bytes = b.directions * int64_t{sizeof(T)};
  b.input_weights = input_weights_ ? 0 : shared.Take(bytes * b.input_weights_size);
  b.recurrent_weights = recurrent_weights_ ? 0 : shared.Take(bytes * b.recurrent_weights_size);
  b.biases = constant_biases_ ? 0 : shared.Take(bytes * b.row);
  b.peepholes = shared.Take(bytes * 3 * b.width);
  b.tasks = shared.size();

  Layout task;
  const int64_t row_bytes = b.block_rows * b.width * int64_t{sizeof(T)};
  b.sums = task.Take(b.chunk_steps * b.block_rows * b.row * int64_t{sizeof(T)});
  b.states = task.Take(row_bytes);
  b.cells = task.Take(row_bytes);
  b.spares = task.Take(row_bytes);
  b.input_rows = task.Take(b.chunk_steps * b.block_rows * int64_t{sizeof(T*)});
  b.state_rows = task.Take(b.block_rows * int64_t{sizeof(T*)});
  b.spare_rows = task.Take(b.block_rows * int64_t{sizeof(T*)});
  b.lengths = task.Take(b.block_rows * int64_t{sizeof(int64_t)});
  b.task_bytes = task.size();
  context.RequestScratch(static_cast<size_t>(b.tasks + b.directions * b.blocks * b.task_bytes));
  context.SetState(std::move(bound));
  return OkStatus();
}

template <typename T>
Status Recurrent<T>::CheckLengths(const RunContext& context, const Bound& bound) const {
  if (!context.HasInput(4)) return OkStatus();
  for (const int32_t length : context.Input(4).span<int32_t>()) {
    if (length >= 0 && length <= bound.steps) continue;
    return context.Error("input 4 (sequence_lens) holds ", length, " but must lie in [0, ",
                         bound.steps, "], the steps of the input");
  }
  return OkStatus();
}

template <typename T>
typename Recurrent<T>::Packed Recurrent<T>::PackAtRun(const RunContext& context,
                                                      const Bound& b) const {
  auto* const scratch = static_cast<uint8_t*>(context.scratch());
  const int64_t gate_rows = operators::GateCount(plan_.kind) * b.hidden;
  Packed packed{static_cast<const T*>(input_weights_.get()),
                static_cast<const T*>(recurrent_weights_.get()),
                static_cast<const T*>(biases_.get()), nullptr};
  const auto at = [&](int64_t offset) { return reinterpret_cast<T*>(scratch + offset); };
  for (int64_t d = 0; d < b.directions; ++d) {
    if (input_weights_ == nullptr) {
      PackGates(context.Input(1).as<T>() + d * gate_rows * b.input, plan_.input, b.input, b.hidden,
                at(b.input_weights) + d * b.input_weights_size);
      packed.input_weights = at(b.input_weights);
    }
    if (recurrent_weights_ == nullptr) {
      PackGates(context.Input(2).as<T>() + d * gate_rows * b.hidden, plan_.recurrent, b.hidden,
                b.hidden, at(b.recurrent_weights) + d * b.recurrent_weights_size);
      packed.recurrent_weights = at(b.recurrent_weights);
    }
    if (!constant_biases_) {
      const T* const biases = DataOrNull<T>(context, 3);
      PackGateBiases(biases == nullptr ? nullptr : biases + d * 2 * gate_rows, plan_, b.hidden,
                     at(b.biases) + d * b.row);
      packed.biases = at(b.biases);
    }
    if (context.HasInput(7)) {
      PackPeepholes(context.Input(7).as<T>() + d * 3 * b.hidden, b.hidden,
                    at(b.peepholes) + d * 3 * b.width);
      packed.peepholes = at(b.peepholes);
    }
  }
  return packed;
}

template <typename T>
Status Recurrent<T>::Run(RunContext& context) const {
  const Bound& b = *context.state<Bound>();
  MULLION_RETURN_IF_ERROR(CheckLengths(context, b));
  Sources sources{context.Input(0).as<T>(),
                  DataOrNull<int32_t>(context, 4),
                  DataOrNull<T>(context, 5),
                  DataOrNull<T>(context, 6),
                  nullptr,
                  nullptr,
                  nullptr};
  const int64_t directions = b.directions;
  const bool batch_first = parameters_.batch_first;
  const Shape y = batch_first ? Shape{b.batch, b.steps, directions, b.hidden}
                              : Shape{b.steps, directions, b.batch, b.hidden};
  const Shape last =
      batch_first ? Shape{b.batch, directions, b.hidden} : Shape{directions, b.batch, b.hidden};
  const std::pair<T**, const Shape*> outputs[] = {
      {&sources.y, &y}, {&sources.last_hidden, &last}, {&sources.last_cell, &last}};
  for (int i = 0; i < 3; ++i) {
    if (!context.WantsOutput(i)) continue;
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(i, *outputs[i].second));
    *outputs[i].first = output.as<T>();
  }
  if (b.batch == 0 || b.hidden == 0) return OkStatus();
  const Packed packed = PackAtRun(context, b);
  context.parallel().For(b.directions * b.blocks, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) RunTask(context, b, packed, sources, i);
  });
  return OkStatus();
}

template <typename T>
void Recurrent<T>::RunTask(const RunContext& context, const Bound& b, const Packed& packed,
                           const Sources& sources, int64_t index) const {
  auto* const memory = static_cast<uint8_t*>(context.scratch()) + b.tasks + index * b.task_bytes;
  Task task;
  task.direction = static_cast<int>(index / b.blocks);
  task.reverse = task.direction == 1 || parameters_.first_is_reverse;
  task.first_row = index % b.blocks * b.block_rows;
  task.sums = reinterpret_cast<T*>(memory + b.sums);
  task.input_rows = reinterpret_cast<const T**>(memory + b.input_rows);
  task.lengths = reinterpret_cast<int64_t*>(memory + b.lengths);
  task.parallel = b.directions * b.blocks == 1 ? &context.parallel() : nullptr;

  auto* const state_rows = reinterpret_cast<const T**>(memory + b.state_rows);
  auto* const spare_rows = reinterpret_cast<const T**>(memory + b.spare_rows);
  RecurrentStep<T>& step = task.step;
  step.rows = std::min(b.block_rows, b.batch - task.first_row);
  step.depth = b.hidden;
  step.lengths = task.lengths;
  step.sums_stride = b.row;
  step.hidden = reinterpret_cast<T*>(memory + b.states);
  step.cell = reinterpret_cast<T*>(memory + b.cells);
  step.spare = reinterpret_cast<T*>(memory + b.spares);
  step.hidden_rows = state_rows;
  step.spare_rows = spare_rows;
  step.weights = packed.recurrent_weights + task.direction * b.recurrent_weights_size;
  step.parallel = task.parallel;
  const int activations = operators::ActivationCount(plan_.kind) * task.direction;
  step.arguments = {
      &parameters_.activations[static_cast<size_t>(activations)],
      parameters_.clip > 0 ? static_cast<T>(parameters_.clip) : std::numeric_limits<T>::infinity(),
      b.width,
      packed.peepholes == nullptr ? nullptr : packed.peepholes + task.direction * 3 * b.width,
      parameters_.input_forget};
  for (int64_t m = 0; m < step.rows; ++m) {
    state_rows[m] = step.hidden + m * b.width;
    spare_rows[m] = step.spare + m * b.width;
  }
  Start(b, sources, task);
  for (int64_t first = 0; first < b.steps; first += b.chunk_steps) {
    if (context.cancellation() != nullptr && context.cancellation()->cancelled()) return;
    const int64_t last = std::min(first + b.chunk_steps, b.steps);
    // Steps past the longest row have nothing to compute, only zeros to write.
    MultiplyInputs(b, packed, sources, task, first, std::min(last, task.longest) - first);
    for (int64_t i = first; i < last; ++i) {
      step.index = i;
      step.sums = task.sums + (i - first) * step.rows * b.row;
      if (i < task.longest) Step(step);
      if (sources.y != nullptr) Emit(b, sources, task, i);
    }
  }
  Finish(b, sources, task);
}

// Lengths and the state before the first step.
template <typename T>
void Recurrent<T>::Start(const Bound& b, const Sources& sources, Task& task) const {
  task.longest = 0;
  for (int64_t m = 0; m < task.step.rows; ++m) {
    const int64_t row = task.first_row + m;
    task.lengths[m] = sources.lengths != nullptr ? sources.lengths[row] : b.steps;
    task.longest = std::max(task.longest, task.lengths[m]);
    const int64_t at = parameters_.batch_first ? row * b.directions + task.direction
                                               : task.direction * b.batch + row;
    const auto load = [&](const T* from, T* to) {
      std::fill_n(to, b.width, T{0});
      if (from != nullptr) std::copy_n(from + at * b.hidden, b.hidden, to);
    };
    load(sources.initial_hidden, task.step.hidden + m * b.width);
    load(sources.initial_cell, task.step.cell + m * b.width);
  }
}

template <typename T>
void Recurrent<T>::MultiplyInputs(const Bound& b, const Packed& packed, const Sources& sources,
                                  Task& task, int64_t first_step, int64_t steps) const {
  task.step.input = nullptr;
  if (steps <= 0) return;
  const int64_t rows = task.step.rows;
  for (int64_t s = 0; s < steps; ++s) {
    for (int64_t m = 0; m < rows; ++m) {
      const int64_t time = task.Time(m, first_step + s);
      const int64_t row = task.first_row + m;
      const int64_t at = parameters_.batch_first ? row * b.steps + time : time * b.batch + row;
      task.input_rows[s * rows + m] = sources.x + at * b.input;
    }
  }
  const T* const biases = packed.biases + task.direction * b.row;
  const T* weights = packed.input_weights + task.direction * b.input_weights_size;
  for (const GateGroup& group : plan_.input) {
    const int64_t columns = group.count * b.width;
    const int64_t block = group.block * b.width;
    task.input = {task.input_rows,   steps * rows, b.input, weights, columns, biases + block, 0,
                  task.sums + block, b.row};
    if (steps == 1 && plan_.input == plan_.recurrent) {
      task.step.input = &task.input;
      return;
    }
    Multiply<T>({&task.input, 1}, task.parallel);
    weights += columns * b.input;
  }
  if (plan_.bias_block < 0) return;
  const int64_t block = plan_.bias_block * b.width;
  // Not by whole rows: a call for a few numbers takes longer than they do.
  constexpr int64_t kAtOnce = 4;
  const int64_t whole = b.width / kAtOnce * kAtOnce;
  for (int64_t i = 0; i < steps * rows; ++i) {
    const T* const from = biases + block;
    T* const to = task.sums + i * b.row + block;
    for (int64_t j = 0; j < whole; j += kAtOnce) std::memcpy(to + j, from + j, kAtOnce * sizeof(T));
    std::copy_n(from + whole, b.width - whole, to + whole);
  }
}

template <typename T>
void Recurrent<T>::AddRecurrent(const RecurrentStep<T>& step, int g, const T* const* rows) const {
  const T* weights = step.weights;
  for (int i = 0; i < g; ++i) {
    weights += plan_.recurrent[static_cast<size_t>(i)].count * step.width() * step.depth;
  }
  const GateGroup& group = plan_.recurrent[static_cast<size_t>(g)];
  T* const sums = step.Sums(0, group.block);
  const PanelProductArguments<T> product{
      rows, step.rows,        step.depth, weights,         group.count * step.width(),
      sums, step.sums_stride, sums,       step.sums_stride};
  if (step.input == nullptr) return Multiply<T>({&product, 1}, step.parallel);
  const std::array<PanelProductArguments<T>, 2> both{*step.input, product};
  Multiply<T>(both, step.parallel);
}

// Y of one step; rows that have ended give zeros.
template <typename T>
void Recurrent<T>::Emit(const Bound& b, const Sources& sources, const Task& task,
                        int64_t index) const {
  for (int64_t m = 0; m < task.step.rows; ++m) {
    const int64_t time = task.Time(m, index);
    const int64_t row = task.first_row + m;
    const int64_t at = parameters_.batch_first
                           ? (row * b.steps + time) * b.directions + task.direction
                           : (time * b.directions + task.direction) * b.batch + row;
    T* const to = sources.y + at * b.hidden;
    if (index < task.lengths[m]) {
      std::copy_n(task.step.hidden + m * b.width, b.hidden, to);
    } else {
      std::fill_n(to, b.hidden, T{0});
    }
  }
}

template <typename T>
void Recurrent<T>::Finish(const Bound& b, const Sources& sources, const Task& task) const {
  for (int64_t m = 0; m < task.step.rows; ++m) {
    const int64_t row = task.first_row + m;
    const int64_t at = parameters_.batch_first ? row * b.directions + task.direction
                                               : task.direction * b.batch + row;
    const auto store = [&](const T* from, T* to) {
      if (to != nullptr) std::copy_n(from + m * b.width, b.hidden, to + at * b.hidden);
    };
    store(task.step.hidden, sources.last_hidden);
    store(task.step.cell, sources.last_cell);
  }
}

template class Recurrent<float>;
template class Recurrent<double>;

}  // namespace mullion::cpu
