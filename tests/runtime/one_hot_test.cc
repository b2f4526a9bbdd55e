// SPDX-License-Identifier: MIT
// Products of one-hot rows, as they are written and as rows of a table, give the same bits.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "devices/cpu/cpu_device.h"
#include "runtime/session.h"

namespace mullion {
namespace {

constexpr int64_t kClasses = 19;
constexpr int64_t kColumns = 13;

Tensor RandomTensor(const Shape& shape, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> values(-2.0f, 2.0f);
  std::vector<float> data(static_cast<size_t>(shape.ElementCount()));
  for (float& x : data) x = values(random);
  return Tensor::FromSpan<float>(shape, std::span<const float>(data));
}

// Gelu(MatMul(Cast(numbers == [0 ... 18]), weights) + bias) of numbers [tokens, 1].
template <typename T>
Model OneHotModel() {
  Model model;
  model.graph = std::make_unique<Graph>();
  Graph& graph = *model.graph;
  FeatureInfo input;
  input.name = "numbers";
  input.type = TypeInfo::Tensor(kElementTypeOf<T>, {kUnknownDim, 1});
  model.inputs.push_back(input);
  Value& numbers = graph.AddInput("numbers", input.type);
  const auto add = [&](const char* name, std::vector<Value*> inputs) -> Value& {
    Node& node = graph.AddNode("", name, 21, inputs, 1, name);
    node.origin = {name, name, "", 21, ""};
    return *node.output(0);
  };
  std::vector<T> classes(kClasses);
  for (size_t i = 0; i < classes.size(); ++i) classes[i] = static_cast<T>(i);
  Value& rows =
      add("Cast", {&add("Equal", {&numbers, &graph.AddConstant("", Tensor::Vector<T>(classes))})});
  rows.producer()->SetAttribute("to", int64_t{1});
  Value& weights = graph.AddConstant("", RandomTensor({kClasses, kColumns}, 1));
  Value& bias = graph.AddConstant("", RandomTensor({kColumns}, 2));
  Value& out = add("Gelu", {&add("Add", {&add("MatMul", {&rows, &weights}), &bias})});
  graph.AddOutput(out);
  FeatureInfo output;
  output.name = "out";
  model.outputs.push_back(output);
  return model;
}

template <typename T>
std::vector<float> Evaluate(const Model& model, const std::vector<T>& numbers, bool optimize) {
  static const cpu::CpuDevice cpu;
  static const Device* const devices[] = {&cpu};
  SessionOptions options;
  options.optimize = optimize;
  const auto session = Session::Create(model, devices, BuiltInOperators(), options);
  EXPECT_TRUE(session.ok()) << session.status().message();
  std::vector<Datum> inputs = {Datum::FromTensor(
      Tensor::FromSpan<T>(Shape{static_cast<int64_t>(numbers.size()), 1}, numbers))};
  Datum outputs[1];
  const Status status = (*session)->Run(inputs, outputs);
  EXPECT_TRUE(status.ok()) << status.message();
  const auto values = outputs[0].view.span<float>();
  return {values.begin(), values.end()};
}

template <typename T>
void ExpectSame(const std::vector<T>& numbers) {
  const Model model = OneHotModel<T>();
  const auto optimized = Evaluate(model, numbers, true);
  EXPECT_EQ(optimized.size(), numbers.size() * kColumns);
  EXPECT_EQ(optimized, Evaluate(model, numbers, false));
}

TEST(OneHot, GivesTheSameBits) {
  ExpectSame<int32_t>({3, 0, 18, 7, 7});
  ExpectSame<int64_t>({0, 18, 9});
  ExpectSame<int64_t>({});
}

TEST(OneHot, GivesZerosForWhatIsNoClass) {
  ExpectSame<int32_t>({-1, 19, 20, -19, INT32_MIN, INT32_MAX});
  ExpectSame<int64_t>({-1, 19, INT64_MIN, INT64_MAX, int64_t{1} << 32});
}

}  // namespace
}  // namespace mullion
