// SPDX-License-Identifier: MIT
// Normalisation, dropout, losses and random numbers.
#include <algorithm>

#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

Shape Image(Random& random) {
  Shape shape = random.AnyShape(3, 5, 5);
  for (int i = 0; i < shape.rank(); ++i) shape[i] = std::max<int64_t>(shape[i], 1);
  return shape;
}

void BatchNormalization(Case& c) {
  Random& random = c.random();
  const ElementType type = random.Pick({kFloat, kFloat, kDouble});
  const Shape shape =
      random.Chance(0.2) ? Shape{random.Int(1, 3), random.Int(1, 5)} : Image(random);
  const Shape channels = {shape[1]};
  Attributes attributes;
  if (random.Chance(0.5)) attributes.emplace_back("epsilon", 1e-3f);
  std::vector<Value*> inputs = {c.Input(random.Values(type, shape))};
  for (int i = 0; i < 3; ++i) inputs.push_back(c.Weights(random.Values(type, channels)));
  inputs.push_back(c.Weights(random.Values(type, channels, 0.1, 3)));
  const bool training = c.opset() >= 14 && random.Chance(0.3);
  if (training) attributes.emplace_back("training_mode", int64_t{1});
  c.tolerance = {1e-3, 1e-4, 1e-5};
  c.Only(inputs, attributes, training ? 3 : 1);
}

void InstanceNormalization(Case& c) {
  Random& random = c.random();
  const Shape shape = Image(random);
  Attributes attributes;
  if (random.Chance(0.5)) attributes.emplace_back("epsilon", 1e-2f);
  c.tolerance = {1e-3, 1e-4, 1e-4};
  c.Only({c.Input(random.Values(kFloat, shape)), c.Weights(random.Values(kFloat, {shape[1]})),
          c.Weights(random.Values(kFloat, {shape[1]}))},
         attributes);
}

void GroupNormalization(Case& c) {
  Random& random = c.random();
  const auto groups = random.Int(1, 4, 8);
  Shape shape = Image(random);
  shape[1] = groups * random.Int(1, 3, 8);
  const Shape weights = {c.opset() < 21 ? groups : shape[1]};
  Attributes attributes = {{"num_groups", groups}};
  if (random.Chance(0.5)) attributes.emplace_back("epsilon", 1e-2f);
  c.tolerance = {1e-3, 1e-4, 1e-4};
  c.Only({c.Input(random.Values(kFloat, shape)), c.Weights(random.Values(kFloat, weights)),
          c.Weights(random.Values(kFloat, weights))},
         attributes);
}

void LayerNormalization(Case& c) {
  Random& random = c.random();
  const bool mean = c.subject().name == "LayerNormalization";
  Shape shape = random.AnyShape(1, 4, 6, {4, 128, 768});
  for (int i = 0; i < shape.rank(); ++i) shape[i] = std::max<int64_t>(shape[i], 1);
  const int at = static_cast<int>(random.Int(0, shape.rank() - 1));
  Shape weights;
  for (int i = at; i < shape.rank(); ++i) weights.Append(shape[i]);
  Attributes attributes;
  if (at != shape.rank() - 1 || random.Chance(0.5)) {
    attributes.emplace_back("axis", random.Chance(0.5) ? int64_t{at} : int64_t{at} - shape.rank());
  }
  if (random.Chance(0.5)) attributes.emplace_back("epsilon", 1e-2f);
  const ElementType type = random.Pick({kFloat, kFloat, kFloat, kDouble, kFloat16});
  std::vector<Value*> inputs = {c.Input(random.Values(type, shape)),
                                c.Weights(random.Values(type, weights))};
  if (mean && random.Chance(0.6)) inputs.push_back(c.Weights(random.Values(type, weights)));
  c.tolerance = {1e-3, 1e-4, 1e-4};
  const int outputs = mean && type != kFloat16 && random.Chance(0.4) ? 3 : 1;
  c.Only(inputs, attributes, outputs);
}

void Lrn(Case& c) {
  Random& random = c.random();
  Attributes attributes = {{"size", 2 * random.Int(0, 3, 2) + 1}};
  if (random.Chance(0.5)) attributes.emplace_back("alpha", 0.01f);
  if (random.Chance(0.5)) attributes.emplace_back("beta", 0.6f);
  if (random.Chance(0.5)) attributes.emplace_back("bias", 2.0f);
  Shape shape = Image(random);
  while (shape.rank() > 4) shape.Remove(2);
  while (shape.rank() < 4) shape.Append(3);
  c.Only({c.Input(random.Values(kFloat, shape))}, attributes);
}

void MeanVariance(Case& c) {
  Random& random = c.random();
  Shape shape = Image(random);
  while (shape.rank() > 4) shape.Remove(2);
  while (shape.rank() < 4) shape.Append(3);
  Attributes attributes;
  if (random.Chance(0.5)) {
    attributes.emplace_back("axes",
                            random.Pick<std::vector<int64_t>>({{0, 2, 3}, {2, 3}, {0, 1, 2, 3}}));
  }
  // Of one element the variance is 0, and what is left is noise.
  c.tolerance = {1e-3, 1e-3, 1e-4};
  c.Only({c.Input(random.Values(kFloat, shape))}, attributes);
}

void Dropout(Case& c) {
  Random& random = c.random();
  Value* const x =
      c.Input(random.Values(random.Pick({kFloat, kFloat, kDouble}), random.AnyShape(1, 4)));
  // What older masks hold outside training is not specified.
  const int outputs = static_cast<int>(random.Int(1, 2));
  if (c.opset() < 12) return c.Only({x}, {{"ratio", 0.4f}}, 1);
  Value* const ratio = random.Chance(0.5) ? c.Input(random.Values(kFloat, {}, 0, 0.9)) : nullptr;
  Value* const training =
      random.Chance(0.4) ? c.Input(random.Chance(0) ? Tensor::Scalar(true) : Tensor::Scalar(false))
                         : nullptr;
  c.Only({x, ratio, training}, {}, outputs);
}

void Loss(Case& c) {
  Random& random = c.random();
  const bool softmax = c.subject().name == "SoftmaxCrossEntropyLoss";
  const int64_t batch = random.Int(1, 4, 400), classes = random.Int(1, 6, 1000);
  Shape scores = {batch, classes}, labels = {batch};
  for (int64_t i = random.Int(0, 2, 0); i > 0; --i) {
    const auto size = random.Int(1, 4);
    scores.Append(size);
    labels.Append(size);
  }
  Attributes attributes;
  if (random.Chance(0.7)) {
    attributes.emplace_back("reduction", std::string(random.Pick({"mean", "sum", "none"})));
  }
  if (random.Chance(0.4)) {
    attributes.emplace_back("ignore_index", random.Int(0, classes - 1));
  }
  std::vector<Value*> inputs = {c.Input(random.Values(kFloat, scores)),
                                c.Input(random.Values(random.Pick({kInt64, kInt64, kInt32}), labels,
                                                      0, static_cast<double>(classes - 1)))};
  if (random.Chance(0.5)) inputs.push_back(c.Input(random.Values(kFloat, {classes}, 0.1, 2)));
  c.Only(inputs, attributes, softmax && random.Chance(0.5) ? 2 : 1);
}

void RandomLike(Case& c) {
  c.shapes_only = true;
  Random& random = c.random();
  const std::string_view name = c.subject().name;
  Attributes attributes;
  if (random.Chance(0.5)) attributes.emplace_back("seed", 3.0f);
  if (random.Chance(0.5) || name == "RandomNormal" || name == "RandomUniform") {
    attributes.emplace_back("dtype", random.Pick<int64_t>({1, 11}));
  }
  const Shape shape = random.AnyShape(1, 3);
  if (name == "RandomNormal" || name == "RandomUniform") {
    attributes.emplace_back("shape", std::vector<int64_t>(shape.begin(), shape.end()));
    return c.Only({}, attributes);
  }
  c.Only({c.Fed(random.Values(kFloat, shape, 0, 1))}, attributes);
}

void Multinomial(Case& c) {
  c.shapes_only = true;
  Attributes attributes = {{"sample_size", c.random().Int(1, 5, 10)}};
  if (c.random().Chance(0.5)) attributes.emplace_back("dtype", c.random().Pick<int64_t>({6, 7}));
  c.Only(
      {c.Fed(c.random().Values(kFloat, {c.random().Int(1, 3, 256), c.random().Int(1, 6, 1000)}))},
      attributes);
}

}  // namespace

std::vector<Subject> NormalizationSubjects() {
  return {{"BatchNormalization", BatchNormalization},
          {"InstanceNormalization", InstanceNormalization},
          {"GroupNormalization", GroupNormalization, "", 18},
          {"LayerNormalization", LayerNormalization, "", 17},
          {"RMSNormalization", LayerNormalization, "", 23},
          {"LRN", Lrn},
          {"MeanVarianceNormalization", MeanVariance, "", 9},
          {"Dropout", Dropout},
          {"NegativeLogLikelihoodLoss", Loss, "", 12},
          {"SoftmaxCrossEntropyLoss", Loss, "", 12},
          {"RandomNormal", RandomLike},
          {"RandomUniform", RandomLike},
          {"RandomNormalLike", RandomLike},
          {"RandomUniformLike", RandomLike},
          {"Bernoulli", RandomLike, "", 15},
          {"Multinomial", Multinomial}};
}

}  // namespace mullion::differential
