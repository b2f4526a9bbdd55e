// SPDX-License-Identifier: MIT
#include <limits>
#include <random>

#include "devices/cpu/kernels/simd/isa.h"
#include "devices/cpu/kernels/simd/places.h"
#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Case(const char* name, Tensor data, Tensor indices) {
  OperatorCase c;
  c.name = name;
  c.opset = 13;
  c.inputs = {std::move(data), std::move(indices)};
  return c;
}

template <typename T>
void CheckGather(const Shape& data, const Shape& index_shape, int axis) {
  std::mt19937 random(5);
  const int64_t dim = data[axis];
  std::vector<int64_t> indices(static_cast<size_t>(index_shape.ElementCount()));
  for (int64_t& index : indices) index = static_cast<int64_t>(random()) % dim;
  for (size_t i = 0; i < indices.size(); i += 2) indices[i] -= dim;
  Shape out(data.dims().first(static_cast<size_t>(axis)));
  for (const int64_t d : index_shape) out.Append(d);
  for (int i = axis + 1; i < data.rank(); ++i) out.Append(data[i]);
  std::vector<T> expected;
  ForEachCoordinate(out, [&](const std::vector<int64_t>& at) {
    std::vector<int64_t> from(at.begin(), at.begin() + axis);
    const std::vector<int64_t> place(at.begin() + axis, at.begin() + axis + index_shape.rank());
    from.push_back((indices[static_cast<size_t>(NumberOf(index_shape, place))] + dim) % dim);
    from.insert(from.end(), at.begin() + axis + index_shape.rank(), at.end());
    expected.push_back(static_cast<T>(NumberOf(data, from)));
  });
  OperatorCase c = Case("Gather", Counting<T>(data), TensorOf(index_shape, indices));
  c.Set("axis", int64_t{axis});
  ExpectOutput(c, out, expected);
}

TEST(Gather, AgreesWithTheDefinition) {
  for (const int axis : {0, 1, 2}) {
    for (const Shape& indices : {Shape{}, Shape{4}, Shape{2, 3}, Shape{0}}) {
      SCOPED_TRACE(testing::Message() << axis << " " << indices.ToString());
      CheckGather<int32_t>({5, 6, 7}, indices, axis);
      CheckGather<uint8_t>({5, 6, 1}, indices, axis % 2);
      CheckGather<int64_t>({3, 4, 5}, indices, axis);
      CheckGather<uint16_t>({3, 4, 5}, indices, axis);
    }
  }
  CheckGather<float>({40, 300}, {900}, 0);  // more than one chunk of rows
  CheckGather<float>({300, 40}, {200}, 1);  // of single elements
}

TEST(Gather, MovesStringsAndTakesInt32) {
  ExpectOutput<std::string>(
      Case("Gather", TensorOf<std::string>({3}, {"a", "b", "c"}), TensorOf<int32_t>({2}, {-1, 0})),
      {2}, {"c", "a"});
}

TEST(Gather, RefusesIndicesOutsideTheAxis) {
  ExpectError(Case("Gather", Counting<float>({3}), IntTensor({0, 3})), "index 3 (element 1");
  ExpectError(Case("Gather", Counting<float>({3, 2}), IntTensor({-4})), "outside [-3, 3)");
  ExpectError(Case("Gather", Counting<float>({0, 2}), IntTensor({0})), "index 0");
  ExpectError(Case("Gather", Counting<float>({}), IntTensor({0})), "rank 1 or more");
  ExpectError(Case("Gather", Counting<float>(Shape::Filled(16, 1)), Counting<int64_t>({1, 1})),
              "rank 17");
}

template <typename Index>
void CheckGatherElements(const Shape& data, const Shape& shape, int axis) {
  std::vector<Index> indices(static_cast<size_t>(shape.ElementCount()));
  for (size_t i = 0; i < indices.size(); ++i) {
    indices[i] = static_cast<Index>(static_cast<int64_t>(i * 7) % (2 * data[axis]) - data[axis]);
  }
  std::vector<int32_t> expected;
  ForEachCoordinate(shape, [&](std::vector<int64_t> at) {
    const int64_t index = indices[static_cast<size_t>(NumberOf(shape, at))];
    at[static_cast<size_t>(axis)] = index < 0 ? index + data[axis] : index;
    expected.push_back(static_cast<int32_t>(NumberOf(data, at)));
  });
  OperatorCase c = Case("GatherElements", Counting<int32_t>(data), TensorOf(shape, indices));
  c.Set("axis", int64_t{axis - data.rank()});
  ExpectOutput(c, shape, expected);
}

TEST(GatherElements, AgreesWithTheDefinition) {
  for (const int axis : {0, 1, 2}) {
    Shape shape{2, 3, 4};
    shape[axis] = 6;
    CheckGatherElements<int64_t>({4, 3, 5}, shape, axis);
    CheckGatherElements<int32_t>({4, 3, 5}, shape, axis);
  }
  // Lines shorter and longer than what is looked at together, in more than one chunk.
  CheckGatherElements<int64_t>({3, 900, 4}, {2, 900, 4}, 1);
  CheckGatherElements<int32_t>({300, 7, 3}, {300, 7, 2}, 2);
  CheckGatherElements<int64_t>({5, 7, 600}, {5, 6, 599}, 0);
  CheckGatherElements<int64_t>({9, 700}, {9, 800}, 1);
}

TEST(GatherElements, FindsPlacesOnEveryLevel) {
  std::mt19937 random(6);
  for (const Isa isa : AvailableIsas()) {
    SetIsaForTest(isa);
    SCOPED_TRACE(static_cast<int>(isa));
    for (const PlaceLine& line :
         {PlaceLine{7, 1, 1000, 0}, PlaceLine{300, 50, 3, 1}, PlaceLine{5, int64_t{1} << 33, 0, 1},
          PlaceLine{int64_t{1} << 40, 1, 9, 0}}) {
      for (size_t count = 0; count < 40; ++count) {
        std::vector<int64_t> wide(count);
        std::vector<int64_t> expected(count);
        for (size_t i = 0; i < count; ++i) {
          const int64_t front = static_cast<int64_t>(random()) % line.dim;
          wide[i] = random() % 2 == 0 ? front : front - line.dim;
          expected[i] = line.base + front * line.stride + static_cast<int64_t>(i) * line.step;
        }
        std::vector<int64_t> places(count);
        EXPECT_TRUE(FindPlaces(line, wide.data(), count, places.data()));
        EXPECT_EQ(places, expected);
        if (line.dim < 1000) {
          const std::vector<int32_t> narrow(wide.begin(), wide.end());
          EXPECT_TRUE(FindPlaces(line, narrow.data(), count, places.data()));
          EXPECT_EQ(places, expected);
        }
        for (size_t i = 0; i < count; ++i) {
          const int64_t good = wide[i];
          for (const int64_t bad : {line.dim, -line.dim - 1, std::numeric_limits<int64_t>::min(),
                                    std::numeric_limits<int64_t>::max()}) {
            wide[i] = bad;
            EXPECT_FALSE(FindPlaces(line, wide.data(), count, places.data())) << i << " " << bad;
          }
          wide[i] = good;
        }
      }
    }
  }
  SetIsaForTest(AvailableIsas().back());
}

TEST(GatherElements, RefusesWhatDoesNotFit) {
  ExpectError(Case("GatherElements", Counting<float>({3}), IntTensor({3})), "index 3");
  std::vector<int64_t> one_bad(500, 2);
  one_bad[433] = -4;
  ExpectError(Case("GatherElements", Counting<float>({3, 500}), TensorOf({1, 500}, one_bad)),
              "index -4 (element 433");
  ExpectError(Case("GatherElements", Counting<float>({3, 2}), Counting<int64_t>({1, 3})),
              "may be larger");
  ExpectError(Case("GatherElements", Counting<float>({3, 2}), IntTensor({0})), "ranks");
}

TEST(GatherNd, TakesElementsRowsAndBatches) {
  const Tensor data = Counting<int32_t>({2, 2, 3});
  const auto nd = [&](const Shape& shape, const std::vector<int64_t>& indices, int64_t batch) {
    OperatorCase c = Case("GatherND", data, TensorOf(shape, indices));
    c.Set("batch_dims", batch);
    return c;
  };
  ExpectOutput<int32_t>(nd({2, 3}, {0, 1, 2, -1, 0, -3}, 0), {2}, {5, 6});
  ExpectOutput<int32_t>(nd({1, 2}, {1, 1}, 0), {1, 3}, {9, 10, 11});
  ExpectOutput<int32_t>(nd({2, 1}, {1, 0}, 1), {2, 3}, {3, 4, 5, 6, 7, 8});
  ExpectOutput<int32_t>(nd({2, 2, 1}, {0, 2, 1, 1}, 2), {2, 2}, {0, 5, 7, 10});
  ExpectOutput<int32_t>(nd({0, 2}, {}, 0), {0, 3}, {});
  ExpectError(nd({1, 2}, {1, 2}, 0), "index tuple 0 is outside");
  ExpectError(nd({1, 4}, {1, 1, 1, 1}, 0), "address 4 axes");
  ExpectError(nd({1, 1}, {1}, 1), "differ there");
  ExpectError(nd({1, 1}, {1}, 2), "batch_dims");
}

}  // namespace
}  // namespace mullion::cpu
