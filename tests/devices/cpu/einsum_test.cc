// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <map>

#include "tests/devices/cpu/operator_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Case(std::string equation, std::vector<Tensor> inputs) {
  OperatorCase c;
  c.name = "Einsum";
  c.opset = 12;
  c.inputs = std::move(inputs);
  c.Set("equation", std::move(equation));
  return c;
}

// The definition: for every value of all letters, the product of the operands is added to the
// result. Equations without ellipsis, with "->".
Tensor Reference(const std::string& equation, const std::vector<Tensor>& inputs) {
  std::vector<std::string> terms(1);
  const size_t arrow = equation.find("->");
  for (const char c : equation.substr(0, arrow)) {
    if (c == ',') {
      terms.emplace_back();
    } else {
      terms.back() += c;
    }
  }
  const std::string output = equation.substr(arrow + 2);
  std::map<char, int64_t> sizes;
  for (size_t i = 0; i < terms.size(); ++i) {
    for (size_t a = 0; a < terms[i].size(); ++a) {
      int64_t& size = sizes[terms[i][a]];
      size = std::max(size, inputs[i].shape()[static_cast<int>(a)]);
    }
  }
  Shape shape;
  for (const char c : output) shape.Append(sizes[c]);
  std::vector<double> sums(static_cast<size_t>(shape.ElementCount()));
  std::map<char, int64_t> at;
  for (const auto& [letter, size] : sizes) at[letter] = 0;
  const auto offset = [&](const std::string& term, const Shape& of) {
    int64_t result = 0;
    for (size_t a = 0; a < term.size(); ++a) {
      const int64_t dim = of[static_cast<int>(a)];
      result = result * dim + (dim == 1 ? 0 : at[term[a]]);
    }
    return static_cast<size_t>(result);
  };
  while (true) {
    double product = 1;
    for (size_t i = 0; i < terms.size(); ++i) {
      product *= static_cast<double>(inputs[i].span<float>()[offset(terms[i], inputs[i].shape())]);
    }
    sums[offset(output, shape)] += product;
    auto letter = at.begin();
    for (; letter != at.end(); ++letter) {
      if (++letter->second < sizes[letter->first]) break;
      letter->second = 0;
    }
    if (letter == at.end()) break;
  }
  return FloatTensor(shape, std::vector<float>(sums.begin(), sums.end()));
}

TEST(Einsum, DoesWhatItsDefinitionSays) {
  std::mt19937 random(1);
  const std::pair<const char*, std::vector<Shape>> cases[] = {
      {"ij->ji", {{3, 5}}},
      {"ij->", {{3, 5}}},
      {"ij->i", {{7, 40}}},
      {"ii->i", {{6, 6}}},
      {"ii->", {{6, 6}}},
      {"iij->j", {{4, 4, 3}}},
      {"abc->cab", {{2, 3, 4}}},
      {"i,j->ij", {{4}, {5}}},
      {"i,i->", {{9}, {9}}},
      {"i,i->i", {{9}, {9}}},
      {"ij,jk->ik", {{4, 5}, {5, 6}}},
      {"ij,kj->ik", {{4, 5}, {6, 5}}},
      {"ji,jk->ki", {{4, 5}, {4, 6}}},
      {"bij,bjk->bik", {{3, 4, 5}, {3, 5, 6}}},
      {"bhid,bhjd->bhij", {{2, 3, 4, 5}, {2, 3, 6, 5}}},
      {"bhij,bjhd->bihd", {{2, 3, 4, 5}, {2, 5, 3, 6}}},
      {"bij,bjk->ik", {{3, 4, 5}, {3, 5, 6}}},
      {"ijk,jl->il", {{3, 4, 5}, {4, 6}}},
      {"ij,jkl->k", {{3, 4}, {4, 5, 6}}},
      {"ij,jk,kl->il", {{3, 4}, {4, 5}, {5, 6}}},
      {"i,j,k->kij", {{3}, {4}, {5}}},
      {"ab,ab,ab->b", {{3, 4}, {3, 4}, {3, 4}}},
      {"ij,jk->ik", {{4, 1}, {5, 6}}},  // an axis of one repeats
      {"ij,ij->ij", {{1, 5}, {4, 1}}},
      {"iij,jk->ik", {{4, 4, 5}, {5, 2}}},
  };
  for (const auto& [equation, shapes] : cases) {
    SCOPED_TRACE(equation);
    std::vector<Tensor> inputs;
    for (const Shape& shape : shapes) inputs.push_back(RandomTensor(shape, random));
    const OperatorCase c = Case(equation, inputs);
    const Tensor expected = Reference(equation, inputs);
    ExpectClose(c.Run(1)[0], expected, 1e-5);
    ExpectClose(c.RunInDouble()[0], expected, 1e-5);
    ExpectAgreement(c, 1e-5);
  }
}

TEST(Einsum, AlignsAndBroadcastsEllipses) {
  std::mt19937 random(2);
  const Tensor a = RandomTensor({2, 3, 4, 5}, random);
  const Tensor b = RandomTensor({3, 5, 6}, random);
  const Tensor expected = Reference("xyij,yjk->xyik", {a, b});
  ExpectClose(Case("...ij,...jk->...ik", {a, b}).Run()[0], expected, 1e-5);
  ExpectClose(Case("... i j, ... j k", {a, b}).Run()[0], expected, 1e-5);
  // An ellipsis that the result lacks is summed over.
  ExpectClose(Case("...j->j", {a}).Run()[0], Reference("xyij->j", {a}), 1e-5);
}

TEST(Einsum, OrdersAnImplicitResultByLetter) {
  std::mt19937 random(3);
  const Tensor a = RandomTensor({2, 3}, random);
  ExpectClose(Case("ba", {a}).Run()[0], Reference("ba->ab", {a}), 0);
  ExpectClose(Case("aB", {a}).Run()[0], Reference("aB->Ba", {a}), 0);
}

TEST(Einsum, TakesEmptyOperands) {
  const OperatorCase c = Case("ij,jk->ik", {FloatTensor({2, 0}, {}), FloatTensor({0, 3}, {})});
  EXPECT_EQ(Floats(c.Run()[0]), std::vector<float>(6, 0));
  EXPECT_EQ(Case("ij->i", {FloatTensor({0, 3}, {})}).Run()[0].count(), 0);
}

TEST(Einsum, MultipliesIntegers) {
  const std::vector<int32_t> values = {1, 2, 3, 4};
  const Tensor a = Tensor::FromSpan<int32_t>({2, 2}, values);
  const Tensor result = Case("ij,jk->ik", {a, a}).Run()[0];
  EXPECT_EQ(result.span<int32_t>()[3], 22);
}

TEST(Einsum, RefusesBrokenEquations) {
  const Tensor a = FloatTensor({1, 2}, {1, 2});
  const std::pair<const char*, const char*> cases[] = {
      {"ij,jk->ik", "has 2 operands, but the node has 1 inputs"},
      {"i1->i", "has '1' in the term"},
      {"i...j...->i", "has '.' in the term"},
      {"ijk->i", "which has rank 2"},
      {"ij->k", "in no operand"},
      {"ij->ii", "there twice"},
      {"ii->i", ""},  // 1 and 2 elements: the one repeats
  };
  for (const auto& [equation, message] : cases) {
    SCOPED_TRACE(equation);
    if (*message == '\0') {
      EXPECT_EQ(Case(equation, {a}).Run().size(), 1u);
    } else {
      EXPECT_NE(Case(equation, {a}).RunError().find(message), std::string::npos);
    }
  }
  const OperatorCase c =
      Case("ij,ij->", {FloatTensor({2, 2}, {1, 2, 3, 4}), FloatTensor({3, 2}, {1, 2, 3, 4, 5, 6})});
  EXPECT_NE(c.RunError().find("has 3 elements, but another axis of the same letter has 2"),
            std::string::npos);
}

}  // namespace
}  // namespace mullion::cpu
