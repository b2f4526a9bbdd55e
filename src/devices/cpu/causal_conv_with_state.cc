// SPDX-License-Identifier: MIT
#include <algorithm>

#include "devices/cpu/kernels/elementwise/elements.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

template <typename T>
class CausalConvWithState final : public Executable {
 public:
  explicit CausalConvWithState(const Node& node)
      : silu_(node.StringAttribute("activation", "none") != "none") {}

  Status Bind(BindContext& context) const override {
    const auto line = context.input(0)->shape[2] + context.input(1)->shape[2];
    context.RequestScratch(static_cast<size_t>(line * context.threads()) * sizeof(T));
    // A row is copied before anything of it is written.
    context.AllowInPlace(0, 0);
    if (context.input(3) != nullptr) context.AllowInPlace(1, 3);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const Shape& shape = context.Input(0).shape;
    const int64_t channels = shape[1];
    const int64_t length = shape[2];
    const int64_t taps = context.Input(1).shape[2];
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
    T* present = nullptr;
    if (context.WantsOutput(1)) {
      MULLION_ASSIGN_OR_RETURN(const MutableTensorView state,
                               context.AllocateOutput(1, Shape{shape[0], channels, taps - 1}));
      present = state.as<T>();
    }
    const T* const input = context.Input(0).as<T>();
    const T* const weight = context.Input(1).as<T>();
    const T* const bias = context.HasInput(2) ? context.Input(2).as<T>() : nullptr;
    const T* const past = context.HasInput(3) ? context.Input(3).as<T>() : nullptr;

    const int64_t chunk = std::max<int64_t>(16 * 1024 / std::max<int64_t>(length * taps, 1), 1);
    context.parallel().For(shape[0] * channels, chunk, [&](int64_t begin, int64_t end, int worker) {
      T* const line = static_cast<T*>(context.scratch()) + worker * (length + taps);
      for (int64_t row = begin; row < end; ++row) {
        // The past and the present in one line.
        if (past != nullptr) {
          std::copy_n(past + row * (taps - 1), taps - 1, line);
        } else {
          std::fill_n(line, taps - 1, T{0});
        }
        std::copy_n(input + row * length, length, line + taps - 1);
        const int64_t channel = row % channels;
        Convolve(line, weight + channel * taps, bias == nullptr ? T{0} : bias[channel], taps,
                 length, output.as<T>() + row * length);
        if (present != nullptr) std::copy_n(line + length, taps - 1, present + row * (taps - 1));
      }
    });
    return OkStatus();
  }

 private:
  void Convolve(const T* line, const T* weight, T bias, int64_t taps, int64_t length,
                T* out) const {
    constexpr int64_t kTile = 64;
    T sums[kTile];
    for (int64_t first = 0; first < length; first += kTile) {
      const int64_t count = std::min(kTile, length - first);
      std::fill_n(sums, count, bias);
      for (int64_t k = 0; k < taps; ++k) {
        const T* const x = line + first + k;
        for (int64_t i = 0; i < count; ++i) sums[i] += weight[k] * x[i];
      }
      if (silu_) {
        UnaryElements({operators::ElementwiseOp::kSwish, 1.0f}, kElementTypeOf<T>, sums,
                      out + first, static_cast<size_t>(count));
      } else {
        std::copy_n(sums, count, out + first);
      }
    }
  }

  bool silu_;
};

}  // namespace

void RegisterCausalConvWithState(KernelRegistry& registry) {
  registry.Add({.name = "CausalConvWithState",
                .types = types::kFloat,
                .make = MakeKernel<CausalConvWithState<float>>});
  registry.Add({.name = "CausalConvWithState",
                .types = SetOf(ElementType::kDouble),
                .make = MakeKernel<CausalConvWithState<double>>});
}

}  // namespace mullion::cpu
