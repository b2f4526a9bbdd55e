// SPDX-License-Identifier: MIT
// com.microsoft's mixtures of experts.
#include <numeric>
#include <string>
#include <utility>

#include "tests/differential/spelled_out.h"
#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

// Weights [experts, columns, depth], as floats or as numbers of `bits` that have a scale for each
// block of a column and perhaps a zero point.
struct ExpertWeights {
  ExpertWeights(Random& random, const Shape& whole, int64_t number_bits, int64_t width,
                bool shifted)
      : shape(whole), bits(number_bits), block(width == 0 ? whole[2] : width) {
    bias = random.Values(kFloat, {shape[0], shape[1]}, -1, 1);
    if (bits == 0) {
      floats = random.Values(kFloat, shape, -1, 1);
      return;
    }
    const int64_t blocks = (shape[2] + block - 1) / block, per_byte = 8 / bits;
    numbers = random.Values(kUint8, {shape[0], shape[1], shape[2] / per_byte}, 0, 255);
    const Shape each = width == 0 ? Shape{shape[0], shape[1]} : Shape{shape[0], shape[1], blocks};
    scales = random.Values(kFloat, each, 0.01, 0.2);
    if (shifted) {
      // Of one block several columns share a byte.
      Shape bytes = blocks == 1 ? Shape{shape[0], shape[1]} : each;
      bytes[bytes.rank() - 1] = (bytes.Back(0) + per_byte - 1) / per_byte;
      zeros = random.Values(kUint8, bytes, 0, 255);
    }
    std::vector<float> made;
    for (int64_t row = 0; row < shape[0] * shape[1]; ++row) {
      for (int64_t k = 0; k < shape[2]; ++k) {
        const int number = Number(numbers, row, k, shape[2]);
        const int zero = !zeros        ? 1 << (bits - 1)
                         : blocks == 1 ? Number(zeros, row / shape[1], row % shape[1], shape[1])
                                       : Number(zeros, row, k / block, blocks);
        made.push_back(static_cast<float>(number - zero) *
                       scales.span<float>()[static_cast<size_t>(row * blocks + k / block)]);
      }
    }
    floats = Tensor::FromSpan<float>(shape, std::span<const float>(made));
  }

  // Number i of line `line`, each of which has `count` and begins with a byte of its own.
  int Number(const Tensor& packed, int64_t line, int64_t i, int64_t count) const {
    const int64_t per_byte = 8 / bits, bytes = (count + per_byte - 1) / per_byte;
    const auto byte = packed.span<uint8_t>()[static_cast<size_t>(line * bytes + i / per_byte)];
    return byte >> (i % per_byte * bits) & ((1 << bits) - 1);
  }

  Shape shape;
  int64_t bits, block;
  Tensor floats, numbers, scales, zeros, bias;
};

// The same of all experts at once, by operators that everybody has.
class Spelled {
 public:
  explicit Spelled(Case& c) : w_{c}, c_(c) {}

  Value* Product(Value* rows, const ExpertWeights& weights, bool biased) {
    Value* const right = w_("Transpose", {c_.TwinConstant(weights.floats)},
                            {{"perm", std::vector<int64_t>{0, 2, 1}}});
    Value* const product = w_("MatMul", {rows, right});
    if (!biased) return product;
    return w_("Add", {product, w_("Unsqueeze", {c_.TwinConstant(weights.bias), w_.Ints({1})})});
  }

  // What each expert's results count for each token, [experts, tokens, 1].
  // Scores without weights of their own are weighed among all experts, or `among_chosen` ones.
  Value* Share(Value* router, Value* own, int64_t choices, bool normalized, bool among_chosen) {
    Value* const scores = among_chosen ? router : w_("Softmax", {router}, {{"axis", int64_t{-1}}});
    Node& best = c_.Add("TopK", "", {scores, w_.Ints({choices})}, {}, 2);
    Value* shares = best.output(0);
    if (own != nullptr) {
      shares = w_("GatherElements", {own, best.output(1)}, {{"axis", int64_t{1}}});
    }
    if (own == nullptr && among_chosen) {
      shares = w_("Softmax", {shares}, {{"axis", int64_t{-1}}});
    } else if (normalized) {
      shares = w_("Div", {shares, w_("ReduceSum", {shares, w_.Ints({1})})});
    }
    Value* const none = w_("Mul", {router, w_.Number(0)});
    Value* const all =
        w_("ScatterElements", {none, best.output(1), shares}, {{"axis", int64_t{1}}});
    return w_("Unsqueeze", {w_("Transpose", {all}), w_.Ints({2})});
  }

 private:
  Words w_;
  Case& c_;
};

void Mix(Case& c, int64_t bits) {
  Random& random = c.random();
  const int64_t experts = random.Int(1, 6, 16);
  const int64_t choices = std::min(experts, random.Int(1, 3, 4));
  const int64_t hidden = random.Int(1, 5, 32) * 16, inner = random.Int(1, 5, 64) * 16;
  const int64_t tokens = random.Int(1, 7, 16);
  // The peer wants several blocks that fit the depths.
  const int64_t common = std::gcd(hidden, inner);
  int64_t block = bits == 0 || random.Chance(0.4) ? 0 : random.Pick<int64_t>({32, 16, 64});
  while (block > 16 && common % block != 0) block /= 2;
  if (std::min(hidden, inner) < 2 * block) block = 0;
  const bool shifted = bits != 0 && random.Chance(0.4), own = bits != 0 && random.Chance(0.25);
  const std::string activation =
      random.Pick<std::string>({"swiglu", "silu", "relu", "gelu", "identity"});
  const bool swiglu = activation == "swiglu";
  const int64_t fusion = swiglu ? random.Pick<int64_t>({1, 1, 0, 2}) : 0;
  const bool gated = swiglu ? fusion == 0 : random.Chance(0.2);
  const bool biased = random.Chance(0.6), normalized = random.Chance(0.6);
  const ExpertWeights first(random, {experts, fusion == 0 ? inner : 2 * inner, hidden}, bits, block,
                            shifted);
  const ExpertWeights second(random, {experts, hidden, inner}, bits, block, shifted);
  const ExpertWeights gate(random, {experts, inner, hidden}, bits, block, shifted);

  Attributes attributes = {{"k", choices},
                           {"activation_type", activation},
                           {"normalize_routing_weights", int64_t{normalized}}};
  const float alpha = random.Chance(0.5) ? 1.702f : 1.0f, beta = random.Chance(0.5) ? 1.0f : 0.0f;
  const bool limited = random.Chance(0.5);
  if (swiglu) {
    attributes.emplace_back("swiglu_fusion", fusion);
    attributes.emplace_back("activation_alpha", alpha);
    attributes.emplace_back("activation_beta", beta);
    if (limited) attributes.emplace_back("swiglu_limit", 2.0f);
  }
  Value* const x = c.Fed(random.Values(
      kFloat, random.Chance(0.5) ? Shape{tokens, hidden} : Shape{1, tokens, hidden}, -1, 1));
  Value* const router = c.Fed(random.Values(kFloat, {tokens, experts}));
  Value* const shares = own ? c.Fed(random.Values(kFloat, {tokens, experts}, 0, 1)) : nullptr;
  const auto given = [&](const Tensor& tensor) { return !tensor ? nullptr : c.Constant(tensor); };
  const auto bias = [&](const ExpertWeights& of) { return biased ? given(of.bias) : nullptr; };
  std::vector<Value*> inputs = {x, router};
  if (bits == 0) {
    const auto weights = [&](const ExpertWeights& of) {
      inputs.push_back(random.Chance(0.8) ? given(of.floats) : c.Fed(of.floats));
      inputs.push_back(bias(of));
    };
    weights(first);
    weights(second);
    if (gated) weights(gate);
  } else {
    attributes.emplace_back("expert_weight_bits", bits);
    if (block != 0) attributes.emplace_back("block_size", block);
    for (const ExpertWeights* of : {&first, &second, &gate}) {
      const bool there = of != &gate || gated;
      inputs.push_back(there ? given(of->numbers) : nullptr);
      inputs.push_back(there ? given(of->scales) : nullptr);
      inputs.push_back(there ? bias(*of) : nullptr);
    }
    for (const ExpertWeights* of : {&first, &second, &gate}) {
      inputs.push_back(of != &gate || gated ? given(of->zeros) : nullptr);
    }
    inputs.push_back(shares);
  }
  c.tolerance = {1e-3, 1e-3, 1e-4};
  c.Only(std::move(inputs), attributes);
  // The peer's CPU has neither gates of their own nor halves that are joined end to end.
  if (!gated && fusion != 2) return;

  c.BeginTwin(18);
  const Words w{c};
  Spelled spelled(c);
  Value* const rows = w("Reshape", {c.Twin(x), w.Ints({1, tokens, hidden})});
  Value* left = spelled.Product(rows, first, biased);
  Value* linear = gated ? spelled.Product(rows, gate, biased) : nullptr;
  if (fusion == 2) {
    Node& halves =
        c.Add("Split", "", {left}, {{"axis", int64_t{-1}}, {"num_outputs", int64_t{2}}}, 2);
    left = halves.output(0);
    linear = halves.output(1);
  }
  if (swiglu && limited) {
    left = w("Min", {left, w.Number(2)});
    linear = w("Max", {w("Min", {linear, w.Number(2)}), w.Number(-2)});
  }
  if (swiglu) linear = w("Add", {linear, w.Number(beta)});
  if (swiglu || activation == "silu") {
    left = w("Mul", {left, w("Sigmoid", {w("Mul", {left, w.Number(swiglu ? alpha : 1.0f)})})});
  } else if (activation == "relu") {
    left = w("Relu", {left});
  } else if (activation == "gelu") {
    Value* const cube = w("Mul", {left, w("Mul", {left, left})});
    Value* const sum = w("Add", {left, w("Mul", {cube, w.Number(0.044715f)})});
    Value* const tanh = w("Tanh", {w("Mul", {sum, w.Number(0.7978845608f)})});
    left = w("Mul", {w("Mul", {left, w.Number(0.5f)}), w("Add", {tanh, w.Number(1)})});
  }
  Value* const results = spelled.Product(w("Mul", {left, linear}), second, biased);
  Value* const share =
      spelled.Share(c.Twin(router), c.Twin(shares), choices, normalized, bits != 0);
  Value* const sum =
      w("ReduceSum", {w("Mul", {results, share}), w.Ints({0})}, {{"keepdims", int64_t{0}}});
  c.Return(w("Reshape", {sum, w("Shape", {c.Twin(x)})}));
}

void MoE(Case& c) { Mix(c, 0); }
void QMoE(Case& c) { Mix(c, c.random().Pick<int64_t>({4, 8, 2})); }

}  // namespace

std::vector<Subject> MixtureSubjects() {
  return {{"MoE", MoE, kMicrosoft, 18}, {"QMoE", QMoE, kMicrosoft, 18}};
}

}  // namespace mullion::differential
