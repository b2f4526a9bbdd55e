// SPDX-License-Identifier: MIT
// Shapes that come one after the other in one session, where steps that read the same are not bound
// again, against a session of its own for each.
#include "runtime/binder.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "device/weight_store.h"
#include "devices/cpu/cpu_device.h"
#include "planner/plan.h"
#include "runtime/session.h"
#include "tests/runtime/test_model.h"

namespace mullion {
namespace {

constexpr int64_t kWidth = 6;

Tensor Counting(const Shape& shape, float first) {
  std::vector<float> data(static_cast<size_t>(shape.ElementCount()));
  for (size_t i = 0; i < data.size(); ++i) data[i] = first + static_cast<float>(i % 17) * 0.25f;
  return Tensor::FromSpan<float>(shape, std::span<const float>(data));
}

// A cache that grows and rows that are new, as decoders have them: what hangs on the rows alone,
// on the cache's size as a number, on both, and what must fit.
class GrowingModel : public TestModel {
 public:
  GrowingModel() {
    Value& cache = Input("cache", {kUnknownDim, kWidth});
    Value& rows = Input("rows", {kUnknownDim, kWidth});
    Value& other = Input("other", {kUnknownDim, kWidth});
    Value& product = Add("MatMul", {&rows, &Constant(Counting({kWidth, kWidth}, -1))});
    Output(Add("Softmax", {&product}));
    Node& joined = AddNode("Concat", {&cache, &product});
    joined.SetAttribute("axis", int64_t{0});
    Output(*joined.output(0));
    // The position of each row of the cache, and of the first new one, in tables.
    Value& size = Add("Squeeze", {&Part(Add("Shape", {&cache}), 0, 1)});
    Value& range = Add("Range", {&Constant(Tensor::Scalar<int64_t>(0)), &size,
                                 &Constant(Tensor::Scalar<int64_t>(1))});
    Value& table = Constant(Counting({64, kWidth}, 3));
    Output(Add("Add", {&cache, &Add("Gather", {&table, &range})}));
    Output(Add("Add", {&rows, &Add("Gather", {&table, &size})}));
    // As many rows as "other" has.
    Value& flat = Add("Reshape", {&rows, &Constant(Ints({-1}))});
    Value& seen = Add("Reshape", {&flat, &Add("Shape", {&other})});
    Output(Add("Sub", {&other, &seen}));
  }

 private:
  static Tensor Ints(std::vector<int64_t> values) { return Tensor::Vector<int64_t>(values); }
  Value& Part(Value& x, int64_t first, int64_t last) {
    return Add("Slice", {&x, &Constant(Ints({first})), &Constant(Ints({last}))});
  }
};

struct Sizes {
  int64_t cache, rows, other;
};

Status RunWith(Session& session, const Sizes& sizes, std::span<Datum> outputs) {
  const Datum inputs[] = {Datum::FromTensor(Counting({sizes.cache, kWidth}, 1)),
                          Datum::FromTensor(Counting({sizes.rows, kWidth}, 2)),
                          Datum::FromTensor(Counting({sizes.other, kWidth}, 5))};
  return session.Run(inputs, outputs);
}

TEST(Binder, GivesWhatASessionOfItsOwnGives) {
  GrowingModel model;
  for (const int threads : {1, 2}) {
    const auto session = model.MakeSession(threads);
    ASSERT_NE(session, nullptr);
    // One size at a time, all of them, those of before, and such as do not go together.
    const std::vector<Sizes> all = {{5, 1, 1}, {6, 1, 1}, {7, 1, 1}, {7, 3, 3},  {7, 3, 3},
                                    {0, 3, 3}, {8, 2, 5}, {8, 2, 2}, {9, 4, 4},  {8, 4, 4},
                                    {8, 4, 3}, {8, 4, 4}, {8, 0, 0}, {30, 2, 2}, {5, 1, 1}};
    for (const Sizes& sizes : all) {
      Datum got[5];
      Datum wanted[5];
      const Status status = RunWith(*session, sizes, got);
      const Status alone = RunWith(*model.MakeSession(threads), sizes, wanted);
      ASSERT_EQ(status.message(), alone.message());
      EXPECT_EQ(status.ok(), sizes.rows == sizes.other) << status.message();
      if (!status.ok()) continue;
      for (size_t i = 0; i < 5; ++i) {
        ASSERT_EQ(got[i].view.shape, wanted[i].view.shape) << "output " << i;
        const auto floats = got[i].view.span<float>();
        const auto others = wanted[i].view.span<float>();
        EXPECT_TRUE(std::equal(floats.begin(), floats.end(), others.begin())) << "output " << i;
      }
    }
  }
}

// Softmax of each of two inputs of free size.
TEST(Binder, KeepsWhatStepsWorkedOutThatReadTheSame) {
  Graph graph;
  const TypeInfo free = TypeInfo::Tensor(ElementType::kFloat, {kUnknownDim, 4});
  std::vector<Value*> inputs = {&graph.AddInput("a", free), &graph.AddInput("b", free)};
  for (Value*& input : inputs) {
    Node& node = graph.AddNode("", "Softmax", 13, {&input, 1}, 1, "softmax");
    node.output(0)->type = free;
    graph.AddOutput(*node.output(0));
  }
  const cpu::CpuDevice cpu;
  const Device* const devices[] = {&cpu};
  SerialParallel parallel;
  const auto program =
      PlanGraph(graph, {&BuiltInOperators(), devices, &WeightStore::Global(), &parallel});
  ASSERT_TRUE(program.ok()) << program.status().message();
  const BindOptions options{.threads = 2};
  Binder binder(**program, options);
  const auto bind = [&](int64_t a, int64_t b) {
    BindingKey key;
    const int64_t sizes[] = {a, b};
    for (size_t i = 0; i < 2; ++i) {
      const TypeInfo type = TypeInfo::Tensor(ElementType::kFloat, Shape{sizes[i], 4});
      key.values.push_back({(*program)->inputs[i], type});
    }
    return *binder.Bind(nullptr, std::move(key));
  };
  const auto first = bind(3, 5);
  const auto second = bind(3, 6);
  ASSERT_EQ(first->steps.size(), 2u);
  ASSERT_EQ(second->steps.size(), 2u);
  EXPECT_EQ(first->steps[0].memory, second->steps[0].memory);
  EXPECT_NE(first->steps[1].memory, second->steps[1].memory);
}

}  // namespace
}  // namespace mullion
