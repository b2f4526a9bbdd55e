// SPDX-License-Identifier: MIT
#include "devices/cpu/integer_matmul.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

class MatmulInteger final : public Executable {
 public:
  // A, B, a_zero_point, b_zero_point
  MatmulInteger() : matmul_({.left = 0, .left_zero = 2, .right = 1, .right_zero = 3}) {}
  Status Prepare(const Node& node, WeightStore& weights) { return matmul_.Prepare(node, weights); }

  Status Bind(BindContext& context) const override { return matmul_.Bind(context); }

  Status Run(RunContext& context) const override {
    MULLION_ASSIGN_OR_RETURN(const operators::MatrixShape shape,
                             operators::MatrixShape::FromShapes(
                                 context.node(), context.Input(0).shape, context.Input(1).shape));
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, shape.output));
    IntegerMatmul::Job job;
    job.out = output.data;
    matmul_.Run(context, job);
    return OkStatus();
  }

 private:
  IntegerMatmul matmul_;
};

}  // namespace

void RegisterMatmulInteger(KernelRegistry& registry) {
  registry.Add({.name = "MatMulInteger", .since = 10, .make = MakePrepared<MatmulInteger>});
}

}  // namespace mullion::cpu
