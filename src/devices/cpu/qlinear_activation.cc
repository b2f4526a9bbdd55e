// SPDX-License-Identifier: MIT
#include <optional>

#include "devices/cpu/byte_function.h"
#include "devices/cpu/byte_scale.h"
#include "devices/cpu/kernels/elementwise/byte_table.h"
#include "devices/cpu/kernels/elementwise/float_unary.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

using operators::ElementwiseOp;
using operators::ElementwiseStep;

constexpr int64_t kChunk = 64 * 1024;

class QlinearActivation final : public Executable {
 public:
  explicit QlinearActivation(const ElementwiseStep& step) : step_(step) {}

  Status Bind(BindContext& context) const override {
    context.AllowInPlace(0, 0);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& x = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView y, context.AllocateOutput(0, x.shape));
    const ByteFunction table = MakeByteFunction(
        ByteScaleAt(context, 1), ByteScaleAt(context, 3), x.type == ElementType::kInt8,
        [&](float* values) { FloatUnary(step_, values, values, 256); });
    context.parallel().For(x.count(), kChunk, [&](int64_t begin, int64_t end, int) {
      LookUpBytes(table.data(), x.as<uint8_t>() + begin, y.as<uint8_t>() + begin, end - begin);
    });
    return OkStatus();
  }

 private:
  ElementwiseStep step_;
};

Result<std::unique_ptr<Executable>> MakeSigmoid(const Node& /*node*/, WeightStore& /*weights*/) {
  return std::unique_ptr<Executable>(
      std::make_unique<QlinearActivation>(ElementwiseStep{ElementwiseOp::kSigmoid}));
}

Result<std::unique_ptr<Executable>> MakeLeakyRelu(const Node& node, WeightStore& /*weights*/) {
  ElementwiseStep step{ElementwiseOp::kLeakyRelu};
  step.alpha = node.FloatAttribute("alpha", 0.01f);
  return std::unique_ptr<Executable>(std::make_unique<QlinearActivation>(step));
}

}  // namespace

void RegisterQlinearActivation(KernelRegistry& registry) {
  registry.Add({.name = "QLinearSigmoid", .domain = "com.microsoft", .make = MakeSigmoid});
  registry.Add({.name = "QLinearLeakyRelu", .domain = "com.microsoft", .make = MakeLeakyRelu});
}

}  // namespace mullion::cpu
