// SPDX-License-Identifier: MIT
#include <algorithm>
#include <limits>
#include <random>

#include "devices/cpu/kernels/elementwise/order_key.h"
#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

OperatorCase TopK(Tensor data, int64_t k, int64_t axis, bool largest = true) {
  OperatorCase c;
  c.name = "TopK";
  c.opset = 11;
  c.inputs = {std::move(data), IntTensor({k})};
  c.output_count = 2;
  c.Set("axis", axis);
  c.Set("largest", int64_t{largest});
  return c;
}

template <typename T>
void Expect(const OperatorCase& c, const std::vector<T>& values,
            const std::vector<int64_t>& indices) {
  const std::vector<Tensor> outputs = RunEveryWay(c);
  ASSERT_EQ(outputs.size(), 2u);
  const auto v = outputs[0].span<T>();
  const auto i = outputs[1].span<int64_t>();
  EXPECT_EQ(std::vector<T>(v.begin(), v.end()), values);
  EXPECT_EQ(std::vector<int64_t>(i.begin(), i.end()), indices);
}

TEST(TopK, PutsTheLowerIndexFirstAmongEqualElements) {
  Expect<float>(TopK(TensorOf<float>({4}, {1, 3, 3, 2}), 3, 0), {3, 3, 2}, {1, 2, 3});
  Expect<float>(TopK(TensorOf<float>({4}, {-0.0f, 0.0f, -0.0f, -1}), 2, 0), {-0.0f, 0.0f}, {0, 1});
  Expect<int64_t>(TopK(TensorOf<int64_t>({3}, {2, 1, 2}), 2, 0, false), {1, 2}, {1, 0});
  Expect<uint64_t>(TopK(TensorOf<uint64_t>({3}, {1, ~uint64_t{0}, 2}), 2, 0), {~uint64_t{0}, 2},
                   {1, 2});
  Expect<uint32_t>(TopK(TensorOf<uint32_t>({3}, {1, ~uint32_t{0}, 2}), 1, 0, false), {1}, {0});
  Expect<float>(TopK(TensorOf<float>({2, 2}, {1, 4, 3, 2}), 1, 0), {3, 4}, {1, 0});
  Expect<float>(TopK(TensorOf<float>({2}, {1, 4}), 0, 0), {}, {});
}

TEST(TopK, HoldsNanForTheGreatestNumber) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Tensor> outputs = RunEveryWay(TopK(TensorOf<double>({3}, {1, -nan, -2}), 3, 0));
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_EQ(outputs[1].span<int64_t>()[0], 1);
  Expect<double>(TopK(TensorOf<double>({3}, {1, nan, -2}), 2, 0, false), {-2, 1}, {2, 0});
}

// Both ways of selecting against a plain sort, with many equal elements.
template <typename T>
void CheckAgainstSort(int64_t n, int64_t k, bool largest) {
  std::mt19937 random(static_cast<uint32_t>(n * 31 + k));
  std::vector<T> data(static_cast<size_t>(2 * n * 3));
  for (T& value : data) value = static_cast<T>(static_cast<int>(random() % 100));
  std::vector<T> values(static_cast<size_t>(2 * k * 3));
  std::vector<int64_t> indices(values.size());
  for (int64_t line = 0; line < 6; ++line) {
    const auto at = [&](int64_t i) {
      return data[static_cast<size_t>(line / 3 * n * 3 + i * 3 + line % 3)];
    };
    std::vector<int64_t> order(static_cast<size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int64_t a, int64_t b) { return largest ? at(a) > at(b) : at(a) < at(b); });
    for (int64_t i = 0; i < k; ++i) {
      const auto to = static_cast<size_t>(line / 3 * k * 3 + i * 3 + line % 3);
      indices[to] = order[static_cast<size_t>(i)];
      values[to] = at(indices[to]);
    }
  }
  Expect<T>(TopK(TensorOf<T>({2, n, 3}, data), k, 1, largest), values, indices);
}

TEST(TopK, AgreesWithSorting) {
  for (const bool largest : {true, false}) {
    for (const int64_t k : {1, 5, 12, 13, 40, 300, 1000}) {
      CheckAgainstSort<float>(1000, k, largest);
      CheckAgainstSort<int8_t>(1000, k, largest);
      CheckAgainstSort<double>(1000, k, largest);
      CheckAgainstSort<int64_t>(1005, k, largest);
    }
    for (const int64_t n : {1, 2, 15, 17, 64, 65, 81}) {
      for (const int64_t k : {1, 3, 12}) CheckAgainstSort<float>(n, std::min(k, n), largest);
    }
  }
}

template <typename Half>
void CheckHalfKeys() {
  std::mt19937 random(8);
  for (int i = 0; i < 100000; ++i) {
    const Half a = Half::FromBits(static_cast<uint16_t>(random()));
    const Half b =
        Half::FromBits(static_cast<uint16_t>(random() % 3 == 0 ? a.bits ^ 0x8000 : random()));
    const auto x = static_cast<float>(a);
    const auto y = static_cast<float>(b);
    if (std::isnan(x)) {
      ASSERT_EQ(OrderKey(a), std::numeric_limits<int32_t>::max());
    } else if (!std::isnan(y)) {
      ASSERT_EQ(OrderKey(a) < OrderKey(b), x < y) << x << " " << y;
      ASSERT_EQ(OrderKey(a) == OrderKey(b), x == y) << x << " " << y;
    }
  }
}

TEST(TopK, OrdersHalves) {
  CheckHalfKeys<Float16>();
  CheckHalfKeys<Bfloat16>();
}

TEST(TopK, TakesTheAttributeOfOpset1) {
  OperatorCase c = TopK(TensorOf<float>({2, 2}, {1, 4, 3, 2}), 1, 1);
  c.opset = 1;
  c.inputs.pop_back();
  c.attributes = {{"k", int64_t{1}}};
  Expect<float>(c, {4, 3}, {1, 0});
}

TEST(TopK, RefusesTooMany) {
  ExpectError(TopK(Counting<float>({3}), 4, 0), "asks for 4");
  ExpectError(TopK(Counting<float>({3}), -1, 0), "asks for -1");
  ExpectError(TopK(Counting<float>({}), 1, 0), "rank 1 or more");
}

}  // namespace
}  // namespace mullion::cpu
