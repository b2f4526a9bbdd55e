// SPDX-License-Identifier: MIT
// Images between QuantizeLinear and DequantizeLinear, as quantizers write them.
#include <array>

#include "tests/differential/chain.h"

namespace mullion::differential {

namespace {

using enum ElementType;

// What one quantized tensor has.
struct Grid {
  Value* scale;
  Value* zero;
};

class QuantizedImages {
 public:
  explicit QuantizedImages(Case& c)
      : k(c), type_(k.Chance(0.6) ? kUint8 : kInt8), weight_type_(k.Chance(0.7) ? kInt8 : kUint8) {}

  void Run() {
    const Shape shape = {k.Int(1, 2), k.random().Pick<int64_t>({1, 3, 4, 8, 16, 17, 32}),
                         k.Int(1, 12), k.Int(1, 12)};
    const Flow x = k.Enter(shape);
    k.Keep(Rounded(x.value, AnyGrid()), shape);
    for (int64_t i = k.Int(2, 10); i > 0; --i) Step(k.Any());
    // The last one as bytes: those may be a step apart where sums fall between two.
    Node* const last = k.Last().value->producer();
    k.made().Return(last->input(0));
    k.made().steps = 2;
  }

 private:
  Grid AnyGrid(bool positive = false) {
    const double scale = k.random().Real(0.011, 0.06);
    const bool bytes = type_ == kUint8;
    const double low = bytes ? 0 : -128;
    const double zero =
        positive ? low : static_cast<double>(k.Int(bytes ? 90 : -38, bytes ? 166 : 38));
    return {k.Number(scale), k.made().Constant(k.random().Values(type_, {}, zero, zero))};
  }

  Value* Rounded(Value* x, const Grid& grid) {
    return k("DequantizeLinear",
             {k("QuantizeLinear", {x, grid.scale, grid.zero}), grid.scale, grid.zero});
  }
  Grid GridOf(const Flow& x) const {
    const Node& node = *x.value->producer();
    return {node.input(1), node.input(2)};
  }
  // Values of the next tensor: mostly in a grid of its own.
  void Next(Value* y, const Shape& shape, const Flow& x, double same) {
    k.Keep(Rounded(y, k.Chance(same) ? GridOf(x) : AnyGrid(k.Chance(0.2))), shape);
  }

  // Weights whose output channels are on `axis`, and a bias in steps of the product's.
  Value* Weights(const Shape& shape, int64_t terms, int axis, Value** scale) {
    const bool each = k.Chance(0.5);
    const double size = 1.2 / std::sqrt(static_cast<double>(terms)) / 70;
    *scale = k.made().Constant(
        k.random().Values(kFloat, each ? Shape{shape[axis]} : Shape{}, size * 0.5, size));
    const bool sign = weight_type_ == kInt8;
    const double zero = sign ? 0 : 128;
    Value* const zeros = k.made().Constant(
        k.random().Values(weight_type_, each ? Shape{shape[axis]} : Shape{}, zero, zero));
    Value* const bytes = k.made().Constant(
        k.random().Values(weight_type_, shape, sign ? -127 : 0, sign ? 127 : 255));
    return k("DequantizeLinear", {bytes, *scale, zeros}, With("axis", int64_t{axis}));
  }
  Value* Bias(const Flow& x, Value* weight_scale, int64_t outputs) {
    const float input = *GridOf(x).scale->constant.span<float>().data();
    Tensor scale = *Tensor::Allocate(kFloat, weight_scale->constant.shape());
    const auto from = weight_scale->constant.span<float>();
    for (size_t i = 0; i < from.size(); ++i)
      scale.mutable_view().span<float>()[i] = input * from[i];
    Tensor zero = k.random().Values(kInt32, scale.shape(), 0, 0);
    return k("DequantizeLinear",
             {k.made().Constant(k.random().Values(kInt32, {outputs}, -2000, 2000)),
              k.made().Constant(std::move(scale)), k.made().Constant(std::move(zero))},
             With("axis", int64_t{0}));
  }

  void Convolution(const Flow& x) {
    const int64_t channels = x.shape[1];
    const int64_t group = k.Chance(0.3) ? channels : 1;
    const int64_t outputs = group > 1 ? channels : k.random().Pick<int64_t>({1, 4, 8, 16, 20});
    const int64_t kernel = k.random().Pick<int64_t>({1, 3, 3, 2}), stride = k.Chance(0.3) ? 2 : 1;
    const int64_t pad = k.Int(0, kernel / 2);
    Shape shape = {x.shape[0], outputs};
    if (!AppendWindows(shape, x.shape, 2 * pad, kernel, stride)) return;
    const int64_t terms = channels / group * kernel * kernel;
    Value* scale = nullptr;
    Value* const weights = Weights({outputs, channels / group, kernel, kernel}, terms, 0, &scale);
    Value* const bias = k.Chance(0.7) ? Bias(x, scale, outputs) : nullptr;
    Value* y = k("Conv", {x.value, weights, bias},
                 {{"kernel_shape", Axes{kernel, kernel}},
                  {"strides", Axes{stride, stride}},
                  {"pads", Axes{pad, pad, pad, pad}},
                  {"group", group}});
    if (k.Chance(0.15)) {
      y = Rounded(y, AnyGrid());
      const Shape one = {outputs};
      y = k("BatchNormalization", {y, k.Weights(one, 0.5, 1.5), k.Weights(one, -1, 1),
                                   k.Weights(one, -1, 1), k.Weights(one, 0.5, 2)});
    }
    if (k.Chance(0.3)) {
      const Flow mate = k.Mate({nullptr, shape});
      if (mate.value != nullptr) y = k("Add", {Rounded(y, AnyGrid()), mate.value});
    }
    const bool relu = k.Chance(0.5);
    if (relu) y = k.Chance(0.7) ? k("Relu", {y}) : k("Clip", {y, k.Number(0), k.Number(6)});
    k.Keep(Rounded(y, AnyGrid(relu && k.Chance(0.7))), shape);
  }

  void Pooled(const Flow& x) {
    if (k.Chance(0.35)) {
      const Shape shape = {x.shape[0], x.shape[1], 1, 1};
      Value* const y = k.Chance(0.6) ? k("GlobalAveragePool", {x.value})
                                     : k("ReduceMean", {x.value}, With("axes", Axes{2, 3}));
      return Next(y, shape, x, 0);  // in the same grid halves would fall on either side
    }
    const int64_t kernel = k.Int(1, 3), stride = k.Int(1, 2), pad = k.Int(0, kernel / 2);
    Shape shape = {x.shape[0], x.shape[1]};
    if (!AppendWindows(shape, x.shape, 2 * pad, kernel, stride)) return;
    const bool most = k.Chance(0.5);
    Value* const y = k(most ? "MaxPool" : "AveragePool", {x.value},
                       {{"kernel_shape", Axes{kernel, kernel}},
                        {"strides", Axes{stride, stride}},
                        {"pads", Axes{pad, pad, pad, pad}}});
    Next(y, shape, x, most ? 0.6 : 0);
  }

  void Function(const Flow& x) {
    Value* y = nullptr;
    switch (k.Int(0, 8)) {
      case 0:
        y = k("Sigmoid", {x.value});
        break;
      case 1:
        y = k("HardSwish", {x.value});
        break;
      case 2:  // with a grid of its own between
        y = k("Mul", {x.value, Rounded(k("Sigmoid", {x.value}), AnyGrid(true))});
        break;
      case 3:
        y = k("Mul", {x.value, k("Sigmoid", {x.value})});
        break;
      case 4:
        y = k("LeakyRelu", {x.value}, With("alpha", 0.1f));
        break;
      case 5:
        y = k("Relu", {x.value});
        break;
      case 6:
        y = k("Softmax", {x.value}, With("axis", k.random().Pick<int64_t>({1, -1})));
        break;
      case 7:
        y = k("Clip", {x.value, k.Number(-0.5), k.Number(1)});
        break;
      default:
        y = k("Mul", {x.value, k.Number(k.random().Real(-2, 2))});
        break;
    }
    Next(y, x.shape, x, 0.2);
  }

  void Moved(const Flow& x) {
    Shape shape = x.shape;
    switch (k.Int(0, 6)) {
      case 0:
      case 1: {
        if (shape.ElementCount() > 8000) return;
        shape[1] *= 2;
        return Next(k("Concat", {x.value, k.Mate(x).value}, With("axis", int64_t{1})), shape, x,
                    0.4);
      }
      case 2: {
        const int axis = static_cast<int>(k.Int(1, 3));
        const int64_t begin = k.Int(0, shape[axis] - 1), end = k.Int(begin + 1, shape[axis]);
        shape[axis] = end - begin;
        return Next(k("Slice", {x.value, k.Ints({begin}), k.Ints({end}), k.Ints({axis})}), shape, x,
                    0.8);
      }
      case 3: {
        if (shape[1] % 2 != 0) return;
        Value* const split =
            k("Reshape", {x.value, k.Ints({shape[0], 2, shape[1] / 2, shape[2], shape[3]})});
        Value* const turned = k("Transpose", {split}, With("perm", Axes{0, 2, 1, 3, 4}));
        return Next(k("Reshape", {turned, k.Ints({shape[0], -1, shape[2], shape[3]})}), shape, x,
                    0.9);
      }
      case 4: {
        if (shape.ElementCount() > 4000) return;
        shape[2] *= 2;
        shape[3] *= 2;
        Value* const scales =
            k.made().Constant(Tensor::Vector<float>(std::vector<float>{1, 1, 2, 2}));
        return Next(k("Resize", {x.value, nullptr, scales},
                      {{"mode", std::string("nearest")},
                       {"coordinate_transformation_mode", std::string("asymmetric")},
                       {"nearest_mode", std::string("floor")}}),
                    shape, x, 0.9);
      }
      case 5: {
        const Axes pads = {0, 0, k.Int(0, 2), k.Int(0, 2), 0, 0, k.Int(0, 2), k.Int(0, 2)};
        shape[2] += pads[2] + pads[6];
        shape[3] += pads[3] + pads[7];
        return Next(k("Pad", {x.value, k.Ints(pads)}), shape, x, 0.9);
      }
      default: {  // a product over the last axis
        const int64_t width = shape[3], outputs = k.random().Pick<int64_t>({1, 4, 9, 16});
        Value* scale = nullptr;
        shape[3] = outputs;
        Value* y = k("MatMul", {x.value, Weights({width, outputs}, width, 1, &scale)});
        if (k.Chance(0.4)) y = k("Add", {y, k.Weights({outputs}, -1, 1)});
        return Next(y, shape, x, 0);
      }
    }
  }

  void Step(const Flow& x) {
    if (x.value->producer() == nullptr ||
        x.value->producer()->operator_name() != "DequantizeLinear")
      return;
    switch (k.Int(0, 9)) {
      case 0:
      case 1:
      case 2:
        return Convolution(x);
      case 3:
        return Pooled(x);
      case 4:
      case 5: {
        const Flow mate = k.Mate(x);
        if (mate.value->producer() == nullptr) return;
        Value* y = k(k.random().Pick({"Add", "Add", "Mul"}), {x.value, mate.value});
        if (k.Chance(0.3)) y = k("Relu", {y});
        return Next(y, x.shape, x, 0.1);
      }
      case 6:
        return Function(x);
      default:
        return Moved(x);
    }
  }

  Chain k;
  ElementType type_;
  ElementType weight_type_;
};

}  // namespace

void QuantizedChain(Case& c) { QuantizedImages(c).Run(); }

}  // namespace mullion::differential
