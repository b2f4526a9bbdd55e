// SPDX-License-Identifier: MIT
#include "devices/cpu/integer_convolution.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

class ConvInteger final : public Executable {
 public:
  // x, w, x_zero_point, w_zero_point
  ConvInteger() : convolution_({.image = 0, .image_zero = 2, .weights = 1, .weights_zero = 3}) {}
  Status Prepare(const Node& node, WeightStore& weights) {
    return convolution_.Prepare(node, weights);
  }

  bool Holds(int i) const override { return convolution_.Holds(i); }

  Status Bind(BindContext& context) const override { return convolution_.Bind(context); }

  Status Run(RunContext& context) const override {
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, convolution_.OutputShape(context)));
    IntegerConvolution::Job job;
    job.out = output.data;
    convolution_.Run(context, job);
    return OkStatus();
  }

 private:
  IntegerConvolution convolution_;
};

}  // namespace

void RegisterConvInteger(KernelRegistry& registry) {
  registry.Add({.name = "ConvInteger", .since = 10, .make = MakePrepared<ConvInteger>});
}

}  // namespace mullion::cpu
