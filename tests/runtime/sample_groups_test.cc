// SPDX-License-Identifier: MIT
// Batches whose steps run for a few samples at a time, against every sample alone.
#include "runtime/sample_groups.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

#include "runtime/session.h"
#include "tests/runtime/test_model.h"

namespace mullion {
namespace {

constexpr int64_t kSide = 48;
constexpr int64_t kChannels = 16;

// Image [batch, 3, 48, 48] and a vector of channels that all samples share.
class ImageModel : public TestModel {
 public:
  Value& image() { return image_; }
  Value& shared() { return shared_; }
  Value& Conv(Value& x, const Shape& weights, int64_t groups = 1) {
    Node& node = AddNode("Conv", {&x, &Constant(RandomFloats(weights, ++seed_))});
    node.SetAttribute("group", groups);
    const int64_t pad = weights[2] / 2;
    node.SetAttribute("pads", std::vector<int64_t>(4, pad));
    return *node.output(0);
  }

 private:
  Value& image_ = Input("image", {kUnknownDim, 3, kSide, kSide});
  Value& shared_ = Input("shared", {1, kChannels, 1, 1});
  uint32_t seed_ = 0;
};

// Of every kind of step: what all samples share, values read outside the group, residuals, parts
// that are joined and split, views.
void MakeNet(ImageModel& model) {
  Value& first = model.Add("Relu", {&model.Conv(model.image(), {kChannels, 3, 3, 3})});
  Value& scaled = model.Add("Mul", {&first, &model.shared()});
  Value& point = model.Conv(scaled, {kChannels, kChannels, 1, 1});
  Value& depthwise = model.Conv(point, {kChannels, 1, 3, 3}, kChannels);
  Value& sum = model.Add("Add", {&depthwise, &first});
  Node& pool = model.AddNode("MaxPool", {&sum});
  pool.SetAttribute("kernel_shape", std::vector<int64_t>{2, 2});
  pool.SetAttribute("strides", std::vector<int64_t>{2, 2});
  Node& resize = model.AddNode(
      "Resize", {pool.output(0), nullptr,
                 &model.Constant(Tensor::Vector<float>(std::vector<float>{1, 1, 2, 2}))});
  resize.SetAttribute("mode", std::string("nearest"));
  Node& joined = model.AddNode("Concat", {resize.output(0), &sum});
  joined.SetAttribute("axis", int64_t{1});
  Node& split =
      model.AddNode("Split", {&model.Conv(*joined.output(0), {12, 2 * kChannels, 1, 1})}, 2);
  split.SetAttribute("axis", int64_t{1});
  split.SetAttribute("num_outputs", int64_t{2});
  Node& reshaped = model.AddNode(
      "Reshape",
      {split.output(0), &model.Constant(Tensor::Vector<int64_t>(std::vector<int64_t>{0, 6, -1}))});
  Node& softmax = model.AddNode("Softmax", {split.output(1)});
  softmax.SetAttribute("axis", int64_t{1});
  model.Output(model.Add("Sigmoid", {reshaped.output(0)}));
  model.Output(*softmax.output(0));
  model.Output(point);
}

// Runs the net on a batch and on each of its samples.
void ExpectEachSampleAlone(Session& session, int64_t batch, bool in_groups) {
  const Tensor image = RandomFloats({batch, 3, kSide, kSide}, 99);
  const Tensor shared = RandomFloats({1, kChannels, 1, 1}, 98);
  const Datum inputs[] = {Datum::FromTensor(image), Datum::FromTensor(shared)};
  Datum outputs[3];
  Profiler profiler;
  const Status status = session.Run(inputs, outputs, nullptr, &profiler);
  ASSERT_TRUE(status.ok()) << status.message();
  const auto nodes = session.graph().node_count();
  EXPECT_EQ(profiler.events().size() > nodes, in_groups) << "batch " << batch;
  const int64_t sample_floats = 3 * kSide * kSide;
  for (int64_t n = 0; n < batch; ++n) {
    const auto floats = image.span<float>().subspan(static_cast<size_t>(n * sample_floats),
                                                    static_cast<size_t>(sample_floats));
    const Datum sample[] = {
        Datum::FromTensor(Tensor::FromSpan<float>({1, 3, kSide, kSide}, floats)), inputs[1]};
    Datum alone[3];
    ASSERT_TRUE(session.Run(sample, alone).ok());
    for (size_t i = 0; i < 3; ++i) {
      ASSERT_EQ(outputs[i].view.shape[0], batch);
      const auto wanted = alone[i].view.span<float>();
      const auto got =
          outputs[i].view.span<float>().subspan(static_cast<size_t>(n) * wanted.size());
      ASSERT_TRUE(std::equal(wanted.begin(), wanted.end(), got.begin()))
          << "sample " << n << " of " << batch << ", output " << i;
    }
  }
}

TEST(SampleGroups, GiveWhatEachSampleGivesAlone) {
  ImageModel model;
  MakeNet(model);
  for (const int threads : {1, 2, 3, 4}) {
    const auto session = model.MakeSession(threads);
    ASSERT_NE(session, nullptr);
    for (const int64_t batch : {1, 2, 5, 8, 12, 8}) {
      // Two samples are enough where two threads can take one each.
      ExpectEachSampleAlone(*session, batch, batch >= 5 || (batch == 2 && threads == 2));
    }
  }
}

TEST(SampleGroups, WriteOutputsInPlaceAndLeaveInputsAsTheyWere) {
  ImageModel model;
  Value& wide = model.Conv(model.image(), {kChannels, 3, 1, 1});
  model.Output(model.Add("Relu", {&model.Conv(wide, {kChannels, kChannels, 3, 3})}));
  const auto session = model.MakeSession(1);
  ASSERT_NE(session, nullptr);
  const Shape shape{9, 3, kSide, kSide};
  const Datum inputs[] = {Datum::FromTensor(RandomFloats(shape, 1)),
                          Datum::FromTensor(RandomFloats({1, kChannels, 1, 1}, 2))};
  Datum outputs[] = {Datum::FromTensor(RandomFloats({9, kChannels, kSide, kSide}, 3))};
  const void* const memory = outputs[0].view.data;
  for (int run = 0; run < 3; ++run) {
    ASSERT_TRUE(session->Run(inputs, outputs).ok());
    EXPECT_EQ(outputs[0].view.data, memory);
    EXPECT_EQ(outputs[0].view.shape, Shape({9, kChannels, kSide, kSide}));
    EXPECT_EQ(inputs[0].view.shape, shape);
  }
}

// Two steps on a tensor of this shape.
std::vector<SampleGroup> GroupsOf(const Shape& shape, int threads = 1) {
  Graph graph;
  const TypeInfo type = TypeInfo::Tensor(ElementType::kFloat, shape);
  Value& x = graph.AddInput("x", type);
  Program program;
  program.slots.resize(3);
  Value* value = &x;
  for (int i = 0; i < 2; ++i) {
    const Node& node = graph.AddNode("", "Relu", 21, {&value, 1}, 1, "relu");
    value = node.output(0);
    Step step;
    step.node = &node;
    step.inputs = {i};
    step.outputs = {i + 1};
    program.steps.push_back(std::move(step));
    program.slots[static_cast<size_t>(i)].last_use = i;
  }
  program.slots[2].last_use = 2;
  const int steps[] = {0, 1};
  return FindSampleGroups(
      program, steps, 0, 2, [&](int) -> const TypeInfo& { return type; }, threads);
}

// A prime number of rows can only be cut into single ones, each too little for a pass.
TEST(SampleGroups, AreWorthTheirPasses) {
  const std::vector<SampleGroup> even = GroupsOf({16384, 64});
  ASSERT_EQ(even.size(), 1u);
  EXPECT_EQ(even[0].samples * even[0].passes, 16384);
  EXPECT_EQ(even[0].passes, 8);
  EXPECT_EQ(even[0].inside.size(), 1u);
  EXPECT_TRUE(GroupsOf({16381, 64}).empty());
  EXPECT_TRUE(GroupsOf({64, 64}).empty());
}

// Threads take shares alike, or nearly: where most would wait for one, all share each step.
TEST(SampleGroups, GoAtOnceWhereBatchesPartWell) {
  struct Parts {
    int64_t samples;
    int threads;
    int64_t passes;  // at once; 0 for none
  };
  for (const Parts& parts :
       {Parts{1, 2, 0}, Parts{2, 2, 2}, Parts{3, 2, 0}, Parts{8, 2, 2}, Parts{9, 2, 9},
        Parts{8, 3, 8}, Parts{6, 4, 0}, Parts{12, 4, 4}, Parts{4, 16, 0}, Parts{64, 16, 16}}) {
    const std::vector<SampleGroup> groups = GroupsOf({parts.samples, 64, 1024}, parts.threads);
    const bool at_once = !groups.empty() && groups[0].at_once();
    EXPECT_EQ(at_once, parts.passes > 0) << parts.samples << ", " << parts.threads << " threads";
    if (!at_once) continue;
    EXPECT_EQ(groups[0].passes, parts.passes);
    EXPECT_EQ(groups[0].samples * groups[0].passes, parts.samples);
  }
}

// A cancelled evaluation leaves the frame fit for the next.
TEST(SampleGroups, EndWhenCancelled) {
  ImageModel model;
  MakeNet(model);
  const auto session = model.MakeSession(1);
  ASSERT_NE(session, nullptr);
  const Datum inputs[] = {Datum::FromTensor(RandomFloats({8, 3, kSide, kSide}, 1)),
                          Datum::FromTensor(RandomFloats({1, kChannels, 1, 1}, 2))};
  Datum outputs[3];
  ASSERT_TRUE(session->Run(inputs, outputs).ok());
  CancellationToken token;
  token.Cancel();
  Datum none[3];
  EXPECT_EQ(session->Run(inputs, none, &token).code(), StatusCode::kCancelled);
  ExpectEachSampleAlone(*session, 8, true);
}

// A transposition of samples and channels ends a group, as does what reads the batch whole.
TEST(SampleGroups, EndWhereSamplesMix) {
  ImageModel model;
  Value& wide = model.Conv(model.image(), {kChannels, 3, 3, 3});
  Value& relu = model.Add("Relu", {&wide});
  Value& axes = model.Constant(Tensor::Vector<int64_t>(std::vector<int64_t>{0}));
  Value& most = model.Add("ReduceMax", {&relu, &axes});
  Value& less = model.Add("Sub", {&relu, &most});
  model.Output(less);
  const auto session = model.MakeSession(1);
  ASSERT_NE(session, nullptr);
  const Datum inputs[] = {Datum::FromTensor(RandomFloats({8, 3, kSide, kSide}, 1)),
                          Datum::FromTensor(RandomFloats({1, kChannels, 1, 1}, 2))};
  Datum outputs[1];
  ASSERT_TRUE(session->Run(inputs, outputs).ok());
  const auto values = outputs[0].view.span<float>();
  const size_t sample = values.size() / 8;
  for (size_t i = 0; i < sample; ++i) {
    float highest = -1e9f;
    for (size_t n = 0; n < 8; ++n) highest = std::max(highest, values[n * sample + i]);
    ASSERT_EQ(highest, 0.0f) << i;
  }
}

}  // namespace
}  // namespace mullion
