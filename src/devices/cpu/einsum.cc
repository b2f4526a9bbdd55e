// SPDX-License-Identifier: MIT
// Runs the program that einsum_plan.h makes of an equation.
#include "operators/einsum.h"

#include "base/str_cat.h"
#include "devices/cpu/einsum_plan.h"
#include "devices/cpu/kernels/matrix/dense.h"
#include "devices/cpu/kernels/matrix/number_product.h"
#include "devices/cpu/reduce_functions.h"
#include "devices/cpu/reduce_loops.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/strided_copy.h"

namespace mullion::cpu {

namespace {

constexpr ElementTypeSet kTypes =
    types::kFloatDouble | types::kIndices | SetOf(ElementType::kUint32, ElementType::kUint64);

DenseShape DenseShapeOf(const EinsumStep& step) {
  DenseShape shape;
  shape.batch = step.batch;
  shape.rows = step.rows;
  shape.depth = step.depth;
  shape.columns = step.columns;
  shape.left_stride = step.depth;
  shape.right_transposed = step.right_transposed;
  shape.right_stride = step.right_transposed ? step.depth : step.columns;
  shape.out_stride = step.columns;
  return shape;
}

void MultiplyFloats(const EinsumStep& step, const float* left, const float* right, float* out,
                    void* scratch, Parallel& parallel) {
  MultiplyDense(
      DenseShapeOf(step),
      [&](int64_t i) {
        return DenseOperands{left + i * step.rows * step.depth,
                             right + i * step.depth * step.columns,
                             out + i * step.rows * step.columns, Epilogue()};
      },
      scratch, parallel);
}

void MultiplyOthers(ElementType type, const EinsumStep& step, const std::byte* left,
                    const std::byte* right, std::byte* out, Parallel& parallel) {
  ProductStrides strides;
  strides.rows = step.rows;
  strides.depth = step.depth;
  strides.columns = step.columns;
  strides.left_row = step.depth;
  strides.right_k = step.right_transposed ? 1 : step.columns;
  strides.right_column = step.right_transposed ? step.depth : 1;
  const int64_t bytes = ElementBits(type) / 8;
  for (int64_t i = 0; i < step.batch; ++i) {
    MultiplyNumbers(type, strides, left + i * step.rows * step.depth * bytes,
                    right + i * step.depth * step.columns * bytes,
                    out + i * step.rows * step.columns * bytes, parallel);
  }
}

class Einsum final : public Executable {
 public:
  explicit Einsum(const Node& node)
      : text_(node.StringAttribute("equation", "")), type_(node.input(0)->type.element_type) {}

  Status Bind(BindContext& context) const override {
    std::vector<Shape> shapes;
    for (int i = 0; i < context.input_count(); ++i) shapes.push_back(context.input(i)->shape);
    auto plan = Plan(shapes);
    if (!plan.ok()) {
      return context.node().Error(StatusCode::kInvalidModel, plan.status().message());
    }
    // Behind the intermediate results, what the largest product and sum need for themselves.
    size_t extra = ReduceLoops::MaxScratchBytes(FindReduceFunctions(ReduceKind::kSum, type_));
    for (const EinsumStep& step : (*plan)->steps) {
      if (step.kind != EinsumStep::Kind::kMultiply || type_ != ElementType::kFloat) continue;
      extra = std::max(extra, DenseScratchBytes(DenseShapeOf(step), context.threads()));
    }
    context.RequestScratch(IntermediateBytes(**plan) + extra);
    context.SetState(*std::move(plan));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const EinsumPlan& plan = *context.state<EinsumPlan>();
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, plan.output));
    if (output.count() == 0) return OkStatus();
    for (const EinsumStep& step : plan.steps) RunStep(context, plan, step, output);
    return OkStatus();
  }

 private:
  Result<std::unique_ptr<EinsumPlan>> Plan(std::span<const Shape> shapes) const {
    std::vector<int> ranks;
    for (const Shape& shape : shapes) ranks.push_back(shape.rank());
    MULLION_ASSIGN_OR_RETURN(const operators::EinsumEquation equation,
                             operators::EinsumEquation::Parse(text_, ranks));
    return PlanEinsum(equation, shapes);
  }

  size_t IntermediateBytes(const EinsumPlan& plan) const {
    return static_cast<size_t>(plan.scratch_elements) * ByteSize(type_, 1);
  }

  void RunStep(RunContext& context, const EinsumPlan& plan, const EinsumStep& step,
               const MutableTensorView& output) const {
    const size_t bytes = ByteSize(type_, 1);
    const auto at = [&](const EinsumPlace& place) {
      switch (place.kind) {
        case EinsumPlace::Kind::kInput:
          return static_cast<const std::byte*>(context.Input(static_cast<int>(place.index)).data);
        case EinsumPlace::Kind::kOutput:
          return static_cast<const std::byte*>(output.data);
        default:
          return static_cast<const std::byte*>(context.scratch()) +
                 static_cast<size_t>(place.index) * bytes;
      }
    };
    auto* const to = const_cast<std::byte*>(at(step.to));
    void* const extra = static_cast<char*>(context.scratch()) + IntermediateBytes(plan);
    if (step.kind == EinsumStep::Kind::kMultiply && type_ == ElementType::kFloat) {
      MultiplyFloats(step, reinterpret_cast<const float*>(at(step.left)),
                     reinterpret_cast<const float*>(at(step.right)), reinterpret_cast<float*>(to),
                     extra, context.parallel());
    } else if (step.kind == EinsumStep::Kind::kMultiply) {
      MultiplyOthers(type_, step, at(step.left), at(step.right), to, context.parallel());
    } else if (step.kind == EinsumStep::Kind::kSum) {
      const ReduceFunctions sum = FindReduceFunctions(ReduceKind::kSum, type_);
      const ReduceLoops loops(Shape{step.rows, step.depth}, 2, sum);
      loops.Run(sum, at(step.left), bytes, to, bytes, extra, context.parallel());
    } else {
      StridedCopy copy(type_);
      int64_t stride = 1;
      for (const EinsumStep::Axis& axis : step.axes) stride *= axis.extent;
      for (const EinsumStep::Axis& axis : step.axes) {
        stride /= std::max<int64_t>(axis.extent, 1);
        copy.AddAxis(axis.extent, axis.stride, stride);
      }
      copy.Run(at(step.left), 0, to, 0, context.parallel());
    }
  }

  std::string text_;
  ElementType type_;
};

}  // namespace

void RegisterEinsum(KernelRegistry& registry) {
  registry.Add({.name = "Einsum", .types = kTypes, .make = MakeKernel<Einsum>});
}

}  // namespace mullion::cpu
