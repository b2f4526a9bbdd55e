// SPDX-License-Identifier: MIT
// RNN, GRU and LSTM with everything that may be left out.
#include <algorithm>

#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

// One activation for each of `count` places in each direction, with what each may take of alpha
// and beta.
void AddActivations(Random& random, int count, int directions, Attributes& attributes) {
  struct Activation {
    const char* name;
    int numbers;
  };
  static const std::vector<Activation> kAll = {
      {"Sigmoid", 0},  {"Tanh", 0},      {"Relu", 0},        {"Affine", 2},
      {"Elu", 1},      {"LeakyRelu", 1}, {"HardSigmoid", 2}, {"ThresholdedRelu", 1},
      {"Softsign", 0}, {"Softplus", 0},  {"ScaledTanh", 2}};
  std::vector<std::string> names;
  std::vector<float> alpha, beta;
  for (int i = 0; i < count * directions; ++i) {
    const Activation& chosen = random.Pick(kAll);
    names.emplace_back(chosen.name);
    if (chosen.numbers > 0) alpha.push_back(static_cast<float>(random.Real(0.1, 0.9)));
    if (chosen.numbers > 1) beta.push_back(static_cast<float>(random.Real(0.1, 0.9)));
  }
  attributes.emplace_back("activations", names);
  if (!alpha.empty()) attributes.emplace_back("activation_alpha", alpha);
  if (!beta.empty()) attributes.emplace_back("activation_beta", beta);
}

void Recurrent(Case& c) {
  Random& random = c.random();
  const std::string_view name = c.subject().name;
  const bool lstm = name == "LSTM", gru = name == "GRU";
  const int64_t gates = lstm ? 4 : gru ? 3 : 1;
  const int64_t time = random.Int(1, 6, 32), batch = random.Int(1, 4, 4);
  const int64_t width = random.Int(1, 6, 128);
  const int64_t hidden = random.PickSize({1, 3, 5, 8, 16, 17}, 128);
  const bool batch_first = c.opset() >= 14 && random.Chance(0.15);
  Attributes attributes = {{"hidden_size", hidden}};
  int64_t directions = 1;
  if (random.Chance(0.75)) {
    const std::string direction = random.Pick({"forward", "reverse", "bidirectional"});
    directions = direction == "bidirectional" ? 2 : 1;
    attributes.emplace_back("direction", direction);
  }
  if (batch_first) attributes.emplace_back("layout", int64_t{1});
  if (random.Chance(0.3)) attributes.emplace_back("clip", static_cast<float>(random.Real(0.3, 2)));
  // Activations without bounds: small weights, or sums leave what floats can hold.
  const bool unbounded = random.Chance(0.4);
  if (unbounded) {
    AddActivations(random, lstm ? 3 : gru ? 2 : 1, static_cast<int>(directions), attributes);
  }
  if (gru && random.Chance(0.6)) attributes.emplace_back("linear_before_reset", random.Int(0, 1));
  if (lstm && random.Chance(0.2)) attributes.emplace_back("input_forget", random.Int(0, 1));
  const auto small = [&](const Shape& shape) { return random.Values(kFloat, shape, -1, 1); };
  const auto maybe = [&](double chance, const Shape& shape) -> Value* {
    return random.Chance(chance) ? c.Input(small(shape)) : nullptr;
  };
  const Shape state =
      batch_first ? Shape{batch, directions, hidden} : Shape{directions, batch, hidden};
  std::vector<Value*> inputs = {
      c.Fed(small(batch_first ? Shape{batch, time, width} : Shape{time, batch, width})),
      c.Weights(small({directions, gates * hidden, width})),
      c.Weights(unbounded ? random.Values(kFloat, {directions, gates * hidden, hidden}, -0.2, 0.2)
                          : small({directions, gates * hidden, hidden})),
      random.Chance(0.7) ? c.Weights(small({directions, 2 * gates * hidden})) : nullptr,
      random.Chance(0.4) ? c.Input(random.Values(kInt32, {batch}, 1, static_cast<double>(time)))
                         : nullptr,
      maybe(0.5, state)};
  if (lstm) {
    inputs.push_back(maybe(0.5, state));
    inputs.push_back(maybe(0.4, {directions, 3 * hidden}));
  }
  c.tolerance = {1e-3, 1e-5, 1e-5};
  c.Only(inputs, attributes, static_cast<int>(random.Int(1, lstm ? 3 : 2)));
}

}  // namespace

std::vector<Subject> RecurrentSubjects() {
  return {{"RNN", Recurrent}, {"GRU", Recurrent}, {"LSTM", Recurrent}};
}

}  // namespace mullion::differential
