// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

using Ints = std::vector<int64_t>;

// Looks for the 1-grams 2, 3 and the 2-grams (2,3), (3,3) in other places of the output.
OperatorCase Case(Tensor input, int64_t shortest, int64_t longest, int64_t skips,
                  const char* mode = "TF") {
  OperatorCase c;
  c.name = "TfIdfVectorizer";
  c.opset = 9;
  c.inputs = {std::move(input)};
  c.Set("min_gram_length", shortest);
  c.Set("max_gram_length", longest);
  c.Set("max_skip_count", skips);
  c.Set("mode", std::string(mode));
  c.Set("ngram_counts", Ints{0, 2});
  c.Set("ngram_indexes", Ints{3, 0, 2, 5});
  if (c.inputs[0].type() == ElementType::kString) {
    c.Set("pool_strings", std::vector<std::string>{"2", "3", "2", "3", "3", "3"});
  } else {
    c.Set("pool_int64s", Ints{2, 3, 2, 3, 3, 3});
  }
  return c;
}

TEST(TfIdfVectorizer, CountsNgramsOfEveryType) {
  const std::vector<float> expected = {3, 0, 1, 1, 0, 1};
  ExpectOutput<float>(Case(TensorOf<int64_t>({5}, {2, 3, 3, 7, 3}), 1, 2, 0), {6}, expected);
  ExpectOutput<float>(Case(TensorOf<int32_t>({5}, {2, 3, 3, 7, 3}), 1, 2, 0), {6}, expected);
  ExpectOutput<float>(Case(TensorOf<std::string>({1, 5}, {"2", "3", "3", "7", "3"}), 1, 2, 0),
                      {1, 6}, expected);
}

TEST(TfIdfVectorizer, SkipsButCountsSingleItemsOnce) {
  // 2 apart: (2,3), (3,7), (3,3). 3 apart: (2,7), (3,3). 4 apart: (2,3).
  ExpectOutput<float>(Case(TensorOf<int64_t>({5}, {2, 3, 3, 7, 3}), 1, 2, 2), {6},
                      {3, 0, 2, 1, 0, 3});
  ExpectOutput<float>(Case(TensorOf<int64_t>({5}, {2, 3, 3, 7, 3}), 2, 2, int64_t{1} << 62), {6},
                      {0, 0, 3, 0, 0, 3});
}

TEST(TfIdfVectorizer, TakesRowsAlone) {
  ExpectOutput<float>(Case(TensorOf<int64_t>({3, 2}, {2, 3, 3, 3, 1, 1}), 1, 2, 5), {3, 6},
                      {1, 0, 1, 1, 0, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0});
  ExpectOutput<float>(Case(TensorOf<int64_t>({0}, {}), 1, 2, 5), {6}, {0, 0, 0, 0, 0, 0});
  ExpectOutput<float>(Case(TensorOf<int64_t>({2, 0}, {}), 1, 2, 5), {2, 6},
                      std::vector<float>(12, 0.0f));
}

TEST(TfIdfVectorizer, WeighsPlacesOfTheOutput) {
  const std::vector<float> weights = {0.5f, 9, 2, 3, 9, 4};
  OperatorCase c = Case(TensorOf<int64_t>({5}, {2, 3, 3, 7, 3}), 1, 2, 0, "IDF");
  ExpectOutput<float>(c, {6}, {1, 0, 1, 1, 0, 1});
  // A weight for each n-gram is too few when places are left out.
  c.Set("weights", std::vector<float>{1, 2, 3, 4});
  ExpectError(c, "'weights' has 4 entries for outputs of 6");
  c.attributes.back().second = weights;
  ExpectOutput<float>(c, {6}, {0.5f, 0, 2, 3, 0, 4});
  c = Case(TensorOf<int64_t>({5}, {2, 3, 3, 7, 3}), 1, 2, 0, "TFIDF");
  c.Set("weights", weights);
  ExpectOutput<float>(c, {6}, {1.5f, 0, 2, 3, 0, 4});
}

OperatorCase With(const char* attribute, AttributeValue value) {
  OperatorCase c = Case(TensorOf<int64_t>({2}, {2, 3}), 1, 2, 0);
  for (auto& [name, old] : c.attributes) {
    if (name == attribute) old = std::move(value);
  }
  return c;
}

TEST(TfIdfVectorizer, RefusesAttributesThatMakeNoSense) {
  ExpectError(With("mode", std::string("DF")), "'mode' is 'DF'");
  ExpectError(With("min_gram_length", int64_t{0}), "'min_gram_length' 0");
  ExpectError(With("max_gram_length", int64_t{3}), "'ngram_counts' has 2 entries");
  ExpectError(With("max_skip_count", int64_t{-1}), "'max_skip_count' -1");
  ExpectError(With("ngram_counts", Ints{0, 3}), "gives 2-grams the items 3 to 6");
  ExpectError(With("ngram_counts", Ints{2, 1}), "gives 1-grams the items 2 to 1");
  ExpectError(With("ngram_counts", Ints{0, 8}), "gives 1-grams the items 0 to 8");
  ExpectError(With("ngram_counts", Ints{-2, 0}), "gives 1-grams the items -2 to 0");
  ExpectError(With("ngram_indexes", Ints{0, 1, 2}), "'ngram_indexes' has 3 entries");
  ExpectError(With("ngram_indexes", Ints{0, 1, 2, 3, 4}), "'ngram_indexes' has 5 entries");
  ExpectError(With("ngram_indexes", Ints{0, 1, 2, -3}), "'ngram_indexes' holds -3");
  ExpectError(With("pool_int64s", Ints{2, 3, 2, 3, 2, 3}), "its pool has a 2-gram twice");
  OperatorCase c = With("mode", std::string("TF"));
  c.inputs[0] = TensorOf<std::string>({1}, {"2"});
  ExpectError(c, "its input holds strings, but its pool is 'pool_int64s'");
  ExpectError(Case(TensorOf<int64_t>({1, 1, 1}, {2}), 1, 1, 0), "must be [C] or [N,C]");
}

}  // namespace
}  // namespace mullion::cpu
