// SPDX-License-Identifier: MIT
// HannWindow, HammingWindow, BlackmanWindow and MelWeightMatrix. They are worked out in double and
// then converted; in models they are constants as a rule, and folded.
#include "operators/signal_window.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/element_traits.h"
#include "base/str_cat.h"
#include "devices/cpu/registry.h"
#include "operators/int_list.h"

namespace mullion::cpu {

namespace {

// Calls `store(i, value)` with a function that writes element i of `output` in its type.
template <typename Body>
void FillAs(const MutableTensorView& output, const Body& body) {
  DispatchType(NumericTypes{}, output.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* const to = output.as<T>();
    body([to](int64_t i, double value) {
      to[i] = static_cast<T>(static_cast<ComputeType<T>>(value));
    });
  });
}

// a - b cos(t) + c cos(2 t), t from 0 to 2 pi.
struct Cosines {
  double a;
  double b;
  double c;
};
constexpr Cosines kHann = {0.5, 0.5, 0.0};
constexpr Cosines kHamming = {25.0 / 46, 21.0 / 46, 0.0};  // the first side lobe cancels
constexpr Cosines kBlackman = {0.42, 0.5, 0.08};

template <const Cosines& kCosines>
class Window final : public Executable {
 public:
  explicit Window(const Node& node) : periodic_(node.IntAttribute("periodic", 1) != 0) {}

  Status Run(RunContext& context) const override {
    if (context.Input(0).count() != 1) return context.Error("input 'size' must have one element");
    const int64_t size = IntAt(context.Input(0), 0);
    if (size < 0) return context.Error(StrCat("input 'size' is ", size, " but must be 0 or more"));
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, Shape{size}));
    // A symmetric window ends where a periodic one begins again. One of a single element is its
    // middle.
    const int64_t period = periodic_ ? size : size - 1;
    FillAs(output, [&](const auto& store) {
      if (period == 0 && size == 1) return store(0, kCosines.a + kCosines.b + kCosines.c);
      // The second half mirrors the first.
      for (int64_t i = 0; i < size && i <= period / 2; ++i) {
        constexpr double kPi = 3.14159265358979323846;
        const double t = 2 * kPi * static_cast<double>(i) / static_cast<double>(period);
        double value = kCosines.a - kCosines.b * std::cos(t);
        if (kCosines.c != 0) value += kCosines.c * std::cos(2 * t);
        store(i, value);
        if (period - i < size) store(period - i, value);
      }
    });
    return OkStatus();
  }

 private:
  bool periodic_;
};

double MelOf(double hertz) { return 2595 * std::log10(1 + hertz / 700); }
double HertzOf(double mel) { return 700 * (std::pow(10.0, mel / 2595) - 1); }

class MelWeightMatrix final : public Executable {
 public:
  explicit MelWeightMatrix(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    for (int i = 0; i < 5; ++i) {
      if (context.Input(i).count() != 1) {
        return context.Error(StrCat("input ", i, " must have one element"));
      }
    }
    const int64_t mel_bins = IntAt(context.Input(0), 0);
    const int64_t dft_length = IntAt(context.Input(1), 0);
    const int64_t sample_rate = IntAt(context.Input(2), 0);
    const double lower = RealOf(context.Input(3));
    const double upper = RealOf(context.Input(4));
    const Result<Shape> shape = operators::MelWeightShape(mel_bins, dft_length);
    if (!shape.ok()) return context.Error(shape.status().message());
    if (sample_rate <= 0) {
      return context.Error(StrCat("input 'sample_rate' is ", sample_rate, " but must be positive"));
    }
    if (!(lower >= 0 && lower <= upper && std::isfinite(upper))) {
      return context.Error(StrCat("the edges ", lower, " and ", upper,
                                  " Hz must be 0 or more, the lower one first"));
    }
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, *shape));

    // The edges of the triangles are equally spaced in mel; the step is the one of ONNX's
    // reference, which leaves the last of them short of `upper`.
    const double first = MelOf(lower);
    const double step = (MelOf(upper) - first) / (static_cast<double>(mel_bins) + 2);
    const auto bin_of = [&](int64_t edge) {
      const double hertz = HertzOf(first + static_cast<double>(edge) * step);
      return std::floor((static_cast<double>(dft_length) + 1) * hertz /
                        static_cast<double>(sample_rate));
    };
    std::memset(output.data, 0, output.bytes());
    FillAs(output, [&](const auto& store) {
      double left = 0;
      double middle = bin_of(0);
      double right = bin_of(1);
      for (int64_t mel = 0; mel < mel_bins; ++mel) {
        left = std::exchange(middle, std::exchange(right, bin_of(mel + 2)));
        // Bins beyond the last, half the sample rate, do not exist.
        const auto end = static_cast<int64_t>(
            std::min(std::max(right, middle + 1), static_cast<double>((*shape)[0])));
        for (auto bin = static_cast<int64_t>(std::min(left, static_cast<double>(end))); bin < end;
             ++bin) {
          const auto at = static_cast<double>(bin);
          const double weight = at < middle
                                    ? (at - left) / (middle - left)
                                    : (right > middle ? (right - at) / (right - middle) : 1.0);
          store(bin * mel_bins + mel, weight);
        }
      }
    });
    return OkStatus();
  }

 private:
  static double RealOf(const TensorView& view) {
    double value = 0;
    DispatchType(FloatTypes{}, view.type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      value = static_cast<double>(static_cast<ComputeType<T>>(*view.as<T>()));
    });
    return value;
  }
};

}  // namespace

void RegisterSignalWindow(KernelRegistry& registry) {
  registry.Add({.name = "HannWindow", .make = MakeKernel<Window<kHann>>});
  registry.Add({.name = "HammingWindow", .make = MakeKernel<Window<kHamming>>});
  registry.Add({.name = "BlackmanWindow", .make = MakeKernel<Window<kBlackman>>});
  registry.Add({.name = "MelWeightMatrix", .make = MakeKernel<MelWeightMatrix>});
}

}  // namespace mullion::cpu
