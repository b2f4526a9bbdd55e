// SPDX-License-Identifier: MIT
#include "optimizer/fuse_attention.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <optional>

#include "operators/attention.h"
#include "optimizer/pattern.h"
#include "optimizer/remove_dead_code.h"

namespace mullion::optimizer {

namespace {

using namespace operators::attention;

constexpr int kAttentionOpset = 24;

int RankOf(const Value& value) { return value.type.has_shape ? value.type.shape.rank() : -1; }

// Known to be the same size whatever the symbols stand for.
bool IsSameDim(int64_t a, int64_t b) { return a == b && a != kUnknownDim; }

bool Permutes(const Node& transpose, std::initializer_list<int64_t> wanted) {
  const auto perm = transpose.IntsAttribute("perm");
  return std::equal(perm.begin(), perm.end(), wanted.begin(), wanted.end());
}

// What `value` is without multiplications by numbers, which go into `scale`.
Value& WithoutScale(Value& value, double& scale) {
  Value* at = &value;
  for (;;) {
    const Node* const product = ProducerOf(at, "Mul");
    const Node* const node = product != nullptr ? product : ProducerOf(at, "Div");
    if (node == nullptr) return *at;
    int side = 1;
    if (product != nullptr && !ScalarOf(node->input(1)).has_value()) side = 0;
    const auto number = ScalarOf(node->input(side));
    Value& rest = *node->input(1 - side);
    if (!number.has_value() || *number == 0 || !HaveSameRank(rest, *at)) return *at;
    scale *= product != nullptr ? static_cast<double>(*number) : 1 / static_cast<double>(*number);
    at = &rest;
  }
}

// ---- scores ------------------------------------------------------------------------------------

struct Scores {
  const Node* product = nullptr;  // of query and transposed key
  double scale = 1;
  Value* condition = nullptr;
  bool keeps = true;  // scores stay where the condition is true
  float fill = -std::numeric_limits<float>::infinity();
  Value* bias = nullptr;
};

// `mask` broadcasts to `scores`, and never the other way round unless sizes that are not known yet
// say so, which the kernel refuses then.
bool IsMask(const Value* mask, const Value& scores, ElementType type) {
  if (mask == nullptr || !mask->type.IsTensor() || mask->type.element_type != type) return false;
  const int rank = RankOf(*mask);
  if (rank < 1 || rank > 4 || RankOf(scores) != 4) return false;
  for (int i = 0; i < rank; ++i) {
    const int64_t dim = mask->type.shape.Back(i);
    const int64_t wanted = scores.type.shape.Back(i);
    const bool one = dim == 1 && i > 0;
    if (!one && dim != wanted && (dim >= 0 || wanted == 1)) return false;
  }
  return true;
}

std::optional<Scores> ScoresOf(Value& value);

std::optional<Scores> Biased(const Node& add) {
  for (int side = 0; side < 2; ++side) {
    Value* const bias = add.input(1 - side);
    Value& rest = *add.input(side);
    if (!IsMask(bias, rest, ElementType::kFloat)) continue;
    auto scores = ScoresOf(rest);
    if (!scores.has_value() || scores->bias != nullptr) continue;
    scores->bias = bias;
    return scores;
  }
  return std::nullopt;
}

std::optional<Scores> Chosen(const Node& where) {
  Value* const condition = where.input(0);
  for (int side = 1; side <= 2; ++side) {
    const auto fill = ScalarOf(where.input(3 - side));
    Value& rest = *where.input(side);
    if (!fill.has_value() || !IsMask(condition, rest, ElementType::kBool)) continue;
    auto scores = ScoresOf(rest);
    if (!scores.has_value() || scores->bias != nullptr || scores->condition != nullptr) continue;
    scores->condition = condition;
    scores->keeps = side == 1;
    scores->fill = *fill;
    return scores;
  }
  return std::nullopt;
}

// Takes scores apart from the last step to the product. Nobody else reads them.
std::optional<Scores> ScoresOf(Value& value) {
  if (!HasOneReader(value)) return std::nullopt;
  if (const Node* const add = ProducerOf(&value, "Add")) return Biased(*add);
  if (const Node* const where = ProducerOf(&value, "Where")) return Chosen(*where);
  Scores scores;
  Value& product = WithoutScale(value, scores.scale);
  scores.product = ProducerOf(&product, "MatMul");
  if (scores.product == nullptr || !HasOneReader(product)) return std::nullopt;
  return scores;
}

// ---- operands ----------------------------------------------------------------------------------

struct Operand {
  Value* value = nullptr;  // [batch, heads, tokens, size], or [batch, tokens, heads * size]
  Value* past = nullptr;
  Node* concat = nullptr;  // that joins the two
};

// Whether `reshape` splits the last axis of [batch, tokens, heads * size] or joins it again. The
// first two axes stay when one of them does and the others have as many elements.
bool KeepsTokens(const Node& reshape, const Value& joined, const Value& split) {
  if (RankOf(joined) != 3 || RankOf(split) != 4) return false;
  const Shape& heads = split.type.shape;
  if (heads[2] < 1 || heads[3] < 1 || joined.type.shape[2] != heads[2] * heads[3]) return false;
  const Value* const shape = reshape.input(1);
  for (const int axis : {0, 1}) {
    if (IsSameDim(heads[axis], joined.type.shape[axis])) return true;
    // A zero takes the dimension over.
    if (shape != nullptr && shape->IsConstant() && reshape.IntAttribute("allowzero", 0) == 0 &&
        shape->constant.span<int64_t>()[static_cast<size_t>(axis)] == 0) {
      return true;
    }
  }
  return false;
}

// The operand as it was before it was split into `split` = [batch, tokens, heads, size].
Value* BeforeSplit(const Value& split) {
  const Node* const reshape = ProducerOf(&split, "Reshape");
  if (reshape == nullptr || !KeepsTokens(*reshape, *reshape->input(0), split)) return nullptr;
  return reshape->input(0);
}

// Follows `value` = [batch, heads, tokens, size] back through scales, and the splitting into heads.
Operand OperandOf(Value& value, double& scale) {
  Operand operand;
  operand.value = &WithoutScale(value, scale);
  const Node* const turned = ProducerOf(operand.value, "Transpose");
  if (turned == nullptr || !Permutes(*turned, {0, 2, 1, 3})) return operand;
  double inner = 1;
  Value* const flat = BeforeSplit(WithoutScale(*turned->input(0), inner));
  if (flat == nullptr) return operand;
  operand.value = &WithoutScale(*flat, inner);
  scale *= inner;
  return operand;
}

// The same of keys and values, which may be a past and new ones that are read nowhere else.
Operand CachedOf(Value& value) {
  double scale = 1;
  Operand operand = OperandOf(value, scale);
  if (scale != 1) return {&value};
  Node* const concat = ProducerOf(operand.value, "Concat");
  if (concat == nullptr || concat->input_count() != 2 || RankOf(value) != 4 ||
      operand.value->uses().size() != 1) {
    return operand;
  }
  const int64_t axis = concat->IntAttribute("axis", 0);
  if ((axis != 2 && axis != -2) || RankOf(*concat->input(0)) != 4) return operand;
  Operand joined = OperandOf(*concat->input(1), scale);
  if (scale != 1) joined.value = concat->input(1);
  joined.past = concat->input(0);
  joined.concat = concat;
  return joined;
}

// Rows = [batch, heads, tokens, size] whose heads PyTorch's exporter makes one axis with the batch,
// as its Transpose turns three axes, and takes apart again to `columns` = [batch, heads, size,
// tokens].
Value* TurnedAsMatrices(const Value& columns) {
  const Node* const apart = ProducerOf(&columns, "Reshape");
  const Node* const turned = apart == nullptr ? nullptr : ProducerOf(apart->input(0), "Transpose");
  const Node* const together =
      turned == nullptr ? nullptr : ProducerOf(turned->input(0), "Reshape");
  if (together == nullptr || !Permutes(*turned, {0, 2, 1})) return nullptr;
  Value* const rows = together->input(0);
  if (RankOf(*rows) != 4 || RankOf(*together->output(0)) != 3) return nullptr;
  const Shape& shape = rows->type.shape;
  const Shape& matrices = together->output(0)->type.shape;
  const Shape& end = columns.type.shape;
  const bool same = IsSameDim(shape[2], matrices[1]) && IsSameDim(shape[3], matrices[2]) &&
                    IsSameDim(shape[2], end[3]) && IsSameDim(shape[3], end[2]) &&
                    IsSameDim(shape[1], end[1]);
  return same ? rows : nullptr;
}

// Keys as rows; `columns` = [batch, heads, size, tokens] is what the product reads.
std::optional<Operand> KeysOf(Value& columns, double& scale) {
  Value& unscaled = WithoutScale(columns, scale);
  if (Value* const rows = TurnedAsMatrices(unscaled)) return CachedOf(WithoutScale(*rows, scale));
  const Node* const turned = ProducerOf(&unscaled, "Transpose");
  if (turned == nullptr) return std::nullopt;
  if (Permutes(*turned, {0, 1, 3, 2})) return CachedOf(WithoutScale(*turned->input(0), scale));
  if (!Permutes(*turned, {0, 2, 3, 1})) return std::nullopt;
  Value* const flat = BeforeSplit(WithoutScale(*turned->input(0), scale));
  if (flat == nullptr) return std::nullopt;
  return Operand{&WithoutScale(*flat, scale)};
}

// ---- the node ----------------------------------------------------------------------------------

struct Match {
  Scores scores;
  Operand query;
  Operand key;
  Operand value;
  int64_t heads = 0;
  Node* last = nullptr;  // the node whose output the attention gives
  bool flat = false;     // that is [batch, tokens, heads * size]
  bool without_nan = false;
};

// Query and key are as many matrices each, of the same batch and heads.
bool HaveSameMatrices(const Value& a, const Value& b) {
  if (RankOf(a) != 4 || RankOf(b) != 4) return false;
  return IsSameDim(a.type.shape[0], b.type.shape[0]) && a.type.shape[1] > 0 &&
         a.type.shape[1] == b.type.shape[1];
}

// Behind `product`, the Reshape that joins heads again; null if there is none.
Node* JoiningOf(const Node& product) {
  const Value& output = *product.output(0);
  if (!HasOneReader(output)) return nullptr;
  const Node& turned = *output.uses()[0].node;
  if (!Is(turned, "Transpose") || !Permutes(turned, {0, 2, 1, 3})) return nullptr;
  const Value& split = *turned.output(0);
  if (!HasOneReader(split)) return nullptr;
  Node& reshape = *split.uses()[0].node;
  const bool joins = Is(reshape, "Reshape") && &reshape.graph() == &product.graph() &&
                     KeepsTokens(reshape, *reshape.output(0), split);
  return joins ? &reshape : nullptr;
}

// `weights` with zeros in the place of NaN, if that is all that they are read for; else null.
Value* WithoutNan(const Value& weights) {
  if (weights.uses().size() != 2 || weights.IsGraphOutput()) return nullptr;
  for (const Use& use : weights.uses()) {
    if (!Is(*use.node, "Where") || use.index != 2) continue;
    const Node* const nan = ProducerOf(use.node->input(0), "IsNaN");
    Value* const chosen = use.node->output(0);
    const bool zeros = nan != nullptr && nan->input(0) == &weights &&
                       HasOneReader(*nan->output(0)) && ScalarOf(use.node->input(1)) == 0.0f;
    if (zeros && HaveSameRank(weights, *chosen)) return chosen;
  }
  return nullptr;
}

std::optional<Match> MatchAt(Node& softmax) {
  const int64_t axis = softmax.IntAttribute("axis", -1);
  Value* const chosen = WithoutNan(*softmax.output(0));
  Value& weights = chosen == nullptr ? *softmax.output(0) : *chosen;
  if (!IsFloat(&weights) || RankOf(weights) != 4 || (axis != 3 && axis != -1) ||
      !HasOneReader(weights)) {
    return std::nullopt;
  }
  Node& product = *weights.uses()[0].node;
  if (!Is(product, "MatMul") || weights.uses()[0].index != 0 ||
      &product.graph() != &softmax.graph()) {
    return std::nullopt;
  }
  const auto scores = ScoresOf(*softmax.input(0));
  if (!scores.has_value()) return std::nullopt;
  Value& query = *scores->product->input(0);
  Value& columns = *scores->product->input(1);
  Value& value = *product.input(1);
  if (!HaveSameMatrices(query, columns) || !HaveSameMatrices(query, value)) return std::nullopt;
  Match match;
  match.scores = *scores;
  match.heads = query.type.shape[1];
  match.query = OperandOf(query, match.scores.scale);
  const auto key = KeysOf(columns, match.scores.scale);
  if (!key.has_value()) return std::nullopt;
  match.key = *key;
  match.value = CachedOf(value);
  // A past of keys goes with one of values.
  if (match.key.past == nullptr || match.value.past == nullptr) {
    for (Operand* const operand : {&match.key, &match.value}) {
      if (operand->past != nullptr) *operand = {operand->concat->output(0)};
    }
  }
  Node* const joining = JoiningOf(product);
  match.flat = joining != nullptr;
  match.without_nan = chosen != nullptr;
  match.last = match.flat ? joining : &product;
  return match;
}

// Output `to` of `attention` is what output 0 of `from` was.
void GiveOutput(Node& attention, int to, Node& from) {
  Value* const output = from.output(0);
  from.SetOutput(0, nullptr);
  attention.SetOutput(to, output);
}

void Write(Graph& graph, const Match& match) {
  Node& attention = graph.AddBareNode("", "Attention", kAttentionOpset, match.last);
  attention.origin = match.scores.product->origin;
  Value* condition = match.scores.condition;
  if (condition != nullptr && !match.scores.keeps) {
    Value* const inputs[] = {condition};
    Node& inverse = graph.AddNode("", "Not", 1, inputs, 1, condition->name(), &attention);
    inverse.origin = attention.origin;
    condition = inverse.output(0);
    condition->type = match.scores.condition->type;
  }
  attention.AddInput(match.query.value);
  attention.AddInput(match.key.value);
  attention.AddInput(match.value.value);
  if (match.scores.bias != nullptr) attention.SetInput(kMask, match.scores.bias);
  if (match.key.past != nullptr) {
    attention.SetInput(kPastKey, match.key.past);
    attention.SetInput(kPastValue, match.value.past);
  }
  if (condition != nullptr) attention.SetInput(kCondition, condition);
  attention.SetAttribute("scale", static_cast<float>(match.scores.scale));
  attention.SetAttribute("q_num_heads", match.heads);
  attention.SetAttribute("kv_num_heads", match.heads);
  attention.SetAttribute(kFusedFill, match.scores.fill);
  attention.SetAttribute(kFusedFlatOutput, int64_t{match.flat ? 1 : 0});
  if (match.without_nan) attention.SetAttribute(kFusedWithoutNan, int64_t{1});
  GiveOutput(attention, kOut, *match.last);
  if (match.key.past == nullptr) return;
  // What read these is dead.
  GiveOutput(attention, kPresentKey, *match.key.concat);
  GiveOutput(attention, kPresentValue, *match.value.concat);
}

}  // namespace

bool FuseAttention(Graph& graph) {
  bool changed = false;
  for (auto place = graph.nodes().begin(); place != graph.nodes().end();) {
    Node& node = **place;
    ++place;
    for (Graph* const subgraph : node.Subgraphs()) changed |= FuseAttention(*subgraph);
    if (!Is(node, "Softmax")) continue;
    const auto match = MatchAt(node);
    if (!match.has_value()) continue;
    Write(graph, *match);
    changed = true;
  }
  if (changed) RemoveDeadCode(graph);
  return changed;
}

}  // namespace mullion::optimizer
