// SPDX-License-Identifier: MIT
// Every element type that ONNX allows in any version of any operator is taken and runs, in a small
// case of the operator, and gives the numbers that the usual type gives: a walk through
// specified_types.txt with the cases of smallest_cases.txt.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <optional>
#include <set>

#include "base/str_cat.h"
#include "tests/operators/small_cases.h"

namespace mullion {
namespace {

std::vector<TypedCase> Cases() {
  Words missing;
  std::vector<TypedCase> cases = ReadTypedCases(&missing);
  for (const std::string& name : missing) {
    ADD_FAILURE() << name << " has no case in smallest_cases.txt";
  }
  return cases;
}

TEST(SpecifiedTypes, AllAreTakenAndRun) {
  int versions = 0, cases = 0;
  for (const TypedCase& typed : Cases()) {
    ++versions;
    for (const Assignment& assignment : typed.assignments) {
      ++cases;
      const CaseResult result = RunCase(typed, assignment);
      // Regular expressions are for builds that found their library.
      if (result.trouble.find("RE2 was missing") != std::string::npos) continue;
      EXPECT_EQ(result.trouble, "") << Describe(typed, assignment);
      for (size_t i = 0; i < result.outputs.size(); ++i) {
        const ElementType expected = Resolve(assignment, typed.version.OutputLetter(i));
        if (expected == ElementType::kUndefined) continue;
        EXPECT_EQ(ElementTypeName(result.outputs[i].type()), ElementTypeName(expected))
            << "output " << i << " of " << Describe(typed, assignment);
      }
    }
  }
  std::printf("%d versions, %d cases\n", versions, cases);
}

// How far a result of the type may be from that of the usual type, as a share of the largest.
double RoundingOf(ElementType type) {
  switch (type) {
    case ElementType::kFloat16:
      return 4e-3;
    case ElementType::kBfloat16:
      return 3e-2;
    case ElementType::kFloat8E4M3FN:
    case ElementType::kFloat8E4M3FNUZ:
      return 1.0 / 16;
    case ElementType::kFloat8E5M2:
    case ElementType::kFloat8E5M2FNUZ:
    case ElementType::kFloat4E2M1:
      return 1.0 / 8;
    default:
      return 1e-5;
  }
}

bool IsWhole(ElementType type) {
  return IsInteger(type) || (IsSubByte(type) && type != ElementType::kFloat4E2M1);
}

// A number as the type has it: whole ones are cut off, and what is out of range is anything.
std::optional<double> As(ElementType type, double number) {
  if (type == ElementType::kBool) return number == 0 ? 0 : 1;
  if (!IsWhole(type)) return number;
  const bool has_sign =
      !Contains(types::kUnsigned | SetOf(ElementType::kUint4, ElementType::kUint2), type);
  const double end = std::ldexp(1, ElementBits(type) - (has_sign ? 1 : 0));
  if (!(number >= (has_sign ? -end : 0) && number < end)) return std::nullopt;
  return std::trunc(number);
}

// "" or what is different.
std::string Difference(const Tensor& actual, const Tensor& expected, double rounding) {
  if (actual.shape() != expected.shape())
    return StrCat(mullion::Describe(actual.view()), ", not ", mullion::Describe(expected.view()));
  const std::vector<double> a = Numbers(actual), b = Numbers(expected);
  double most = 0;
  for (const double number : b)
    most = std::isfinite(number) ? std::max(most, std::fabs(number)) : most;
  for (size_t i = 0; i < a.size(); ++i) {
    const std::optional<double> number = As(actual.type(), b[i]);
    if (!number || a[i] == *number || (std::isnan(a[i]) && std::isnan(*number))) continue;
    if (std::fabs(a[i] - *number) > rounding * most)
      return StrCat("element ", i, " is ", a[i], ", not ", *number);
  }
  return "";
}

TEST(SpecifiedTypes, GiveTheSameNumbers) {
  int compared = 0;
  for (const TypedCase& typed : Cases()) {
    // Random numbers, one that rounds where others cut off, and one to which "0" is something.
    const std::string& name = typed.version.name;
    if (name == "Multinomial" || name == "GridSample" || name.find("Random") == 0) continue;
    if (name == "NonZero") continue;
    for (const Assignment& assignment : typed.assignments) {
      if (assignment == typed.usual) continue;
      const CaseResult result = RunCase(typed, assignment);
      const CaseResult usual = RunCase(typed, typed.usual, {assignment, nullptr});
      double rounding = 0;
      for (const auto& [letter, type] : assignment) {
        rounding = std::max(rounding, RoundingOf(ElementTypeFromName(type)));
      }
      ASSERT_EQ(result.outputs.size(), usual.outputs.size()) << Describe(typed, assignment);
      for (size_t i = 0; i < result.outputs.size(); ++i) {
        EXPECT_EQ(Difference(result.outputs[i], usual.outputs[i], rounding), "")
            << "output " << i << " of " << Describe(typed, assignment);
        ++compared;
      }
    }
  }
  std::printf("%d outputs\n", compared);
}

// Numbers that floats can hold, and then that they cannot: `steps` of 2^-40 away.
void Spread(Tensor& x, int steps) {
  const auto spread = [&](auto values) {
    using T = typename decltype(values)::value_type;
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = values[i] * T{0.75} + T{0.3125} + T{0.0625} * static_cast<T>(i % 3);
      if constexpr (sizeof(T) == 8) values[i] += 0x1p-40 * static_cast<T>(i % 5 + 1) * steps;
    }
  };
  if (x.type() == ElementType::kFloat) spread(x.mutable_view().span<float>());
  if (x.type() == ElementType::kDouble) spread(x.mutable_view().span<double>());
}

double LargestChange(const Tensor& from, const Tensor& to) {
  const std::vector<double> a = Numbers(from), b = Numbers(to);
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isfinite(a[i])) most = std::max(most, std::fabs(a[i] - b[i]));
  }
  return most;
}

// Where a small change may make none, or a large one: steps, and what takes no notice of an input.
const std::set<std::string> kSteps = {"Ceil",
                                      "Floor",
                                      "Hardmax",
                                      "Min",
                                      "Mod",
                                      "Round",
                                      "Sign",
                                      "ThresholdedRelu",
                                      "CastLike",
                                      "MaxRoiPool",
                                      "MelWeightMatrix",
                                      "PRelu",
                                      "SequenceConstruct",
                                      "SequenceInsert",
                                      "ai.onnx.ml:Binarizer",
                                      "ai.onnx.ml:TreeEnsemble"};

// Every operator that takes doubles computes in them: a change of an input that is smaller than a
// float can tell changes the result, and by as little.
TEST(SpecifiedTypes, DoublesStayDoubles) {
  int changes = 0;
  for (const TypedCase& typed : Cases()) {
    if (kSteps.count(typed.version.name) > 0) continue;
    const size_t count = std::min(typed.form.inputs.size(), typed.version.inputs.size());
    const auto spread = [&](size_t changed) {
      return [&typed, changed](size_t input, Tensor& x) {
        if (typed.form.Anything(input)) Spread(x, input == changed ? 1 : 0);
      };
    };
    for (const Assignment& assignment : typed.assignments) {
      const CaseResult before = RunCase(typed, assignment, {{}, spread(SIZE_MAX)});
      for (size_t i = 0; i < count; ++i) {
        if (!typed.form.Anything(i)) continue;
        if (Resolve(assignment, typed.version.InputLetter(i)) != ElementType::kDouble) continue;
        const CaseResult after = RunCase(typed, assignment, {{}, spread(i)});
        ASSERT_EQ(after.outputs.size(), before.outputs.size());
        for (size_t k = 0; k < before.outputs.size(); ++k) {
          if (before.outputs[k].type() != ElementType::kDouble) continue;
          const double change = LargestChange(before.outputs[k], after.outputs[k]);
          EXPECT_TRUE(change > 0 && change < 1e-9)
              << "input " << i << " changes output " << k << " by " << change << " in "
              << Describe(typed, assignment);
          ++changes;
        }
      }
    }
  }
  std::printf("%d changes\n", changes);
}

// Where 2^60 more of every input is not 2^60 times something more of the result.
const std::set<std::string> kOtherwise = {"BitShift",
                                          "Div",
                                          "Erf",
                                          "GridSample",
                                          "Mod",
                                          "NonZero",
                                          "Pow",
                                          "RandomNormalLike",
                                          "RandomUniformLike",
                                          "ReduceL2",
                                          "ReduceLogSum",
                                          "ReduceLogSumExp",
                                          "ReduceMean",
                                          "Shrink",
                                          "Sign",
                                          "ai.onnx.ml:Binarizer",
                                          "ai.onnx.ml:FeatureVectorizer",
                                          "ai.onnx.ml:Imputer",
                                          "ai.onnx.ml:LinearClassifier",
                                          "ai.onnx.ml:LinearRegressor",
                                          "ai.onnx.ml:Normalizer",
                                          "ai.onnx.ml:Scaler",
                                          "ai.onnx.ml:SVMClassifier",
                                          "ai.onnx.ml:SVMRegressor",
                                          "ai.onnx.ml:TreeEnsembleClassifier",
                                          "ai.onnx.ml:TreeEnsembleRegressor"};

constexpr uint64_t kFar = uint64_t{1} << 60;

void MoveFar(Tensor& x) {
  auto* const data = static_cast<uint64_t*>(x.mutable_data());
  for (int64_t i = 0; i < x.count(); ++i) data[i] += kFar;
}

// "" or what is different when whole numbers of 64 bits may differ by multiples of 2^60.
std::string DifferenceFromNear(const Tensor& far, const Tensor& near) {
  if (far.type() != ElementType::kInt64 && far.type() != ElementType::kUint64) {
    return Difference(far, near, 0);
  }
  if (far.shape() != near.shape()) return "shapes differ";
  const auto* const a = static_cast<const uint64_t*>(far.data());
  const auto* const b = static_cast<const uint64_t*>(near.data());
  for (int64_t i = 0; i < far.count(); ++i) {
    if ((a[i] - b[i]) % kFar != 0) return StrCat("element ", i, " is ", a[i], ", not ", b[i]);
  }
  return "";
}

// Integers of 64 bits go through no floating-point number: with 2^60 more in all inputs that flow
// through, choices and comparisons are the same, and sums and products are modulo 2^60.
TEST(SpecifiedTypes, LargeIntegersStayExact) {
  int cases = 0;
  for (const TypedCase& typed : Cases()) {
    if (kOtherwise.count(typed.version.name) > 0) continue;
    const OperatorVersion& version = typed.version;
    const size_t count = std::min(typed.form.inputs.size(), version.inputs.size());
    Words flowing;
    for (size_t i = 0; i < count; ++i) {
      if (typed.form.Anything(i)) flowing.push_back(version.InputLetter(i));
    }
    for (const Assignment& assignment : typed.assignments) {
      const auto moves = [&](size_t i) {
        const ElementType type = Resolve(assignment, version.InputLetter(i));
        return Holds(flowing, version.InputLetter(i)) &&
               (type == ElementType::kInt64 || type == ElementType::kUint64);
      };
      bool any = false;
      for (size_t i = 0; i < count; ++i) any = any || moves(i);
      if (!any) continue;
      ++cases;
      const CaseResult near = RunCase(typed, assignment);
      const CaseResult far = RunCase(typed, assignment, {{}, [&](size_t i, Tensor& x) {
                                                           if (moves(i)) MoveFar(x);
                                                         }});
      ASSERT_EQ(far.outputs.size(), near.outputs.size()) << far.trouble;
      for (size_t k = 0; k < near.outputs.size(); ++k) {
        EXPECT_EQ(DifferenceFromNear(far.outputs[k], near.outputs[k]), "")
            << "output " << k << " of " << Describe(typed, assignment);
      }
    }
  }
  std::printf("%d cases\n", cases);
}

}  // namespace
}  // namespace mullion
