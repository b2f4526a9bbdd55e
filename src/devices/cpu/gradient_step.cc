// SPDX-License-Identifier: MIT
// Adagrad, Adam and Momentum of ai.onnx.preview.training.
#include <algorithm>
#include <cmath>
#include <optional>

#include "base/str_cat.h"
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
  void Step(T rate, bool /*first*/, Element<T>& e) const {
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
  void Step(T rate, bool /*first*/, Element<T>& e) const {
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
  void Step(T rate, bool first, Element<T>& e) const {
    const T a = static_cast<T>(alpha);
    e.state[0] = a * e.state[0] + (first ? T{1} : static_cast<T>(beta)) * e.gradient;
    e.x -= rate * (nesterov ? e.gradient + a * e.state[0] : e.state[0]);
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
      for (int64_t i = begin; i < end; ++i) {
        Element<T> e = {inputs[0][i], inputs[1][i], {}};
        for (int s = 0; s < Rule::kStates; ++s) e.state[s] = inputs[2 + s][i];
        e.gradient += static_cast<T>(shrinking_) * e.x;
        rule_.template Step<T>(rate, updates <= 0, e);
        if (outputs[0] != nullptr) outputs[0][i] = e.x;
        for (int s = 0; s < Rule::kStates; ++s) {
          if (outputs[1 + s] != nullptr) outputs[1 + s][i] = e.state[s];
        }
      }
    });
    return OkStatus();
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
