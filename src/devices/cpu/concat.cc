// SPDX-License-Identifier: MIT
#include "devices/cpu/joined_inputs.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/strided_copy.h"

namespace mullion::cpu {

namespace {

class Concat final : public Executable {
 public:
  explicit Concat(const Node& node) : axis_(node.IntAttribute("axis", 0)) {}

  Status Bind(BindContext& context) const override {
    if (context.input_count() == 1) context.AllowInPlace(0, 0);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    MULLION_ASSIGN_OR_RETURN(const JoinedInputs joined, JoinInputs(context, axis_));
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, joined.shape));
    const int64_t row = joined.row();
    int64_t offset = 0;
    for (int i = 0; i < context.input_count(); ++i) {
      const TensorView& input = context.Input(i);
      const int64_t part = input.shape.Product(joined.axis, joined.shape.rank());
      if (input.data != output.data) {
        StridedCopy copy(output.type);
        copy.AddAxis(joined.rows(), part, row);
        copy.AddAxis(part, 1, 1);
        copy.Run(input.data, 0, output.data, offset, context.parallel());
      }
      offset += part;
    }
    return OkStatus();
  }

 private:
  int64_t axis_;
};

}  // namespace

void RegisterConcat(KernelRegistry& registry) {
  registry.Add({.name = "Concat", .make = MakeKernel<Concat>});
}

}  // namespace mullion::cpu
