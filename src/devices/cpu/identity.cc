// SPDX-License-Identifier: MIT
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

class Identity final : public Executable {
 public:
  explicit Identity(const Node& /*node*/) {}

  Status Bind(BindContext& context) const override {
    context.AllowInPlace(0, 0);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const Datum& input = context.InputDatum(0);
    if (!input.IsTensor()) {
      context.SetOutput(0, input);
      return OkStatus();
    }
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, input.view.shape));
    CopyElements(input.view, output);
    return OkStatus();
  }
};

}  // namespace

void RegisterIdentity(KernelRegistry& registry) {
  registry.Add({.name = "Identity", .make = MakeKernel<Identity>});
}

}  // namespace mullion::cpu
