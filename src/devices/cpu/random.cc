// SPDX-License-Identifier: MIT
// RandomNormal, RandomUniform, their Like forms, Multinomial, Bernoulli.
//
// With a seed every evaluation gives the same values, on every platform and number of threads: each
// element has a stream of its own, and the distributions are worked out here and not by the
// standard library, whose are not specified to the bit.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>

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

// Random bits of one element: SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number
// Generators", 2014), begun at the element's place in the sequence of the seed.
class Stream {
 public:
  Stream(uint64_t seed, int64_t element) : state_(seed + kStep * static_cast<uint64_t>(element)) {}

  uint64_t Bits() {
    state_ += kStep;
    const uint64_t bits = Mixed(state_);
    // Draws beyond the first must not be those of the next element.
    state_ ^= bits;
    return bits;
  }
  // In [0, 1), 53 random bits.
  double Uniform() { return static_cast<double>(Bits() >> 11) * 0x1p-53; }

  static uint64_t Mixed(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

 private:
  static constexpr uint64_t kStep = 0x9e3779b97f4a7c15u;  // 2^64 over the golden ratio
  uint64_t state_;
};

// Seeds differ in few bits; their sequences must not overlap.
uint64_t SeedOf(const Node& node) {
  return Stream::Mixed(node.HasAttribute("seed")
                           ? uint64_t{BitCast<uint32_t>(node.FloatAttribute("seed", 0))}
                           : FreshSeed());
}

// The normal distribution by 256 layers of equal area under its curve (Marsaglia, Tsang, "The
// Ziggurat Method for Generating Random Variables", 2000): 99 of 100 draws end with a comparison.
class NormalLayers {
 public:
  NormalLayers() {
    x_[0] = kArea / Density(kTail);
    x_[1] = kTail;
    for (size_t i = 2; i < kLayers; ++i) {
      x_[i] = std::sqrt(-2 * std::log(kArea / x_[i - 1] + Density(x_[i - 1])));
    }
    x_[kLayers] = 0;
    for (size_t i = 0; i < kLayers; ++i) inside_[i] = x_[i + 1] / x_[i];
  }

  double Draw(Stream stream) const {
    for (;;) {
      const uint64_t bits = stream.Bits();
      const size_t layer = bits % kLayers;
      const double u = static_cast<double>(bits >> 11) * 0x1p-52 - 1;
      const double x = u * x_[layer];
      if (std::abs(u) < inside_[layer]) return x;
      if (layer == 0) return std::copysign(DrawTail(stream), u);
      const double lower = Density(x_[layer]);
      const double upper = Density(x_[layer + 1]);
      if (lower + stream.Uniform() * (upper - lower) < Density(x)) return x;
    }
  }

 private:
  static constexpr size_t kLayers = 256;
  // Where the lowest layer ends that is a rectangle, and the area of each.
  static constexpr double kTail = 3.6541528853610088;
  static constexpr double kArea = 0.00492867323399;

  static double Density(double x) { return std::exp(-0.5 * x * x); }

  static double DrawTail(Stream& stream) {
    double x = 0;
    double y = 0;
    do {
      x = -std::log(1 - stream.Uniform()) / kTail;
      y = -std::log(1 - stream.Uniform());
    } while (2 * y < x * x);
    return kTail + x;
  }

  std::array<double, kLayers + 1> x_;
  std::array<double, kLayers> inside_;
};

const NormalLayers& Normal() {
  static const NormalLayers layers;
  return layers;
}

// Elements that a thread takes at once.
constexpr int64_t kRandomChunk = 4096;

// Fills a tensor of a floating type with what draw(stream) gives for each element's stream.
template <typename Draw>
void Fill(RunContext& context, const MutableTensorView& output, Draw draw) {
  const uint64_t seed = SeedOf(context.node());
  DispatchType(FloatTypes{}, output.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* const elements = output.as<T>();
    context.parallel().For(output.count(), kRandomChunk, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        elements[i] = static_cast<T>(static_cast<ComputeType<T>>(draw(Stream(seed, i))));
      }
    });
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
    const NormalLayers& normal = Normal();
    Fill(context, output, [&](Stream stream) { return mean_ + scale_ * normal.Draw(stream); });
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
    Fill(context, output, [&](Stream stream) { return low_ + (high_ - low_) * stream.Uniform(); });
    return OkStatus();
  }

 private:
  double low_;
  double high_;
};

// Some elements of a floating tensor.
void ReadFloats(const TensorView& view, int64_t begin, int64_t count, double* values) {
  DispatchType(FloatTypes{}, view.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* const from = view.as<T>() + begin;
    for (int64_t i = 0; i < count; ++i) {
      values[i] = static_cast<double>(static_cast<ComputeType<T>>(from[i]));
    }
  });
}

class Bernoulli final : public Executable {
 public:
  explicit Bernoulli(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, input.shape));
    const uint64_t seed = SeedOf(context.node());
    const auto fill = [&](auto tag) {
      using T = typename decltype(tag)::type;
      context.parallel().For(input.count(), kRandomChunk, [&](int64_t begin, int64_t end, int) {
        double chances[kRandomChunk];
        ReadFloats(input, begin, end - begin, chances);
        for (int64_t i = begin; i < end; ++i) {
          const bool one = Stream(seed, i).Uniform() < chances[i - begin];
          output.as<T>()[i] = static_cast<T>(static_cast<ComputeType<T>>(one));
        }
      });
    };
    if (!DispatchType(NumericTypes{}, output.type, fill)) fill(TypeTag<bool>{});
    return OkStatus();
  }
};

// e^x for x <= 0 to 1e-14 of it, which the sum of some thousands of them is no better than; 0 below
// e^-700. Plain arithmetic, so that loops over it are vectors, and the same everywhere.
double FallingExp(double x) {
  constexpr double kMagic = 0x1.8p52;  // added, leaves the nearest integer in the low bits
  const double within = x < -700 ? -700 : x;
  const double shifted = within * 1.4426950408889634 + kMagic;
  const double n = shifted - kMagic;
  // ln2 in two parts; the first has 32 bits, so that its product with n is exact.
  const double r = (within - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33;
  // Taylor's series: |r| <= ln2 / 2.
  constexpr double kTerms[] = {1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
                               1.0 / 720,     1.0 / 120,    1.0 / 24,    1.0 / 6,
                               1.0 / 2,       1.0,          1.0};
  double sum = 1.0 / 39916800;
#pragma GCC unroll 11
  for (const double term : kTerms) sum = sum * r + term;
  const uint64_t exponent = (BitCast<uint64_t>(shifted) + 1023) << 52;
  return x < -700 ? 0.0 : sum * BitCast<double>(exponent);
}

// NaN is less than anything.
double GreatestOf(const double* x, int64_t count) {
  constexpr double kNone = -std::numeric_limits<double>::infinity();
  double greatest[4] = {kNone, kNone, kNone, kNone};  // strands that need not wait for each other
  for (int64_t i = 0; i + 4 <= count; i += 4) {
    for (int k = 0; k < 4; ++k) greatest[k] = x[i + k] > greatest[k] ? x[i + k] : greatest[k];
  }
  for (int64_t i = count & ~int64_t{3}; i < count; ++i) greatest[0] = std::fmax(greatest[0], x[i]);
  return std::max({greatest[0], greatest[1], greatest[2], greatest[3]});
}

// Draws from each row of unnormalized log-probabilities, with replacement.
class Multinomial final : public Executable {
 public:
  explicit Multinomial(const Node& node) : samples_(node.IntAttribute("sample_size", 1)) {}

  // For each thread the running sums of one row's probabilities.
  Status Bind(BindContext& context) const override {
    const auto classes = static_cast<size_t>(context.input(0)->shape.Back(0));
    context.RequestScratch(static_cast<size_t>(context.threads()) * classes * sizeof(double));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const int64_t batch = input.shape[0];
    const int64_t classes = input.shape[1];
    if (classes == 0) return context.Error("there are no classes to choose from");
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, Shape{batch, samples_}));
    const uint64_t seed = SeedOf(context.node());
    const int64_t chunk = std::max<int64_t>(1, kRandomChunk / classes);
    context.parallel().For(batch, chunk, [&](int64_t begin, int64_t end, int worker) {
      double* const sums = static_cast<double*>(context.scratch()) + worker * classes;
      for (int64_t b = begin; b < end; ++b) {
        ReadFloats(input, b * classes, classes, sums);
        const double greatest = GreatestOf(sums, classes);
        for (int64_t c = 0; c < classes; ++c) sums[c] = FallingExp(sums[c] - greatest);
        double sum = 0;
        for (int64_t c = 0; c < classes; ++c) sums[c] = sum += sums[c];
        for (int64_t i = 0; i < samples_; ++i) {
          const int64_t place = b * samples_ + i;
          const double draw = Stream(seed, place).Uniform() * sum;
          const double* const hit = std::upper_bound(sums, sums + classes, draw);
          Put(output, place, std::min<int64_t>(hit - sums, classes - 1));
        }
      }
    });
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
