// SPDX-License-Identifier: MIT
// Functions of one element or of two that broadcast.
#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

ElementType FloatType(Case& c) {
  return c.random().Pick({kFloat, kFloat, kFloat, kDouble, kFloat16});
}
ElementType NumberType(Case& c) {
  return c.random().Pick({kFloat, kFloat, kDouble, kInt32, kInt64, kInt8, kUint8, kUint32, kUint64,
                          kInt16, kUint16, kFloat16});
}

void Unary(Case& c) {
  const Shape shape = c.random().AnyShape(0, 4);
  const bool specials = c.random().Chance(0.4);
  const ElementType type = FloatType(c);
  c.Only(
      {c.Input(specials ? c.random().WithSpecials(type, shape) : c.random().Values(type, shape))});
}

// Arguments in [-1, 1] and around it.
void NearOne(Case& c) {
  c.Only({c.Input(c.random().Values(FloatType(c), c.random().AnyShape(0, 3), -1.1, 1.1))});
}

void Positive(Case& c) {
  c.Only({c.Input(c.random().Values(FloatType(c), c.random().AnyShape(0, 3), -0.1, 20))});
}

void UnaryNumber(Case& c) {
  const ElementType type = NumberType(c);
  const Shape shape = c.random().AnyShape(0, 4);
  c.Only({c.Input(IsFloatingPoint(type) ? c.random().WithSpecials(type, shape)
                                        : c.random().Values(type, shape, -100, 100))});
}

// Each attribute is left out in one case of three.
void WithAlpha(Case& c) {
  Random& random = c.random();
  Attributes attributes;
  const auto maybe = [&](const char* name, double low, double high) {
    if (random.Chance(0.67)) {
      attributes.emplace_back(name, static_cast<float>(random.Real(low, high)));
    }
  };
  const std::string_view name = c.subject().name;
  if (name == "Shrink") {
    maybe("bias", -1, 1);
    maybe("lambd", 0, 2);
  } else if (name == "Gelu") {
    if (random.Chance(0.7)) {
      attributes.emplace_back("approximate", std::string(random.Chance(0.5) ? "tanh" : "none"));
    }
  } else {
    maybe("alpha", name == "Celu" ? 0.2 : -0.5, 2);
    if (name == "Selu") maybe("gamma", 0.5, 2);
    if (name == "HardSigmoid") maybe("beta", -1, 1);
  }
  c.Only({c.Input(random.Values(name == "Shrink" ? NumberType(c) : FloatType(c),
                                random.AnyShape(0, 4)))},
         attributes);
}

void InfinityTest(Case& c) {
  Attributes attributes;
  for (const char* const name : {"detect_positive", "detect_negative"}) {
    if (c.subject().name == "IsInf" && c.random().Chance(0.5)) {
      attributes.emplace_back(name, c.random().Int(0, 1));
    }
  }
  c.Only({c.Input(c.random().WithSpecials(FloatType(c), c.random().AnyShape(0, 3)))}, attributes);
}

void Clip(Case& c) {
  Random& random = c.random();
  const ElementType type = c.opset() < 12 ? kFloat : NumberType(c);
  Value* const x = c.Input(random.Values(type, random.AnyShape(0, 4), -10, 10));
  if (c.opset() < 11) {
    Attributes attributes;
    if (random.Chance(0.7)) attributes.emplace_back("min", -2.0f);
    if (random.Chance(0.7)) attributes.emplace_back("max", 1.5f);
    return c.Only({x}, attributes);
  }
  Value* const low = random.Chance(0.7) ? c.Input(random.Values(type, {}, -5, 3)) : nullptr;
  Value* const high = random.Chance(0.7) ? c.Input(random.Values(type, {}, -3, 6)) : nullptr;
  c.Only({x, low, high});
}

void Logical(Case& c) {
  const Shape shape = c.random().AnyShape(0, 4);
  Value* const a = c.Input(c.random().Values(kBool, shape));
  if (c.subject().name == "Not") return c.Only({a});
  Value* const b = c.Input(c.random().Values(kBool, c.random().Broadcastable(shape)));
  if (c.random().Chance(0.5)) return c.Only({b, a});
  c.Only({a, b});
}

void Bits(Case& c) {
  const ElementType type =
      c.random().Pick({kInt8, kInt16, kInt32, kInt64, kUint8, kUint16, kUint32, kUint64});
  const Shape shape = c.random().AnyShape(0, 4);
  Value* const a = c.Input(c.random().Values(type, shape, -100, 100));
  if (c.subject().name == "BitwiseNot") return c.Only({a});
  c.Only({a, c.Input(c.random().Values(type, c.random().Broadcastable(shape), -100, 100))});
}

void BitShift(Case& c) {
  const ElementType type = c.random().Pick({kUint8, kUint16, kUint32, kUint64});
  const Shape shape = c.random().AnyShape(0, 3);
  // As far as the width and beyond.
  Value* const a = c.Input(c.random().Values(type, shape, 0, 200));
  Value* const b = c.Input(c.random().Values(type, c.random().Broadcastable(shape), 0, 7));
  c.Only({a, b}, {{"direction", std::string(c.random().Chance(0.5) ? "LEFT" : "RIGHT")}});
}

void Arithmetic(Case& c) {
  Random& random = c.random();
  const std::string_view name = c.subject().name;
  ElementType type = NumberType(c);
  const bool divides = name == "Div" || name == "Mod";
  const bool floats = IsFloatingPoint(type);
  Attributes attributes;
  if (name == "Mod" && (floats || random.Chance(0.3))) attributes.emplace_back("fmod", int64_t{1});
  const Shape shape = random.AnyShape(0, 4);
  const Shape other = random.Broadcastable(shape);
  const double low = divides && !floats ? 1 : -9;
  Tensor a = random.Values(type, shape, -9, 9);
  Tensor b = random.Values(type, divides ? other : other, low, 9);
  const bool swap = !divides && random.Chance(0.4);
  if (swap) return c.Only({c.Input(b), c.Input(a)}, attributes);
  c.Only({c.Input(a), c.Input(b)}, attributes);
}

void Power(Case& c) {
  Random& random = c.random();
  const ElementType base = random.Pick({kFloat, kFloat, kDouble, kInt32, kInt64});
  const ElementType exponent =
      c.opset() < 12 ? base : random.Pick({kFloat, kDouble, kInt32, kInt64, base});
  const Shape shape = random.AnyShape(0, 4);
  const bool integers = IsInteger(base) || IsInteger(exponent) || random.Chance(0.5);
  Tensor power = random.Values(exponent, random.Broadcastable(shape), IsInteger(base) ? 0 : -2, 3);
  if (integers && random.Chance(0.4)) {
    power = random.Values(exponent, Shape{}, 2, 2);  // the usual square
  } else if (IsInteger(base) && !IsInteger(exponent)) {
    power = random.Values(exponent, Shape{}, 3, 3);  // roots of negative integers are undefined
  }
  c.Only({c.Input(random.Values(base, shape, IsInteger(base) ? -5 : 0, 5)), c.Input(power)});
}

void Square(Case& c) {
  Random& random = c.random();
  const ElementType type = random.Pick({kFloat, kDouble, kInt32, kInt64});
  const auto power = static_cast<double>(random.Any(2, 3));
  c.Return(c.Add("Pow", "",
                 {c.Input(random.Values(type, random.AnyShape(0, 4), -9, 9)),
                  c.Constant(random.Values(type, {}, power, power))}));
}

void Variadic(Case& c) {
  Random& random = c.random();
  const bool any = c.subject().name == "Max" || c.subject().name == "Min";
  const ElementType type = any && c.opset() >= 12 ? NumberType(c) : FloatType(c);
  const Shape shape = random.AnyShape(0, 4);
  std::vector<Value*> inputs;
  const auto count = random.Int(1, 4, 2);
  for (int64_t i = 0; i < count; ++i) {
    const Shape part = i == 0 ? shape : random.Broadcastable(shape);
    inputs.push_back(c.Input(any && IsFloatingPoint(type) && random.Chance(0.3)
                                 ? random.WithSpecials(type, part)
                                 : random.Values(type, part, -50, 50)));
  }
  c.Only(inputs);
}

void Comparison(Case& c) {
  Random& random = c.random();
  const bool equal = c.subject().name == "Equal";
  ElementType type = NumberType(c);
  if (equal && random.Chance(0.2)) type = kBool;
  if (equal && c.opset() >= 19 && random.Chance(0.2)) type = kString;
  const Shape shape = random.AnyShape(0, 4);
  const auto values = [&](const Shape& of) {
    return IsFloatingPoint(type) && random.Chance(0.5) ? random.WithSpecials(type, of)
                                                       : random.Values(type, of, -2, 2);
  };
  Value* const a = c.Input(values(shape));
  Value* const b = c.Input(values(random.Broadcastable(shape)));
  if (random.Chance(0.5)) return c.Only({b, a});
  c.Only({a, b});
}

void Where(Case& c) {
  Random& random = c.random();
  const ElementType type = random.Pick({kFloat, kDouble, kInt32, kInt64, kUint8, kString, kBool});
  const Shape shape = random.AnyShape(0, 4);
  std::vector<Shape> shapes = {shape, random.Broadcastable(shape), random.Broadcastable(shape)};
  std::swap(shapes[0], shapes[static_cast<size_t>(random.Int(0, 2))]);
  c.Only({c.Input(random.Values(kBool, shapes[0])), c.Input(random.Values(type, shapes[1])),
          c.Input(random.Values(type, shapes[2]))});
}

void PRelu(Case& c) {
  Random& random = c.random();
  const ElementType type = FloatType(c);
  const Shape shape = random.AnyShape(1, 4);
  const Shape slope = random.typical() ? Shape{shape[1], 1, 1} : random.Broadcastable(shape);
  c.Only({c.Input(random.Values(type, shape)), c.Weights(random.Values(type, slope))});
}

void Same(Case& c) {
  const ElementType type = c.random().Pick({kFloat, kInt64, kString, kBool, kUint8, kFloat16});
  c.Only({c.Input(c.random().Values(type, c.random().AnyShape(0, 4)))});
}

}  // namespace

std::vector<Subject> ElementwiseSubjects() {
  std::vector<Subject> subjects;
  for (const char* const name :
       {"Ceil", "Floor", "Sqrt", "Reciprocal", "Exp", "Tanh", "Sigmoid", "Softplus", "Softsign"}) {
    subjects.push_back({name, Unary});
  }
  subjects.insert(subjects.end(), {{"Round", Unary, "", 11},
                                   {"Erf", Unary, "", 9},
                                   {"Sin", Unary},
                                   {"Cos", Unary},
                                   {"Tan", NearOne},
                                   {"Asin", NearOne},
                                   {"Acos", NearOne},
                                   {"Atan", Unary},
                                   {"Sinh", NearOne, "", 9},
                                   {"Cosh", NearOne, "", 9},
                                   {"Asinh", Unary, "", 9},
                                   {"Acosh", Positive, "", 9},
                                   {"Atanh", NearOne, "", 9},
                                   {"Log", Positive},
                                   {"HardSwish", Unary, "", 14},
                                   {"Mish", Unary, "", 18},
                                   {"Abs", UnaryNumber},
                                   {"Neg", UnaryNumber},
                                   {"Sign", UnaryNumber, "", 9},
                                   {"Relu", UnaryNumber},
                                   {"LeakyRelu", WithAlpha},
                                   {"Elu", WithAlpha},
                                   {"Selu", WithAlpha},
                                   {"Celu", WithAlpha, "", 12},
                                   {"Gelu", WithAlpha, "", 20},
                                   {"Swish", WithAlpha, "", 24},
                                   {"HardSigmoid", WithAlpha},
                                   {"ThresholdedRelu", WithAlpha, "", 10},
                                   {"Shrink", WithAlpha, "", 9},
                                   {"IsNaN", InfinityTest, "", 9},
                                   {"IsInf", InfinityTest, "", 10},
                                   {"Clip", Clip},
                                   {"Not", Logical},
                                   {"And", Logical},
                                   {"Or", Logical},
                                   {"Xor", Logical},
                                   {"BitwiseNot", Bits, "", 18},
                                   {"BitwiseAnd", Bits, "", 18},
                                   {"BitwiseOr", Bits, "", 18},
                                   {"BitwiseXor", Bits, "", 18},
                                   {"BitShift", BitShift, "", 11},
                                   {"Add", Arithmetic},
                                   {"Sub", Arithmetic},
                                   {"Mul", Arithmetic},
                                   {"Div", Arithmetic},
                                   {"Mod", Arithmetic, "", 10},
                                   {"Pow", Power},
                                   {"Pow:square", Square, "", 12},
                                   {"Max", Variadic, "", 8},
                                   {"Min", Variadic, "", 8},
                                   {"Sum", Variadic, "", 8},
                                   {"Mean", Variadic, "", 8},
                                   {"Equal", Comparison},
                                   {"Greater", Comparison},
                                   {"Less", Comparison},
                                   {"GreaterOrEqual", Comparison, "", 12},
                                   {"LessOrEqual", Comparison, "", 12},
                                   {"Where", Where, "", 9},
                                   {"PRelu", PRelu, "", 9},
                                   {"Identity", Same}});
  return subjects;
}

}  // namespace mullion::differential
