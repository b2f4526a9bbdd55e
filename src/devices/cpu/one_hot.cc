// SPDX-License-Identifier: MIT
#include "base/str_cat.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/rows.h"
#include "devices/cpu/strided_copy.h"
#include "operators/int_list.h"

namespace mullion::cpu {

namespace {

class OneHot final : public Executable {
 public:
  explicit OneHot(const Node& node) : axis_(node.IntAttribute("axis", -1)) {}

  Status Run(RunContext& context) const override {
    const TensorView& indices = context.Input(0);
    const TensorView& values = context.Input(2);
    if (context.Input(1).count() != 1 || values.count() != 2) {
      return context.Error("input 'depth' must have one element and input 'values' two");
    }
    const int64_t depth = NumberAt(context.Input(1), 0);
    const std::optional<int> axis = NormalizeAxis(axis_, indices.shape.rank() + 1);
    if (depth < 0 || !axis.has_value()) {
      return context.Error("a depth of ", depth, " at axis ", axis_, " makes no sense");
    }
    Shape shape = indices.shape;
    shape.Insert(*axis, depth);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
    if (output.count() == 0) return OkStatus();
    StridedCopy off(output.type);
    off.AddAxis(output.count(), 0, 1);
    off.Run(values.data, 0, output.data, 0, context.parallel());

    const int64_t inner = shape.Product(*axis + 1, shape.rank());
    for (int64_t i = 0; i < indices.count(); ++i) {
      int64_t index = NumberAt(indices, i);
      if (index < 0) index += depth;
      if (index < 0 || index >= depth) continue;  // such a row is all off
      const int64_t to = (i / inner * depth + index) * inner + i % inner;
      CopyRow(output.type, values.data, 1, output.data, to, 1);
    }
    return OkStatus();
  }

 private:
  int64_t axis_;
};

}  // namespace

void RegisterOneHot(KernelRegistry& registry) {
  registry.Add({.name = "OneHot", .types = types::kNumeric, .make = MakeKernel<OneHot>});
}

}  // namespace mullion::cpu
