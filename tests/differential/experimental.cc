// SPDX-License-Identifier: MIT
// Operators of opset 1 that were experimental and have left the standard. The peer runs a twin in
// words of today.
#include "tests/differential/spelled_out.h"
#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

constexpr int kModernOpset = 15;

Shape AnyImage(Random& random) {
  return {random.Int(1, 2), random.Int(1, 4, 3), random.Int(4, 8, 200), random.Int(4, 8, 200)};
}

void Affine(Case& c) {
  const float alpha = c.random().Chance(0.8) ? 0.5f : 1.0f;
  const float beta = c.random().Chance(0.8) ? -1.5f : 0.0f;
  Value* const x = c.Fed(c.random().Values(kFloat, c.random().AnyShape(1, 4)));
  c.Only({x}, {{"alpha", alpha}, {"beta", beta}});
  c.BeginTwin(kModernOpset);
  const Words w{c};
  c.Return(w("Add", {w("Mul", {c.Twin(x), w.Number(alpha)}), w.Number(beta)}));
}

void ImageScaler(Case& c) {
  const Shape shape = AnyImage(c.random());
  const Tensor shift = c.random().Values(kFloat, {shape[1], 1, 1});
  const auto bias = shift.span<float>();
  Value* const x = c.Fed(c.random().Values(kFloat, shape));
  c.Only({x}, {{"scale", 0.25f}, {"bias", std::vector<float>(bias.begin(), bias.end())}});
  c.BeginTwin(kModernOpset);
  const Words w{c};
  c.Return(w("Add", {w("Mul", {c.Twin(x), w.Number(0.25)}), c.TwinConstant(shift)}));
}

void Crop(Case& c) {
  Random& random = c.random();
  const Shape shape = AnyImage(random);
  std::vector<int64_t> border;  // left, top, right, bottom
  for (int i = 0; i < 4; ++i) border.push_back(random.Int(0, 2));
  int64_t height = shape[2] - border[1] - border[3], width = shape[3] - border[0] - border[2];
  Attributes attributes = {{"border", border}};
  if (random.Chance(0.5)) {
    height = random.Int(1, shape[2] - border[1]);
    width = random.Int(1, shape[3] - border[0]);
    attributes.emplace_back("scale", std::vector<int64_t>{height, width});
  }
  Value* const x = c.Fed(random.Values(kFloat, shape));
  c.Only({x}, attributes);
  c.BeginTwin(kModernOpset);
  const Words w{c};
  c.Return(w("Slice", {c.Twin(x), w.Ints({border[1], border[0]}),
                       w.Ints({border[1] + height, border[0] + width}), w.Ints({2, 3})}));
}

}  // namespace

std::vector<Subject> ExperimentalSubjects() {
  return {{"Affine", Affine, "", 1, 6},
          {"ImageScaler", ImageScaler, "", 1, 6},
          {"Crop", Crop, "", 1, 6}};
}

}  // namespace mullion::differential
