// SPDX-License-Identifier: MIT
// Matrix products and what is made of them.
#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

// Shapes [batch..., m, k] and [batch..., k, n], or vectors on either side.
std::pair<Shape, Shape> ProductShapes(Random& random, bool vectors) {
  const int64_t m = random.Int(1, 9, 128), n = random.Int(1, 20, 256), k = random.Int(1, 24, 256);
  const Shape batch = random.AnyShape(0, 2, 3, {8});
  Shape a = random.Broadcastable(batch), b = batch;
  if (random.Chance(0.3)) b = Shape();
  if (random.Chance(0.5)) std::swap(a, b);
  if (!vectors || random.Chance(0.85)) a.Append(m);
  a.Append(k);
  if (a.rank() == 1) {
    b.Append(k);
    b.Append(n);
    return {a, b};
  }
  if (vectors && random.Chance(0.1)) return {a, Shape{k}};
  b.Append(k);
  b.Append(n);
  return {a, b};
}

void MatMul(Case& c) {
  const auto [a, b] = ProductShapes(c.random(), true);
  const ElementType type =
      c.random().Pick({kFloat, kFloat, kFloat, kDouble, kInt32, kInt64, kUint32, kFloat16});
  c.tolerance = {1e-4, 1e-5, 1e-6};
  c.Only({c.Input(c.random().Values(type, a)), c.Input(c.random().Values(type, b))});
}

void Gemm(Case& c) {
  Random& random = c.random();
  const int64_t m = random.Int(0, 9, 128), n = random.Int(1, 20, 256), k = random.Int(1, 24, 256);
  const ElementType type = random.Pick({kFloat, kFloat, kFloat, kDouble, kFloat16});
  const bool trans_a = random.Chance(0.4), trans_b = random.Chance(0.4);
  Attributes attributes;
  if (trans_a) attributes.emplace_back("transA", int64_t{1});
  if (trans_b) attributes.emplace_back("transB", int64_t{1});
  if (random.Chance(0.5)) attributes.emplace_back("alpha", static_cast<float>(random.Real(-2, 2)));
  if (random.Chance(0.5)) attributes.emplace_back("beta", static_cast<float>(random.Real(-2, 2)));
  Value* bias = nullptr;
  if (c.opset() < 11 || random.Chance(0.8)) {
    bias = c.Weights(random.Values(
        type,
        random.typical() ? Shape{n} : random.Pick<Shape>({{}, {1}, {n}, {m, 1}, {1, n}, {m, n}})));
  }
  c.tolerance = {1e-4, 1e-5, 1e-6};
  c.Only({c.Input(random.Values(type, trans_a ? Shape{k, m} : Shape{m, k})),
          c.Weights(random.Values(type, trans_b ? Shape{n, k} : Shape{k, n})), bias},
         attributes);
}

void Einsum(Case& c) {
  Random& random = c.random();
  struct Form {
    const char* equation;
    std::vector<std::string> operands;
  };
  static const std::vector<Form> kForms = {{"ij,jk->ik", {"ij", "jk"}},
                                           {"bij,bjk->bik", {"bij", "bjk"}},
                                           {"ij->ji", {"ij"}},
                                           {"ij->", {"ij"}},
                                           {"ij->j", {"ij"}},
                                           {"ii->i", {"ii"}},
                                           {"ii", {"ii"}},
                                           {"i,j->ij", {"i", "j"}},
                                           {"bhid,bhjd->bhij", {"bhid", "bhjd"}},
                                           {"ij,jk,kl->il", {"ij", "jk", "kl"}},
                                           {"ijk,k", {"ijk", "k"}},
                                           {"...ij,...jk->...ik", {"bij", "bjk"}},
                                           {"...i->...", {"bji"}},
                                           {" i j , j k -> k i ", {"ij", "jk"}},
                                           {"bij,j->bi", {"bij", "j"}},
                                           {"i,i->", {"i", "i"}},
                                           {"abc,cd,be->ade", {"abc", "cd", "be"}}};
  const Form& form = random.Pick(kForms);
  int64_t sizes[26];
  for (int64_t& size : sizes) size = random.Int(1, 5, random.typical() ? 256 : 40);
  const ElementType type = random.Pick({kFloat, kFloat, kDouble, kInt32, kInt64});
  std::vector<Value*> inputs;
  for (const std::string& letters : form.operands) {
    Shape shape;
    for (const char letter : letters) shape.Append(sizes[letter - 'a']);
    inputs.push_back(c.Input(random.Values(type, shape)));
  }
  c.tolerance = {1e-4, 1e-5, 1e-6};
  c.Only(inputs, {{"equation", std::string(form.equation)}});
}

void Det(Case& c) {
  Shape shape = c.random().AnyShape(0, 2, 3, {256});
  const auto size = c.random().Int(1, 5, 16);
  shape.Append(size);
  shape.Append(size);
  c.tolerance = {1e-3, 1e-4, 1e-4};
  c.Only({c.Input(c.random().Values(kFloat, shape))});
}

void MatMulInteger(Case& c) {
  Random& random = c.random();
  const auto [a, b] = ProductShapes(random, false);
  const ElementType left = random.Pick({kUint8, kInt8}), right = random.Pick({kUint8, kInt8});
  Value* zero_a = nullptr;
  Value* zero_b = nullptr;
  if (random.Chance(0.6)) zero_a = c.Input(random.Values(left, {}, -20, 100));
  if (random.Chance(0.6)) {
    const bool columns = b.rank() == 2 && random.Chance(0.4);
    zero_b = c.Input(random.Values(right, columns ? Shape{b.Back(0)} : Shape{}, -20, 100));
  }
  c.Only({c.Input(random.Values(left, a, -128, 127)), c.Input(random.Values(right, b, -128, 127)),
          zero_a, zero_b});
}

}  // namespace

std::vector<Subject> MatrixSubjects() {
  return {{"MatMul", MatMul},
          {"Gemm", Gemm},
          {"Einsum", Einsum, "", 12},
          {"Det", Det, "", 11},
          {"MatMulInteger", MatMulInteger, "", 10}};
}

}  // namespace mullion::differential
