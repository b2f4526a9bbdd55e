// SPDX-License-Identifier: MIT
#include <cstring>

#include "devices/cpu/registry.h"
#include "devices/cpu/strided_copy.h"
#include "operators/whole_output.h"

namespace mullion::cpu {

namespace {

class JoinPart final : public Executable {
 public:
  explicit JoinPart(const Node& node)
      : first_channel_(node.IntAttribute(operators::kFirstChannel, 0)) {}

  Status Bind(BindContext& context) const override {
    context.AllowInPlace(0, operators::kJoinPartWhole);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& part = context.Input(0);
    const TensorView& whole = context.Input(operators::kJoinPartWhole);
    const MutableTensorView output = context.Output(0);
    if (output.count() == 0) return OkStatus();
    if (whole.data != output.data) std::memcpy(output.data, whole.data, output.bytes());
    const int64_t channels = part.shape.Back(0);
    StridedCopy copy(output.type);
    copy.AddAxis(output.count() / output.shape.Back(0), channels, output.shape.Back(0));
    copy.AddAxis(channels, 1, 1);
    copy.Run(part.data, 0, output.data, first_channel_, context.parallel());
    return OkStatus();
  }

 private:
  int64_t first_channel_;
};

}  // namespace

void RegisterJoinPart(KernelRegistry& registry) {
  registry.Add({.name = operators::kJoinPart,
                .domain = operators::kInternalDomain,
                .types = types::kFloat,
                .make = MakeKernel<JoinPart>});
}

}  // namespace mullion::cpu
