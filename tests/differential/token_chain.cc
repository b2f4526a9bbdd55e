// SPDX-License-Identifier: MIT
// Tokens, [batch, tokens, width].
#include "tests/differential/chain.h"

namespace mullion::differential {

namespace {

using enum ElementType;

void Projected(Chain& k, const Flow& x) {
  const int64_t width = x.shape[2],
                outputs = k.random().Pick<int64_t>({width, width, 8, 16, 24, 5});
  Value* weights = nullptr;
  if (k.Chance(0.2)) {
    weights = k("Transpose", {k.Factors({outputs, width}, width)}, With("perm", Axes{1, 0}));
  } else {
    weights = k.Factors({width, outputs}, width);
  }
  Value* y = k("MatMul", {x.value, weights});
  if (k.Chance(0.6)) {
    Value* const bias = k.Weights({outputs}, -1, 1);
    y = k.Chance(0.5) ? k("Add", {y, bias}) : k("Add", {bias, y});
  }
  k.Keep(y, {x.shape[0], x.shape[1], outputs});
}

void Attending(Chain& k, const Flow& x) {
  const int64_t batch = x.shape[0], tokens = x.shape[1], width = x.shape[2];
  const int64_t heads = k.random().Pick<int64_t>({1, 2, 4});
  if (width % heads != 0) return;
  const int64_t size = width / heads;
  const bool scale_first = k.Chance(0.3);
  const auto part = [&](const Axes& perm, bool scaled) {
    Value* y = k("MatMul", {x.value, k.Factors({width, width}, width)});
    if (k.Chance(0.5)) y = k("Add", {y, k.Weights({width}, -1, 1)});
    if (scaled) y = k("Mul", {y, k.Number(0.5)});
    y = k("Reshape", {y, k.Ints({batch, k.Chance(0.5) ? -1 : tokens, heads, size})});
    return k("Transpose", {y}, With("perm", perm));
  };
  Value* const q = part({0, 2, 1, 3}, scale_first);
  Value* keys = nullptr;
  if (k.Chance(0.5)) {
    keys = part({0, 2, 3, 1}, false);
  } else {
    keys = k("Transpose", {part({0, 2, 1, 3}, false)}, With("perm", Axes{0, 1, 3, 2}));
  }
  Value* const v = part({0, 2, 1, 3}, false);
  Value* scores = k("MatMul", {q, keys});
  if (!scale_first) {
    scores = k.Chance(0.5) ? k("Div", {scores, k.Number(std::sqrt(static_cast<double>(size)))})
                           : k("Mul", {scores, k.Number(0.4)});
  }
  if (k.Chance(0.4)) {
    const Shape mask = k.random().Pick<Shape>({{tokens, tokens},
                                               {batch, 1, 1, tokens},
                                               {1, 1, tokens, tokens},
                                               {batch, heads, tokens, tokens},
                                               {tokens}});
    scores = k("Add", {scores, k.Weights(mask, -3, 1)});
  }
  if (k.Chance(0.2)) {
    Tensor condition = k.random().Values(kBool, {tokens, tokens});
    Value* const keep = k.made().Constant(std::move(condition));
    scores = k.Chance(0.5) ? k("Where", {keep, scores, k.Number(-9)})
                           : k("Where", {keep, k.Number(-9), scores});
  }
  Value* const weights = k("Softmax", {scores}, With("axis", int64_t{k.Chance(0.5) ? 3 : -1}));
  if (k.Chance(0.05)) k.made().Return(weights);
  Value* y = k("Transpose", {k("MatMul", {weights, v})}, With("perm", Axes{0, 2, 1, 3}));
  y = k("Reshape", {y, k.Ints({batch, tokens, width})});
  k.Keep(y, x.shape);
}

void TokenNormalized(Chain& k, const Flow& x) {
  const Shape width = {x.shape[2]};
  if (k.made().opset() >= 17 && k.Chance(0.3)) {
    k.Keep(
        k("LayerNormalization",
          {x.value, k.Weights(width, -1.5, 1.5), k.Chance(0.7) ? k.Weights(width, -1, 1) : nullptr},
          With("epsilon", 1e-2f)),
        x.shape);
    return;
  }
  Value* y = Normalized(k, x, k.Chance(0.7), k.Chance(0.7) ? -1 : 2);
  if (k.Chance(0.7)) {
    Value* const scale = k.Weights(width, -1.5, 1.5);
    y = k.Chance(0.5) ? k("Mul", {y, scale}) : k("Mul", {scale, y});
  }
  if (k.Chance(0.6)) {
    Value* const bias = k.Weights(width, -1, 1);
    y = k.Chance(0.5) ? k("Add", {y, bias}) : k("Add", {bias, y});
  }
  k.Keep(y, x.shape);
}

void TokensMoved(Chain& k, const Flow& x) {
  Shape shape = x.shape;
  switch (k.Int(0, 6)) {
    case 0: {
      const int64_t axis = k.random().Pick<int64_t>({1, 2, -1});
      const int at = static_cast<int>(axis < 0 ? axis + 3 : axis);
      if (shape.ElementCount() > 5000) return;
      shape[at] *= 2;
      k.Keep(k("Concat", {x.value, k.Mate(x).value}, With("axis", axis)), shape);
      return;
    }
    case 1: {
      const int64_t axis = k.Int(1, 2);
      const int at = static_cast<int>(axis);
      if (shape[at] % 2 != 0) return;
      shape[at] /= 2;
      Node& node = k.made().Add("Split", "", {x.value, k.Ints({shape[at], shape[at]})},
                                With("axis", axis), 2);
      if (k.Chance(0.5)) {  // gated
        k.Keep(k("Mul", {node.output(0), Activated(k, node.output(1))}), shape);
        return;
      }
      k.Keep(node.output(0), shape);
      k.Keep(node.output(1), shape);
      return;
    }
    case 2: {
      const int64_t axis = k.Int(1, 2);
      const int at = static_cast<int>(axis);
      const int64_t begin = k.Int(0, shape[at] - 1), end = k.Int(begin + 1, shape[at]);
      shape[at] = end - begin;
      k.Keep(k("Slice", {x.value, k.Ints({begin}), k.Ints({end}), k.Ints({axis})}), shape);
      return;
    }
    case 3: {
      Axes indices;
      for (int64_t i = k.Int(1, 5); i > 0; --i) indices.push_back(k.Int(-shape[1], shape[1] - 1));
      shape[1] = std::ssize(indices);
      k.Keep(k("Gather", {x.value, k.Ints(indices)}, With("axis", int64_t{1})), shape);
      return;
    }
    case 4: {
      Value* y = k("Transpose", {x.value}, With("perm", Axes{0, 2, 1}));
      if (k.Chance(0.5)) y = Activated(k, y);
      if (k.Chance(0.5)) y = k("MatMul", {y, k.Factors({shape[1], shape[1]}, shape[1])});
      k.Keep(k("Transpose", {y}, With("perm", Axes{0, 2, 1})), shape);
      return;
    }
    case 5: {
      Value* const flat = k("Reshape", {x.value, k.Ints({shape[0] * shape[1], shape[2]})});
      Value* const product =
          k("Gemm", {flat, k.Factors({shape[2], shape[2]}, shape[2]), k.Weights({shape[2]}, -1, 1)},
            {{"alpha", k.Chance(0.5) ? 1.0f : 0.5f}, {"beta", k.Chance(0.5) ? 1.0f : 0.25f}});
      k.Keep(k("Reshape",
               {k.Chance(0.5) ? product : Activated(k, product), k.Ints({shape[0], shape[1], -1})}),
             shape);
      return;
    }
    default: {
      Value* const mean = k("ReduceMean", {x.value}, {{"axes", Axes{1}}, {"keepdims", int64_t{0}}});
      k.Keep(k("Add", {x.value, k("Unsqueeze", {mean, k.Ints({1})})}), shape);
      return;
    }
  }
}

}  // namespace

void TokenChain(Case& c) {
  Chain k(c);
  k.Enter({k.Int(1, 3), k.Int(1, 9), k.random().Pick<int64_t>({4, 8, 16, 12, 7})});
  if (k.Chance(0.2)) k.Enter(k.Any().shape);
  for (int64_t i = k.Int(3, 12); i > 0; --i) {
    const Flow x = k.Any();
    switch (k.Int(0, 8)) {
      case 0:
      case 1:
        Projected(k, x);
        break;
      case 2:
        k.Keep(Activated(k, x.value), x.shape);
        break;
      case 3:
      case 4:
        Arithmetic(k, x, 2);
        break;
      case 5:
        TokenNormalized(k, x);
        break;
      case 6:
        Attending(k, x);
        break;
      default:
        TokensMoved(k, x);
        break;
    }
  }
  k.Finish();
}

}  // namespace mullion::differential
