// SPDX-License-Identifier: MIT
#include "devices/cpu/registry.h"
#include "operators/class_scores.h"

namespace mullion::cpu {

namespace {

using Numbers = TypeList<float, double, int32_t, int64_t>;

constexpr int64_t kChunk = 32 * 1024;

class Binarizer final : public Executable {
 public:
  explicit Binarizer(const Node& node) : threshold_(node.FloatAttribute("threshold", 0.0f)) {}

  Status Bind(BindContext& context) const override {
    context.AllowInPlace(0, 0);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, input.shape));
    DispatchType(Numbers(), input.type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      context.parallel().For(input.count(), kChunk, [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; ++i) {
          output.as<T>()[i] = input.as<T>()[i] > threshold_ ? T{1} : T{0};
        }
      });
    });
    return OkStatus();
  }

 private:
  float threshold_;
};

}  // namespace

void RegisterBinarizer(KernelRegistry& registry) {
  registry.Add(
      {.name = "Binarizer", .domain = operators::kMlDomain, .make = MakeKernel<Binarizer>});
}

}  // namespace mullion::cpu
