// SPDX-License-Identifier: MIT
// GlobalAveragePool, GlobalMaxPool and GlobalLpPool: reductions over all spatial axes.
#include <cmath>

#include "devices/cpu/reduce_functions.h"
#include "devices/cpu/reduce_loops.h"
#include "devices/cpu/registry.h"
#include "operators/channel_layout.h"

namespace mullion::cpu {

namespace {

class GlobalPool final : public Executable {
 public:
  GlobalPool(const Node& node, const ReduceFunctions& functions)
      : layout_(node), functions_(functions) {}

  Status Bind(BindContext& context) const override {
    const Shape& shape = context.input(0)->shape;
    context.RequestScratch(ReduceLoops(shape, SpatialAxes(shape)).ScratchBytes(functions_));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    Shape shape = input.shape;
    for (int i = 0; i < shape.rank() - 2; ++i) shape[layout_.SpatialAxis(i)] = 1;
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
    const size_t element = ByteSize(input.type, 1);
    ReduceLoops(input.shape, SpatialAxes(input.shape))
        .Run(functions_, input.data, element, output.data, element, context.scratch(),
             context.parallel());
    return OkStatus();
  }

 private:
  uint32_t SpatialAxes(const Shape& shape) const {
    uint32_t axes = 0;
    for (int i = 0; i < shape.rank() - 2; ++i) axes |= uint32_t{1} << layout_.SpatialAxis(i);
    return axes;
  }

  operators::ChannelLayout layout_;
  ReduceFunctions functions_;
};

template <ReduceKind kKind>
Result<std::unique_ptr<Executable>> Make(const Node& node, WeightStore& /*weights*/) {
  const ReduceFunctions functions = FindReduceFunctions(kKind, node.input(0)->type.element_type);
  return std::unique_ptr<Executable>(std::make_unique<GlobalPool>(node, functions));
}

Result<std::unique_ptr<Executable>> MakeLp(const Node& node, WeightStore& weights) {
  return node.IntAttribute("p", 2) == 1 ? Make<ReduceKind::kL1>(node, weights)
                                        : Make<ReduceKind::kL2>(node, weights);
}

Status SupportsLp(const Node& node) {
  const int64_t p = node.IntAttribute("p", 2);
  if (p == 1 || p == 2) return OkStatus();
  return node.Error(StatusCode::kUnsupported, "attribute 'p' may be 1 or 2");
}

}  // namespace

void RegisterGlobalPool(KernelRegistry& registry) {
  registry.Add(
      {.name = "GlobalAveragePool", .types = types::kFloatDouble, .make = Make<ReduceKind::kMean>});
  registry.Add(
      {.name = "GlobalMaxPool", .types = types::kFloatDouble, .make = Make<ReduceKind::kMax>});
  registry.Add({.name = "GlobalLpPool",
                .types = types::kFloatDouble,
                .make = MakeLp,
                .supports = SupportsLp});
}

}  // namespace mullion::cpu
