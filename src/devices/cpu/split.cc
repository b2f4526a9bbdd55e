// SPDX-License-Identifier: MIT
#include "operators/split.h"

#include "base/str_cat.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/strided_copy.h"

namespace mullion::cpu {

namespace {

class Split final : public Executable {
 public:
  explicit Split(const Node& node)
      : axis_(node.IntAttribute("axis", 0)),
        count_(node.IntAttribute("num_outputs", node.output_count())) {}

  Status Bind(BindContext& context) const override {
    if (context.output_count() == 1) context.AllowInPlace(0, 0);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const std::optional<int> axis = NormalizeAxis(axis_, input.shape.rank());
    if (!axis.has_value()) return context.Error("attribute 'axis' is outside the input's rank");
    const int64_t dim = input.shape[*axis];
    const Result<operators::Pieces> pieces =
        context.HasInput(1) ? operators::Pieces::FromSizes(dim, context.Input(1))
                            : operators::Pieces::Even(dim, count_);
    if (!pieces.ok()) return context.Error(pieces.status().message());
    if (pieces->count() < context.output_count()) {
      return context.Error("input 'split' has ", pieces->count(), " sizes but there are ",
                           context.output_count(), " outputs");
    }
    const int rank = input.shape.rank();
    const int64_t row = input.shape.Product(*axis, rank);
    int64_t offset = 0;
    for (int i = 0; i < context.output_count(); ++i) {
      Shape shape = input.shape;
      shape[*axis] = pieces->size(i);
      const int64_t part = shape.Product(*axis, rank);
      if (context.WantsOutput(i)) {
        MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(i, shape));
        if (output.data != input.data) {
          StridedCopy copy(input.type);
          copy.AddAxis(shape.Product(0, *axis), row, part);
          copy.AddAxis(part, 1, 1);
          copy.Run(input.data, offset, output.data, 0, context.parallel());
        }
      }
      offset += part;
    }
    return OkStatus();
  }

 private:
  int64_t axis_;
  int64_t count_;
};

}  // namespace

void RegisterSplit(KernelRegistry& registry) {
  registry.Add({.name = "Split", .make = MakeKernel<Split>});
}

}  // namespace mullion::cpu
