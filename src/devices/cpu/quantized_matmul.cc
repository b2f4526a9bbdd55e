// SPDX-License-Identifier: MIT
#include <memory>
#include <utility>

#include "devices/cpu/dynamic_scale.h"
#include "devices/cpu/integer_matmul.h"
#include "devices/cpu/integer_operand.h"
#include "devices/cpu/registry.h"
#include "operators/registry.h"

namespace mullion::cpu {

namespace {

// What both operators do with the product.
class FloatProduct : public Executable {
 public:
  Status Prepare(const Node& node, WeightStore& weights) { return matmul_.Prepare(node, weights); }

 protected:
  FloatProduct(const IntegerMatmul::Ports& ports, int b_scale, int bias)
      : matmul_(ports), b_scale_(b_scale), bias_(bias) {}

  static Result<operators::MatrixShape> ShapeOf(const RunContext& context) {
    return operators::MatrixShape::FromShapes(context.node(), context.Input(0).shape,
                                              context.Input(1).shape);
  }

  void Multiply(const RunContext& context, float a_scale, const operators::MatrixShape& shape,
                IntegerMatmul::Job& job) const {
    const TensorView& b_scale = context.Input(b_scale_);
    job.output = IntegerOutput::kFloat;
    job.factor = a_scale;
    job.scales = b_scale.as<float>();
    job.one_scale = b_scale.count() == 1;
    job.scales_step = b_scale.count() > shape.columns ? shape.columns : 0;
    if (context.HasInput(bias_)) job.biases = context.Input(bias_).as<float>();
    matmul_.Run(context, job);
  }

  IntegerMatmul matmul_;
  int b_scale_;
  int bias_;
};

class MatmulIntegerToFloat final : public FloatProduct {
 public:
  // A, B, a_scale, b_scale, a_zero_point, b_zero_point, bias
  MatmulIntegerToFloat()
      : FloatProduct({.left = 0, .left_zero = 4, .right = 1, .right_zero = 5}, 3, 6) {}

  Status Bind(BindContext& context) const override { return matmul_.Bind(context); }

  Status Run(RunContext& context) const override {
    MULLION_ASSIGN_OR_RETURN(const operators::MatrixShape shape, ShapeOf(context));
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, shape.output));
    if (output.count() == 0) return OkStatus();
    IntegerMatmul::Job job;
    job.out = output.data;
    Multiply(context, *context.Input(2).as<float>(), shape, job);
    return OkStatus();
  }
};

class DynamicQuantizeMatmul final : public FloatProduct {
 public:
  // A, B, b_scale, b_zero_point, bias
  DynamicQuantizeMatmul()
      : FloatProduct(
            {.left = 0, .left_zero = -1, .right = 1, .right_zero = 3, .left_is_made = true}, 2, 4) {
  }

  Status Bind(BindContext& context) const override {
    const int64_t count = context.input(0)->shape.ElementCount();
    return matmul_.Bind(context, Layout(count, context.threads()).size);
  }

  Status Run(RunContext& context) const override {
    MULLION_ASSIGN_OR_RETURN(const operators::MatrixShape shape, ShapeOf(context));
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, shape.output));
    if (output.count() == 0) return OkStatus();
    const TensorView& a = context.Input(0);
    const Layout layout(a.count(), context.parallel().threads());
    auto* const bytes = ScratchAt<uint8_t>(context, layout.bytes);
    const ByteScale scale =
        QuantizeDynamically(a.as<float>(), a.count(), ScratchAt<FloatRange>(context, layout.ranges),
                            context.parallel(), bytes);
    IntegerMatmul::Job job;
    job.out = output.data;
    job.made_left = bytes;
    job.made_left_zero = scale.zero_point;
    Multiply(context, scale.scale, shape, job);
    return OkStatus();
  }

 private:
  // Offsets into scratch memory: bytes of A, ranges.
  struct Layout {
    Layout(int64_t count, int threads) {
      ScratchLayout layout;
      bytes = layout.Take(count);
      ranges = layout.Take(RangesBytes(threads));
      size = layout.size();
    }
    int64_t bytes;
    int64_t ranges;
    int64_t size;
  };
};

Status ScaledByFloats(const Node& node) {
  if (node.input(2)->type.element_type == ElementType::kFloat) return OkStatus();
  return node.Error(StatusCode::kUnsupported, "input 2 may be of float");
}

}  // namespace

void RegisterQuantizedMatmul(KernelRegistry& registry) {
  registry.Add({.name = "MatMulIntegerToFloat",
                .domain = operators::kInternalDomain,
                .make = MakePrepared<MatmulIntegerToFloat>,
                .supports = ScaledByFloats});
  registry.Add({.name = "DynamicQuantizeMatMul",
                .domain = "com.microsoft",
                .make = MakePrepared<DynamicQuantizeMatmul>});
}

}  // namespace mullion::cpu
