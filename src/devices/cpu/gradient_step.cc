// SPDX-License-Identifier: MIT
// Adagrad, Adam and Momentum of ai.onnx.preview.training.
#include <algorithm>
#include <cmath>
#include <optional>

#include "base/str_cat.h"
#include "devices/cpu/kernels/simd/for_elements.h"
#include "devices/cpu/registry.h"
#include "operators/int_list.h"

namespace mullion::cpu {

namespace {

// Elements of a tensor, its gradient and its states, in the order of the operator's inputs.
template <typename T>
struct Element {
  T x;
  T gradient;
  T state[2];
};

struct Adagrad {
  static constexpr int kStates = 1;
  explicit Adagrad(const Node& node)
      : decay(node.FloatAttribute("decay_factor", 0)),
        epsilon(node.FloatAttribute("epsilon", 1e-6f)) {}
  double RateOf(double rate, double updates) const { return rate / (1 + updates * decay); }

  template <typename T>
  [[gnu::always_inline]] void Step(T rate, bool /*first*/, Element<T>& e) const {
    e.state[0] += e.gradient * e.gradient;
    e.x -= rate * e.gradient / (std::sqrt(e.state[0]) + static_cast<T>(epsilon));
  }
  float decay;
  float epsilon;
};

struct Adam {
  static constexpr int kStates = 2;
  explicit Adam(const Node& node)
      : alpha(node.FloatAttribute("alpha", 0.9f)),
        beta(node.FloatAttribute("beta", 0.999f)),
        epsilon(node.FloatAttribute("epsilon", 1e-6f)),
        shrinking(node.FloatAttribute("norm_coefficient_post", 0)) {}
  // The states begin at zero: their bias is taken out.
  double RateOf(double rate, double updates) const {
    if (updates <= 0) return rate;
    return rate * std::sqrt(1 - std::pow(static_cast<double>(beta), updates)) /
           (1 - std::pow(static_cast<double>(alpha), updates));
  }

  template <typename T>
  [[gnu::always_inline]] void Step(T rate, bool /*first*/, Element<T>& e) const {
    const T a = static_cast<T>(alpha);
    const T b = static_cast<T>(beta);
    e.state[0] = a * e.state[0] + (1 - a) * e.gradient;
    e.state[1] = b * e.state[1] + (1 - b) * e.gradient * e.gradient;
    e.x -= rate * e.state[0] / (std::sqrt(e.state[1]) + static_cast<T>(epsilon));
    e.x *= 1 - static_cast<T>(shrinking);
  }
  float alpha;
  float beta;
  float epsilon;
  float shrinking;
};

struct Momentum {
  static constexpr int kStates = 1;
  explicit Momentum(const Node& node)
      : alpha(node.FloatAttribute("alpha", 0)),
        beta(node.FloatAttribute("beta", 0)),
        nesterov(node.StringAttribute("mode", "") == "nesterov") {}
  double RateOf(double rate, double /*updates*/) const { return rate; }

  template <typename T>
  [[gnu::always_inline]] void Step(T rate, bool first, Element<T>& e) const {
    const T a = static_cast<T>(alpha);
    const T share = first ? T{1} : static_cast<T>(beta);
    e.state[0] = a * e.state[0] + share * e.gradient;
    // A choice of numbers, which is a vector.
    const T ahead = e.gradient + a * e.state[0];
    e.x -= rate * (static_cast<T>(nesterov) > 0 ? ahead : e.state[0]);
  }
  float alpha;
  float beta;
  bool nesterov;
};

template <typename Rule>
class GradientStep final : public Executable {
 public:
  explicit GradientStep(const Node& node)
      : rule_(node), shrinking_(node.FloatAttribute("norm_coefficient", 0)) {}

  Status Bind(BindContext& context) const override {
    const int tensors = TensorsOf(context.input_count());
    for (int i = 0; i < tensors; ++i) {
      context.AllowInPlace(i, 2 + i);
      for (int s = 0; s < Rule::kStates; ++s) {
        context.AllowInPlace(i + (1 + s) * tensors, 2 + i + (2 + s) * tensors);
      }
    }
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    if (context.Input(0).count() != 1 || context.Input(1).count() != 1) {
      return context.Error("inputs 'R' and 'T' must have one element each");
    }
    const int tensors = TensorsOf(context.input_count());
    for (int i = 0; i < tensors; ++i) {
      Status status = OkStatus();
      DispatchType(TypeList<float, double>{}, context.Input(2 + i).type, [&](auto tag) {
        status = RunOf<typename decltype(tag)::type>(context, i, tensors);
      });
      MULLION_RETURN_IF_ERROR(status);
    }
    return OkStatus();
  }

 private:
  static int TensorsOf(int inputs) { return (inputs - 2) / (2 + Rule::kStates); }

  template <typename T>
  Status RunOf(RunContext& context, int tensor, int tensors) const {
    constexpr int kOutputs = 1 + Rule::kStates;
    const T* inputs[1 + kOutputs];
    T* outputs[kOutputs] = {};
    const Shape& shape = context.Input(2 + tensor).shape;
    for (int i = 0; i <= kOutputs; ++i) {
      const TensorView& input = context.Input(2 + tensor + i * tensors);
      if (!(input.shape == shape)) {
        return context.Error("input ", 2 + tensor + i * tensors, " is ", Describe(input),
                             " but belongs to a tensor of ", shape.ToString());
      }
      inputs[i] = input.as<T>();
    }
    for (int i = 0; i < kOutputs; ++i) {
      if (!context.WantsOutput(tensor + i * tensors)) continue;
      MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                               context.AllocateOutput(tensor + i * tensors, shape));
      outputs[i] = output.as<T>();
    }
    const int64_t updates = IntAt(context.Input(1), 0);
    const T rate =
        static_cast<T>(rule_.RateOf(RealAt(context.Input(0)), static_cast<double>(updates)));
    constexpr int64_t kChunk = 16 * 1024;
    context.parallel().For(shape.ElementCount(), kChunk, [&](int64_t begin, int64_t end, int) {
      constexpr int64_t kTile = 512;
      T unwanted[kTile];
      for (int64_t i = begin; i < end; i += kTile) {
        const T* from[1 + kOutputs];
        T* to[kOutputs];
        for (int k = 0; k <= kOutputs; ++k) from[k] = inputs[k] + i;
        for (int k = 0; k < kOutputs; ++k) to[k] = outputs[k] ? outputs[k] + i : unwanted;
        Steps(rate, updates <= 0, from, to, static_cast<size_t>(std::min(kTile, end - i)));
      }
    });
    return OkStatus();
  }

  // Of `count` elements. Its loop is vectors: a tensor and its states may be where they were, but
  // do not overlap otherwise, and outputs that nobody wants are written all the same.
  template <typename T>
  void Steps(T rate, bool first, const T* const* from, T* const* to, size_t count) const {
    constexpr int kLast = Rule::kStates - 1;
    const auto shrinking = static_cast<T>(shrinking_);
    const Rule rule = rule_;
    ForElements(
        count, [
          =, x = from[0], gradient = from[1], state = from[2], other = from[2 + kLast],
          new_x = to[0], new_state = to[1], new_other = to[1 + kLast]
        ](size_t i) __attribute__((always_inline)) {
          Element<T> e = {x[i], gradient[i] + shrinking * x[i], {state[i], other[i]}};
          rule.Step(rate, first, e);
          new_x[i] = e.x;
          new_state[i] = e.state[0];
          if constexpr (kLast > 0) new_other[i] = e.state[1];
        });
  }

  static double RealAt(const TensorView& view) {
    return view.type == ElementType::kDouble ? *view.as<double>()
                                             : static_cast<double>(*view.as<float>());
  }

  Rule rule_;
  float shrinking_;
};

}  // namespace

void RegisterGradientStep(KernelRegistry& registry) {
  constexpr std::string_view kDomain = "ai.onnx.preview.training";
  registry.Add({.name = "Adagrad", .domain = kDomain, .make = MakeKernel<GradientStep<Adagrad>>});
  registry.Add({.name = "Adam", .domain = kDomain, .make = MakeKernel<GradientStep<Adam>>});
  registry.Add({.name = "Momentum", .domain = kDomain, .make = MakeKernel<GradientStep<Momentum>>});
}

}  // namespace mullion::cpu
