// SPDX-License-Identifier: MIT
// Casts and strings.
#include <cmath>

#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

Tensor Strings(const Shape& shape, Random& random, const std::vector<std::string>& choices) {
  Tensor tensor = *Tensor::Allocate(kString, shape);
  for (std::string& text : tensor.mutable_view().span<std::string>()) text = random.Pick(choices);
  return tensor;
}

ElementType CastType(Random& random) {
  return random.Pick({kFloat, kDouble, kFloat16, kInt8, kInt16, kInt32, kInt64, kUint8, kUint16,
                      kUint32, kUint64, kBool});
}

// Values that every type holds, but for NaN and infinities among floats.
Tensor CastValues(Random& random, ElementType from, ElementType to, const Shape& shape) {
  if (IsFloatingPoint(from) && (IsFloatingPoint(to) || to == kBool) && random.Chance(0.5)) {
    return random.WithSpecials(from, shape);
  }
  const bool is_unsigned = Contains(types::kUnsigned, to);
  return random.Values(from, shape, is_unsigned ? 0 : -100, 100);
}

// Not only floats, so that what bench/operators shows of types is more than conversions to them.
ElementType TypicalTarget(ElementType from) {
  switch (from) {
    case kDouble:
      return kInt16;
    case kFloat:
    case kInt16:
      return kInt32;
    case kInt32:
      return kFloat16;
    case kUint32:
      return kBool;
    default:
      return kFloat;
  }
}

void Cast(Case& c) {
  Random& random = c.random();
  const ElementType from = CastType(random);
  const ElementType to = random.typical() ? TypicalTarget(from) : CastType(random);
  const Shape shape = random.AnyShape(0, 3);
  Value* const x = c.Input(CastValues(random, from, to, shape));
  if (c.subject().name == "CastLike") {
    return c.Only({x, c.Input(random.Values(to, random.AnyShape(0, 2), 0, 5))});
  }
  c.Only({x}, {{"to", static_cast<int64_t>(to)}});
}

void CastToString(Case& c) {
  Random& random = c.random();
  const ElementType from =
      random.Pick({kFloat, kDouble, kInt8, kInt32, kInt64, kUint8, kUint64, kFloat16, kBool});
  const Shape shape = random.AnyShape(0, 2, 6, {20000});
  Tensor x = IsFloatingPoint(from) ? random.WithSpecials(from, shape)
                                   : random.Values(from, shape, -1000, 1000);
  if (from == kFloat && random.Chance(0.6)) {
    for (float& value : x.mutable_view().span<float>()) {
      value = random.Pick({1.0f, 0.1f, 1e10f, 1e-5f, 123456.7f, 1e20f, 3.14159265f, -0.0f,
                           16777216.0f, 1e7f, 0.0001f, 1234567.9f});
    }
  }
  c.Return(c.Add("Cast", "", {c.Input(x)}, {{"to", int64_t{8}}}));
}

void CastFromString(Case& c) {
  Random& random = c.random();
  const ElementType to =
      random.Pick({kFloat, kDouble, kInt8, kInt32, kInt64, kUint8, kUint64, kFloat16});
  std::vector<std::string> choices = {"0", "1", "12", "100", "7"};
  if (!Contains(types::kUnsigned, to)) choices.insert(choices.end(), {"-1", "-42"});
  if (IsFloatingPoint(to)) {
    choices.insert(choices.end(), {"1.5", "-0.25", "1e2", "1E-2", "NaN", "INF", "+INF", "-INF",
                                   "3.14159", "inf", "-inf", "nan", ".5", "2."});
  }
  c.Return(c.Add("Cast", "", {c.Input(Strings(random.AnyShape(0, 2, 6, {20000}), random, choices))},
                 {{"to", static_cast<int64_t>(to)}}));
}

// Through a type that the peer's inputs and outputs cannot have.
void CastThrough(Case& c) {
  Random& random = c.random();
  const ElementType from = random.Pick({kFloat, kFloat16, kFloat});
  const ElementType through =
      random.Pick({kBfloat16, kFloat8E4M3FN, kFloat8E4M3FNUZ, kFloat8E5M2, kFloat8E5M2FNUZ, kInt4,
                   kUint4, kFloat4E2M1, kFloat8E8M0});
  Attributes attributes = {{"to", static_cast<int64_t>(through)}};
  if (Contains(types::kFloat8, through) && random.Chance(0.5)) {
    attributes.emplace_back("saturate", random.Int(0, 1));
  }
  const Shape shape = random.AnyShape(0, 3);
  const bool narrow = IsSubByte(through);
  Tensor values = narrow ? random.Values(from, shape, through == kUint4 ? 0 : -7, 7)
                         : random.WithSpecials(from, shape);
  if (through == kFloat8E8M0) {
    // Which has no sign: what becomes of numbers below 0 is not defined.
    DispatchType(FloatTypes{}, from, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (T& value : values.mutable_view().span<T>()) {
        value = static_cast<T>(std::abs(static_cast<ComputeType<T>>(value)));
      }
    });
    if (c.opset() >= 24 && random.Chance(0.6)) {
      attributes.emplace_back("round_mode", std::string(random.Pick({"up", "down", "nearest"})));
    }
  }
  Value* const x = c.Fed(values);
  const Node& down = c.Add("Cast", "", {x}, attributes);
  c.Return(c.Add("Cast", "", {down.output(0)}, {{"to", int64_t{1}}}));
}

void BitCast(Case& c) {
  Random& random = c.random();
  const std::vector<std::pair<ElementType, ElementType>> pairs = {
      {kFloat, kInt32}, {kInt32, kFloat}, {kDouble, kInt64}, {kUint64, kDouble}, {kInt8, kUint8}};
  const auto [from, to] = random.Pick(pairs);
  c.Only({c.Input(random.Values(from, random.AnyShape(0, 3)))}, {{"to", static_cast<int64_t>(to)}});
}

void StringNormalizer(Case& c) {
  Random& random = c.random();
  Attributes attributes;
  if (random.Chance(0.7)) {
    attributes.emplace_back("case_change_action",
                            std::string(random.Pick({"LOWER", "UPPER", "NONE"})));
  }
  if (random.Chance(0.5)) attributes.emplace_back("is_case_sensitive", random.Int(0, 1));
  if (random.Chance(0.6)) {
    attributes.emplace_back("stopwords", std::vector<std::string>{"a", "cat", "abc", "éa"});
  }
  const auto count = random.Int(1, 6, 20000);
  c.DeclareSizes();
  const Shape shape = random.Chance(0.5) ? Shape{count} : Shape{1, count};
  c.Only(
      {c.Input(Strings(shape, random, {"a", "ABC", "abc", "cat", "Éa", "zéro", "Dog", "", "x y"}))},
      attributes);
}

void StringConcat(Case& c) {
  const Shape shape = c.random().AnyShape(0, 3, 6, {50, 400});
  c.Only({c.Input(c.random().Values(kString, shape)),
          c.Input(c.random().Values(kString, c.random().Broadcastable(shape)))});
}

void StringSplit(Case& c) {
  Random& random = c.random();
  Attributes attributes;
  if (random.Chance(0.7)) {
    attributes.emplace_back("delimiter", std::string(random.Pick({",", "--", " ", ""})));
  }
  if (random.Chance(0.5)) attributes.emplace_back("maxsplit", random.Int(0, 3));
  c.Only({c.Input(Strings(random.AnyShape(0, 2, 6, {20000}), random,
                          {"a,b,c", "", "  a  b ", "x--y--z", "one", ",,", "a b,c--d"}))},
         attributes, 2);
}

void RegexFullMatch(Case& c) {
  Random& random = c.random();
  c.Only({c.Input(Strings(random.AnyShape(0, 3, 6, {20000}), random,
                          {"abc", "a1", "", "www.x.com", "ABC", "a b", "zéro", "12"}))},
         {{"pattern", std::string(random.Pick(
                          {"[a-z]+", ".*", "\\d+", "www\\.[\\w.]+", "(a|b)*c", "\\pL+", ""}))}});
}

void TfIdf(Case& c) {
  Random& random = c.random();
  const bool words = random.Chance(0.4);
  const std::vector<std::string> vocabulary = {"a", "b", "cat", "dog", "a", "b", "cat", "dog"};
  Attributes attributes = {{"mode", std::string(random.Pick({"TF", "IDF", "TFIDF"}))},
                           {"min_gram_length", int64_t{1}},
                           {"max_gram_length", int64_t{2}},
                           {"max_skip_count", random.Int(0, 3)},
                           {"ngram_counts", std::vector<int64_t>{0, 4}},
                           {"ngram_indexes", std::vector<int64_t>{0, 1, 2, 3, 4, 5}}};
  attributes[1].second = random.Int(1, 2);
  if (words) {
    attributes.emplace_back("pool_strings", vocabulary);
  } else {
    attributes.emplace_back("pool_int64s", std::vector<int64_t>{1, 2, 3, 4, 1, 2, 3, 4});
  }
  if (random.Chance(0.5)) {
    attributes.emplace_back("weights", std::vector<float>{0.5f, 1, 2, 3, 0.1f, 4});
  }
  const Shape shape = random.Chance(0.5) ? Shape{random.Int(1, 9, 20000)}
                                         : Shape{random.Int(1, 3, 100), random.Int(1, 9, 200)};
  c.Only({c.Input(words ? Strings(shape, random, {"a", "b", "cat", "dog", "x"})
                        : random.Values(random.Pick({kInt32, kInt64}), shape, 0, 5))},
         attributes);
}

}  // namespace

std::vector<Subject> TextSubjects() {
  return {{"Cast", Cast, "", 9},
          {"CastLike", Cast, "", 15},
          {"Cast:to_string", CastToString, "", 9},
          {"Cast:from_string", CastFromString, "", 9},
          {"Cast:through", CastThrough, "", 19},
          {"BitCast", BitCast, "", 26, 26},
          {"StringNormalizer", StringNormalizer, "", 10},
          {"StringConcat", StringConcat, "", 20},
          {"StringSplit", StringSplit, "", 20},
          {"RegexFullMatch", RegexFullMatch, "", 20},
          {"TfIdfVectorizer", TfIdf, "", 9}};
}

}  // namespace mullion::differential
