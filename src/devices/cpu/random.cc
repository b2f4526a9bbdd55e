// SPDX-License-Identifier: MIT
// RandomNormal, RandomUniform, their Like forms, Multinomial, Bernoulli.
//
// With a seed every evaluation gives the same values, on every platform: the distributions are
// worked out here and not by the standard library, whose are not specified to the bit.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <random>

#include "base/element_traits.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

// A seed for nodes that name none: different for every evaluation and every process.
uint64_t FreshSeed() {
  static std::atomic<uint64_t> count{
      static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count())};
  return count.fetch_add(0x9e3779b97f4a7c15u, std::memory_order_relaxed);
}

class Generator {
 public:
  explicit Generator(const Node& node)
      : engine_(node.HasAttribute("seed")
                    ? uint64_t{BitCast<uint32_t>(node.FloatAttribute("seed", 0))}
                    : FreshSeed()) {}

  // In [0, 1), 53 random bits.
  double Uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

  // Box-Muller: one of the pair is thrown away, so that element i takes the same two draws whatever
  // was made before it.
  double Normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - Uniform()));
    return radius * std::cos(6.283185307179586 * Uniform());
  }

 private:
  std::mt19937_64 engine_;
};

// Fills a tensor of a floating type.
template <typename Draw>
void Fill(const MutableTensorView& output, Draw draw) {
  DispatchType(FloatTypes{}, output.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (T& element : output.span<T>()) {
      element = static_cast<T>(static_cast<ComputeType<T>>(draw()));
    }
  });
}

// The shape of the output: attribute 'shape', or that of the input.
Shape ShapeOf(const RunContext& context) {
  return context.input_count() > 0 ? context.Input(0).shape
                                   : Shape(context.node().IntsAttribute("shape"));
}

class RandomNormal final : public Executable {
 public:
  explicit RandomNormal(const Node& node)
      : mean_(node.FloatAttribute("mean", 0)), scale_(node.FloatAttribute("scale", 1)) {}

  Status Run(RunContext& context) const override {
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, ShapeOf(context)));
    Generator generator(context.node());
    Fill(output, [&] { return mean_ + scale_ * generator.Normal(); });
    return OkStatus();
  }

 private:
  double mean_;
  double scale_;
};

class RandomUniform final : public Executable {
 public:
  explicit RandomUniform(const Node& node)
      : low_(node.FloatAttribute("low", 0)), high_(node.FloatAttribute("high", 1)) {}

  Status Run(RunContext& context) const override {
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, ShapeOf(context)));
    Generator generator(context.node());
    Fill(output, [&] { return low_ + (high_ - low_) * generator.Uniform(); });
    return OkStatus();
  }

 private:
  double low_;
  double high_;
};

// Element i of a floating tensor.
double FloatAt(const TensorView& view, int64_t i) {
  double value = 0;
  DispatchType(FloatTypes{}, view.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    value = static_cast<double>(static_cast<ComputeType<T>>(view.as<T>()[i]));
  });
  return value;
}

class Bernoulli final : public Executable {
 public:
  explicit Bernoulli(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, input.shape));
    Generator generator(context.node());
    const auto fill = [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (int64_t i = 0; i < input.count(); ++i) {
        const bool one = generator.Uniform() < FloatAt(input, i);
        output.as<T>()[i] = static_cast<T>(static_cast<ComputeType<T>>(one));
      }
    };
    if (!DispatchType(NumericTypes{}, output.type, fill)) fill(TypeTag<bool>{});
    return OkStatus();
  }
};

// Draws from each row of unnormalized log-probabilities, with replacement.
class Multinomial final : public Executable {
 public:
  explicit Multinomial(const Node& node) : samples_(node.IntAttribute("sample_size", 1)) {}

  // The running sums of one row's probabilities.
  Status Bind(BindContext& context) const override {
    context.RequestScratch(static_cast<size_t>(context.input(0)->shape.Back(0)) * sizeof(double));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const int64_t batch = input.shape[0];
    const int64_t classes = input.shape[1];
    if (classes == 0) return context.Error("there are no classes to choose from");
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, Shape{batch, samples_}));
    Generator generator(context.node());
    auto* const sums = static_cast<double*>(context.scratch());
    for (int64_t b = 0; b < batch; ++b) {
      double greatest = FloatAt(input, b * classes);
      for (int64_t c = 1; c < classes; ++c) {
        greatest = std::fmax(greatest, FloatAt(input, b * classes + c));
      }
      double sum = 0;
      for (int64_t c = 0; c < classes; ++c) {
        sum += std::exp(FloatAt(input, b * classes + c) - greatest);
        sums[c] = sum;
      }
      for (int64_t i = 0; i < samples_; ++i) {
        const double* const hit = std::upper_bound(sums, sums + classes, generator.Uniform() * sum);
        const int64_t choice = std::min<int64_t>(hit - sums, classes - 1);
        Put(output, b * samples_ + i, choice);
      }
    }
    return OkStatus();
  }

 private:
  static void Put(const MutableTensorView& output, int64_t i, int64_t value) {
    if (output.type == ElementType::kInt64) {
      output.as<int64_t>()[i] = value;
    } else {
      output.as<int32_t>()[i] = static_cast<int32_t>(value);
    }
  }

  int64_t samples_;
};

}  // namespace

void RegisterRandom(KernelRegistry& registry) {
  registry.Add({.name = "RandomNormal", .make = MakeKernel<RandomNormal>});
  registry.Add({.name = "RandomNormalLike", .make = MakeKernel<RandomNormal>});
  registry.Add({.name = "RandomUniform", .make = MakeKernel<RandomUniform>});
  registry.Add({.name = "RandomUniformLike", .make = MakeKernel<RandomUniform>});
  registry.Add({.name = "Bernoulli", .make = MakeKernel<Bernoulli>});
  registry.Add({.name = "Multinomial", .make = MakeKernel<Multinomial>});
}

}  // namespace mullion::cpu
