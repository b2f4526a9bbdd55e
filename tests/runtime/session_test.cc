// SPDX-License-Identifier: MIT
#include "runtime/session.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "base/str_cat.h"
#include "devices/cpu/cpu_device.h"

namespace mullion {
namespace {

// A model made by hand: inputs, nodes, outputs.
class ModelMaker {
 public:
  ModelMaker() { model_.path = "test.onnx"; }
  Graph& graph() { return *graph_; }

  Value& Input(const char* name, ElementType type, const Shape& shape) {
    FeatureInfo info;
    info.name = name;
    info.type = TypeInfo::Tensor(type, shape);
    model_.inputs.push_back(info);
    return graph_->AddInput(name, info.type);
  }
  Value& Add(std::string_view name, std::vector<Value*> inputs, int outputs = 1) {
    return AddTo(*graph_, name, std::move(inputs), outputs);
  }
  static Value& AddTo(Graph& graph, std::string_view name, std::vector<Value*> inputs,
                      int outputs = 1) {
    Node& node = graph.AddNode("", name, 21, inputs, outputs, name);
    node.origin = {std::string(name), std::string(name), "", 21, ""};
    return *node.output(0);
  }
  void Output(Value& value, const TypeInfo& declared = {}) {
    graph_->AddOutput(value);
    FeatureInfo info;
    info.name = value.name();
    info.type = declared;
    model_.outputs.push_back(info);
  }
  Result<std::unique_ptr<Session>> MakeSession(int threads = 1,
                                               Precision precision = Precision::kFloat) {
    model_.graph = std::move(graph_);
    static const cpu::CpuDevice cpu;
    static const Device* const devices[] = {&cpu};
    SessionOptions options;
    options.threads = threads;
    options.precision = precision;
    return Session::Create(model_, devices, BuiltInOperators(), options);
  }

 private:
  Model model_;
  std::unique_ptr<Graph> graph_ = std::make_unique<Graph>();
};

Datum Floats(const Shape& shape, std::vector<float> values) {
  return Datum::FromTensor(Tensor::FromSpan<float>(shape, std::span<const float>(values)));
}
template <typename T>
std::vector<T> ValuesOf(const Datum& datum) {
  const auto span = datum.view.span<T>();
  return {span.begin(), span.end()};
}

TEST(Session, EvaluatesAndGivesResultsThatLast) {
  ModelMaker maker;
  Value& x = maker.Input("x", ElementType::kFloat, {2});
  maker.Output(maker.Add("Add", {&x, &x}));
  const auto session = maker.MakeSession();
  ASSERT_TRUE(session.ok()) << session.status().message();
  const Datum first[] = {Floats({2}, {1, 2})};
  const Datum second[] = {Floats({2}, {10, 20})};
  Datum one[1];
  Datum two[1];
  ASSERT_TRUE((*session)->Run(first, one).ok());
  ASSERT_TRUE((*session)->Run(second, two).ok());
  EXPECT_EQ(ValuesOf<float>(one[0]), std::vector<float>({2, 4}));
  EXPECT_EQ(ValuesOf<float>(two[0]), std::vector<float>({20, 40}));
}

TEST(Session, ResultsLetGoOfServeTheNextSize) {
  ModelMaker maker;
  Value& x = maker.Input("x", ElementType::kFloat, Shape{-1, 1000});
  maker.Output(maker.Add("Relu", {&x}));
  auto session = maker.MakeSession();
  ASSERT_TRUE(session.ok()) << session.status().message();
  const void* memory = nullptr;
  for (const int64_t rows : {100, 102, 101}) {
    const Result<Tensor> input = Tensor::Allocate(ElementType::kFloat, Shape{rows, 1000});
    ASSERT_TRUE(input.ok());
    const Datum inputs[] = {Datum::FromView(input->view())};
    Datum outputs[1];
    ASSERT_TRUE((*session)->Run(inputs, outputs).ok());
    if (memory == nullptr) memory = outputs[0].view.data;
    EXPECT_EQ(outputs[0].view.data, memory) << rows;
  }
}

TEST(Session, WritesBoundOutputsInPlace) {
  ModelMaker maker;
  Value& x = maker.Input("x", ElementType::kFloat, {kUnknownDim});
  maker.Output(maker.Add("Relu", {&maker.Add("Neg", {&x})}));
  const auto session = maker.MakeSession();
  ASSERT_TRUE(session.ok());
  const Datum input[] = {Floats({3}, {1, -2, 3})};
  Datum output[] = {Floats({3}, {9, 9, 9})};
  const void* const memory = output[0].view.data;
  ASSERT_TRUE((*session)->Run(input, output).ok());
  EXPECT_EQ(output[0].view.data, memory);
  EXPECT_EQ(ValuesOf<float>(output[0]), std::vector<float>({0, 2, 0}));

  Datum wrong[] = {Floats({2}, {9, 9})};
  const Status status = (*session)->Run(input, wrong);
  EXPECT_EQ(status.code(), StatusCode::kSizeMismatch);
  EXPECT_NE(status.message().find("float[3] but a tensor of float[2] was bound"), std::string::npos)
      << status.message();
}

// An output of the wrong size leaves values without a place, which the next run needs.
TEST(Session, RunsAfterAnOutputOfTheWrongSize) {
  ModelMaker maker;
  Value& x = maker.Input("x", ElementType::kFloat, {kUnknownDim});
  Value& negative = maker.Add("Neg", {&x});
  maker.Output(maker.Add("Relu", {&negative}));
  maker.Output(maker.Add("ReduceMax", {&negative}));
  const auto session = maker.MakeSession();
  ASSERT_TRUE(session.ok());
  const Datum input[] = {Floats({3}, {1, -2, 3})};
  Datum wrong[] = {Floats({2}, {9, 9}), Floats({1}, {9})};
  EXPECT_EQ((*session)->Run(input, wrong).code(), StatusCode::kSizeMismatch);
  Datum right[] = {Floats({3}, {9, 9, 9}), Floats({1}, {9})};
  ASSERT_TRUE((*session)->Run(input, right).ok());
  EXPECT_EQ(ValuesOf<float>(right[0]), std::vector<float>({0, 2, 0}));
  EXPECT_EQ(ValuesOf<float>(right[1]), std::vector<float>({2}));
}

// Maps take the memory of the evaluation before, but not while somebody holds it.
TEST(Session, MapsThatAreHeldLast) {
  ModelMaker maker;
  Value& x = maker.Input("x", ElementType::kFloat, {kUnknownDim, 2});
  Value* const inputs[] = {&x};
  Node& node = maker.graph().AddNode("ai.onnx.ml", "ZipMap", 1, inputs, 1, "zip");
  node.origin = {"zip", "ZipMap", "ai.onnx.ml", 1, ""};
  node.SetAttribute("classlabels_int64s", std::vector<int64_t>{5, 7});
  maker.Output(*node.output(0));
  const auto session = maker.MakeSession();
  ASSERT_TRUE(session.ok()) << session.status().message();
  const auto run = [&](const Shape& shape, std::vector<float> scores) {
    const Datum input[] = {Floats(shape, std::move(scores))};
    Datum output[1];
    EXPECT_TRUE((*session)->Run(input, output).ok());
    return output[0];
  };
  const auto score = [](const Datum& maps, size_t row) {
    return maps.sequence->items[row].map->values.span<float>()[1];
  };
  const Datum whole = run({2, 2}, {0, 1, 2, 3});
  EXPECT_EQ(score(run({2, 2}, {4, 5, 6, 7}), 1), 7);
  EXPECT_EQ(score(whole, 1), 3);
  const std::shared_ptr<const Map> map = run({2, 2}, {8, 9, 10, 11}).sequence->items[0].map;
  const Tensor values = run({2, 2}, {12, 13, 14, 15}).sequence->items[1].map->values;
  EXPECT_EQ(score(run({2, 2}, {16, 17, 18, 19}), 1), 19);
  EXPECT_EQ(map->values.span<float>()[1], 9);
  EXPECT_EQ(values.span<float>()[1], 15);
  EXPECT_EQ(run({0, 2}, {}).sequence->items.size(), 0u);
  EXPECT_EQ(run({0, 2}, {}).sequence->items.size(), 0u);
  EXPECT_EQ(score(run({3, 2}, {1, 2, 3, 4, 5, 6}), 2), 6);
}

// A residual whose memory the output takes over must not be the image, which all columns read, nor
// what is normalized.
TEST(Session, AddsAnImageToItsOwnConvolution) {
  ModelMaker maker;
  constexpr int64_t kChannels = 200;
  Value& x = maker.Input("x", ElementType::kFloat, {1, kChannels, 1, 1});
  Value& image = maker.Add("Neg", {&x});
  const std::vector<float> ones(kChannels * kChannels, 1.0f);
  Value& weights = maker.graph().AddConstant(
      "w", Tensor::FromSpan<float>({kChannels, kChannels, 1, 1}, std::span<const float>(ones)));
  Value& sum = maker.Add("Add", {&maker.Add("Conv", {&image, &weights}), &image});
  maker.Output(maker.Add("Neg", {&sum}));
  const auto session = maker.MakeSession();
  ASSERT_TRUE(session.ok()) << session.status().message();
  const Datum input[] = {Floats({1, kChannels, 1, 1}, std::vector<float>(kChannels, 1.0f))};
  Datum output[1];
  ASSERT_TRUE((*session)->Run(input, output).ok());
  EXPECT_EQ(ValuesOf<float>(output[0]), std::vector<float>(kChannels, kChannels + 1.0f));
}

TEST(Session, AddsToANormalizationWhatItNormalizes) {
  ModelMaker maker;
  Value& x = maker.Input("x", ElementType::kFloat, {1, 1, 4});
  Value& image = maker.Add("Neg", {&x});
  Value& one = maker.graph().AddConstant("one", Tensor::Vector<float>(std::vector<float>{1}));
  Value& normal = maker.Add("InstanceNormalization", {&image, &one, &one});
  maker.Output(maker.Add("Neg", {&maker.Add("Add", {&normal, &image})}));
  const auto session = maker.MakeSession();
  ASSERT_TRUE(session.ok()) << session.status().message();
  const Datum input[] = {Floats({1, 1, 4}, {-30, -10, -30, -10})};
  Datum output[1];
  ASSERT_TRUE((*session)->Run(input, output).ok());
  const std::vector<float> values = ValuesOf<float>(output[0]);
  ASSERT_EQ(values.size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(values[i], i % 2 == 0 ? -32.0f : -10.0f, 1e-4f);
}

TEST(Session, ValuesOfRunTimeSizeFlowOn) {
  // Gather(x, NonZero(x)) + 1: sizes are known only after NonZero ran.
  ModelMaker maker;
  Value& x = maker.Input("x", ElementType::kFloat, {kUnknownDim});
  Value& where = maker.Add("NonZero", {&x});
  Value& axes = maker.graph().AddConstant("axes", Tensor::Vector<int64_t>(std::vector<int64_t>{0}));
  Value& flat = maker.Add("Squeeze", {&where, &axes});
  Value& one = maker.graph().AddConstant("one", Tensor::Scalar(1.0f));
  maker.Output(maker.Add("Add", {&maker.Add("Gather", {&x, &flat}), &one}));
  const auto session = maker.MakeSession();
  ASSERT_TRUE(session.ok()) << session.status().message();
  for (int round = 0; round < 3; ++round) {
    const Datum some[] = {Floats({4}, {0, 5, 0, 7})};
    const Datum none[] = {Floats({2}, {0, 0})};
    Datum output[1];
    ASSERT_TRUE((*session)->Run(some, output).ok());
    EXPECT_EQ(ValuesOf<float>(output[0]), std::vector<float>({6, 8}));
    Datum empty[1];
    ASSERT_TRUE((*session)->Run(none, empty).ok());
    EXPECT_EQ(empty[0].view.shape, Shape({0}));
  }
}

TEST(Session, IfReadsValuesAroundIt) {
  ModelMaker maker;
  Value& x = maker.Input("x", ElementType::kFloat, {2});
  Value& choose = maker.Input("choose", ElementType::kBool, {});
  auto then_branch = std::make_shared<Graph>(&maker.graph());
  then_branch->AddOutput(ModelMaker::AddTo(*then_branch, "Neg", {&x}));
  auto else_branch = std::make_shared<Graph>(&maker.graph());
  else_branch->AddOutput(ModelMaker::AddTo(*else_branch, "Add", {&x, &x}));
  Value& result = maker.Add("If", {&choose});
  result.producer()->SetAttribute("then_branch", then_branch);
  result.producer()->SetAttribute("else_branch", else_branch);
  maker.Output(maker.Add("Abs", {&result}));
  const auto session = maker.MakeSession();
  ASSERT_TRUE(session.ok()) << session.status().message();
  for (const bool chosen : {true, false, true}) {
    const Datum inputs[] = {Floats({2}, {1, -3}), Datum::FromTensor(Tensor::Scalar(chosen))};
    Datum output[1];
    ASSERT_TRUE((*session)->Run(inputs, output).ok());
    EXPECT_EQ(ValuesOf<float>(output[0]),
              chosen ? std::vector<float>({1, 3}) : std::vector<float>({2, 6}));
  }
}

// A Loop of `trips` iterations that begins with x: state += x, and all states stacked.
Value& AddLoop(ModelMaker& maker, Value& trips, Value& x, const TypeInfo& state_type) {
  auto body = std::make_shared<Graph>(&maker.graph());
  body->AddInput("i", TypeInfo::Tensor(ElementType::kInt64));
  Value& go_on = body->AddInput("c", TypeInfo::Tensor(ElementType::kBool));
  Value& state = body->AddInput("s", state_type);
  Value& sum = ModelMaker::AddTo(*body, "Add", {&state, &x});
  body->AddOutput(ModelMaker::AddTo(*body, "Identity", {&go_on}));
  body->AddOutput(sum);
  body->AddOutput(ModelMaker::AddTo(*body, "Identity", {&sum}));
  Value& last = maker.Add("Loop", {&trips, nullptr, &x}, 2);
  last.producer()->SetAttribute("body", body);
  return last;
}

TEST(Session, LoopCarriesAndStacks) {
  ModelMaker maker;
  Value& x = maker.Input("x", ElementType::kFloat, {2});
  Value& trips = maker.Input("trips", ElementType::kInt64, {});
  Value& last = AddLoop(maker, trips, x, TypeInfo::Tensor(ElementType::kFloat));
  maker.Output(last);
  maker.Output(*last.producer()->output(1));
  const auto session = maker.MakeSession();
  ASSERT_TRUE(session.ok()) << session.status().message();
  for (const int64_t count : {3, 0, 1}) {
    const Datum inputs[] = {Floats({2}, {1, 2}), Datum::FromTensor(Tensor::Scalar(count))};
    Datum outputs[2];
    const Status status = (*session)->Run(inputs, outputs);
    ASSERT_TRUE(status.ok()) << status.message();
    const auto factor = static_cast<float>(count + 1);
    EXPECT_EQ(ValuesOf<float>(outputs[0]), std::vector<float>({factor, 2 * factor}));
    EXPECT_EQ(outputs[1].view.shape[0], count);
  }
}

// What is stacked in no iteration has no elements, but the rank that the body's values have.
TEST(Session, ALoopOfNoIterationsStacksTheRightRank) {
  ModelMaker maker;
  Value& x = maker.Input("x", ElementType::kFloat, {2});
  Value& trips = maker.Input("trips", ElementType::kInt64, {});
  Value& last = AddLoop(maker, trips, x, TypeInfo::Tensor(ElementType::kFloat, Shape{2}));
  maker.Output(*last.producer()->output(1));
  const auto session = maker.MakeSession();
  ASSERT_TRUE(session.ok()) << session.status().message();
  for (const int64_t count : {0, 2}) {
    const Datum inputs[] = {Floats({2}, {1, -2}), Datum::FromTensor(Tensor::Scalar(count))};
    Datum stacked;
    const Status status = (*session)->Run(inputs, std::span(&stacked, 1));
    ASSERT_TRUE(status.ok()) << status.message();
    ASSERT_EQ(stacked.view.shape.rank(), 2);
    EXPECT_EQ(stacked.view.shape[0], count);
  }
}

// The body packs the constant that the graph around it still reads.
TEST(Session, ConstantsThatABodyPacksStayForOthers) {
  ModelMaker maker;
  Value& x = maker.Input("x", ElementType::kFloat, {1, 2});
  Value& condition = maker.Input("condition", ElementType::kBool, {});
  const std::vector<float> numbers = {1, 2, 3, 4};
  Value& weights = maker.graph().AddConstant(
      "weights", Tensor::FromSpan<float>(Shape{2, 2}, std::span(numbers)));
  auto branch = [&](const char* name) {
    auto body = std::make_shared<Graph>(&maker.graph());
    body->AddOutput(ModelMaker::AddTo(*body, name, {&x, &weights}));
    return body;
  };
  Value& y = maker.Add("If", {&condition});
  y.producer()->SetAttribute("then_branch", branch("MatMul"));
  y.producer()->SetAttribute("else_branch", branch("Add"));
  maker.Output(y);
  maker.Output(maker.Add("Mul", {&x, &weights}));
  const auto session = maker.MakeSession();
  ASSERT_TRUE(session.ok()) << session.status().message();
  for (const bool taken : {true, false}) {
    const Datum inputs[] = {Floats({1, 2}, {1, 10}), Datum::FromTensor(Tensor::Scalar(taken))};
    Datum outputs[2];
    ASSERT_TRUE((*session)->Run(inputs, outputs).ok());
    EXPECT_EQ(ValuesOf<float>(outputs[0]),
              taken ? std::vector<float>({31, 42}) : std::vector<float>({2, 12, 4, 14}));
    EXPECT_EQ(ValuesOf<float>(outputs[1]), std::vector<float>({1, 20, 3, 40}));
  }
}

TEST(Session, SeveralThreadsEvaluateAtOnce) {
  ModelMaker maker;
  Value& x = maker.Input("x", ElementType::kFloat, {kUnknownDim});
  maker.Output(maker.Add("Exp", {&maker.Add("Mul", {&x, &x})}));
  const auto session = maker.MakeSession(2);
  ASSERT_TRUE(session.ok());
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const int64_t size = 100000 + t;
      const Datum input[] = {Floats(
          {size}, std::vector<float>(static_cast<size_t>(size), 0.5f * static_cast<float>(t)))};
      const float expected = std::exp(0.25f * static_cast<float>(t * t));
      for (int round = 0; round < 20; ++round) {
        Datum output[1];
        if (!(*session)->Run(input, output).ok()) ++wrong;
        for (const float value : ValuesOf<float>(output[0])) {
          if (std::abs(value - expected) > 1e-5f * expected) ++wrong;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// They work in the same memory, one after the other, and what they gave out lasts. NonZero ends a
// segment.
TEST(Session, SessionsInTurnLeaveOneAnotherAlone) {
  constexpr int64_t kSize = 100'000;
  const auto make = [](const char* function) {
    ModelMaker maker;
    Value& x = maker.Input("x", ElementType::kFloat, {kUnknownDim});
    Value& changed = maker.Add(function, {&maker.Add("Mul", {&x, &x})});
    maker.Output(maker.Add("Sqrt", {&changed}));
    maker.Output(maker.Add("Neg", {&maker.Add("NonZero", {&maker.Add("Relu", {&changed})})}));
    return maker.MakeSession();
  };
  const auto same = make("Abs");
  const auto one = make("Floor");
  ASSERT_TRUE(same.ok() && one.ok());
  const auto run = [](Session& session, int64_t size, std::span<Datum> outputs) {
    const Datum input[] = {Floats({size}, std::vector<float>(static_cast<size_t>(size), 1.25f))};
    return session.Run(input, outputs).ok();
  };
  Datum first[2];
  ASSERT_TRUE(run(**same, kSize, first));
  for (const int64_t size : {kSize, kSize / 2, kSize * 2, int64_t{10}}) {
    Datum second[2];
    ASSERT_TRUE(run(**one, size, second));
    EXPECT_EQ(ValuesOf<float>(second[0]), std::vector<float>(static_cast<size_t>(size), 1));
    ASSERT_EQ(second[1].view.count(), size);
    EXPECT_EQ(ValuesOf<int64_t>(second[1]).back(), 1 - size);
    Datum again[2];
    ASSERT_TRUE(run(**same, kSize, again));
    EXPECT_EQ(ValuesOf<float>(again[0]), ValuesOf<float>(first[0]));
    EXPECT_EQ(ValuesOf<int64_t>(again[1]), ValuesOf<int64_t>(first[1]));
  }
  EXPECT_EQ(ValuesOf<float>(first[0]), std::vector<float>(kSize, 1.25f));
}

TEST(Session, SaysWhatIsWrongWithAnInput) {
  ModelMaker maker;
  Value& x = maker.Input("x", ElementType::kFloat, {2, kUnknownDim});
  maker.Output(maker.Add("Relu", {&x}));
  const auto session = maker.MakeSession();
  ASSERT_TRUE(session.ok());
  Datum output[1];
  const Datum missing[1];
  EXPECT_EQ((*session)->Run(missing, output).message(),
            "input 'x' (float[2,?]) is not bound; bind a value to every input");
  const Datum other_type[] = {Datum::FromTensor(Tensor::Scalar(int64_t{1}))};
  EXPECT_EQ((*session)->Run(other_type, output).message(),
            "input 'x' is float[2,?] but int64[] was bound; convert the value first");
  const Datum other_shape[] = {Floats({3, 1}, {1, 2, 3})};
  EXPECT_EQ((*session)->Run(other_shape, output).message(),
            "input 'x' is float[2,?] but float[3,1] was bound; give it the shape of the input");
}

TEST(Session, StopsWhenCancelled) {
  ModelMaker maker;
  Value& x = maker.Input("x", ElementType::kFloat, {2});
  maker.Output(maker.Add("Relu", {&x}));
  const auto session = maker.MakeSession();
  ASSERT_TRUE(session.ok());
  CancellationToken token;
  token.Cancel();
  const Datum input[] = {Floats({2}, {1, 2})};
  Datum output[1];
  EXPECT_EQ((*session)->Run(input, output, &token).code(), StatusCode::kCancelled);
}

// Kernels trust what the optimizer adds: a file that had it could have them write anywhere.
TEST(Session, RefusesWhatOnlyTheOptimizerGives) {
  const auto message = [](const char* name, int inputs, const auto& change) {
    ModelMaker maker;
    std::vector<Value*> values;
    for (int i = 0; i < inputs; ++i) {
      values.push_back(&maker.Input(i == 0 ? "x" : "y", ElementType::kFloat, {1, 1, 4, 4}));
    }
    Value& output = maker.Add(name, std::move(values));
    change(*output.producer());
    maker.Output(output);
    const auto session = maker.MakeSession();
    return session.ok() ? std::string() : session.status().message();
  };
  const auto nothing = [](Node&) {};
  for (const char* const attribute : {"first_channel", "whole_channels", "channels_last"}) {
    const std::string text =
        message("Conv", 2, [&](Node& node) { node.SetAttribute(attribute, int64_t{1} << 20); });
    EXPECT_NE(text.find(StrCat("the operator has no attribute '", attribute, "'")),
              std::string::npos)
        << text;
  }
  EXPECT_NE(message("Conv", 4, nothing).find("it has 4 inputs but the operator takes 2 to 3"),
            std::string::npos);
  EXPECT_NE(message("MatMul", 3, nothing).find("it has 3 inputs but the operator takes 2 to 2"),
            std::string::npos);
  const std::string internal =
      message("JoinPart", 2, [](Node& node) { node.SetOperator("mullion", "JoinPart", 1); });
  EXPECT_NE(internal.find("the domain 'mullion' is the library's own"), std::string::npos);
  EXPECT_EQ(message("MatMul", 2, nothing), "");
}

TEST(Session, RefusesAnAttributeOfAnotherKind) {
  ModelMaker maker;
  Value& output = maker.Add("Softmax", {&maker.Input("x", ElementType::kFloat, {2, 2})});
  output.producer()->SetAttribute("axis", std::string("last"));
  maker.Output(output);
  const auto session = maker.MakeSession();
  EXPECT_EQ(session.status().code(), StatusCode::kInvalidModel);
  EXPECT_EQ(session.status().message(),
            "model 'test.onnx': node 'Softmax' (Softmax, opset 21): attribute 'axis' is of kind "
            "string but must be of kind int; export the model again");
}

TEST(Session, RefusesAnOutputThatIsNotWhatTheFileDeclares) {
  ModelMaker maker;
  Value& output = maker.Add("Relu", {&maker.Input("x", ElementType::kFloat, {2})});
  maker.Output(output, TypeInfo::Tensor(ElementType::kInt64, {2}));
  const auto session = maker.MakeSession();
  EXPECT_EQ(session.status().code(), StatusCode::kInvalidModel);
  EXPECT_NE(session.status().message().find("is declared as int64[2] but the graph gives float[2]"),
            std::string::npos)
      << session.status().message();
}

TEST(Session, RefusesAnUnknownOperatorByName) {
  ModelMaker maker;
  Value& x = maker.Input("x", ElementType::kFloat, {2});
  maker.Output(maker.Add("Frobnicate", {&x}));
  const auto session = maker.MakeSession();
  EXPECT_EQ(session.status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(session.status().message(),
            "model 'test.onnx': node 'Frobnicate' (Frobnicate, opset 21): the operator is not "
            "known; export the model without it or register it as a custom operator");
}

// Sums of 100 numbers below 8, in whatever precision; and the session says in which.
TEST(Session, UsesHalfPrecisionWhereItIsAllowedAndThere) {
  for (const Precision asked : {Precision::kFloat, Precision::kHalf}) {
    ModelMaker maker;
    Value& x = maker.Input("x", ElementType::kFloat, {3, 100});
    const std::vector<float> twos(100 * 64, 2.0f);
    Value& weights = maker.graph().AddConstant("w", Tensor::FromSpan<float>({100, 64}, twos));
    Value& product = maker.Add("MatMul", {&x, &weights});
    maker.Output(maker.Add("Softmax", {&product}));
    const auto session = maker.MakeSession(2, asked);
    ASSERT_TRUE(session.ok()) << session.status().message();
    const auto placement = (*session)->Placement();
    ASSERT_EQ(placement.size(), 2u);
    const bool half = asked == Precision::kHalf && cpu::CpuDevice().HasHalfPrecision();
    EXPECT_EQ(placement[0].precision, half ? Precision::kHalf : Precision::kFloat);
    EXPECT_EQ(placement[1].precision, Precision::kFloat);
    const Datum inputs[] = {Floats({3, 100}, std::vector<float>(300, 3.0f))};
    Datum outputs[1];
    ASSERT_TRUE((*session)->Run(inputs, outputs).ok());
    EXPECT_EQ(ValuesOf<float>(outputs[0]), std::vector<float>(192, 1.0f / 64));
  }
}

}  // namespace
}  // namespace mullion
