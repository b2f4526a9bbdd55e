// SPDX-License-Identifier: MIT
// Optional, OptionalHasElement, OptionalGetElement. A full optional is its content.
#include "devices/cpu/registry.h"
#include "devices/cpu/strided_copy.h"

namespace mullion::cpu {

namespace {

bool IsFull(const RunContext& context) {
  return context.HasInput(0) && context.InputDatum(0).kind != ValueKind::kOptional &&
         context.InputDatum(0).kind != ValueKind::kUnknown;
}

class Optional final : public Executable {
 public:
  explicit Optional(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    if (!IsFull(context)) {
      context.SetOutput(0, Datum::EmptyOptional());
    } else if (context.InputDatum(0).IsTensor()) {
      MULLION_ASSIGN_OR_RETURN(Tensor tensor, context.Own(context.InputDatum(0)));
      context.SetOutput(0, Datum::FromTensor(std::move(tensor)));
    } else {
      context.SetOutput(0, context.InputDatum(0));
    }
    return OkStatus();
  }
};

class HasElement final : public Executable {
 public:
  explicit HasElement(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, Shape{}));
    *output.as<bool>() = IsFull(context);
    return OkStatus();
  }
};

class GetElement final : public Executable {
 public:
  explicit GetElement(const Node& /*node*/) {}

  Status Bind(BindContext& context) const override {
    context.AllowInPlace(0, 0);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    if (!IsFull(context)) {
      return context.Error("the optional is empty; ask with OptionalHasElement first");
    }
    const Datum& input = context.InputDatum(0);
    if (!input.IsTensor()) {
      context.SetOutput(0, input);
      return OkStatus();
    }
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, input.view.shape));
    CopyTensor(input.view, output, context.parallel());
    return OkStatus();
  }
};

}  // namespace

void RegisterOptional(KernelRegistry& registry) {
  registry.Add({.name = "Optional", .make = MakeKernel<Optional>});
  registry.Add({.name = "OptionalHasElement", .make = MakeKernel<HasElement>});
  registry.Add({.name = "OptionalGetElement", .make = MakeKernel<GetElement>});
}

}  // namespace mullion::cpu
