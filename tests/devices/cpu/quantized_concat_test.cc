// SPDX-License-Identifier: MIT
// QuantizedConcat against Concat and DynamicQuantizeLinear.
#include "operators/quantized_concat.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "operators/registry.h"
#include "tests/devices/cpu/quantized_case.h"

namespace mullion::cpu {
namespace {

TEST(QuantizedConcat, IsDynamicQuantizeLinearOfConcat) {
  std::mt19937 random(4);
  for (const Shape& shape : {Shape{2, 3, 5}, Shape{7, 17}, Shape{1, 40000}, Shape{3, 0, 2}}) {
    for (int64_t axis = -1; axis < shape.rank(); ++axis) {
      SCOPED_TRACE(shape.ToString() + " along " + std::to_string(axis));
      OperatorCase concat;
      concat.name = "Concat";
      concat.opset = 13;
      concat.Set("axis", axis);
      for (int64_t i = 0; i < 3; ++i) {
        Shape part = shape;
        part[static_cast<int>(axis < 0 ? shape.rank() - 1 : axis)] += i;
        Tensor tensor = RandomTensor(part, random);
        if (tensor.count() > 3) {
          static_cast<float*>(tensor.mutable_data())[3] = std::numeric_limits<float>::quiet_NaN();
        }
        concat.inputs.push_back(tensor);
      }
      OperatorCase quantize;
      quantize.name = "DynamicQuantizeLinear";
      quantize.opset = 11;
      quantize.output_count = 3;
      quantize.inputs = {concat.Run()[0]};
      const std::vector<Tensor> expected = quantize.Run();
      OperatorCase both = concat;
      both.name = operators::kQuantizedConcat;
      both.domain = operators::kInternalDomain;
      both.opset = 1;
      both.output_count = 3;
      for (const Isa isa : AvailableIsas()) {
        SetIsaForTest(isa);
        for (const int threads : {1, 3}) {
          const std::vector<Tensor> actual = both.Run(threads);
          ASSERT_EQ(actual[0].type(), ElementType::kUint8);
          EXPECT_EQ(ValuesOf<uint8_t>(actual[0]), ValuesOf<uint8_t>(expected[0]));
          EXPECT_EQ(ValuesOf<float>(actual[1]), ValuesOf<float>(expected[1]));
          EXPECT_EQ(ValuesOf<uint8_t>(actual[2]), ValuesOf<uint8_t>(expected[2]));
        }
      }
      SetIsaForTest(AvailableIsas().back());
    }
  }
}

}  // namespace
}  // namespace mullion::cpu
