// SPDX-License-Identifier: MIT
// Reduce*: loops of reduce_loops.h around the vector kernels for float and plain ones for the other
// types.
#include "operators/reduce.h"

#include <cmath>
#include <cstring>

#include "devices/cpu/reduce_loops.h"
#include "devices/cpu/reduce_plain.h"
#include "devices/cpu/registry.h"
#include "operators/int_list.h"

namespace mullion::cpu {

namespace {

struct FloatFinish {
  static void Identity(const void* from, size_t n, int64_t /*count*/, void* y) {
    std::memcpy(y, from, n * sizeof(float));
  }
  static void Mean(const void* from, size_t n, int64_t count, void* y) {
    const float divisor = static_cast<float>(count);
    for (size_t j = 0; j < n; ++j) {
      static_cast<float*>(y)[j] = static_cast<const float*>(from)[j] / divisor;
    }
  }
  static void Root(const void* from, size_t n, int64_t /*count*/, void* y) {
    for (size_t j = 0; j < n; ++j) {
      static_cast<float*>(y)[j] = std::sqrt(static_cast<const float*>(from)[j]);
    }
  }
  static void Log(const void* from, size_t n, int64_t /*count*/, void* y) {
    for (size_t j = 0; j < n; ++j) {
      static_cast<float*>(y)[j] = std::log(static_cast<const float*>(from)[j]);
    }
  }
  // Two planes: maxima, and sums of exp(x - maximum); see FloatReduction::kLogSumExp.
  static void LogSumExp(const void* from, size_t n, int64_t /*count*/, void* y) {
    const float* const maxima = static_cast<const float*>(from);
    for (size_t j = 0; j < n; ++j) {
      const float shift = std::isfinite(maxima[j]) ? maxima[j] : 0.0f;
      static_cast<float*>(y)[j] = shift + std::log(maxima[n + j]);
    }
  }
};

ReduceFunctions FloatFunctions(ReduceKind kind) {
  const auto make = [](FloatReduction reduction, auto finish) {
    ReduceFunctions functions = FloatReduceFunctions(reduction);
    functions.finish = finish;
    return functions;
  };
  switch (kind) {
    case ReduceKind::kSum:
      return make(FloatReduction::kSum, &FloatFinish::Identity);
    case ReduceKind::kMean:
      return make(FloatReduction::kSum, &FloatFinish::Mean);
    case ReduceKind::kMax:
      return make(FloatReduction::kMax, &FloatFinish::Identity);
    case ReduceKind::kMin:
      return make(FloatReduction::kMin, &FloatFinish::Identity);
    case ReduceKind::kProduct:
      return make(FloatReduction::kProduct, &FloatFinish::Identity);
    case ReduceKind::kL1:
      return make(FloatReduction::kSumAbs, &FloatFinish::Identity);
    case ReduceKind::kL2:
      return make(FloatReduction::kSumSquare, &FloatFinish::Root);
    case ReduceKind::kSumSquare:
      return make(FloatReduction::kSumSquare, &FloatFinish::Identity);
    case ReduceKind::kLogSum:
      return make(FloatReduction::kSum, &FloatFinish::Log);
    default:
      return make(FloatReduction::kLogSumExp, &FloatFinish::LogSumExp);
  }
}

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
    context.RequestScratch(ReduceLoops(shape, reduced).ScratchBytes(functions_));
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
    ReduceLoops(input.shape, *reduced)
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
  const ReduceFunctions functions =
      type == ElementType::kFloat ? FloatFunctions(kKind) : PlainReduceFunctions(kKind, type);
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
