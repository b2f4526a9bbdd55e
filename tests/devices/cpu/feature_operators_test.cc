// SPDX-License-Identifier: MIT
// The small operators of ai.onnx.ml, by worked examples: models, encoders, maps.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "device/datum.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "tests/kernel_tester.h"

namespace mullion::cpu {
namespace {

using Ints = std::vector<int64_t>;
using Floats = std::vector<float>;
using Words = std::vector<std::string>;

KernelTester Ml(const char* name, int opset = 1) { return KernelTester(name, opset, "ai.onnx.ml"); }

#define EXPECT_RUNS(tester)                               \
  do {                                                    \
    const Status run_status = (tester).Run();             \
    ASSERT_TRUE(run_status.ok()) << run_status.message(); \
  } while (false)

void ExpectNear(const Floats& actual, const Floats& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-6);
}

TEST(LinearClassifier, SeveralClasses) {
  KernelTester tester = Ml("LinearClassifier");
  tester.AddInput<int64_t>({2, 2}, {1, 0, 0, 2});
  tester.SetAttribute("coefficients", Floats{1, 0, 0, 1, -1, -1});
  tester.SetAttribute("intercepts", Floats{0, 0.5f, 0});
  tester.SetAttribute("classlabels_ints", Ints{7, 8, 9});
  tester.SetOutputCount(2);
  EXPECT_RUNS(tester);
  EXPECT_EQ(tester.Output<int64_t>(0), Ints({7, 8}));
  ExpectNear(tester.Output<float>(1), {1, 0.5f, -1, 0, 2.5f, -2});
}

TEST(LinearClassifier, TwoClassesShareAScore) {
  KernelTester tester = Ml("LinearClassifier");
  tester.AddInput<float>({2, 1}, {2, -2});
  tester.SetAttribute("coefficients", Floats{1});
  tester.SetAttribute("intercepts", Floats{0});
  tester.SetAttribute("classlabels_strings", Words{"a", "b"});
  tester.SetAttribute("post_transform", std::string("LOGISTIC"));
  tester.SetOutputCount(2);
  EXPECT_RUNS(tester);
  EXPECT_EQ(tester.Output<std::string>(0), Words({"b", "a"}));
  const float p = 1 / (1 + std::exp(-2.0f));
  ExpectNear(tester.Output<float>(1), {1 - p, p, p, 1 - p});
}

// Rows and classes around the sizes of tiles; small integers, so that every order of additions
// gives the same scores, and equal ones, of which the first counts.
TEST(LinearClassifier, AnyNumberOfRowsAndClasses) {
  constexpr int64_t kFeatures = 33;
  for (const int64_t classes : {3, 4, 5, 10, 16, 17, 33, 70}) {
    for (const int64_t rows : {1, 13, 101}) {
      SCOPED_TRACE(testing::Message() << rows << " rows, " << classes << " classes");
      const auto number = [](int64_t i) { return static_cast<float>((i * i * 7 + i) % 11 - 5); };
      Floats x(static_cast<size_t>(rows * kFeatures));
      Floats weights(static_cast<size_t>(classes * kFeatures));
      for (size_t i = 0; i < x.size(); ++i) x[i] = number(static_cast<int64_t>(i));
      for (size_t i = 0; i < weights.size(); ++i) weights[i] = number(static_cast<int64_t>(i) + 3);
      Floats intercepts(static_cast<size_t>(classes));
      Ints names(static_cast<size_t>(classes));
      Floats scores;
      Ints labels;
      for (int64_t c = 0; c < classes; ++c) {
        intercepts[static_cast<size_t>(c)] = number(c);
        names[static_cast<size_t>(c)] = 100 + c;
      }
      for (int64_t row = 0; row < rows; ++row) {
        for (int64_t c = 0; c < classes; ++c) {
          scores.push_back(intercepts[static_cast<size_t>(c)]);
          for (int64_t i = 0; i < kFeatures; ++i) {
            scores.back() += x[static_cast<size_t>(row * kFeatures + i)] *
                             weights[static_cast<size_t>(c * kFeatures + i)];
          }
        }
        labels.push_back(100 + (std::max_element(scores.end() - classes, scores.end()) -
                                (scores.end() - classes)));
      }
      for (const Isa isa : AvailableIsas()) {
        SCOPED_TRACE(IsaName(isa));
        SetIsaForTest(isa);
        KernelTester tester = Ml("LinearClassifier");
        tester.AddInput<float>({rows, kFeatures}, x);
        tester.SetAttribute("coefficients", weights);
        tester.SetAttribute("intercepts", intercepts);
        tester.SetAttribute("classlabels_ints", names);
        tester.SetOutputCount(2);
        EXPECT_RUNS(tester);
        EXPECT_EQ(tester.Output<int64_t>(0), labels);
        EXPECT_EQ(tester.Output<float>(1), scores);
      }
      SetIsaForTest(AvailableIsas().back());
    }
  }
}

// The identity, for more rows than are multiplied together.
void CheckTransform(const std::string& transform, int64_t targets, const Floats& scores,
                    const Floats& expected) {
  const auto rows = static_cast<int64_t>(scores.size()) / targets;
  KernelTester tester = Ml("LinearRegressor");
  tester.AddInput<float>({rows, targets}, scores);
  Floats coefficients(static_cast<size_t>(targets * targets), 0);
  for (int64_t i = 0; i < targets; ++i) coefficients[static_cast<size_t>(i * targets + i)] = 1;
  tester.SetAttribute("coefficients", coefficients);
  tester.SetAttribute("targets", targets);
  tester.SetAttribute("post_transform", transform);
  EXPECT_RUNS(tester);
  const Floats actual = tester.Output<float>(0);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    if (std::isnan(expected[i])) {
      EXPECT_TRUE(std::isnan(actual[i])) << i;
    } else if (actual[i] != expected[i]) {
      EXPECT_NEAR(actual[i], expected[i], 1e-6 * std::abs(expected[i])) << transform << " " << i;
    }
  }
}

TEST(LinearRegressor, TransformsRowsOfScores) {
  for (const int64_t targets : {1, 3, 4, 5, 17, 40}) {
    Floats scores;
    for (int64_t i = 0; i < 100 * targets; ++i) {
      scores.push_back(std::sin(static_cast<float>(i)) * 4);
    }
    CheckTransform("NONE", targets, scores, scores);
    Floats expected = scores;
    for (float& x : expected) x = static_cast<float>(1 / (1 + std::exp(-static_cast<double>(x))));
    CheckTransform("LOGISTIC", targets, scores, expected);
    for (size_t row = 0; row < 100; ++row) {
      const size_t first = row * static_cast<size_t>(targets);
      double sum = 0;
      for (size_t i = 0; i < static_cast<size_t>(targets); ++i) {
        sum += std::exp(static_cast<double>(scores[first + i]));
      }
      for (size_t i = 0; i < static_cast<size_t>(targets); ++i) {
        expected[first + i] =
            static_cast<float>(std::exp(static_cast<double>(scores[first + i])) / sum);
      }
    }
    CheckTransform("SOFTMAX", targets, scores, expected);
  }
}

TEST(LinearRegressor, Probits) {
  // Quantiles of the normal distribution and, where that is defined so, beyond them.
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CheckTransform("PROBIT", 1, {0.5f, 0.975f, 0.025f, 0.01f, 1e-3f, 1e-6f, 1e-10f, 0, 1, 2, -1, nan},
                 {0, 1.95996397f, -1.95996397f, -2.32634789f, -3.09023231f, -4.75342428f,
                  -6.36134092f, -infinity, infinity, nan, nan, nan});
  // The distribution function leads back, through both approximations and the tails.
  Floats p;
  for (int i = 1; i < 400; ++i) p.push_back(static_cast<float>(i) / 400);
  for (float tail = 1e-3f; tail > 1e-12f; tail /= 3) p.push_back(tail);
  KernelTester tester = Ml("LinearRegressor");
  tester.AddInput<float>({std::ssize(p), 1}, p);
  tester.SetAttribute("coefficients", Floats{1});
  tester.SetAttribute("post_transform", std::string("PROBIT"));
  EXPECT_RUNS(tester);
  for (size_t i = 0; i < p.size(); ++i) {
    const double x = static_cast<double>(tester.Output<float>(0)[i]);
    const double density = std::exp(-x * x / 2) / std::sqrt(2 * 3.14159265358979);
    const double error = (std::erfc(-x / std::sqrt(2.0)) / 2 - static_cast<double>(p[i])) / density;
    EXPECT_LE(std::abs(error), 1e-6 * std::max(1.0, std::abs(x))) << p[i];
  }
}

TEST(LinearRegressor, SaysHowManyFeaturesItWants) {
  KernelTester tester = Ml("LinearRegressor");
  tester.AddInput<float>({1, 3}, {0, 0, 0});
  tester.SetAttribute("coefficients", Floats{1, 2});
  const Status status = tester.Run();
  EXPECT_NE(status.message().find("is for 2 features"), std::string::npos) << status.message();
}

TEST(SvmRegressor, RadialKernel) {
  KernelTester tester = Ml("SVMRegressor");
  tester.AddInput<float>({1, 2}, {1, 2});
  tester.SetAttribute("kernel_type", std::string("RBF"));
  tester.SetAttribute("kernel_params", Floats{0.5f, 0, 0});
  tester.SetAttribute("support_vectors", Floats{1, 2, 3, 2});
  tester.SetAttribute("coefficients", Floats{3, -1});
  tester.SetAttribute("n_supports", int64_t{2});
  tester.SetAttribute("rho", Floats{0.25f});
  EXPECT_RUNS(tester);
  ExpectNear(tester.Output<float>(0), {3 - std::exp(-2.0f) + 0.25f});
}

TEST(SvmClassifier, PairsVote) {
  // Three classes of one vector each; the linear kernel gives the components of the input.
  KernelTester tester = Ml("SVMClassifier");
  tester.AddInput<float>({1, 3}, {1, 5, 2});
  tester.SetAttribute("support_vectors", Floats{1, 0, 0, 0, 1, 0, 0, 0, 1});
  tester.SetAttribute("vectors_per_class", Ints{1, 1, 1});
  // Pair (i, j) is decided by x_i - x_j.
  tester.SetAttribute("coefficients", Floats{1, -1, -1, 1, 1, -1});
  tester.SetAttribute("rho", Floats{0, 0, 0});
  tester.SetAttribute("classlabels_ints", Ints{10, 20, 30});
  tester.SetOutputCount(2);
  EXPECT_RUNS(tester);
  EXPECT_EQ(tester.Output<int64_t>(0), Ints({20}));
  ExpectNear(tester.Output<float>(1), {-4, -1, 3});
}

TEST(Normalizer, LeavesRowsOfZeros) {
  KernelTester tester = Ml("Normalizer");
  tester.AddInput<float>({2, 2}, {3, -4, 0, 0});
  tester.SetAttribute("norm", std::string("L2"));
  EXPECT_RUNS(tester);
  ExpectNear(tester.Output<float>(0), {0.6f, -0.8f, 0, 0});
}

TEST(Scaler, OneOrOneForEachFeature) {
  KernelTester tester = Ml("Scaler");
  tester.AddInput<int32_t>({2, 2}, {1, 2, 3, 4});
  tester.SetAttribute("offset", Floats{1});
  tester.SetAttribute("scale", Floats{10, 100});
  EXPECT_RUNS(tester);
  ExpectNear(tester.Output<float>(0), {0, 100, 20, 300});
}

TEST(LabelEncoder, OldestFormGoesByItsInput) {
  KernelTester words = Ml("LabelEncoder");
  words.AddInput<std::string>({3}, {"b", "?", "a"});
  words.SetAttribute("classes_strings", Words{"a", "b"});
  words.SetAttribute("default_int64", int64_t{5});
  EXPECT_RUNS(words);
  EXPECT_EQ(words.Output<int64_t>(0), Ints({1, 5, 0}));
  KernelTester numbers = Ml("LabelEncoder");
  numbers.AddInput<int64_t>({3}, {1, 9, 0});
  numbers.SetAttribute("classes_strings", Words{"a", "b"});
  EXPECT_RUNS(numbers);
  EXPECT_EQ(numbers.Output<std::string>(0), Words({"b", "_Unused", "a"}));
}

TEST(LabelEncoder, FindsWordsOfAllLengths) {
  Words keys;
  Ints values;
  Words all;
  Ints expected;
  for (size_t size = 0; size < 40; ++size) {
    std::string word(size, 'a');
    for (size_t i = 0; i < size; ++i) word[i] = static_cast<char>('a' + i * i % 26);
    // The same but for one byte, for 0 and for what stands behind it.
    for (size_t i = 0; i <= size; ++i) {
      std::string other = word;
      if (i < size) other[i] = i % 2 == 0 ? '\xff' : '\0';
      keys.push_back(other);
      values.push_back(static_cast<int64_t>(values.size()));
      all.push_back(other);
      expected.push_back(values.back());
      if (i < size) other[i] = '?';
      all.push_back(i < size ? other : word + '\0' + '\0' + '?');
      expected.push_back(-5);
    }
  }
  const auto count = static_cast<int64_t>(all.size());
  keys.push_back(keys.front());  // the first of equal ones counts
  values.push_back(-7);
  KernelTester tester = Ml("LabelEncoder", 4);
  tester.AddInput<std::string>({count}, all);
  tester.SetAttribute("keys_strings", keys);
  tester.SetAttribute("values_int64s", values);
  tester.SetAttribute("default_int64", int64_t{-5});
  EXPECT_RUNS(tester);
  EXPECT_EQ(tester.Output<int64_t>(0), expected);
}

// Whole numbers as floats, of whose bits only the highest differ.
TEST(LabelEncoder, FindsManyNumbers) {
  Floats keys;
  Ints values;
  for (int64_t i = 0; i < 3000; ++i) {
    keys.push_back(static_cast<float>(i - 1500));
    values.push_back(i);
  }
  KernelTester tester = Ml("LabelEncoder", 4);
  tester.AddInput<float>({3000}, keys);
  tester.SetAttribute("keys_floats", keys);
  tester.SetAttribute("values_int64s", values);
  EXPECT_RUNS(tester);
  EXPECT_EQ(tester.Output<int64_t>(0), values);
}

TEST(LabelEncoder, NanIsAKey) {
  KernelTester tester = Ml("LabelEncoder", 4);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  tester.AddInput<float>({3}, {0.5f, nan, 2});
  tester.SetAttribute("keys_floats", Floats{nan, 0.5f});
  tester.SetAttribute("values_strings", Words{"none", "half"});
  EXPECT_RUNS(tester);
  EXPECT_EQ(tester.Output<std::string>(0), Words({"half", "none", "_Unused"}));
}

TEST(CategoryMapper, BothWays) {
  KernelTester tester = Ml("CategoryMapper");
  tester.AddInput<int64_t>({3}, {20, 3, 10});
  tester.SetAttribute("cats_strings", Words{"x", "y"});
  tester.SetAttribute("cats_int64s", Ints{10, 20});
  EXPECT_RUNS(tester);
  EXPECT_EQ(tester.Output<std::string>(0), Words({"y", "_Unused", "x"}));
}

TEST(ZipMap, GivesAMapForEachRow) {
  KernelTester tester = Ml("ZipMap");
  tester.AddInput<float>({2, 2}, {0.1f, 0.9f, 0.7f, 0.3f});
  tester.SetAttribute("classlabels_strings", Words{"cat", "dog"});
  EXPECT_RUNS(tester);
  const auto& items = tester.OutputDatum(0).sequence->items;
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[1].map->keys.span<std::string>()[1], "dog");
  EXPECT_EQ(items[1].map->values.span<float>()[1], 0.3f);
}

Datum MapOf(Tensor keys, Tensor values) {
  return Datum::FromMap(std::make_shared<Map>(Map{std::move(keys), std::move(values)}));
}

TEST(DictVectorizer, FollowsItsVocabulary) {
  KernelTester tester = Ml("DictVectorizer");
  const Words keys = {"b", "unknown", "a"};
  const Floats values = {2, 9, 1};
  tester.AddInput(MapOf(Tensor::Vector<std::string>(keys), Tensor::Vector<float>(values)),
                  TypeInfo::Map(ElementType::kString, TypeInfo::Tensor(ElementType::kFloat)));
  tester.SetAttribute("string_vocabulary", Words{"a", "b", "c"});
  EXPECT_RUNS(tester);
  EXPECT_EQ(tester.Output<float>(0), Floats({1, 2, 0}));
}

TEST(CastMap, DenseAndSparse) {
  const Ints keys = {3, 1};
  const Floats values = {30, 10};
  const auto add = [&](KernelTester& tester) {
    tester.AddInput(MapOf(Tensor::Vector<int64_t>(keys), Tensor::Vector<float>(values)),
                    TypeInfo::Map(ElementType::kInt64, TypeInfo::Tensor(ElementType::kFloat)));
  };
  KernelTester dense = Ml("CastMap");
  add(dense);
  EXPECT_RUNS(dense);
  EXPECT_EQ(dense.Output<float>(0), Floats({10, 30}));
  KernelTester sparse = Ml("CastMap");
  add(sparse);
  sparse.SetAttribute("map_form", std::string("SPARSE"));
  sparse.SetAttribute("max_map", int64_t{5});
  sparse.SetAttribute("cast_to", std::string("TO_STRING"));
  EXPECT_RUNS(sparse);
  EXPECT_EQ(sparse.Output<std::string>(0), Words({"", "10", "", "30", ""}));
  KernelTester narrow = Ml("CastMap");
  add(narrow);
  narrow.SetAttribute("map_form", std::string("SPARSE"));
  narrow.SetAttribute("max_map", int64_t{3});
  EXPECT_FALSE(narrow.Run().ok());
}

TEST(ArrayFeatureExtractor, ChecksItsIndices) {
  KernelTester tester = Ml("ArrayFeatureExtractor");
  tester.AddInput<std::string>({3}, {"a", "b", "c"});
  tester.AddInput<int64_t>({2}, {2, 0});
  EXPECT_RUNS(tester);
  EXPECT_EQ(tester.OutputShape(0), (Shape{1, 2}));
  EXPECT_EQ(tester.Output<std::string>(0), Words({"c", "a"}));
  KernelTester wrong = Ml("ArrayFeatureExtractor");
  wrong.AddInput<float>({3}, {1, 2, 3});
  wrong.AddInput<int64_t>({1}, {3});
  EXPECT_NE(wrong.Run().message().find("index 3"), std::string::npos);
}

TEST(FeatureVectorizer, JoinsRows) {
  KernelTester tester = Ml("FeatureVectorizer");
  tester.AddInput<float>({2, 1}, {1, 4});
  tester.AddInput<int64_t>({2, 2}, {2, 3, 5, 6});
  EXPECT_RUNS(tester);
  EXPECT_EQ(tester.Output<float>(0), Floats({1, 2, 3, 4, 5, 6}));
}

TEST(Imputer, ReplacesNan) {
  KernelTester tester = Ml("Imputer");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  tester.AddInput<float>({2, 2}, {nan, 1, 2, nan});
  tester.SetAttribute("imputed_value_floats", Floats{10, 20});
  tester.SetAttribute("replaced_value_float", nan);
  EXPECT_RUNS(tester);
  EXPECT_EQ(tester.Output<float>(0), Floats({10, 1, 2, 20}));
}

template <typename T, typename Value>
void ReplaceInRows(const std::string& values_name, const std::string& replaced_name) {
  for (const int64_t features : {1, 7, 64, 65, 300}) {
    for (const bool one : {false, true}) {
      std::vector<T> data(static_cast<size_t>(5 * features));
      std::vector<Value> values;
      for (int64_t i = 0; i < (one ? 1 : features); ++i) values.push_back(static_cast<Value>(-i));
      std::vector<T> expected;
      for (size_t i = 0; i < data.size(); ++i) {
        data[i] = i % 3 == 0 ? T{7} : static_cast<T>(i + 10);
        expected.push_back(i % 3 == 0 ? static_cast<T>(values[one ? 0 : i % values.size()])
                                      : data[i]);
      }
      KernelTester tester = Ml("Imputer");
      tester.AddInput<T>({5, features}, data);
      tester.SetAttribute(values_name, values);
      tester.SetAttribute(replaced_name, Value{7});
      EXPECT_RUNS(tester);
      EXPECT_EQ(tester.template Output<T>(0), expected);
    }
  }
}

TEST(Imputer, ReplacesInRowsOfAnyLength) {
  ReplaceInRows<float, float>("imputed_value_floats", "replaced_value_float");
  ReplaceInRows<double, float>("imputed_value_floats", "replaced_value_float");
  ReplaceInRows<int64_t, int64_t>("imputed_value_int64s", "replaced_value_int64");
  ReplaceInRows<int32_t, int64_t>("imputed_value_int64s", "replaced_value_int64");
}

TEST(Normalizer, DividesByTheNormOfItsName) {
  for (const auto& [norm, divisor] : {std::pair("MAX", 9.0f), std::pair("L1", 33.0f)}) {
    Floats row;
    Floats expected;
    for (int i = 0; i < 11; ++i) row.push_back(static_cast<float>(i % 2 == 0 ? i - 1 : -i));
    row[3] = 9;
    float sum = 0;
    for (const float x : row) sum += std::fabs(x);
    for (const float x : row) expected.push_back(x / (norm[0] == 'M' ? divisor : sum));
    KernelTester tester = Ml("Normalizer");
    tester.AddInput<float>({1, 11}, row);
    tester.SetAttribute("norm", std::string(norm));
    EXPECT_RUNS(tester);
    ExpectNear(tester.Output<float>(0), expected);
  }
}

TEST(OneHotEncoder, RefusesTheUnknownWhenAsked) {
  KernelTester tester = Ml("OneHotEncoder");
  tester.AddInput<float>({2}, {3, 4});
  tester.SetAttribute("cats_int64s", Ints{1, 3});
  EXPECT_RUNS(tester);
  EXPECT_EQ(tester.Output<float>(0), Floats({0, 1, 0, 0}));
  KernelTester strict = Ml("OneHotEncoder");
  strict.AddInput<std::string>({1}, {"z"});
  strict.SetAttribute("cats_strings", Words{"a"});
  strict.SetAttribute("zeros", int64_t{0});
  EXPECT_FALSE(strict.Run().ok());
}

TEST(Binarizer, IsOneAboveTheThreshold) {
  KernelTester tester = Ml("Binarizer");
  tester.AddInput<float>({3}, {0.5f, 1, 1.5f});
  tester.SetAttribute("threshold", 1.0f);
  EXPECT_RUNS(tester);
  EXPECT_EQ(tester.Output<float>(0), Floats({0, 0, 1}));
}

#undef EXPECT_RUNS

}  // namespace
}  // namespace mullion::cpu
