// SPDX-License-Identifier: MIT
// Transforms and windows of signals.
#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

void Dft(Case& c) {
  Random& random = c.random();
  const bool inverse = random.Chance(0.3), onesided = !inverse && random.Chance(0.4);
  const bool complex = !onesided && random.Chance(0.6);
  const int rank = static_cast<int>(random.Int(1, 3));
  Shape shape;
  for (int i = 0; i < rank; ++i) {
    const bool last = i == rank - 1;
    shape.Append(random.Int(1, last ? 20 : 3, last ? 512 : 16));
  }
  const int at = static_cast<int>(random.Int(rank > 1 ? 1 : 0, rank - 1));
  shape.Append(complex || inverse ? 2 : 1);
  Attributes attributes;
  if (inverse) attributes.emplace_back("inverse", int64_t{1});
  if (onesided) attributes.emplace_back("onesided", int64_t{1});
  const ElementType type = random.Pick({kFloat, kFloat, kDouble});
  Value* const x = c.Input(random.Values(type, shape));
  Value* const length =
      random.Chance(0.4) ? c.Input(Tensor::Scalar<int64_t>(random.Int(1, 24, 600))) : nullptr;
  c.tolerance = {1e-3, 1e-4, 1e-5};
  if (c.opset() < 20) {
    attributes.emplace_back("axis", int64_t{at});
    return c.Only({x, length}, attributes);
  }
  c.Only({x, length, c.Input(Tensor::Scalar<int64_t>(random.Chance(0.5) ? at : at - rank - 1))},
         attributes);
}

void Stft(Case& c) {
  Random& random = c.random();
  const int64_t frame = random.Int(2, 10, 400), step = random.Int(1, 5, 160);
  const int64_t length = frame + random.Int(0, 20, 16000);
  const bool window = random.Chance(0.6);
  Attributes attributes;
  if (random.Chance(0.6)) attributes.emplace_back("onesided", random.Int(0, 1));
  c.tolerance = {1e-3, 1e-4, 1e-5};
  c.Only({c.Input(random.Values(kFloat, {random.Int(1, 2), length, 1})),
          c.Input(Tensor::Scalar<int64_t>(step)),
          window ? c.Input(random.Values(kFloat, {frame}, 0, 1)) : nullptr,
          c.Input(Tensor::Scalar<int64_t>(frame))},
         attributes);
}

void Window(Case& c) {
  Random& random = c.random();
  Attributes attributes;
  if (random.Chance(0.5)) attributes.emplace_back("periodic", random.Int(0, 1));
  if (random.Chance(0.4)) attributes.emplace_back("output_datatype", random.Pick<int64_t>({1, 11}));
  c.tolerance = {1e-3, 1e-5, 1e-5};
  c.Only({c.Input(Tensor::Scalar<int64_t>(random.Int(2, 33, 100000)))}, attributes);
}

void MelWeights(Case& c) {
  Random& random = c.random();
  const auto scalar = [&](int64_t value) { return c.Input(Tensor::Scalar<int64_t>(value)); };
  c.Only({scalar(random.Int(2, 8, 80)), scalar(random.PickSize({16, 64, 100}, 1024)), scalar(8192),
          c.Input(Tensor::Scalar<float>(random.Chance(0.5) ? 0.0f : 125.0f)),
          c.Input(Tensor::Scalar<float>(4096.0f))});
}

}  // namespace

std::vector<Subject> SignalSubjects() {
  return {{"DFT", Dft, "", 17},
          {"STFT", Stft, "", 17},
          {"HannWindow", Window, "", 17},
          {"HammingWindow", Window, "", 17},
          {"BlackmanWindow", Window, "", 17},
          {"MelWeightMatrix", MelWeights, "", 17}};
}

}  // namespace mullion::differential
