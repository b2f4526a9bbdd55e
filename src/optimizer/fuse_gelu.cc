// SPDX-License-Identifier: MIT
#include "optimizer/fuse_gelu.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "optimizer/pattern.h"
#include "optimizer/remove_dead_code.h"

namespace mullion::optimizer {

namespace {

constexpr int kGeluOpset = 20;

// Exporters write constants with four digits or more.
bool IsNear(double a, double b) { return std::abs(a - b) <= 1e-4 * std::abs(b); }

// A value taken apart: a number times other values, which may repeat.
struct Factors {
  double number = 1;
  std::vector<const Value*> values;

  bool Are(double wanted, std::vector<const Value*> others) const {
    std::vector<const Value*> mine = values;
    std::sort(mine.begin(), mine.end());
    std::sort(others.begin(), others.end());
    return IsNear(number, wanted) && mine == others;
  }
};

void Multiply(const Value& value, int depth, Factors& factors) {
  // The cubic term of the tanh form has three x and a number.
  constexpr int kDeepest = 4;
  if (const auto number = ScalarOf(&value)) {
    factors.number *= static_cast<double>(*number);
    return;
  }
  if (const Node* const power = ProducerOf(&value, "Pow")) {
    const auto exponent = ScalarOf(power->input(1));
    if (exponent == 3.0f || exponent == 2.0f) {
      factors.values.insert(factors.values.end(), static_cast<size_t>(*exponent), power->input(0));
      return;
    }
  }
  if (const Node* const product = ProducerOf(&value, "Mul");
      product != nullptr && depth < kDeepest) {
    Multiply(*product->input(0), depth + 1, factors);
    Multiply(*product->input(1), depth + 1, factors);
    return;
  }
  if (const Node* const quotient = ProducerOf(&value, "Div")) {
    const auto divisor = ScalarOf(quotient->input(1));
    if (divisor.has_value() && *divisor != 0 && depth < kDeepest) {
      factors.number /= static_cast<double>(*divisor);
      Multiply(*quotient->input(0), depth + 1, factors);
      return;
    }
  }
  factors.values.push_back(&value);
}

Factors FactorsOf(const Value& value) {
  Factors factors;
  Multiply(value, 0, factors);
  return factors;
}

// The operand of an Add beside the one that `is` takes; null when there is none.
template <typename Is>
const Value* BesideIn(const Value& value, Is is) {
  const Node* const add = ProducerOf(&value, "Add");
  if (add == nullptr) return nullptr;
  for (int i = 0; i < 2; ++i) {
    if (is(*add->input(i))) return add->input(1 - i);
  }
  return nullptr;
}

bool IsOne(const Value& value) { return ScalarOf(&value) == 1.0f; }

// sqrt(2/pi) (x + 0.044715 x^3), or sqrt(2/pi) x (1 + 0.044715 x^2).
bool IsTanhArgument(const Value& value, const Value& x) {
  constexpr double kScale = 0.7978845608;
  constexpr double kCubic = 0.044715;
  const Factors factors = FactorsOf(value);
  if (!IsNear(factors.number, kScale)) return false;
  if (factors.values.size() == 1) {
    const Value* const cubic =
        BesideIn(*factors.values[0], [&](const Value& other) { return &other == &x; });
    return cubic != nullptr && FactorsOf(*cubic).Are(kCubic, {&x, &x, &x});
  }
  if (factors.values.size() != 2) return false;
  const Value* const sum = factors.values[factors.values[0] == &x ? 1 : 0];
  const Value* const square = BesideIn(*sum, IsOne);
  return square != nullptr && factors.Are(kScale, {&x, sum}) &&
         FactorsOf(*square).Are(kCubic, {&x, &x});
}

enum class Form { kErf, kTanh };

// Whether `gate` is 1 + erf(x / sqrt(2)) or 1 + tanh(...).
std::optional<Form> FormOf(const Value& gate, const Value& x) {
  const Value* const function = BesideIn(gate, IsOne);
  if (const Node* const erf = ProducerOf(function, "Erf")) {
    constexpr double kScale = 0.7071067812;
    if (FactorsOf(*erf->input(0)).Are(kScale, {&x})) return Form::kErf;
  }
  if (const Node* const tanh = ProducerOf(function, "Tanh")) {
    if (IsTanhArgument(*tanh->input(0), x)) return Form::kTanh;
  }
  return std::nullopt;
}

bool FuseGeluAt(Graph& graph, Node& root) {
  if (!IsFloat(root.output(0))) return false;
  const Factors factors = FactorsOf(*root.output(0));
  if (factors.values.size() != 2 || !IsNear(factors.number, 0.5)) return false;
  for (size_t side = 0; side < 2; ++side) {
    Value& x = const_cast<Value&>(*factors.values[side]);
    const auto form = FormOf(*factors.values[1 - side], x);
    if (!form.has_value() || !HaveSameRank(x, *root.output(0))) continue;
    Node& gelu = graph.AddBareNode("", "Gelu", kGeluOpset, &root);
    gelu.origin = root.origin;
    gelu.AddInput(&x);
    if (*form == Form::kTanh) gelu.SetAttribute("approximate", std::string("tanh"));
    Value* const output = root.output(0);
    root.SetOutput(0, nullptr);
    gelu.SetOutput(0, output);
    graph.Remove(root);
    return true;
  }
  return false;
}

}  // namespace

bool FuseGelu(Graph& graph) {
  bool changed = false;
  for (auto place = graph.nodes().begin(); place != graph.nodes().end();) {
    Node& node = **place;
    ++place;
    for (Graph* const subgraph : node.Subgraphs()) changed |= FuseGelu(*subgraph);
    if (Is(node, "Mul") || Is(node, "Div")) changed |= FuseGeluAt(graph, node);
  }
  if (changed) RemoveDeadCode(graph);
  return changed;
}

}  // namespace mullion::optimizer
