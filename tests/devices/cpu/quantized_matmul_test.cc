// SPDX-License-Identifier: MIT
// MatMulIntegerToFloat, DynamicQuantizeMatMul and QGemm.
#include "tests/devices/cpu/quantized_case.h"

namespace mullion::cpu {
namespace {

TEST(MatmulIntegerToFloat, PerColumnWithBias) {
  QuantizedCase c("MatMulIntegerToFloat");
  c.Add(TensorOf<uint8_t>({2, 3}, {1, 2, 3, 255, 0, 128}));
  c.Add(TensorOf<int8_t>({3, 2}, {1, -1, 2, -128, 127, 3}));
  c.Add(Tensor::Scalar(0.5f));
  c.Add(FloatTensor({2}, {0.25f, 2}));
  c.Add(Tensor::Scalar(uint8_t{2}));
  c.Add(TensorOf<int8_t>({2}, {1, -2}));
  c.Add(FloatTensor({2}, {0.5f, -1}));
  ExpectOnEveryLevel<float>(c, {2, 2}, {16.25f, 3, 1984.75f, 1134});
  c.constant_parameters = true;
  ExpectOnEveryLevel<float>(c, {2, 2}, {16.25f, 3, 1984.75f, 1134});
}

TEST(MatmulIntegerToFloat, StackedMatricesHaveScalesOfTheirOwn) {
  QuantizedCase c("MatMulIntegerToFloat");
  c.Add(TensorOf<uint8_t>({2, 1, 2}, {1, 2, 3, 4}));
  c.Add(TensorOf<uint8_t>({2, 2, 1}, {5, 6, 7, 8}));
  c.Add(Tensor::Scalar(2.0f));
  c.Add(FloatTensor({2, 1, 1}, {0.5f, 0.25f}));
  ExpectOnEveryLevel<float>(c, {2, 1, 1}, {17, 26.5f});
}

TEST(MatmulIntegerToFloat, StackedMatricesHaveScalesOfTheirColumns) {
  QuantizedCase c("MatMulIntegerToFloat");
  c.Add(TensorOf<uint8_t>({2, 1, 2}, {1, 2, 3, 4}));
  c.Add(TensorOf<int8_t>({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}));
  c.Add(Tensor::Scalar(2.0f));
  c.Add(FloatTensor({2, 1, 2}, {0.5f, 0.25f, 1, 2}));
  ExpectOnEveryLevel<float>(c, {2, 1, 2}, {7, 5, 86, 200});
}

TEST(MatmulIntegerToFloat, SaysWhatIsWrong) {
  QuantizedCase c("MatMulIntegerToFloat");
  c.Add(TensorOf<uint8_t>({1, 2}, {1, 2}));
  c.Add(TensorOf<uint8_t>({2, 3}, {1, 2, 3, 4, 5, 6}));
  c.Add(Tensor::Scalar(2.0f));
  c.Add(FloatTensor({2}, {1, 2}));
  EXPECT_NE(c.RunError().find("one for each column"), std::string::npos);
}

TEST(DynamicQuantizeMatmul, QuantizesTheLeftOperandByItsRange) {
  QuantizedCase c("DynamicQuantizeMatMul");
  c.Add(FloatTensor({2, 2}, {-1, 0.55f, 4.1f, 2.02f}));
  c.Add(TensorOf<uint8_t>({2, 2}, {1, 128, 200, 255}));
  c.Add(Tensor::Scalar(0.5f));
  c.Add(Tensor::Scalar(uint8_t{100}));
  c.Add(FloatTensor({2}, {10, 20}));
  const std::vector<float> expected = {87.5f, 49.400001525878906f, -91.94999694824219f,
                                       233.9499969482422f};
  ExpectOnEveryLevel<float>(c, {2, 2}, expected);
  c.constant_parameters = true;
  ExpectOnEveryLevel<float>(c, {2, 2}, expected);
}

// The steps by themselves give the same.
TEST(DynamicQuantizeMatmul, IsDynamicQuantizeLinearAndMatmulIntegerToFloat) {
  std::mt19937 random(9);
  for (const Shape& left : {Shape{1, 64}, Shape{37, 131}, Shape{3, 5, 300}}) {
    SCOPED_TRACE(left.ToString());
    const int64_t depth = left.Back(0);
    OperatorCase quantize;
    quantize.name = "DynamicQuantizeLinear";
    quantize.opset = 11;
    quantize.output_count = 3;
    quantize.inputs = {RandomTensor(left, random)};
    const std::vector<Tensor> a = quantize.Run();
    ASSERT_EQ(a.size(), 3u);
    QuantizedCase product("MatMulIntegerToFloat");
    product.inputs = {a[0], RandomBytes<int8_t>({depth, 33}, random), a[1],
                      RandomTensor({33}, random), a[2]};
    const std::vector<Tensor> y = product.Run();
    ASSERT_EQ(y.size(), 1u);
    QuantizedCase both("DynamicQuantizeMatMul");
    both.inputs = {quantize.inputs[0], product.inputs[1], product.inputs[3]};
    ExpectOnEveryLevel<float>(both, y[0].shape(), Floats(y[0]));
  }
}

// B as QGemm has it once it is not transposed any more; see tests/operators/qgemm_test.cc.
QuantizedCase SmallGemm() {
  QuantizedCase c("QGemm");
  c.Add(TensorOf<uint8_t>({2, 3}, {1, 2, 3, 255, 0, 128}));
  c.AddScale<uint8_t>(0.5f, 2);
  return c;
}

TEST(Qgemm, QuantizedWithBias) {
  QuantizedCase c = SmallGemm();
  c.Set("alpha", 0.5f);
  c.Add(TensorOf<int8_t>({3, 2}, {1, -1, 2, -128, 127, 3}));
  c.Add(FloatTensor({2}, {0.25f, 2}));
  c.Add(TensorOf<int8_t>({2}, {1, -2}));
  c.Add(TensorOf<int32_t>({2}, {10, -7}));
  c.AddScale<uint8_t>(0.4f, 100);
  ExpectOnEveryLevel<uint8_t>(c, {2, 2}, {121, 96, 255, 255});
  c.constant_parameters = true;
  ExpectOnEveryLevel<uint8_t>(c, {2, 2}, {121, 96, 255, 255});
}

TEST(Qgemm, FloatWithAColumnOfAddends) {
  QuantizedCase c = SmallGemm();
  c.Add(TensorOf<int8_t>({3, 2}, {1, -1, 2, -128, 127, 3}));
  c.AddScale<int8_t>(0.25f, 1);
  c.Add(TensorOf<int32_t>({2, 1}, {10, -7}));
  ExpectOnEveryLevel<float>(c, {2, 2}, {17, 1.75f, 1983.375f, -0.375f});
}

// With no depth the sums are C alone.
TEST(Qgemm, EmptyOperands) {
  QuantizedCase c("QGemm");
  c.Add(TensorOf<uint8_t>({2, 0}, {}));
  c.AddScale<uint8_t>(0.5f, 2);
  c.Add(TensorOf<uint8_t>({0, 3}, {}));
  c.AddScale<uint8_t>(0.5f, 1);
  c.Add(TensorOf<int32_t>({3}, {4, 8, -8}));
  ExpectOnEveryLevel<float>(c, {2, 3}, {1, 2, -2, 1, 2, -2});
  c.inputs[0] = TensorOf<uint8_t>({0, 0}, {});
  ExpectOnEveryLevel<float>(c, {0, 3}, {});
}

}  // namespace
}  // namespace mullion::cpu
