// SPDX-License-Identifier: MIT
// HannWindow, HammingWindow, BlackmanWindow and MelWeightMatrix. They are worked out in double and
// then converted; in models they are constants as a rule, and folded.
#include "operators/signal_window.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/str_cat.h"
#include "devices/cpu/kernels/elementwise/convert.h"
#include "devices/cpu/kernels/elementwise/number_unary.h"
#include "devices/cpu/registry.h"
#include "operators/int_list.h"

namespace mullion::cpu {

namespace {

// Numbers that are worked out at once: 4 KiB of doubles.
constexpr int64_t kTile = 512;

// a - b cos(t) + c cos(2 t), t from 0 to 2 pi.
struct Cosines {
  double a;
  double b;
  double c;
};
constexpr Cosines kHann = {0.5, 0.5, 0.0};
constexpr Cosines kHamming = {25.0 / 46, 21.0 / 46, 0.0};  // the first side lobe cancels
constexpr Cosines kBlackman = {0.42, 0.5, 0.08};

class Window final : public Executable {
 public:
  explicit Window(const Node& node)
      : cosines_(node.operator_name() == "HannWindow"      ? kHann
                 : node.operator_name() == "HammingWindow" ? kHamming
                                                           : kBlackman),
        periodic_(node.IntAttribute("periodic", 1) != 0) {}

  Status Run(RunContext& context) const override {
    if (context.Input(0).count() != 1) return context.Error("input 'size' must have one element");
    const int64_t size = IntAt(context.Input(0), 0);
    if (size < 0) return context.Error("input 'size' is ", size, " but must be 0 or more");
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, Shape{size}));
    // A symmetric window ends where a periodic one begins again. One of a single element is its
    // middle.
    const bool middle = size == 1 && !periodic_;
    const int64_t period = middle ? 2 : periodic_ ? size : size - 1;
    for (int64_t begin = 0; begin < size; begin += kTile) {
      const int64_t n = std::min(kTile, size - begin);
      double values[kTile];
      Compute(middle ? 1 : begin, n, period, values);
      ConvertElements(ElementType::kDouble, values, output.type,
                      static_cast<std::byte*>(output.data) + ByteSize(output.type, begin),
                      static_cast<size_t>(n));
    }
    return OkStatus();
  }

 private:
  void Compute(int64_t begin, int64_t count, int64_t period, double* values) const {
    constexpr double kPi = 3.14159265358979323846;
    for (int64_t i = begin; i < begin + count; ++i) {
      // The second half mirrors the first.
      values[i - begin] =
          2 * kPi * static_cast<double>(std::min(i, period - i)) / static_cast<double>(period);
    }
    DoubleUnary({operators::ElementwiseOp::kCos}, values, values, static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
      const double cosine = values[i];  // that of twice the angle is 2 cosine^2 - 1
      values[i] = cosines_.a - cosines_.b * cosine + cosines_.c * (2 * cosine * cosine - 1);
    }
  }

  Cosines cosines_;
  bool periodic_;
};

double MelOf(double hertz) { return 2595 * std::log10(1 + hertz / 700); }

// The bins at the edges of the triangles, which are equally spaced in mel: 700 (10^(mel / 2595) -
// 1) hertz. They are asked for in order.
class Edges {
 public:
  Edges(double first_mel, double step, int64_t dft_length, int64_t sample_rate)
      : first_(first_mel),
        step_(step),
        length_(static_cast<double>(dft_length)),
        rate_(static_cast<double>(sample_rate)) {}

  double Next() {
    if (at_ % kPart == 0) WorkOut();
    return edges_[at_++ % kPart];
  }

 private:
  // The edges from at_ on.
  void WorkOut() {
    constexpr double kTenTo = 2.30258509299404568402 / 2595;
    for (int64_t i = 0; i < kPart; ++i) {
      edges_[i] = (first_ + static_cast<double>(at_ + i) * step_) * kTenTo;
    }
    DoubleUnary({operators::ElementwiseOp::kExp}, edges_, edges_, kPart);
    for (double& edge : edges_) edge = (length_ + 1) * (700 * (edge - 1)) / rate_;
    DoubleUnary({operators::ElementwiseOp::kFloor}, edges_, edges_, kPart);
  }

  static constexpr int64_t kPart = 64;

  double first_;
  double step_;
  double length_;
  double rate_;
  int64_t at_ = 0;
  double edges_[kPart];
};

// Elements of `output` here and there, converted some hundred at a time.
class Scatter {
 public:
  explicit Scatter(const MutableTensorView& output) : output_(output) {}

  // `count` elements from `at` on, `stride` apart: `first`, first + step and so on.
  void Line(int64_t at, int64_t stride, double first, double step, int64_t count) {
    while (count > 0) {
      const int64_t part = std::min(count, kTile - count_);
      double steps = 0;
      for (int64_t i = count_; i < count_ + part; ++i, at += stride, ++steps) {
        places_[i] = at;
        values_[i] = first + steps * step;
      }
      first += steps * step;
      count -= part;
      count_ += part;
      if (count_ == kTile) Flush();
    }
  }

  void Flush() {
    double elements[kTile];
    ConvertElements(ElementType::kDouble, values_, output_.type, elements,
                    static_cast<size_t>(count_));
    switch (ElementBits(output_.type)) {
      case 8:
        Spread(reinterpret_cast<const uint8_t*>(elements));
        break;
      case 16:
        Spread(reinterpret_cast<const uint16_t*>(elements));
        break;
      case 32:
        Spread(reinterpret_cast<const uint32_t*>(elements));
        break;
      default:
        Spread(reinterpret_cast<const uint64_t*>(elements));
        break;
    }
    count_ = 0;
  }

 private:
  template <typename U>
  void Spread(const U* elements) {
    U* const to = static_cast<U*>(output_.data);
    for (int64_t i = 0; i < count_; ++i) std::memcpy(to + places_[i], elements + i, sizeof(U));
  }

  MutableTensorView output_;
  int64_t count_ = 0;
  int64_t places_[kTile];
  double values_[kTile];
};

class MelWeightMatrix final : public Executable {
 public:
  explicit MelWeightMatrix(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    for (int i = 0; i < 5; ++i) {
      if (context.Input(i).count() != 1) {
        return context.Error("input ", i, " must have one element");
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
      return context.Error("input 'sample_rate' is ", sample_rate, " but must be positive");
    }
    if (!(lower >= 0 && lower <= upper && std::isfinite(upper))) {
      return context.Error("the edges ", lower, " and ", upper,
                           " Hz must be 0 or more, the lower one first");
    }
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, *shape));

    // The step is the one of ONNX's reference, which leaves the last of them short of `upper`.
    const double first = MelOf(lower);
    const double step = (MelOf(upper) - first) / (static_cast<double>(mel_bins) + 2);
    Edges edges(first, step, dft_length, sample_rate);
    std::memset(output.data, 0, output.bytes());
    Scatter scatter(output);
    double left = 0;
    double middle = edges.Next();
    double right = edges.Next();
    double rise = 1 / std::max(right - middle, 1.0);
    for (int64_t mel = 0; mel < mel_bins; ++mel) {
      left = std::exchange(middle, std::exchange(right, edges.Next()));
      // Bins beyond the last, half the sample rate, do not exist.
      const auto bin = [&](double edge) {
        return static_cast<int64_t>(std::min(edge, static_cast<double>((*shape)[0])));
      };
      const int64_t peak = bin(middle);
      const double fall = 1 / std::max(right - middle, 1.0);
      const int64_t low = bin(left);
      scatter.Line(low * mel_bins + mel, mel_bins, 0, rise, peak - low);
      scatter.Line(peak * mel_bins + mel, mel_bins, 1, -fall,
                   bin(std::max(right, middle + 1)) - peak);
      rise = fall;
    }
    scatter.Flush();
    return OkStatus();
  }

 private:
  static double RealOf(const TensorView& view) {
    double value = 0;
    ConvertElements(view.type, view.data, ElementType::kDouble, &value, 1);
    return value;
  }
};

}  // namespace

void RegisterSignalWindow(KernelRegistry& registry) {
  registry.Add({.name = "HannWindow", .make = MakeKernel<Window>});
  registry.Add({.name = "HammingWindow", .make = MakeKernel<Window>});
  registry.Add({.name = "BlackmanWindow", .make = MakeKernel<Window>});
  registry.Add({.name = "MelWeightMatrix", .make = MakeKernel<MelWeightMatrix>});
}

}  // namespace mullion::cpu
