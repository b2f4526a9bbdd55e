// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Pad(Tensor data, std::vector<int64_t> pads, const char* mode) {
  OperatorCase c;
  c.name = "Pad";
  c.opset = 19;
  c.inputs = {std::move(data), IntTensor(std::move(pads))};
  c.Set("mode", std::string(mode));
  return c;
}

TEST(Pad, FollowsItsModes) {
  const Tensor data = TensorOf<int32_t>({4}, {1, 2, 3, 4});
  ExpectOutput<int32_t>(Pad(data, {2, 1}, "constant"), {7}, {0, 0, 1, 2, 3, 4, 0});
  ExpectOutput<int32_t>(Pad(data, {2, 1}, "edge"), {7}, {1, 1, 1, 2, 3, 4, 4});
  ExpectOutput<int32_t>(Pad(data, {2, 1}, "reflect"), {7}, {3, 2, 1, 2, 3, 4, 3});
  ExpectOutput<int32_t>(Pad(data, {2, 1}, "wrap"), {7}, {3, 4, 1, 2, 3, 4, 1});
  ExpectOutput<int32_t>(Pad(data, {-1, 2}, "edge"), {5}, {2, 3, 4, 4, 4});
  ExpectOutput<int32_t>(Pad(data, {-2, -2}, "constant"), {0}, {});
  ExpectOutput<int32_t>(Pad(data, {6, -3}, "constant"), {7}, {0, 0, 0, 0, 0, 0, 1});
  ExpectOutput<int32_t>(Pad(data, {5, -4}, "constant"), {5}, {0, 0, 0, 0, 0});
  // Pads longer than the data go on: mirrored again, wrapped again.
  ExpectOutput<int32_t>(Pad(TensorOf<int32_t>({2}, {1, 2}), {3, 3}, "reflect"), {8},
                        {2, 1, 2, 1, 2, 1, 2, 1});
  ExpectOutput<int32_t>(Pad(TensorOf<int32_t>({2}, {1, 2}), {3, 3}, "wrap"), {8},
                        {2, 1, 2, 1, 2, 1, 2, 1});
  ExpectOutput<int32_t>(Pad(TensorOf<int32_t>({1}, {1}), {1, 1}, "reflect"), {3}, {1, 1, 1});
}

int64_t Source(const std::string& mode, int64_t i, int64_t dim) {
  if (i >= 0 && i < dim) return i;
  if (mode == "constant") return -1;
  if (mode == "edge") return i < 0 ? 0 : dim - 1;
  if (mode == "wrap") return (i % dim + dim) % dim;
  return i < 0 ? -i : 2 * (dim - 1) - i;
}

template <typename T>
void CheckPads(const Shape& shape, const std::vector<int64_t>& pads, const char* mode) {
  const auto rank = static_cast<size_t>(shape.rank());
  Shape out;
  for (size_t i = 0; i < rank; ++i) {
    out.Append(shape[static_cast<int>(i)] + pads[i] + pads[rank + i]);
  }
  std::vector<T> expected;
  ForEachCoordinate(out, [&](std::vector<int64_t> at) {
    bool inside = true;
    for (size_t i = 0; i < rank; ++i) {
      at[i] = Source(mode, at[i] - pads[i], shape[static_cast<int>(i)]);
      inside = inside && at[i] >= 0;
    }
    expected.push_back(inside ? static_cast<T>(NumberOf(shape, at)) : T{77});
  });
  OperatorCase c = Pad(Counting<T>(shape), pads, mode);
  c.inputs.push_back(TensorOf<T>({}, {T{77}}));
  ExpectOutput(c, out, expected);
}

TEST(Pad, AgreesWithTheDefinitionOnSeveralAxes) {
  for (const char* const mode : {"constant", "edge", "reflect", "wrap"}) {
    SCOPED_TRACE(mode);
    CheckPads<float>({2, 3, 4, 5}, {0, 0, 1, 2, 0, 0, 3, 1}, mode);
    CheckPads<uint8_t>({2, 4, 5, 3}, {0, 1, 2, 0, 0, 1, 1, 0}, mode);  // channels last
    CheckPads<int64_t>({3, 4, 5}, {2, 0, 1, 1, 0, 0}, mode);
    CheckPads<uint16_t>({3, 4, 5}, {2, -1, 0, 1, 1, 0}, mode);
    CheckPads<float>({3, 4}, {0, 0, 0, 0}, mode);
    CheckPads<float>({4, 200, 60}, {0, 1, 1, 0, 1, 1}, mode);  // more than one chunk
    CheckPads<uint16_t>({5, 50}, {1, 31, 0, 33}, mode);
    CheckPads<uint16_t>({5, 50}, {1, 31, 0, 34}, mode);
    CheckPads<uint8_t>({5, 50}, {0, -3, 1, 7}, mode);
  }
}

TEST(Pad, FillsBordersOnEveryLevel) {
  for (const Isa isa : AvailableIsas()) {
    SetIsaForTest(isa);
    SCOPED_TRACE(static_cast<int>(isa));
    CheckPads<float>({3, 70, 41}, {1, 2, 3, 0, 1, 2}, "constant");
    CheckPads<uint8_t>({3, 7, 41}, {1, -2, 3, 1, 1, 2}, "constant");
    CheckPads<uint16_t>({2, 3, 501}, {1, 0, 4, 0, 1, -1}, "constant");
    // Narrow borders at the ends of rows, whole planes of border before and behind.
    CheckPads<float>({2, 3, 5, 56}, {1, 2, 2, 2, 1, 2, 2, 2}, "constant");
    CheckPads<uint8_t>({2, 5, 6, 70}, {1, 1, 2, 32, 0, 3, 1, 5}, "constant");
    CheckPads<uint8_t>({2, 5, 26}, {1, 1, 3, 0, 3, 4}, "constant");
    CheckPads<double>({3, 4, 19}, {1, -1, 4, 2, 3, -2}, "constant");
    CheckPads<int64_t>({2, 3, 201}, {1, 0, 4, 0, 1, -1}, "constant");
  }
  SetIsaForTest(AvailableIsas().back());
}

TEST(Pad, TakesAxesStringsAndPackedElements) {
  OperatorCase c = Pad(TensorOf<std::string>({1, 2}, {"a", "b"}), {1, 0}, "constant");
  c.inputs.push_back(TensorOf<std::string>({}, {"-"}));
  c.inputs.push_back(IntTensor({-1}));
  ExpectOutput<std::string>(c, {1, 3}, {"-", "a", "b"});

  Tensor packed = *Tensor::Allocate(ElementType::kInt4, {2});
  static_cast<uint8_t*>(packed.mutable_data())[0] = 0x21;
  const std::vector<Tensor> outputs = RunEveryWay(Pad(packed, {1, 1}, "edge"));
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(static_cast<const uint8_t*>(outputs[0].data())[0], 0x11);
  EXPECT_EQ(static_cast<const uint8_t*>(outputs[0].data())[1], 0x22);
}

TEST(Pad, TakesTheAttributesOfOldOpsets) {
  OperatorCase c;
  c.name = "Pad";
  c.inputs = {TensorOf<float>({1}, {5})};
  c.opset = 1;
  c.attributes = {{"paddings", std::vector<int64_t>{1, 1}}, {"value", 2.0f}};
  ExpectOutput<float>(c, {3}, {2, 5, 2});
  c.opset = 2;
  c.attributes = {{"pads", std::vector<int64_t>{1, 0}}, {"mode", std::string("edge")}};
  ExpectOutput<float>(c, {2}, {5, 5});
}

TEST(Pad, RefusesNonsense) {
  const Tensor data = Counting<float>({2, 2});
  ExpectError(Pad(data, {1, 1}, "edge"), "2 pads for 2 axes");
  ExpectError(Pad(data, {-1, 0, -2, 0}, "edge"), "less than nothing");
  ExpectError(Pad(data, {1, 1, 1, 1}, "mirror"), "constant, reflect, edge or wrap");
  ExpectError(Pad(data, {int64_t{1} << 62, 0, int64_t{1} << 62, 0}, "constant"), "too large");
  ExpectError(Pad(data, {0, INT64_MIN, 0, 0}, "constant"), "too large");
  ExpectError(Pad(Counting<float>({0}), {1, 1}, "edge"), "only mode constant");
  ExpectOutput<float>(Pad(Counting<float>({0}), {1, 1}, "constant"), {2}, {0, 0});
}

}  // namespace
}  // namespace mullion::cpu
