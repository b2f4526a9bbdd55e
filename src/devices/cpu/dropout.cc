// SPDX-License-Identifier: MIT
#include <algorithm>
#include <optional>
#include <random>

#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

// Dropout-12 on: inputs data, ratio (0.5 when left out), training_mode (false when left out).
class Dropout final : public Executable {
 public:
  explicit Dropout(const Node& node) {
    if (node.HasAttribute("seed")) seed_ = node.IntAttribute("seed", 0);
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, input.shape));
    bool* mask = nullptr;
    if (context.WantsOutput(1)) {
      MULLION_ASSIGN_OR_RETURN(const MutableTensorView mask_output,
                               context.AllocateOutput(1, input.shape));
      mask = mask_output.as<bool>();
      std::fill_n(mask, input.count(), true);
    }
    MULLION_ASSIGN_OR_RETURN(const double ratio, Ratio(context));
    if (!IsTraining(context) || ratio == 0) {
      CopyElements(input, output);
      return OkStatus();
    }
    DispatchType(FloatTypes{}, input.type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      Drop(input.as<T>(), output.as<T>(), mask, input.count(), ratio);
    });
    return OkStatus();
  }

 private:
  static bool IsTraining(const RunContext& context) {
    return context.HasInput(2) && context.Input(2).type == ElementType::kBool &&
           context.Input(2).count() == 1 && *context.Input(2).as<bool>();
  }

  static Result<double> Ratio(const RunContext& context) {
    if (!context.HasInput(1)) return 0.5;
    const TensorView& view = context.Input(1);
    double ratio = 0.5;
    const bool known = view.count() == 1 && DispatchType(FloatTypes{}, view.type, [&](auto tag) {
                         using T = typename decltype(tag)::type;
                         ratio = static_cast<ComputeType<T>>(*view.as<T>());
                       });
    if (known && ratio >= 0 && ratio < 1) return ratio;
    return context.Error("the ratio must be one number in [0, 1)");
  }

  // Each element takes two draws of a 32-bit Mersenne Twister, joined into 53 bits: the sequence
  // that ONNX's own test data come from.
  template <typename T>
  void Drop(const T* x, T* y, bool* mask, int64_t count, double ratio) const {
    std::mt19937 random(seed_.has_value() ? static_cast<uint32_t>(*seed_) : std::random_device{}());
    const double scale = 1 / (1 - ratio);
    for (int64_t i = 0; i < count; ++i) {
      const auto high = static_cast<double>(random() >> 5);
      const auto low = static_cast<double>(random() >> 6);
      const bool keep = (high * 0x1p26 + low) * 0x1p-53 >= ratio;
      const double value = keep ? static_cast<ComputeType<T>>(x[i]) * scale : 0;
      y[i] = static_cast<T>(static_cast<ComputeType<T>>(value));
      if (mask != nullptr) mask[i] = keep;
    }
  }

  std::optional<int64_t> seed_;
};

Status SupportsRatio(const Node& node) {
  const Value* const ratio = node.input(1);
  if (ratio == nullptr || Contains(FloatTypes::kSet, ratio->type.element_type)) return OkStatus();
  return node.Error(StatusCode::kUnsupported, "the CPU device needs a ratio of 16 bits or more");
}

}  // namespace

void RegisterDropout(KernelRegistry& registry) {
  registry.Add({.name = "Dropout",
                .since = 12,
                .types = FloatTypes::kSet,
                .make = MakeKernel<Dropout>,
                .supports = SupportsRatio});
}

}  // namespace mullion::cpu
