// SPDX-License-Identifier: MIT
// Images, [batch, channels, height, width].
#include "tests/differential/chain.h"

namespace mullion::differential {

namespace {

void Convolution(Chain& k, const Flow& x) {
  const int64_t channels = x.shape[1];
  int64_t group = 1;
  if (k.Chance(0.3)) group = channels;
  if (group == 1 && channels % 2 == 0 && k.Chance(0.15)) group = 2;
  int64_t outputs = k.random().Pick<int64_t>({1, 3, 4, 8, 16, 20, 32});
  if (group > 1) outputs = group * k.random().Pick<int64_t>({1, 1, 1, 2});
  const int64_t kernel = k.random().Pick<int64_t>({1, 1, 3, 3, 3, 5});
  int64_t dilation = kernel > 1 && k.Chance(0.1) ? 2 : 1;
  int64_t stride = k.Chance(0.25) ? 2 : 1;
  const int64_t before = k.Int(0, kernel / 2 * dilation), after = k.Int(0, kernel / 2 * dilation);
  const int64_t reach = (kernel - 1) * dilation + 1;
  Shape shape = {x.shape[0], outputs};
  if (!AppendWindows(shape, x.shape, before + after, reach, stride)) return;
  Attributes attributes = {{"kernel_shape", Axes{kernel, kernel}},
                           {"strides", Axes{stride, stride}},
                           {"dilations", Axes{dilation, dilation}},
                           {"pads", Axes{before, before, after, after}},
                           {"group", group}};
  Value* const weights =
      k.Factors({outputs, channels / group, kernel, kernel}, channels / group * kernel * kernel);
  Value* const bias = k.Chance(0.5) ? k.Weights({outputs}, -1, 1) : nullptr;
  k.Keep(k("Conv", {x.value, weights, bias}, attributes), shape);
}

void Upwards(Chain& k, const Flow& x) {
  if (x.shape[2] * x.shape[3] > 120) return;
  Shape shape = {x.shape[0], x.shape[1], x.shape[2] * 2, x.shape[3] * 2};
  if (k.Chance(0.4)) {
    const int64_t outputs = k.random().Pick<int64_t>({1, 4, 8, 12});
    shape[1] = outputs;
    k.Keep(k("ConvTranspose",
             {x.value, k.Factors({x.shape[1], outputs, 2, 2}, x.shape[1]),
              k.Chance(0.5) ? k.Weights({outputs}, -1, 1) : nullptr},
             {{"kernel_shape", Axes{2, 2}}, {"strides", Axes{2, 2}}}),
           shape);
    return;
  }
  const bool nearest = k.Chance(0.5);
  Value* const scales = k.made().Constant(Tensor::Vector<float>(std::vector<float>{1, 1, 2, 2}));
  k.Keep(k("Resize", {x.value, nullptr, scales},
           {{"mode", std::string(nearest ? "nearest" : "linear")},
            {"coordinate_transformation_mode", std::string(nearest ? "asymmetric" : "half_pixel")},
            {"nearest_mode", std::string("floor")}}),
         shape);
}

void Pooled(Chain& k, const Flow& x) {
  if (k.Chance(0.3)) {
    const Shape shape = {x.shape[0], x.shape[1], 1, 1};
    if (k.Chance(0.5)) {
      k.Keep(k("GlobalAveragePool", {x.value}), shape);
    } else {
      k.Keep(k("ReduceMean", {x.value}, With("axes", k.Chance(0.5) ? Axes{2, 3} : Axes{-1, -2})),
             shape);
    }
    return;
  }
  const int64_t kernel = k.Int(1, 3), stride = k.Int(1, 2), pad = k.Int(0, kernel / 2);
  Shape shape = {x.shape[0], x.shape[1]};
  if (!AppendWindows(shape, x.shape, 2 * pad, kernel, stride)) return;
  const bool most = k.Chance(0.5);
  Attributes attributes = {{"kernel_shape", Axes{kernel, kernel}},
                           {"strides", Axes{stride, stride}},
                           {"pads", Axes{pad, pad, pad, pad}}};
  if (!most && k.Chance(0.5)) attributes.emplace_back("count_include_pad", int64_t{1});
  k.Keep(k(most ? "MaxPool" : "AveragePool", {x.value}, attributes), shape);
}

void Normalization(Chain& k, const Flow& x) {
  const Shape channels = {x.shape[1]};
  if (k.Chance(0.75)) {
    k.Keep(k("BatchNormalization",
             {x.value, k.Weights(channels, -1.5, 1.5), k.Weights(channels, -1, 1),
              k.Weights(channels, -1, 1), k.Weights(channels, 0.3, 2)},
             With("epsilon", 1e-3f)),
           x.shape);
    return;
  }
  k.Keep(Normalized(k, x, true, k.random().Pick<int64_t>({1, -1, 3})), x.shape);
}

void Squeezed(Chain& k, const Flow& x) {
  const int64_t channels = x.shape[1], few = k.random().Pick<int64_t>({1, 2, 4});
  Value* const mean = k("GlobalAveragePool", {x.value});
  Value* const down = k("Relu", {k("Conv", {mean, k.Factors({few, channels, 1, 1}, channels)})});
  Value* const up =
      k("Conv", {down, k.Factors({channels, few, 1, 1}, few), k.Weights({channels}, -1, 1)});
  Value* const gate = k(k.Chance(0.5) ? "Sigmoid" : "HardSigmoid", {up});
  k.Keep(k.Chance(0.5) ? k("Mul", {x.value, gate}) : k("Mul", {gate, x.value}), x.shape);
}

// Concat, Split, Slice, Pad, shuffles of channels, DepthToSpace.
void Moved(Chain& k, const Flow& x) {
  Shape shape = x.shape;
  switch (k.Int(0, 7)) {
    case 0:
    case 1: {
      const Flow mate = k.Mate(x);
      const int64_t axis = k.random().Pick<int64_t>({1, 1, 1, -3, 2, 3});
      const int at = static_cast<int>(axis < 0 ? axis + 4 : axis);
      if (shape.ElementCount() > 20000) return;
      const bool three = k.Chance(0.3);
      shape[at] *= three ? 3 : 2;
      std::vector<Value*> parts = {x.value, mate.value};
      if (three) parts.push_back(k.Mate(x).value);
      k.Keep(k("Concat", parts, With("axis", axis)), shape);
      return;
    }
    case 2: {
      const int64_t axis = k.random().Pick<int64_t>({1, 1, 2, 3});
      const int at = static_cast<int>(axis);
      if (shape[at] < 2) return;
      const int64_t first = k.Int(1, shape[at] - 1);
      Node& node = k.made().Add("Split", "", {x.value, k.Ints({first, shape[at] - first})},
                                With("axis", axis), 2);
      shape[at] = first;
      k.Keep(node.output(0), shape);
      shape[at] = x.shape[at] - first;
      k.Keep(node.output(1), shape);
      return;
    }
    case 3: {
      const int64_t axis = k.random().Pick<int64_t>({1, 1, 2, 3});
      const int at = static_cast<int>(axis);
      const int64_t begin = k.Int(0, shape[at] - 1), step = k.Int(1, 2);
      const int64_t end = k.Int(begin + 1, shape[at]);
      shape[at] = (end - begin + step - 1) / step;
      k.Keep(k("Slice", {x.value, k.Ints({begin}), k.Ints({end}), k.Ints({axis}), k.Ints({step})}),
             shape);
      return;
    }
    case 4: {
      Axes pads(8);
      for (const int axis : {2, 3}) {
        for (const int end : {0, 4}) {
          pads[static_cast<size_t>(axis + end)] =
              k.Int(shape[axis] > 3 && k.Chance(0.1) ? -1 : 0, 2);
          shape[axis] += pads[static_cast<size_t>(axis + end)];
        }
        if (shape[axis] < 1) return;
      }
      const std::string mode = k.random().Pick({"constant", "constant", "edge"});
      Value* const value = mode == "constant" && k.Chance(0.3) ? k.Number(0.5) : nullptr;
      k.Keep(k("Pad", {x.value, k.Ints(pads), value}, With("mode", mode)), shape);
      return;
    }
    case 5: {
      const int64_t groups = k.random().Pick<int64_t>({2, 4, 3});
      if (shape[1] % groups != 0) return;
      const int64_t each = shape[1] / groups;
      Value* const split =
          k("Reshape",
            {x.value, k.Ints({k.Chance(0.5) ? 0 : shape[0], groups, each, shape[2], shape[3]})});
      Value* const turned = k("Transpose", {split}, With("perm", Axes{0, 2, 1, 3, 4}));
      k.Keep(k("Reshape",
               {turned, k.Ints({shape[0], k.Chance(0.5) ? -1 : shape[1], shape[2], shape[3]})}),
             shape);
      return;
    }
    case 6: {
      if (k.Chance(0.5) && shape[1] % 4 == 0) {
        shape = {shape[0], shape[1] / 4, shape[2] * 2, shape[3] * 2};
        k.Keep(k("DepthToSpace", {x.value},
                 {{"blocksize", int64_t{2}}, {"mode", std::string(k.Chance(0.5) ? "DCR" : "CRD")}}),
               shape);
      } else if (shape[2] % 2 == 0 && shape[3] % 2 == 0) {
        shape = {shape[0], shape[1] * 4, shape[2] / 2, shape[3] / 2};
        k.Keep(k("SpaceToDepth", {x.value}, With("blocksize", int64_t{2})), shape);
      }
      return;
    }
    default: {
      // There and back, with something between.
      const std::vector<int64_t> order = k.random().Permutation(4);
      Axes back(4);
      Shape turned;
      for (size_t i = 0; i < 4; ++i) {
        back[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
        turned.Append(shape[static_cast<int>(order[i])]);
      }
      Flow y = {k("Transpose", {x.value}, With("perm", order)), turned};
      if (k.Chance(0.4)) y.value = Activated(k, y.value);
      if (k.Chance(0.4)) y.value = k("Mul", {y.value, k.Weights({turned[3]}, -1, 1)});
      if (k.Chance(0.3))
        y.value = k("Softmax", {y.value}, With("axis", k.random().Pick<int64_t>({-1, 1})));
      k.Keep(k("Transpose", {y.value}, With("perm", back)), shape);
      return;
    }
  }
}

}  // namespace

void ImageChain(Case& c) {
  Chain k(c);
  const int64_t channels = k.random().Pick<int64_t>({1, 3, 4, 8, 16, 17, 24});
  k.Enter({k.Int(1, 2), channels, k.Int(1, 14), k.Int(1, 14)});
  if (k.Chance(0.2)) k.Enter(k.Any().shape);
  for (int64_t i = k.Int(3, 14); i > 0; --i) {
    const Flow x = k.Any();
    switch (k.Int(0, 12)) {
      case 0:
      case 1:
      case 2:
        Convolution(k, x);
        break;
      case 3:
      case 4:
        k.Keep(Activated(k, x.value), x.shape);
        break;
      case 5:
      case 6:
        Arithmetic(k, x, 1);
        break;
      case 7:
        Normalization(k, x);
        break;
      case 8:
        Pooled(k, x);
        break;
      case 9:
        if (k.Chance(0.5))
          Upwards(k, x);
        else
          Squeezed(k, x);
        break;
      default:
        Moved(k, x);
        break;
    }
  }
  const Flow last = k.Any();
  if (k.Chance(0.25)) {
    const int64_t width = last.shape.Product(1, 4), outputs = k.Int(1, 10);
    Value* const flat = k.Chance(0.5) ? k("Flatten", {last.value})
                                      : k("Reshape", {last.value, k.Ints({last.shape[0], -1})});
    Value* y = k("Gemm", {flat, k.Factors({outputs, width}, width), k.Weights({outputs}, -1, 1)},
                 With("transB", int64_t{1}));
    if (k.Chance(0.5)) y = k("Softmax", {y}, With("axis", int64_t{-1}));
    k.Keep(y, {last.shape[0], outputs});
  }
  k.Finish();
}

}  // namespace mullion::differential
