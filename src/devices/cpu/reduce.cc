// SPDX-License-Identifier: MIT
// Reduce*: the loops of reduce_loops.h around the functions of reduce_functions.h.
#include "operators/reduce.h"

#include "devices/cpu/reduce_functions.h"
#include "devices/cpu/reduce_loops.h"
#include "devices/cpu/registry.h"
#include "operators/int_list.h"

namespace mullion::cpu {

namespace {

class Reduce final : public Executable {
 public:
  Reduce(const Node& node, const ReduceFunctions& functions)
      : parameters_(node), functions_(functions) {}

  Status Bind(BindContext& context) const override {
    const Shape& shape = context.input(0)->shape;
    const BindContext::Port* const axes = context.input(1);
    if (axes != nullptr && axes->data == nullptr) {
      context.RequestScratch(ReduceLoops::MaxScratchBytes(functions_));
      return OkStatus();
    }
    IntList list;
    if (axes != nullptr) {
      MULLION_ASSIGN_OR_RETURN(list, ReadIntList(*axes->data, "input 1 'axes'"));
    }
    MULLION_ASSIGN_OR_RETURN(const uint32_t reduced, parameters_.ReducedAxes(list, shape.rank()));
    context.RequestScratch(ReduceLoops(shape, reduced, functions_).ScratchBytes(functions_));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    IntList axes;
    if (context.HasInput(1)) {
      const Result<IntList> read = ReadIntList(context.Input(1), "input 1 'axes'");
      if (!read.ok()) return context.Error(read.status().message());
      axes = *read;
    }
    const Result<uint32_t> reduced = parameters_.ReducedAxes(axes, input.shape.rank());
    if (!reduced.ok()) return context.Error(reduced.status().message());
    MULLION_ASSIGN_OR_RETURN(
        const MutableTensorView output,
        context.AllocateOutput(0, parameters_.OutputShape(input.shape, *reduced)));
    const size_t element = ByteSize(input.type, 1);
    ReduceLoops(input.shape, *reduced, functions_)
        .Run(functions_, input.data, element, output.data, element, context.scratch(),
             context.parallel());
    return OkStatus();
  }

 private:
  operators::ReduceParameters parameters_;
  ReduceFunctions functions_;
};

template <ReduceKind kKind>
Result<std::unique_ptr<Executable>> Make(const Node& node, WeightStore& /*weights*/) {
  const ElementType type = node.input(0)->type.element_type;
  const ReduceFunctions functions = FindReduceFunctions(kKind, type);
  return std::unique_ptr<Executable>(std::make_unique<Reduce>(node, functions));
}

}  // namespace

void RegisterReduce(KernelRegistry& registry) {
  constexpr ElementTypeSet kNumbers =
      types::kFloatDouble | types::kIndices | SetOf(ElementType::kUint32, ElementType::kUint64);
  constexpr ElementTypeSet kOrdered =
      kNumbers | types::kBool | SetOf(ElementType::kInt8, ElementType::kUint8);
  registry.Add({.name = "ReduceSum", .types = kNumbers, .make = Make<ReduceKind::kSum>});
  registry.Add({.name = "ReduceMean", .types = kNumbers, .make = Make<ReduceKind::kMean>});
  registry.Add({.name = "ReduceMax", .types = kOrdered, .make = Make<ReduceKind::kMax>});
  registry.Add({.name = "ReduceMin", .types = kOrdered, .make = Make<ReduceKind::kMin>});
  registry.Add({.name = "ReduceProd", .types = kNumbers, .make = Make<ReduceKind::kProduct>});
  registry.Add({.name = "ReduceL1", .types = kNumbers, .make = Make<ReduceKind::kL1>});
  registry.Add({.name = "ReduceL2", .types = kNumbers, .make = Make<ReduceKind::kL2>});
  registry.Add(
      {.name = "ReduceSumSquare", .types = kNumbers, .make = Make<ReduceKind::kSumSquare>});
  registry.Add({.name = "ReduceLogSum", .types = kNumbers, .make = Make<ReduceKind::kLogSum>});
  registry.Add(
      {.name = "ReduceLogSumExp", .types = kNumbers, .make = Make<ReduceKind::kLogSumExp>});
}

}  // namespace mullion::cpu
