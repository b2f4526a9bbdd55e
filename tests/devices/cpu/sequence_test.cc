// SPDX-License-Identifier: MIT
#include <string>

#include "tests/devices/cpu/movement_case.h"
#include "tests/kernel_tester.h"

namespace mullion::cpu {
namespace {

const TypeInfo kFloats = TypeInfo::Sequence(TypeInfo::Tensor(ElementType::kFloat));

Datum SequenceOf(std::vector<Tensor> items) {
  auto sequence = std::make_shared<Sequence>();
  sequence->element = TypeInfo::Tensor(ElementType::kFloat);
  for (Tensor& item : items) sequence->items.push_back(Datum::FromTensor(std::move(item)));
  return Datum::FromSequence(std::move(sequence));
}

Datum Scalars(const std::vector<float>& values) {
  std::vector<Tensor> items;
  for (const float value : values) items.push_back(Tensor::Scalar(value));
  return SequenceOf(std::move(items));
}

// "[2]:0 1 []:3 ": shape and elements of each item, or the error.
std::string Text(KernelTester& tester, const Status& status) {
  if (!status.ok()) return status.message();
  std::string text;
  if (tester.OutputDatum(0).kind != ValueKind::kSequence) return "no sequence";
  for (const Datum& item : tester.OutputDatum(0).sequence->items) {
    text += item.view.shape.ToString() + ":";
    for (const float value : item.view.span<float>()) {
      text += std::to_string(static_cast<int>(value)) + " ";
    }
  }
  return text;
}

std::string ResultOf(const char* name, const Datum& sequence, std::vector<Tensor> more) {
  KernelTester tester(name, 11);
  tester.AddInput(sequence, kFloats);
  for (Tensor& tensor : more) tester.AddInput(std::move(tensor));
  return Text(tester, tester.Run());
}

bool Has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

TEST(Sequence, InsertsAndErasesWithoutTouchingTheOriginal) {
  const Datum sequence = Scalars({1, 2});
  const Tensor three = Tensor::Scalar(3.0f);
  const auto at = [](int64_t i) { return Tensor::Scalar(i); };
  EXPECT_EQ(ResultOf("SequenceInsert", sequence, {three}), "[]:1 []:2 []:3 ");
  EXPECT_EQ(ResultOf("SequenceInsert", sequence, {three, at(0)}), "[]:3 []:1 []:2 ");
  EXPECT_EQ(ResultOf("SequenceInsert", sequence, {three, at(-1)}), "[]:1 []:3 []:2 ");
  EXPECT_EQ(ResultOf("SequenceErase", sequence, {}), "[]:1 ");
  EXPECT_EQ(ResultOf("SequenceErase", sequence, {at(-2)}), "[]:2 ");
  EXPECT_EQ(sequence.sequence->items.size(), 2u);
  EXPECT_TRUE(Has(ResultOf("SequenceInsert", sequence, {three, at(3)}), "position 3 is outside"));
  EXPECT_TRUE(Has(ResultOf("SequenceErase", sequence, {at(2)}), "position 2 is outside"));
  EXPECT_TRUE(Has(ResultOf("SequenceErase", Scalars({}), {}), "the sequence is empty"));
  EXPECT_TRUE(
      Has(ResultOf("SequenceInsert", sequence, {IntTensor({1})}), "same type as the items"));
}

TEST(Sequence, IsMadeAndRead) {
  KernelTester construct("SequenceConstruct", 11);
  construct.AddInput<float>({1}, {1});
  construct.AddInput<float>({2}, {2, 3});
  EXPECT_EQ(Text(construct, construct.Run()), "[1]:1 [2]:2 3 ");

  KernelTester empty("SequenceEmpty", 11);
  empty.SetAttribute("dtype", static_cast<int64_t>(ElementType::kInt64));
  EXPECT_EQ(Text(empty, empty.Run()), "");
  EXPECT_EQ(empty.OutputDatum(0).sequence->element.element_type, ElementType::kInt64);

  KernelTester at("SequenceAt", 11);
  at.AddInput(Scalars({4, 5}), kFloats);
  at.AddInput<int32_t>({}, {-1});
  ASSERT_TRUE(at.Run().ok());
  EXPECT_EQ(at.Output<float>(0), std::vector<float>({5}));

  KernelTester length("SequenceLength", 11);
  length.AddInput(Scalars({4, 5}), kFloats);
  ASSERT_TRUE(length.Run().ok());
  EXPECT_EQ(length.Output<int64_t>(0), std::vector<int64_t>({2}));
}

TEST(Sequence, IsJoinedAndStacked) {
  const auto join = [](std::vector<Tensor> items, int64_t axis, int64_t stack) {
    KernelTester tester("ConcatFromSequence", 11);
    tester.AddInput(SequenceOf(std::move(items)), kFloats);
    tester.SetAttribute("axis", axis);
    tester.SetAttribute("new_axis", stack);
    const Status status = tester.Run();
    if (!status.ok()) return status.message();
    std::string text = tester.OutputShape(0).ToString() + ":";
    for (const float value : tester.Output<float>(0)) {
      text += std::to_string(static_cast<int>(value)) + " ";
    }
    return text;
  };
  const Tensor a = TensorOf<float>({2}, {1, 2});
  const Tensor b = TensorOf<float>({2}, {3, 4});
  EXPECT_EQ(join({a, b}, 0, 0), "[4]:1 2 3 4 ");
  EXPECT_EQ(join({a, b}, -1, 1), "[2,2]:1 3 2 4 ");
  EXPECT_EQ(join({a, b}, 0, 1), "[2,2]:1 2 3 4 ");
  EXPECT_TRUE(Has(join({}, 0, 0), "at least one item"));
  EXPECT_TRUE(Has(join({a, Tensor::Scalar(1.0f)}, 0, 1), "cannot be joined"));
  EXPECT_TRUE(Has(join({a}, 1, 0), "'axis' is 1"));
}

TEST(Sequence, IsCutFromATensor) {
  const auto split = [](std::vector<Tensor> sizes, int64_t keep) {
    KernelTester tester("SplitToSequence", 11);
    tester.AddInput(Counting<float>({3, 2}));
    for (Tensor& tensor : sizes) tester.AddInput(std::move(tensor));
    tester.SetAttribute("keepdims", keep);
    return Text(tester, tester.Run());
  };
  EXPECT_EQ(split({}, 1), "[1,2]:0 1 [1,2]:2 3 [1,2]:4 5 ");
  EXPECT_EQ(split({}, 0), "[2]:0 1 [2]:2 3 [2]:4 5 ");
  EXPECT_EQ(split({Tensor::Scalar(int64_t{2})}, 0), "[2,2]:0 1 2 3 [1,2]:4 5 ");
  EXPECT_EQ(split({IntTensor({1, 2})}, 1), "[1,2]:0 1 [2,2]:2 3 4 5 ");
  EXPECT_TRUE(Has(split({Tensor::Scalar(int64_t{0})}, 1), "greater than 0"));
  EXPECT_TRUE(Has(split({IntTensor({1, 1})}, 1), "sum up"));
}

}  // namespace
}  // namespace mullion::cpu
