// SPDX-License-Identifier: MIT
#include <random>

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

TEST(GatherElements, AgreesWithTheDefinition) {
  const Shape data{4, 3, 5};
  for (const int axis : {0, 1, 2}) {
    Shape shape{2, 3, 4};
    shape[axis] = 6;
    std::vector<int64_t> indices(static_cast<size_t>(shape.ElementCount()));
    for (size_t i = 0; i < indices.size(); ++i) {
      indices[i] = static_cast<int64_t>(i * 7) % (2 * data[axis]) - data[axis];
    }
    std::vector<int32_t> expected;
    ForEachCoordinate(shape, [&](std::vector<int64_t> at) {
      const int64_t index = indices[static_cast<size_t>(NumberOf(shape, at))];
      at[static_cast<size_t>(axis)] = index < 0 ? index + data[axis] : index;
      expected.push_back(static_cast<int32_t>(NumberOf(data, at)));
    });
    OperatorCase c = Case("GatherElements", Counting<int32_t>(data), TensorOf(shape, indices));
    c.Set("axis", int64_t{axis - 3});
    ExpectOutput(c, shape, expected);
  }
}

TEST(GatherElements, RefusesWhatDoesNotFit) {
  ExpectError(Case("GatherElements", Counting<float>({3}), IntTensor({3})), "index 3");
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
