// SPDX-License-Identifier: MIT
// ai.onnx.ml without trees. Maps cannot enter or leave the peer: what makes or takes them is in
// unit tests.
#include <algorithm>
#include <limits>

#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

std::vector<float> Floats(Random& random, int64_t count, double low = -2, double high = 2) {
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(random.Real(low, high)));
  return values;
}

ElementType FeatureType(Random& random) {
  return random.Pick({kFloat, kFloat, kDouble, kInt64, kInt32});
}

const char* PostTransform(Random& random, bool probit) {
  return probit ? random.Pick({"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"})
                : random.Pick({"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"});
}

void AddLabels(Random& random, int64_t classes, const char* ints, const char* strings,
               Attributes& attributes) {
  if (random.Chance(0.5)) {
    std::vector<int64_t> labels;
    for (int64_t i = 0; i < classes; ++i) labels.push_back(10 + 3 * i);
    attributes.emplace_back(ints, labels);
    return;
  }
  std::vector<std::string> labels;
  for (int64_t i = 0; i < classes; ++i)
    labels.push_back(std::string(1, static_cast<char>('p' + i)));
  attributes.emplace_back(strings, labels);
}

void ArrayFeatureExtractor(Case& c) {
  Random& random = c.random();
  Shape shape = random.AnyShape(1, 3);
  for (int i = 0; i < shape.rank(); ++i) shape[i] = std::max<int64_t>(shape[i], 1);
  c.Only({c.Input(random.Values(random.Pick({kFloat, kDouble, kInt64, kInt32, kString}), shape)),
          c.Input(random.Values(kInt64, {random.Int(1, 4, std::max<int64_t>(shape.Back(0) / 4, 1))},
                                0, static_cast<double>(shape.Back(0) - 1)))});
}

void Binarizer(Case& c) {
  Attributes attributes;
  if (c.random().Chance(0.7)) attributes.emplace_back("threshold", 0.5f);
  c.Only({c.Input(c.random().Values(kFloat, c.random().AnyShape(1, 3)))}, attributes);
}

void CategoryMapper(Case& c) {
  Random& random = c.random();
  const Attributes attributes = {{"cats_int64s", std::vector<int64_t>{1, 2, 5}},
                                 {"cats_strings", std::vector<std::string>{"a", "cat", "dog"}},
                                 {"default_int64", int64_t{-7}},
                                 {"default_string", std::string("none")}};
  const ElementType type = random.Pick({kInt64, kString});
  c.Only({c.Input(random.Values(type, random.AnyShape(1, 2), 0, 6))}, attributes);
}

void FeatureVectorizer(Case& c) {
  Random& random = c.random();
  const auto count = random.Int(1, 3), batch = random.Int(1, 3, 8000);
  const ElementType type = random.Pick({kFloat, kFloat, kInt64, kInt32, kDouble});
  std::vector<int64_t> sizes;
  std::vector<Value*> inputs;
  for (int64_t i = 0; i < count; ++i) {
    sizes.push_back(random.Int(1, 4, 16));
    inputs.push_back(c.Input(random.Values(type, {batch, sizes.back()})));
  }
  c.Only(inputs, {{"inputdimensions", sizes}});
}

void Imputer(Case& c) {
  Random& random = c.random();
  const bool floats = random.Chance(0.7);
  const int64_t width = random.Int(1, 5, 32);
  const bool one = random.Chance(0.4);
  Attributes attributes;
  Tensor x = random.Values(floats ? kFloat : kInt64, {random.Int(1, 4, 12000), width}, -2, 2);
  if (floats) {
    attributes.emplace_back("imputed_value_floats", Floats(random, one ? 1 : width));
    if (random.Chance(0.5)) {
      attributes.emplace_back("replaced_value_float", std::numeric_limits<float>::quiet_NaN());
      for (float& value : x.mutable_view().span<float>()) {
        if (random.Real(0, 1) < 0.3) value = std::numeric_limits<float>::quiet_NaN();
      }
    }
  } else {
    attributes.emplace_back("imputed_value_int64s",
                            std::vector<int64_t>(static_cast<size_t>(one ? 1 : width), 9));
    if (random.Chance(0.7)) attributes.emplace_back("replaced_value_int64", int64_t{1});
  }
  c.Only({c.Input(x)}, attributes);
}

void LabelEncoder(Case& c) {
  Random& random = c.random();
  c.set_ml_opset(static_cast<int>(random.Int(2, 4)));
  const ElementType from = random.Pick({kString, kInt64, kFloat});
  const ElementType to = random.Pick({kString, kInt64, kFloat});
  Attributes attributes;
  if (from == kString)
    attributes.emplace_back("keys_strings", std::vector<std::string>{"a", "cat", ""});
  if (from == kInt64) attributes.emplace_back("keys_int64s", std::vector<int64_t>{0, 2, -1});
  if (from == kFloat) attributes.emplace_back("keys_floats", std::vector<float>{0, 1.5f, -1});
  const bool given = random.Chance(0.5);
  if (to == kString) {
    attributes.emplace_back("values_strings", std::vector<std::string>{"x", "y", "z"});
    if (given) attributes.emplace_back("default_string", std::string("none"));
  }
  if (to == kInt64) {
    attributes.emplace_back("values_int64s", std::vector<int64_t>{7, 8, 9});
    if (given) attributes.emplace_back("default_int64", int64_t{42});
  }
  if (to == kFloat) {
    attributes.emplace_back("values_floats", std::vector<float>{0.5f, 1, 2});
    if (given) attributes.emplace_back("default_float", 3.5f);
  }
  c.Only({c.Input(random.Values(from, random.AnyShape(1, 3), -2, 3))}, attributes);
}

void LinearClassifier(Case& c) {
  Random& random = c.random();
  const int64_t width = random.Int(1, 6, 64), classes = random.PickSize({1, 2, 2, 3, 5}, 10);
  Attributes attributes = {{"coefficients", Floats(random, width * classes)},
                           {"intercepts", Floats(random, classes)},
                           {"post_transform", std::string(PostTransform(random, true))}};
  if (random.Chance(0.4)) attributes.emplace_back("multi_class", random.Int(0, 1));
  AddLabels(random, std::max<int64_t>(classes, 2), "classlabels_ints", "classlabels_strings",
            attributes);
  c.Only({c.Input(random.Values(FeatureType(random), {random.Int(1, 5, 4000), width}))}, attributes,
         2);
}

void LinearRegressor(Case& c) {
  Random& random = c.random();
  const int64_t width = random.Int(1, 6, 64), targets = random.Int(1, 3);
  Attributes attributes = {{"coefficients", Floats(random, width * targets)}};
  if (targets > 1 || random.Chance(0.5)) attributes.emplace_back("targets", targets);
  if (random.Chance(0.7)) attributes.emplace_back("intercepts", Floats(random, targets));
  if (random.Chance(0.6)) {
    attributes.emplace_back("post_transform", std::string(PostTransform(random, true)));
  }
  c.Only({c.Input(random.Values(kFloat, {random.Int(1, 5, 4000), width}))}, attributes);
}

void Normalizer(Case& c) {
  Random& random = c.random();
  Attributes attributes = {{"norm", std::string(random.Pick({"MAX", "L1", "L2"}))}};
  Shape shape = random.AnyShape(1, 2);
  c.Only({c.Input(random.Values(FeatureType(random), shape))}, attributes);
}

void OneHotEncoder(Case& c) {
  Random& random = c.random();
  const bool strings = random.Chance(0.4);
  Attributes attributes;
  if (strings) {
    attributes.emplace_back("cats_strings",
                            std::vector<std::string>{"a", "cat", "dog", "b", "", "ab"});
  } else {
    attributes.emplace_back("cats_int64s", std::vector<int64_t>{0, 1, 2, 3, -1, -2, -3, 4, -4});
  }
  if (random.Chance(0.5)) attributes.emplace_back("zeros", int64_t{1});
  c.Only({c.Input(random.Values(strings ? kString : random.Pick({kInt64, kFloat, kInt32, kDouble}),
                                random.AnyShape(1, 3, 6, {40000}), -3, 3))},
         attributes);
}

void Scaler(Case& c) {
  Random& random = c.random();
  const int64_t width = random.Int(1, 5, 32);
  const bool one = random.Chance(0.4);
  c.Only({c.Input(random.Values(FeatureType(random), {random.Int(1, 4, 12000), width}))},
         {{"offset", Floats(random, one ? 1 : width)}, {"scale", Floats(random, one ? 1 : width)}});
}

void AddKernel(Random& random, Attributes& attributes) {
  attributes.emplace_back(
      "kernel_type",
      std::string(random.typical() ? "RBF" : random.Pick({"LINEAR", "POLY", "RBF", "SIGMOID"})));
  attributes.emplace_back("kernel_params", std::vector<float>{0.3f, 0.5f, 2});
}

void SvmRegressor(Case& c) {
  Random& random = c.random();
  const int64_t width = random.Int(1, 5, 32), vectors = random.Int(1, 4, 200);
  Attributes attributes = {{"n_supports", vectors},
                           {"support_vectors", Floats(random, vectors * width)},
                           {"coefficients", Floats(random, vectors)},
                           {"rho", Floats(random, 1)}};
  AddKernel(random, attributes);
  if (random.Chance(0.4)) attributes.emplace_back("one_class", random.Int(0, 1));
  if (random.Chance(0.2)) {  // one product with coefficients, without vectors
    attributes = {{"coefficients", Floats(random, width)},
                  {"rho", Floats(random, 1)},
                  {"kernel_type", std::string("LINEAR")},
                  {"kernel_params", std::vector<float>{0, 0, 0}}};
  }
  c.tolerance = {1e-3, 1e-4, 1e-5};
  c.Only({c.Input(random.Values(kFloat, {random.Int(1, 5, 500), width}))}, attributes);
}

void SvmClassifier(Case& c) {
  Random& random = c.random();
  const int64_t width = random.Int(1, 5, 32), classes = random.Int(2, 4);
  std::vector<int64_t> per_class;
  int64_t vectors = 0;
  for (int64_t i = 0; i < classes; ++i) {
    per_class.push_back(random.Int(1, 3, 50));
    vectors += per_class.back();
  }
  const int64_t pairs = classes * (classes - 1) / 2;
  Attributes attributes = {{"support_vectors", Floats(random, vectors * width)},
                           {"vectors_per_class", per_class},
                           {"coefficients", Floats(random, vectors * (classes - 1))},
                           {"rho", Floats(random, pairs)}};
  AddKernel(random, attributes);
  if (random.Chance(0.2)) {  // linear: a row of coefficients for each class
    attributes = {{"coefficients", Floats(random, classes * width)},
                  {"rho", Floats(random, classes)},
                  {"kernel_type", std::string("LINEAR")},
                  {"kernel_params", std::vector<float>{0, 0, 0}}};
  } else if (random.Chance(0.5)) {
    attributes.emplace_back("prob_a", Floats(random, pairs, -2, -0.5));
    attributes.emplace_back("prob_b", Floats(random, pairs, -0.5, 0.5));
  }
  if (random.Chance(0.6)) {
    attributes.emplace_back("post_transform", std::string(PostTransform(random, false)));
  }
  AddLabels(random, classes, "classlabels_ints", "classlabels_strings", attributes);
  c.tolerance = {1e-3, 1e-4, 1e-5};
  c.Only({c.Input(random.Values(FeatureType(random), {random.Int(1, 5, 500), width}))}, attributes,
         2);
}

}  // namespace

std::vector<Subject> ClassicalSubjects() {
  return {{"ArrayFeatureExtractor", ArrayFeatureExtractor, kMl},
          {"Binarizer", Binarizer, kMl},
          {"CategoryMapper", CategoryMapper, kMl},
          {"FeatureVectorizer", FeatureVectorizer, kMl},
          {"Imputer", Imputer, kMl},
          {"LabelEncoder", LabelEncoder, kMl},
          {"LinearClassifier", LinearClassifier, kMl},
          {"LinearRegressor", LinearRegressor, kMl},
          {"Normalizer", Normalizer, kMl},
          {"OneHotEncoder", OneHotEncoder, kMl},
          {"Scaler", Scaler, kMl},
          {"SVMRegressor", SvmRegressor, kMl},
          {"SVMClassifier", SvmClassifier, kMl}};
}

}  // namespace mullion::differential
