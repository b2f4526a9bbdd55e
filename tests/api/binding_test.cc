// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <array>
#include <list>

#include "api/fixtures.h"
#include "api/onnx_builder.h"

namespace mullion::test {
namespace {

using Floats = std::vector<float>;

// z = x + y on [2].
class AddTest : public testing::Test {
 protected:
  const LearningModelSession session_ = Open(AddModel({2}));
  LearningModelBinding binding_{session_};
  const TensorFloat x_ = TensorFloat::CreateFromArray({2}, {1, 2});
  const TensorFloat y_ = TensorFloat::CreateFromArray({2}, {10, 20});

  void BindInputs() {
    binding_.Bind("x", x_);
    binding_.Bind("y", y_);
  }
  Floats Result() {
    return session_.Evaluate(binding_).Outputs().Lookup("z").as<TensorFloat>().GetAsVectorView();
  }
};

TEST_F(AddTest, GivesFreshOutputs) {
  BindInputs();
  const auto first = session_.Evaluate(binding_, "one");
  x_.data()[0] = 5;
  const auto second = session_.Evaluate(binding_, "two");
  EXPECT_EQ(first.CorrelationId(), "one");
  EXPECT_TRUE(second.Succeeded());
  EXPECT_EQ(second.ErrorStatus(), 0);
  const auto value = [](const LearningModelEvaluationResult& result) {
    return result.Outputs().Lookup("z").as<TensorFloat>().GetAsVectorView();
  };
  EXPECT_EQ(value(first), (Floats{11, 22}));
  EXPECT_EQ(value(second), (Floats{15, 22}));
  EXPECT_EQ(second.Outputs().Size(), 1u);
  for (const auto& [name, output] : second.Outputs()) {
    EXPECT_EQ(name, "z");
    EXPECT_EQ(output.Kind(), LearningModelFeatureKind::Tensor);
  }
}

TEST_F(AddTest, WritesBoundOutputsInPlace) {
  BindInputs();
  const TensorFloat z = TensorFloat::Create({2});
  binding_.Bind("z", z);
  const auto result = session_.Evaluate(binding_);
  EXPECT_EQ(z.GetAsVectorView(), (Floats{11, 22}));
  EXPECT_TRUE(result.Outputs().Lookup("z") == z);
  y_.data()[1] = 0;
  session_.Run(binding_);
  EXPECT_EQ(z.GetAsVectorView(), (Floats{11, 2}));
}

TEST_F(AddTest, WritesIntoTheCallersMemory) {
  BindInputs();
  std::array<float, 2> memory = {};
  binding_.Bind("z", std::span<float>(memory));
  session_.Run(binding_);
  EXPECT_EQ(memory, (std::array<float, 2>{11, 22}));
}

TEST_F(AddTest, PlaceholdersTakeTheResultAndCanBePassedOn) {
  BindInputs();
  const TensorFloat z = TensorFloat::Create();
  binding_.Bind("z", z);
  session_.Run(binding_);
  EXPECT_EQ(z.GetAsVectorView(), (Floats{11, 22}));

  LearningModelBinding next(session_);
  next.Bind("x", z);
  next.Bind("y", z);
  const auto twice = [&] {
    return session_.Evaluate(next).Outputs().Lookup("z").as<TensorFloat>().GetAsVectorView();
  };
  EXPECT_EQ(twice(), (Floats{22, 44}));
  x_.data()[0] = 0;
  session_.Run(binding_);  // gives z new content
  EXPECT_EQ(twice(), (Floats{20, 44}));
}

TEST_F(AddTest, OneTensorMayBeInputAndOutput) {
  binding_.Bind("x", x_);
  binding_.Bind("y", y_);
  binding_.Bind("z", x_);
  session_.Run(binding_);
  EXPECT_EQ(x_.GetAsVectorView(), (Floats{11, 22}));
  session_.Run(binding_);
  EXPECT_EQ(x_.GetAsVectorView(), (Floats{21, 42}));
}

TEST_F(AddTest, NamesIgnoreCase) {
  binding_.Bind("X", x_);
  binding_.Bind("Y", y_);
  EXPECT_EQ(Result(), (Floats{11, 22}));
  EXPECT_TRUE(binding_.HasKey("X"));
  EXPECT_FALSE(binding_.HasKey("x"));
  binding_.Bind("x", y_);  // the same input
  EXPECT_EQ(binding_.Size(), 2u);
  EXPECT_EQ(binding_.Names(), (std::vector<std::string>{"x", "Y"}));
  EXPECT_EQ(Result(), (Floats{20, 40}));
}

TEST(NamesTest, ExactNamesComeFirst) {
  const Message type = TensorType(1, {1});
  const LearningModelSession session = Open(ModelBuilder()
                                                .Input("A", type)
                                                .Input("a", type)
                                                .Output("B", type)
                                                .Node("Sub", {"A", "a"}, {"B"})
                                                .Build());
  LearningModelBinding binding(session);
  binding.Bind("a", 1.0f);
  binding.Bind("A", 10.0f);
  EXPECT_EQ(session.Evaluate(binding).Outputs().ValueAt(0).as<TensorFloat>().data()[0], 9.0f);
}

TEST_F(AddTest, LookupGivesTheVeryValue) {
  binding_.Bind("x", x_);
  EXPECT_TRUE(binding_.Lookup("x") == x_);
  EXPECT_EQ(Failure([&] { binding_.Lookup("y"); }),
            "OutOfRange: nothing is bound under the name 'y' in exactly that spelling");
  binding_.Clear();
  EXPECT_EQ(binding_.Size(), 0u);
  EXPECT_FALSE(binding_.HasKey("x"));
  EXPECT_EQ(Failure([&] { Result(); }),
            "InvalidBinding: input 'x' (float[2]) is not bound; bind a value to every input");
}

TEST_F(AddTest, TakesPlainObjects) {
  binding_.Bind("x", Floats{1, 2});
  binding_.Bind("y", std::list<float>{3, 4});
  EXPECT_EQ(Result(), (Floats{4, 6}));
  const std::array<float, 2> array = {5, 6};
  binding_.Bind("y", array);
  EXPECT_EQ(Result(), (Floats{6, 8}));
  const float plain[2] = {7, 8};
  binding_.Bind("y", plain);
  EXPECT_EQ(Result(), (Floats{8, 10}));
}

TEST_F(AddTest, EvaluateFeaturesBindsAll) {
  const TensorFloat z = TensorFloat::Create({2});
  const std::map<std::string, ILearningModelFeatureValue> features = {
      {"x", x_}, {"y", y_}, {"z", z}};
  const auto result = session_.EvaluateFeatures(features, "all");
  EXPECT_EQ(z.GetAsVectorView(), (Floats{11, 22}));
  EXPECT_EQ(result.CorrelationId(), "all");
}

TEST_F(AddTest, TellsWhatIsWrong) {
  EXPECT_EQ(Failure([&] { binding_.Bind("w", x_); }),
            "InvalidBinding: model '<memory>' has no input or output 'w'; its inputs are 'x', 'y' "
            "and its outputs 'z'");
  EXPECT_EQ(Failure([&] { binding_.Bind("x", TensorInt64Bit::Create({2})); }),
            "InvalidBinding: input 'x' (float[2]) cannot take int64[2]; bind a value of the type "
            "that it has");
  EXPECT_EQ(Failure([&] { binding_.Bind("x", TensorFloat::Create({3})); }),
            "SizeMismatch: input 'x' (float[2]) cannot take float[3]; rank and dimensions must be "
            "equal where they are not free");
  EXPECT_EQ(Failure([&] {
              binding_.Bind("x", TensorFloat::Create({1, 2}));
            }).substr(0, 12),
            "SizeMismatch");
  EXPECT_EQ(Failure([&] { binding_.Bind("z", TensorFloat::Create({3})); }),
            "SizeMismatch: output 'z' (float[2]) cannot take float[3]; rank and dimensions must be "
            "equal where they are not free");
  EXPECT_EQ(Failure([&] { binding_.Bind("x", TensorFloat::Create()); }),
            "InvalidBinding: input 'x' (float[2]) cannot take float tensor without content; a "
            "placeholder is for outputs until it was evaluated once");
  EXPECT_EQ(Failure([&] {
              binding_.Bind("x", Floats{1, 2, 3});
            }),
            "SizeMismatch: 3 elements do not fill 'x', or it has several free dimensions; bind a "
            "tensor with a shape");
  EXPECT_EQ(Failure([&] {
              binding_.Bind("z", Floats{1, 2});
            }),
            "InvalidBinding: a copy cannot be bound to the output 'z'; bind a value or a std::span "
            "to write to");
  EXPECT_EQ(Failure([&] { binding_.Bind("x", ILearningModelFeatureValue(nullptr)); }),
            "InvalidArgument: MullionBinding_Bind: 'value' is null; pass a valid pointer");
  EXPECT_EQ(Failure([&] { session_.Evaluate(LearningModelBinding(Open(AddModel({2})))); }),
            "InvalidArgument: MullionSession_Evaluate: the binding was made for another session "
            "(of model '<memory>'); make one binding per session");
  EXPECT_EQ(Failure([&] { session_.Evaluate(binding_).Outputs().Lookup("Z"); }).substr(0, 14),
            "InvalidBinding");
}

TEST_F(AddTest, AFailedBindChangesNothing) {
  BindInputs();
  EXPECT_THROW(binding_.Bind("x", TensorFloat::Create({3})), Error);
  EXPECT_TRUE(binding_.Lookup("x") == x_);
  EXPECT_EQ(Result(), (Floats{11, 22}));
}

TEST_F(AddTest, OutputsAreLookedUpExactly) {
  BindInputs();
  const auto outputs = session_.Evaluate(binding_).Outputs();
  EXPECT_FALSE(outputs.HasKey("Z"));
  EXPECT_EQ(Failure([&] { outputs.Lookup("Z"); }),
            "OutOfRange: there is no output 'Z'; spell it as the model's OutputFeatures() do");
}

TEST_F(AddTest, ClosedSessionsRefuse) {
  BindInputs();
  const auto result = session_.Evaluate(binding_);
  session_.Close();
  const std::string closed =
      "Closed: the session of model '<memory>' was closed; create another one";
  EXPECT_EQ(Failure([&] { session_.Evaluate(binding_); }), closed);
  EXPECT_EQ(Failure([&] { session_.Run(binding_); }), closed);
  EXPECT_EQ(Failure([&] { binding_.Bind("x", x_); }), closed);
  EXPECT_EQ(Failure([&] { LearningModelBinding{session_}; }), closed);
  EXPECT_EQ(result.Outputs().Lookup("z").as<TensorFloat>().GetAsVectorView(), (Floats{11, 22}));
}

TEST(FreeDimensionsTest, AreWorkedOut) {
  const LearningModelSession session = Open(AddModel({"n", 2}));
  LearningModelBinding binding(session);
  binding.Bind("x", Floats{1, 2, 3, 4});
  binding.Bind("y", TensorFloat::CreateFromArray({2, 2}, {1, 1, 1, 1}));
  const auto z = session.Evaluate(binding).Outputs().Lookup("z").as<TensorFloat>();
  EXPECT_EQ(z.Shape(), (std::vector<int64_t>{2, 2}));
  // Another size with the same session, zero included.
  binding.Bind("x", TensorFloat::Create({0, 2}));
  binding.Bind("y", TensorFloat::Create({0, 2}));
  const auto none = session.Evaluate(binding).Outputs().Lookup("z").as<TensorFloat>();
  EXPECT_EQ(none.Shape(), (std::vector<int64_t>{0, 2}));
}

TEST(FreeDimensionsTest, BoundOutputsMustHaveTheResultsShape) {
  const LearningModelSession session = Open(AddModel({"n"}));
  LearningModelBinding binding(session);
  binding.Bind("x", Floats{1, 2});
  binding.Bind("y", Floats{1, 2});
  binding.Bind("z", TensorFloat::Create({3}));
  EXPECT_EQ(Failure([&] { session.Run(binding); }).substr(0, 12), "SizeMismatch");
  const TensorFloat z = TensorFloat::Create({2});
  binding.Bind("z", z);
  session.Run(binding);
  EXPECT_EQ(z.GetAsVectorView(), (Floats{2, 4}));
}

// y = x for tensors of each kind.
template <typename Tensor>
void ExpectPasses(const std::vector<typename Tensor::value_type>& data) {
  const Tensor tensor = Tensor::CreateFromIterable({2}, data);
  const LearningModelSession session =
      Open(IdentityModel(TensorType(static_cast<int>(tensor.TensorKind()), {2})));
  LearningModelBinding binding(session);
  binding.Bind("x", data);  // plain
  const auto plain = session.Evaluate(binding).Outputs().Lookup("y").template as<Tensor>();
  EXPECT_EQ(plain.GetAsVectorView(), data);
  binding.Bind("x", tensor);
  const Tensor output = Tensor::Create(ArrayView<int64_t>({2}));
  binding.Bind("y", output);
  session.Run(binding);
  EXPECT_EQ(output.GetAsVectorView(), data);
}

TEST(KindsTest, AllPass) {
  ExpectPasses<TensorFloat>({1, 2});
  ExpectPasses<TensorFloat16Bit>({1, 2});
  ExpectPasses<TensorDouble>({1, 2});
  ExpectPasses<TensorBoolean>({true, false});
  ExpectPasses<TensorInt8Bit>({-1, 2});
  ExpectPasses<TensorUInt8Bit>({1, 200});
  ExpectPasses<TensorInt16Bit>({-1, 2});
  ExpectPasses<TensorUInt16Bit>({1, 2});
  ExpectPasses<TensorInt32Bit>({-1, 2});
  ExpectPasses<TensorUInt32Bit>({1, 2});
  ExpectPasses<TensorInt64Bit>({-1, 2});
  ExpectPasses<TensorUInt64Bit>({1, 2});
  ExpectPasses<TensorString>({"", "text"});
}

TEST(KindsTest, BytesOfInt8AndSingleStrings) {
  const LearningModelSession bytes = Open(IdentityModel(TensorType(3, {2})));
  const auto result =
      bytes.EvaluateFeatures(std::map<std::string, std::vector<uint8_t>>{{"x", {255, 1}}});
  EXPECT_EQ(result.Outputs().ValueAt(0).as<TensorInt8Bit>().GetAsVectorView(),
            (std::vector<int8_t>{-1, 1}));
  const LearningModelSession text = Open(IdentityModel(TensorType(8, {"n", "m"})));
  LearningModelBinding binding(text);
  binding.Bind("x", "one");
  EXPECT_EQ(text.Evaluate(binding).Outputs().ValueAt(0).as<TensorString>().GetAt(0), "one");
}

}  // namespace
}  // namespace mullion::test
