// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Case(const char* name, int opset, Tensor data, Tensor indices, Tensor updates) {
  OperatorCase c;
  c.name = name;
  c.opset = opset;
  c.inputs = {std::move(data), std::move(indices), std::move(updates)};
  return c;
}

TEST(ScatterElements, AgreesWithTheDefinition) {
  const Shape shape{4, 3, 5};
  for (const int axis : {0, 1, 2}) {
    Shape small{2, 3, 4};
    small[axis] = shape[axis];
    std::vector<int64_t> indices(static_cast<size_t>(small.ElementCount()));
    std::vector<int16_t> expected(static_cast<size_t>(shape.ElementCount()), -1);
    int16_t update = 0;
    ForEachCoordinate(small, [&](std::vector<int64_t> at) {
      const auto place = static_cast<size_t>(NumberOf(small, at));
      // Every line gets its updates in reverse order.
      int64_t& index = at[static_cast<size_t>(axis)];
      index = shape[axis] - 1 - index;
      indices[place] = index % 2 == 0 ? index : index - shape[axis];
      expected[static_cast<size_t>(NumberOf(shape, at))] = update++;
    });
    OperatorCase c =
        Case("ScatterElements", 13, TensorOf(shape, std::vector<int16_t>(expected.size(), -1)),
             TensorOf(small, indices), Counting<int16_t>(small));
    c.Set("axis", int64_t{axis});
    ExpectOutput(c, shape, expected);
  }
}

template <typename T>
void CheckReduction(const char* reduction, const std::vector<T>& expected) {
  OperatorCase c = Case("ScatterElements", 18, TensorOf<T>({3}, {T{4}, T{5}, T{6}}),
                        IntTensor({1, 1, -1}), TensorOf<T>({3}, {T{7}, T{2}, T{3}}));
  c.Set("reduction", std::string(reduction));
  ExpectOutput(c, {3}, expected);
  c.name = "ScatterND";
  c.inputs[1] = TensorOf<int64_t>({3, 1}, {1, 1, -1});
  ExpectOutput(c, {3}, expected);
}

TEST(Scatter, Reduces) {
  CheckReduction<float>("add", {4, 14, 9});
  CheckReduction<float>("mul", {4, 70, 18});
  CheckReduction<float>("max", {4, 7, 6});
  CheckReduction<float>("min", {4, 2, 3});
  CheckReduction<uint8_t>("mul", {4, 70, 18});
  CheckReduction<int64_t>("max", {4, 7, 6});
  // Integers wrap.
  OperatorCase c = Case("ScatterElements", 18, TensorOf<int8_t>({1}, {100}), IntTensor({0}),
                        TensorOf<int8_t>({1}, {100}));
  c.Set("reduction", std::string("add"));
  ExpectOutput<int8_t>(c, {1}, {-56});
}

template <typename T>
T ReducedTo(const std::string& reduction, T x, T u) {
  if constexpr (std::is_integral_v<T>) {
    const auto a = static_cast<uint64_t>(x);
    const auto b = static_cast<uint64_t>(u);
    if (reduction == "add") return static_cast<T>(a + b);
    if (reduction == "mul") return static_cast<T>(a * b);
    return reduction == "max" ? std::max(x, u) : std::min(x, u);
  } else {
    const auto a = static_cast<ComputeType<T>>(x);
    const auto b = static_cast<ComputeType<T>>(u);
    return static_cast<T>(reduction == "add"   ? a + b
                          : reduction == "mul" ? a * b
                          : reduction == "max" ? std::max(a, b)
                                               : std::min(a, b));
  }
}

// Products of halves may overflow, and then meet 0.
template <typename T>
void ExpectNumbers(const OperatorCase& c, const Shape& shape, const std::vector<T>& expected) {
  if constexpr (std::is_arithmetic_v<T>) {
    ExpectOutput<T>(c, shape, expected);
  } else {
    const std::vector<Tensor> outputs = RunEveryWay(c);
    ASSERT_FALSE(outputs.empty());
    ASSERT_EQ(outputs[0].shape().ToString(), shape.ToString());
    for (size_t i = 0; i < expected.size(); ++i) {
      const auto y = static_cast<float>(outputs[0].span<T>()[i]);
      const auto wanted = static_cast<float>(expected[i]);
      EXPECT_TRUE(y == wanted || (std::isnan(y) && std::isnan(wanted))) << y << " " << wanted;
    }
  }
}

// Rows of all lengths, twice into one place. Integers wrap, unsigned ones are large.
template <typename T>
void CheckReducedRows() {
  for (const std::string reduction : {"add", "mul", "max", "min"}) {
    for (const int64_t row : {1, 2, 7, 10, 33, 100, 600}) {
      std::vector<T> data(static_cast<size_t>(3 * row));
      std::vector<T> updates(static_cast<size_t>(4 * row));
      for (size_t i = 0; i < data.size(); ++i) {
        data[i] = static_cast<T>(static_cast<float>(i * 37 % 251));
        if constexpr (std::is_signed_v<T>) data[i] -= 125;
      }
      for (size_t i = 0; i < updates.size(); ++i) {
        updates[i] = static_cast<T>(static_cast<float>(i * 53 % 127));
        if constexpr (std::is_integral_v<T>) updates[i] = static_cast<T>(updates[i] - T{90});
      }
      OperatorCase c =
          Case("ScatterND", 18, TensorOf<T>({3, row}, data),
               TensorOf<int64_t>({4, 1}, {2, 0, -1, 2}), TensorOf<T>({4, row}, updates));
      c.Set("reduction", reduction);
      std::vector<T> expected = data;
      const size_t targets[] = {2, 0, 2, 2};
      for (size_t i = 0; i < updates.size(); ++i) {
        const auto n = static_cast<size_t>(row);
        T& x = expected[targets[i / n] * n + i % n];
        x = ReducedTo(reduction, x, updates[i]);
      }
      ExpectNumbers<T>(c, {3, row}, expected);
      if (row > 1) continue;
      c.name = "ScatterElements";
      c.inputs[1] = TensorOf<int64_t>({4, 1}, {2, 0, -1, 2});
      ExpectNumbers<T>(c, {3, row}, expected);
    }
  }
}

TEST(Scatter, ReducesRowsOfEveryType) {
  CheckReducedRows<float>();
  CheckReducedRows<double>();
  CheckReducedRows<Float16>();
  CheckReducedRows<Bfloat16>();
  CheckReducedRows<int8_t>();
  CheckReducedRows<int16_t>();
  CheckReducedRows<int32_t>();
  CheckReducedRows<int64_t>();
  CheckReducedRows<uint8_t>();
  CheckReducedRows<uint16_t>();
  CheckReducedRows<uint32_t>();
  CheckReducedRows<uint64_t>();
}

// Beside numbers, in whichever operand: as in numpy.
template <typename T>
void CheckNanStays() {
  const auto nan = static_cast<T>(std::numeric_limits<float>::quiet_NaN());
  for (const std::string reduction : {"max", "min"}) {
    for (const int64_t row : {1, 3, 100, 300}) {
      const auto n = static_cast<size_t>(row);
      std::vector<T> data(3 * n, static_cast<T>(1.0f));
      std::fill_n(data.begin() + row * 2, n, nan);
      std::vector<T> updates(4 * n, static_cast<T>(2.0f));
      std::fill_n(updates.begin(), n, nan);
      OperatorCase c =
          Case("ScatterND", 18, TensorOf<T>({3, row}, data),
               TensorOf<int64_t>({4, 1}, {0, 0, 1, 2}), TensorOf<T>({4, row}, updates));
      c.Set("reduction", reduction);
      const std::vector<Tensor> outputs = c.Run();
      for (size_t i = 0; i < 3 * n; ++i) {
        const auto y = static_cast<float>(outputs[0].span<T>()[i]);
        if (i / n != 1) {
          EXPECT_TRUE(std::isnan(y)) << reduction << " " << row << " " << i;
        } else {
          EXPECT_EQ(y, reduction == "max" ? 2.0f : 1.0f);
        }
      }
    }
  }
}

TEST(Scatter, NanStaysNan) {
  CheckNanStays<float>();
  CheckNanStays<double>();
  CheckNanStays<Float16>();
  CheckNanStays<Bfloat16>();
}

TEST(Scatter, WasTheNameInOpset9) {
  ExpectOutput<float>(
      Case("Scatter", 9, Counting<float>({3}), IntTensor({1}), TensorOf<float>({1}, {9})), {3},
      {0, 9, 2});
}

TEST(ScatterNd, PutsRowsInOrder) {
  ExpectOutput<float>(
      Case("ScatterND", 11, Counting<float>({3, 2}), TensorOf<int64_t>({3, 1}, {0, -1, 0}),
           TensorOf<float>({3, 2}, {10, 11, 12, 13, 14, 15})),
      {3, 2}, {14, 15, 2, 3, 12, 13});
  // One update for the whole tensor: an index tuple of length 0.
  ExpectOutput<float>(Case("ScatterND", 11, Counting<float>({2}), TensorOf<int64_t>({1, 0}, {}),
                           TensorOf<float>({1, 2}, {7, 8})),
                      {2}, {7, 8});
  const Shape large{4, 5000};
  std::vector<float> expected(20000, 0);
  for (size_t i = 5000; i < 10000; ++i) expected[i] = static_cast<float>(i - 5000) + 1;
  OperatorCase c = Case("ScatterND", 16, TensorOf(large, std::vector<float>(20000, 0)),
                        TensorOf<int64_t>({2, 1}, {1, 1}), [] {
                          std::vector<float> updates(10000, 1);
                          std::iota(updates.begin(), updates.begin() + 5000, 0.0f);
                          return TensorOf({2, 5000}, updates);
                        }());
  c.Set("reduction", std::string("add"));
  ExpectOutput(c, large, expected);
}

// Index tuples side by side, as exporters write an assignment to a slice.
TEST(Scatter, JoinsTuplesOfASlice) {
  const auto check = [](Tensor data, Tensor indices, Tensor updates, const char* reduction,
                        const std::vector<float>& expected) {
    const Shape shape = data.shape();
    OperatorCase c = Case("ScatterND", 16, std::move(data), std::move(indices), std::move(updates));
    c.Set("reduction", std::string(reduction));
    for (const bool constant : {false, true}) {
      c.constant_parameters = constant;
      ExpectOutput(c, shape, expected);
    }
  };
  check(Counting<float>({2, 5}),
        TensorOf<int64_t>({8, 2}, {0, 1, 0, 2, 0, 3, 0, 4, -1, 1, -1, 2, -1, 3, -1, 4}),
        TensorOf<float>({8}, {-1, -2, -3, -4, -5, -6, -7, -8}), "none",
        {0, -1, -2, -3, -4, 5, -5, -6, -7, -8});
  // Twice the same places: the later ones win, or both count.
  const Tensor twice = TensorOf<int64_t>({10, 1}, {0, 1, 2, 3, 4, 0, 1, 2, 3, 4});
  const Tensor ten = TensorOf<float>({10}, {1, 2, 3, 4, 5, 10, 20, 30, 40, 50});
  check(Counting<float>({6}), twice, ten, "none", {10, 20, 30, 40, 50, 5});
  check(Counting<float>({6}), twice, ten, "add", {11, 23, 35, 47, 59, 5});
  // One tuple of many outside.
  OperatorCase c =
      Case("ScatterND", 16, Counting<float>({4}), TensorOf<int64_t>({5, 1}, {0, 1, 2, 3, 4}),
           TensorOf<float>({5}, {0, 0, 0, 0, 0}));
  c.constant_parameters = true;
  ExpectError(c, "index tuple 4 is outside");
}

TEST(Scatter, RefusesWhatDoesNotFit) {
  const Tensor data = Counting<float>({3, 2});
  ExpectError(Case("ScatterElements", 18, data, TensorOf<int64_t>({1, 1}, {3}),
                   TensorOf<float>({1, 1}, {0})),
              "index 3");
  ExpectError(Case("ScatterElements", 18, data, TensorOf<int64_t>({1, 1}, {0}),
                   TensorOf<float>({1, 2}, {0, 0})),
              "same shape");
  ExpectError(
      Case("ScatterND", 18, data, TensorOf<int64_t>({1, 2}, {0, 2}), TensorOf<float>({1}, {0})),
      "index tuple 0 is outside");
  ExpectError(Case("ScatterND", 18, data, TensorOf<int64_t>({1, 1}, {0}),
                   TensorOf<float>({1, 3}, {0, 0, 0})),
              "do not fit data");
  OperatorCase c =
      Case("ScatterND", 18, data, TensorOf<int64_t>({1, 1}, {0}), TensorOf<float>({1, 2}, {0, 0}));
  c.Set("reduction", std::string("mean"));
  ExpectError(c, "none, add, mul, max or min");
}

OperatorCase Cache(std::vector<int64_t> places, const char* mode) {
  OperatorCase c;
  c.name = "TensorScatter";
  c.opset = 24;
  // Two samples, a cache of three steps of two elements, an update of two steps.
  c.inputs = {TensorOf({2, 3, 2}, std::vector<float>(12, 0)),
              TensorOf<float>({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}), IntTensor(std::move(places))};
  c.Set("mode", std::string(mode));
  return c;
}

TEST(TensorScatter, WritesEachSampleAtItsPlace) {
  ExpectOutput<float>(Cache({0, 1}, "linear"), {2, 3, 2}, {1, 2, 3, 4, 0, 0, 0, 0, 5, 6, 7, 8});
  ExpectOutput<float>(Cache({2, 4}, "circular"), {2, 3, 2}, {3, 4, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8});
  ExpectError(Cache({0, 2}, "linear"), "leaves no room");
  ExpectError(Cache({0, -1}, "circular"), "write index -1");
  ExpectError(Cache({0}, "linear"), "1 elements for a batch of 2");
}

}  // namespace
}  // namespace mullion::cpu
