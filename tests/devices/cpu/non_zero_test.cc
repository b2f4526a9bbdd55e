// SPDX-License-Identifier: MIT
// NonZero, Compress and Unique, whose output sizes hang on contents.
#include <algorithm>
#include <complex>
#include <limits>
#include <map>
#include <random>

#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Case(const char* name, std::vector<Tensor> inputs) {
  OperatorCase c;
  c.name = name;
  c.opset = 13;
  c.inputs = std::move(inputs);
  return c;
}

TEST(NonZero, ListsCoordinatesInRowMajorOrder) {
  ExpectOutput<int64_t>(Case("NonZero", {TensorOf<float>({2, 2}, {1, 0, -2, -0.0f})}), {2, 2},
                        {0, 1, 0, 0});
  ExpectOutput<int64_t>(Case("NonZero", {TensorOf<bool>({3}, {true, false, true})}), {1, 2},
                        {0, 2});
  ExpectOutput<int64_t>(Case("NonZero", {TensorOf<int8_t>({1, 2, 2}, {0, -128, 0, 1})}), {3, 2},
                        {0, 0, 0, 1, 1, 1});
  ExpectOutput<int64_t>(Case("NonZero", {TensorOf<int64_t>({2}, {0, 0})}), {1, 0}, {});
  ExpectOutput<int64_t>(Case("NonZero", {TensorOf<double>({0, 2}, {})}), {2, 0}, {});
  ExpectOutput<int64_t>(Case("NonZero", {TensorOf<Float16>({2}, {Float16(-0.0f), Float16(1e-7f)})}),
                        {1, 1}, {1});
}

TEST(NonZero, TakesTextsAndComplexNumbers) {
  ExpectOutput<int64_t>(Case("NonZero", {TensorOf<std::string>({3}, {"", "0", ""})}), {1, 1}, {1});
  ExpectOutput<int64_t>(Case("NonZero", {TensorOf<std::complex<float>>(
                                            {2, 2}, {{0, -0.0f}, {0, 1}, {-2, 0}, {0, 0}})}),
                        {2, 2}, {0, 1, 1, 0});
}

TEST(Compress, KeepsWhatTheConditionNames) {
  const auto compress = [](const std::vector<bool>& keep, const std::vector<int64_t>& axis) {
    OperatorCase c = Case("Compress", {Counting<int32_t>({3, 2}),
                                       TensorOf<bool>({static_cast<int64_t>(keep.size())}, keep)});
    if (!axis.empty()) c.Set("axis", axis[0]);
    return c;
  };
  ExpectOutput<int32_t>(compress({false, true, true}, {0}), {2, 2}, {2, 3, 4, 5});
  ExpectOutput<int32_t>(compress({false, true}, {-1}), {3, 1}, {1, 3, 5});
  ExpectOutput<int32_t>(compress({true, false, false, true}, {}), {2}, {0, 3});
  ExpectOutput<int32_t>(compress({false}, {0}), {0, 2}, {});
  ExpectOutput<int32_t>(compress({true, false, false, false}, {1}), {3, 1}, {0, 2, 4});
  ExpectError(compress({true, true, true}, {1}), "after the end");
}

// Against plain loops, with more elements than are looked at together.
template <typename T>
void CheckNonZero(const Shape& shape, unsigned one_in) {
  std::mt19937 random(one_in);
  std::vector<T> data(static_cast<size_t>(shape.ElementCount()));
  for (T& value : data) value = static_cast<T>(random() % one_in == 0 ? 1 : 0);
  std::vector<int64_t> expected;
  for (size_t axis = 0; axis < static_cast<size_t>(shape.rank()); ++axis) {
    ForEachCoordinate(shape, [&](const std::vector<int64_t>& at) {
      if (data[static_cast<size_t>(NumberOf(shape, at))] != 0) expected.push_back(at[axis]);
    });
  }
  const int64_t found = std::count(data.begin(), data.end(), T{1});
  ExpectOutput(Case("NonZero", {TensorOf<T>(shape, data)}), {shape.rank(), found}, expected);
}

TEST(NonZero, ListsManyAsPlainLoopsDo) {
  for (const unsigned one_in : {1u, 2u, 50u}) {
    CheckNonZero<uint8_t>({1000}, one_in);
    CheckNonZero<float>({3, 1, 4, 67}, one_in);
    CheckNonZero<int64_t>({2, 5, 300}, one_in);
    CheckNonZero<int32_t>({400, 1}, one_in);
  }
}

template <typename T>
void CheckCompress(const Shape& shape, int64_t length) {
  std::mt19937 random(static_cast<uint32_t>(length));
  std::vector<bool> keep(static_cast<size_t>(length));
  for (size_t i = 0; i < keep.size(); ++i) keep[i] = random() % 2 == 0;
  std::vector<T> expected;
  ForEachCoordinate(shape, [&](const std::vector<int64_t>& at) {
    if (at[1] < length && keep[static_cast<size_t>(at[1])]) {
      expected.push_back(static_cast<T>(NumberOf(shape, at)));
    }
  });
  OperatorCase c = Case("Compress", {Counting<T>(shape), TensorOf<bool>({length}, keep)});
  c.Set("axis", int64_t{1});
  ExpectOutput(c, {shape[0], std::count(keep.begin(), keep.end(), true), shape[2]}, expected);
}

TEST(Compress, KeepsRowsOfAnySize) {
  CheckCompress<uint8_t>({3, 2500, 1}, 2500);  // more conditions than one block
  CheckCompress<uint8_t>({2, 1100, 4}, 1050);  // rows of the size of one element
  CheckCompress<float>({40, 50, 1}, 50);
  CheckCompress<uint16_t>({5, 30, 3}, 29);
  CheckCompress<int64_t>({5, 30, 2}, 30);
  ExpectOutput<std::string>(Case("Compress", {TensorOf<std::string>({3}, {"a", "b", "c"}),
                                              TensorOf<bool>({3}, {true, false, true})}),
                            {2}, {"a", "c"});
}

std::vector<int64_t> Ints(const Tensor& tensor) {
  const auto span = tensor.span<int64_t>();
  return {span.begin(), span.end()};
}

using List = std::vector<int64_t>;

TEST(Unique, SortsAndCounts) {
  OperatorCase c = Case("Unique", {TensorOf<float>({2, 3}, {2, 1, 1, 3, 4, 3})});
  c.output_count = 4;
  std::vector<Tensor> outputs = RunEveryWay(c);
  ASSERT_EQ(outputs.size(), 4u);
  EXPECT_EQ(Floats(outputs[0]), std::vector<float>({1, 2, 3, 4}));
  EXPECT_EQ(Ints(outputs[1]), List({1, 0, 3, 4}));
  EXPECT_EQ(Ints(outputs[2]), List({1, 0, 0, 2, 3, 2}));
  EXPECT_EQ(Ints(outputs[3]), List({2, 1, 2, 1}));
  c.Set("sorted", int64_t{0});
  outputs = RunEveryWay(c);
  ASSERT_EQ(outputs.size(), 4u);
  EXPECT_EQ(Floats(outputs[0]), std::vector<float>({2, 1, 3, 4}));
  EXPECT_EQ(Ints(outputs[1]), List({0, 1, 3, 4}));
  EXPECT_EQ(Ints(outputs[2]), List({0, 1, 1, 2, 3, 2}));
  EXPECT_EQ(Ints(outputs[3]), List({1, 2, 2, 1}));
}

// More than fit the smallest table, some often and some once, in both orders.
template <typename T, typename Make>
void CheckUniques(const Make& make) {
  std::mt19937_64 random(11);
  for (const int64_t count : {0, 1, 70, 5000}) {
    std::vector<T> values(static_cast<size_t>(count));
    for (T& v : values) v = make(static_cast<int64_t>(random() >> (random() % 64)) - 3);
    std::map<T, int64_t> groups;  // where each first is
    std::map<T, int64_t> counts;
    for (int64_t i = 0; i < count; ++i) groups.emplace(values[static_cast<size_t>(i)], i);
    for (const T& value : values) ++counts[value];
    std::vector<std::pair<T, int64_t>> ordered(groups.begin(), groups.end());
    for (const bool sorted : {true, false}) {
      if (!sorted) {
        std::sort(ordered.begin(), ordered.end(),
                  [](const auto& a, const auto& b) { return a.second < b.second; });
      }
      OperatorCase c = Case("Unique", {TensorOf<T>({count}, values)});
      c.Set("sorted", int64_t{sorted});
      c.output_count = 4;
      const std::vector<Tensor> outputs = c.Run();
      ASSERT_EQ(outputs[0].count(), std::ssize(ordered));
      for (size_t i = 0; i < ordered.size(); ++i) {
        ASSERT_EQ(outputs[0].template span<T>()[i], ordered[i].first);
        ASSERT_EQ(outputs[1].span<int64_t>()[i], ordered[i].second);
        ASSERT_EQ(outputs[3].span<int64_t>()[i], counts[ordered[i].first]);
      }
      for (size_t i = 0; i < values.size(); ++i) {
        const auto group = static_cast<size_t>(outputs[2].span<int64_t>()[i]);
        ASSERT_EQ(ordered[group].first, values[i]);
      }
    }
  }
}

TEST(Unique, FindsManyValues) {
  CheckUniques<int64_t>([](int64_t v) { return v; });
  // Whole numbers, of whose bits only the highest differ.
  CheckUniques<double>([](int64_t v) { return static_cast<double>(v % 2000); });
  // Texts of all lengths, some of which differ in one byte alone.
  CheckUniques<std::string>([](int64_t v) {
    std::string text(static_cast<size_t>(v & 31), '\xe9');
    if (!text.empty()) text[static_cast<size_t>(v >> 5 & 31) % text.size()] = '\0';
    return text;
  });
}

TEST(Unique, TakesSlicesAlongAnAxis) {
  OperatorCase c = Case("Unique", {TensorOf<int32_t>({2, 3}, {5, 4, 5, 7, 9, 7})});
  c.Set("axis", int64_t{1});
  ExpectOutput<int32_t>(c, {2, 2}, {4, 5, 9, 7});
  c.attributes = {{"axis", int64_t{-2}}};
  ExpectOutput<int32_t>(c, {2, 3}, {5, 4, 5, 7, 9, 7});
  ExpectOutput<std::string>(Case("Unique", {TensorOf<std::string>({3}, {"b", "a", "b"})}), {2},
                            {"a", "b"});
}

TEST(Unique, OrdersComplexNumbersByTheirRealPartsFirst) {
  using Complex = std::complex<double>;
  const Tensor x = TensorOf<Complex>({2, 3}, {{1, 2}, {0, 3}, {1, -1}, {1, 2}, {0, 4}, {1, -1}});
  OperatorCase c = Case("Unique", {x});
  c.output_count = 4;
  ExpectOutput<Complex>(c, {4}, {{0, 3}, {0, 4}, {1, -1}, {1, 2}});
  EXPECT_EQ(Ints(RunEveryWay(c)[2]), List({3, 0, 2, 3, 1, 2}));
  c.Set("axis", int64_t{1});
  ExpectOutput<Complex>(c, {2, 3}, {{0, 3}, {1, -1}, {1, 2}, {0, 4}, {1, -1}, {1, 2}});
}

TEST(Unique, TreatsAllNanAsOne) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<Tensor> outputs =
      RunEveryWay(Case("Unique", {TensorOf<float>({4}, {nan, 1, nan, -1})}));
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(outputs[0].count(), 3);
  EXPECT_EQ(Floats(outputs[0])[0], -1);
  EXPECT_NE(Floats(outputs[0])[2], Floats(outputs[0])[2]);
}

}  // namespace
}  // namespace mullion::cpu
