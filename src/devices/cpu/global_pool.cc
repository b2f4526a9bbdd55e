// SPDX-License-Identifier: MIT
// GlobalAveragePool, GlobalMaxPool and GlobalLpPool: reductions over all spatial axes.
#include <algorithm>

#include "devices/cpu/kernels/reduction/reduce.h"
#include "devices/cpu/pool_plain.h"
#include "devices/cpu/reduce_functions.h"
#include "devices/cpu/reduce_loops.h"
#include "devices/cpu/registry.h"
#include "operators/channel_layout.h"

namespace mullion::cpu {

namespace {

// Samples of a batch are reduced each as if it were alone, so that it has the same bits in any
// company.
class GlobalPool final : public Executable {
 public:
  GlobalPool(const Node& node, const ReduceFunctions& functions)
      : layout_(node), functions_(functions) {}

  Status Bind(BindContext& context) const override {
    context.RequestScratch(LoopsOf(context.input(0)->shape).ScratchBytes(functions_));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, layout_.Pooled(input.shape)));
    const int64_t samples = input.shape[0];
    if (output.count() == 0) return OkStatus();
    const ReduceLoops loops = LoopsOf(input.shape);
    const size_t element = ByteSize(input.type, 1);
    const size_t from = input.bytes() / static_cast<size_t>(samples);
    const size_t to = output.bytes() / static_cast<size_t>(samples);
    const auto reduce = [&](int64_t sample, Parallel& parallel) {
      loops.Run(functions_, input.as<char>() + static_cast<size_t>(sample) * from, element,
                output.as<char>() + static_cast<size_t>(sample) * to, element, context.scratch(),
                parallel);
    };
    // Where samples need no scratch memory threads may take one each.
    if (samples == 1 || loops.ScratchBytes(functions_) > 0) {
      for (int64_t n = 0; n < samples; ++n) reduce(n, context.parallel());
      return OkStatus();
    }
    const int64_t chunk = kPoolTaskBytes / static_cast<int64_t>(from + 1) + 1;
    context.parallel().For(samples, chunk, [&](int64_t begin, int64_t end, int /*worker*/) {
      SerialParallel alone;
      for (int64_t n = begin; n < end; ++n) reduce(n, alone);
    });
    return OkStatus();
  }

 private:
  // What a thread takes at once.
  static constexpr int64_t kPoolTaskBytes = 128 * 1024;

  ReduceLoops LoopsOf(const Shape& image) const {
    Shape sample = image;
    sample[0] = 1;
    return ReduceLoops(sample, layout_.SpatialAxes(image.rank()), functions_);
  }

  operators::ChannelLayout layout_;
  ReduceFunctions functions_;
};

template <ReduceKind kKind>
Result<std::unique_ptr<Executable>> Make(const Node& node, WeightStore& /*weights*/) {
  const ReduceFunctions functions = FindReduceFunctions(kKind, node.input(0)->type.element_type);
  return std::unique_ptr<Executable>(std::make_unique<GlobalPool>(node, functions));
}

// Numbers that are worth a task.
constexpr int64_t kPowerPoolTask = 16 * 1024;

// GlobalLpPool with p of 3 and more.
template <typename T>
class GlobalPowerPool final : public Executable {
 public:
  explicit GlobalPowerPool(const Node& node) : layout_(node), p_(node.IntAttribute("p", 2)) {}

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, layout_.Pooled(input.shape)));
    const int64_t size = layout_.Spatial(input.shape);
    const int64_t chunk = kPowerPoolTask / std::max<int64_t>(size, 1) + 1;
    context.parallel().For(output.count(), chunk, [&](int64_t begin, int64_t end, int /*worker*/) {
      for (int64_t plane = begin; plane < end; ++plane) {
        output.as<T>()[plane] = Pool(input.as<T>(), plane, layout_.Channels(input.shape), size);
      }
    });
    return OkStatus();
  }

 private:
  // Channels-last planes of an image are interleaved.
  T Pool(const T* x, int64_t plane, int64_t channels, int64_t size) const {
    const int64_t step = layout_.last ? channels : 1;
    x += layout_.last ? plane / channels * size * channels + plane % channels : plane * size;
    constexpr int64_t kPart = 256;
    double part[kPart];
    double sum = 0;
    for (int64_t first = 0; first < size; first += kPart) {
      const int64_t count = std::min(kPart, size - first);
      for (int64_t i = 0; i < count; ++i, x += step) part[i] = static_cast<double>(*x);
      RaiseSizes(p_, part, count);
      sum_.run(part, static_cast<size_t>(count), &sum);
    }
    TakeRoots(p_, &sum, 1);
    return static_cast<T>(sum);
  }

  operators::ChannelLayout layout_;
  int64_t p_;
  // Its accumulators are doubles.
  const ReduceFunctions sum_ = NumberReduceFunctions(ReduceKind::kSum, ElementType::kDouble);
};

Result<std::unique_ptr<Executable>> MakeLp(const Node& node, WeightStore& weights) {
  const int64_t p = node.IntAttribute("p", 2);
  if (p == 1) return Make<ReduceKind::kL1>(node, weights);
  if (p == 2) return Make<ReduceKind::kL2>(node, weights);
  return node.input(0)->type.element_type == ElementType::kDouble
             ? MakeKernel<GlobalPowerPool<double>>(node, weights)
             : MakeKernel<GlobalPowerPool<float>>(node, weights);
}

}  // namespace

void RegisterGlobalPool(KernelRegistry& registry) {
  registry.Add(
      {.name = "GlobalAveragePool", .types = types::kFloatDouble, .make = Make<ReduceKind::kMean>});
  registry.Add(
      {.name = "GlobalMaxPool", .types = types::kFloatDouble, .make = Make<ReduceKind::kMax>});
  registry.Add({.name = "GlobalLpPool", .types = types::kFloatDouble, .make = MakeLp});
}

}  // namespace mullion::cpu
