// SPDX-License-Identifier: MIT
// Batches that threads take a share each of, against the same batch on one thread.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/session.h"
#include "tests/runtime/test_model.h"

namespace mullion {
namespace {

// A chain of random layers of images [batch, channels, height, width].
class RandomNet : public TestModel {
 public:
  explicit RandomNet(uint32_t seed) : random_(seed) {
    channels_ = Pick({1, 3, 4, 8});
    height_ = Pick({20, 33, 48});
    width_ = Pick({17, 32, 48});
    image_ = {kUnknownDim, channels_, height_, width_};
    value_ = &Input("image", image_);
    for (int layer = 0; layer < 7; ++layer) AddLayer();
    Output(*value_);
  }

  Tensor Image(int64_t batch) const {
    Shape shape = image_;
    shape[0] = batch;
    return RandomFloats(shape, 5);
  }
  const std::string& description() const { return description_; }

 private:
  int64_t Pick(std::initializer_list<int64_t> from) {
    return from.begin()[std::uniform_int_distribution<size_t>(0, from.size() - 1)(random_)];
  }
  Value& Floats(const Shape& shape) { return Constant(RandomFloats(shape, ++seed_)); }
  // What positive numbers are asked of: roots, variances.
  Value& Positive(const Shape& shape) {
    Tensor tensor = RandomFloats(shape, ++seed_);
    for (float& x : tensor.mutable_view().span<float>()) x = x * x + 0.5f;
    return Constant(std::move(tensor));
  }

  void AddLayer() {
    switch (Pick({0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})) {
      case 0:
        return AddConv();
      case 1:
        return AddDepthwise();
      case 2:
        return AddPool();
      case 3:
        return AddResize();
      case 4:
        return AddNormalization();
      case 5:
        return AddActivation();
      case 6:
        return AddScaled();
      case 7:
        return AddJoined();
      case 8:
        return AddSoftmax();
      case 9:
        return AddTransposed();
      case 10:
        return AddSpatial();
      default:
        return AddResidual();
    }
  }

  void Take(Node& node) {
    value_ = node.output(0);
    description_ += std::string(node.operator_name()) + " ";
  }

  void AddConv() {
    const int64_t kernel = std::min({Pick({1, 3, 3, 5, 7}), height_, width_});
    const int64_t outputs = Pick({1, 2, 8, 17, 40, 64});
    const int64_t stride = Pick({1, 1, 2});
    Node& node = AddNode(
        "Conv", {value_, &Floats({outputs, channels_, kernel, kernel}), &Floats({outputs})});
    node.SetAttribute("pads", std::vector<int64_t>(4, kernel / 2));
    node.SetAttribute("strides", std::vector<int64_t>(2, stride));
    channels_ = outputs;
    Shrink(kernel, kernel / 2, stride);
    Take(node);
  }

  void AddDepthwise() {
    Node& node = AddNode("Conv", {value_, &Floats({channels_, 1, 3, 3}), &Floats({channels_})});
    node.SetAttribute("pads", std::vector<int64_t>(4, 1));
    node.SetAttribute("group", channels_);
    Take(node);
  }

  void AddPool() {
    if (std::min(height_, width_) < 4) return;
    Node& node = AddNode(Pick({0, 1}) == 0 ? "MaxPool" : "AveragePool", {value_});
    node.SetAttribute("kernel_shape", std::vector<int64_t>(2, 3));
    node.SetAttribute("strides", std::vector<int64_t>(2, 2));
    Shrink(3, 0, 2);
    Take(node);
  }

  void AddResize() {
    if (height_ * width_ > 2500) return;
    Value& scales = Constant(Tensor::Vector<float>(std::vector<float>{1, 1, 2, 2}));
    Node& node = AddNode("Resize", {value_, nullptr, &scales});
    node.SetAttribute("mode", std::string(Pick({0, 1}) == 0 ? "nearest" : "linear"));
    height_ *= 2;
    width_ *= 2;
    Take(node);
  }

  void AddNormalization() {
    switch (Pick({0, 1, 2})) {
      case 0:
        return Take(
            AddNode("InstanceNormalization", {value_, &Floats({channels_}), &Floats({channels_})}));
      case 1: {
        Node& node = AddNode("LRN", {value_});
        node.SetAttribute("size", int64_t{3});
        return Take(node);
      }
      default:
        return Take(
            AddNode("BatchNormalization", {value_, &Floats({channels_}), &Floats({channels_}),
                                           &Floats({channels_}), &Positive({channels_})}));
    }
  }

  void AddActivation() {
    static constexpr const char* kNames[] = {"Sigmoid", "Tanh",     "Relu",      "Gelu", "Mish",
                                             "Elu",     "Softplus", "HardSwish", "Erf",  "Exp"};
    // What an Exp makes stays small.
    if (Pick({0, 1}) == 0) Take(AddNode("Tanh", {value_}));
    Take(AddNode(kNames[static_cast<size_t>(Pick({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}))], {value_}));
    Take(AddNode("Tanh", {value_}));
  }

  // Each sample by itself, as squeeze-and-excitation does, or all alike.
  void AddScaled() {
    if (Pick({0, 1}) == 0) return Take(AddNode("Mul", {value_, &Floats({1, channels_, 1, 1})}));
    Value& mean = Add("GlobalAveragePool", {value_});
    Value& squeezed = Add("Conv", {&mean, &Floats({4, channels_, 1, 1})});
    Value& excited = Add("Conv", {&squeezed, &Floats({channels_, 4, 1, 1})});
    Take(AddNode("Mul", {value_, &Add("Sigmoid", {&excited})}));
  }

  void AddJoined() {
    if (channels_ > 40) return;
    Node& node = AddNode("Concat", {value_, &Add("Relu", {value_})});
    node.SetAttribute("axis", int64_t{1});
    channels_ *= 2;
    Take(node);
  }

  void AddSoftmax() {
    Node& node = AddNode(Pick({0, 1}) == 0 ? "Softmax" : "LogSoftmax", {value_});
    node.SetAttribute("axis", Pick({1, 2, 3}));
    Take(node);
  }

  void AddTransposed() {
    if (height_ * width_ > 2500) return;
    const int64_t outputs = Pick({3, 8, 16});
    Node& node = AddNode("ConvTranspose", {value_, &Floats({channels_, outputs, 2, 2})});
    node.SetAttribute("strides", std::vector<int64_t>(2, 2));
    channels_ = outputs;
    height_ *= 2;
    width_ *= 2;
    Take(node);
  }

  void AddSpatial() {
    if (height_ % 2 != 0 || width_ % 2 != 0 || channels_ > 20) return;
    Node& node = AddNode("SpaceToDepth", {value_});
    node.SetAttribute("blocksize", int64_t{2});
    channels_ *= 4;
    height_ /= 2;
    width_ /= 2;
    Take(node);
  }

  void AddResidual() {
    Value& before = *value_;
    AddDepthwise();
    Take(AddNode("Add", {value_, &before}));
  }

  void Shrink(int64_t kernel, int64_t pad, int64_t stride) {
    height_ = (height_ + 2 * pad - kernel) / stride + 1;
    width_ = (width_ + 2 * pad - kernel) / stride + 1;
  }

  std::mt19937 random_;
  uint32_t seed_ = 0;
  int64_t channels_ = 0;
  int64_t height_ = 0;
  int64_t width_ = 0;
  Shape image_;
  Value* value_ = nullptr;
  std::string description_;
};

Tensor Evaluate(Session& session, const Tensor& image, std::set<int>* threads = nullptr) {
  const Datum input[] = {Datum::FromTensor(image)};
  Datum output[1];
  Profiler profiler;
  const Status status = session.Run(input, output, nullptr, &profiler);
  EXPECT_TRUE(status.ok()) << status.message();
  for (const Profiler::Event& event : profiler.events()) {
    if (threads != nullptr) threads->insert(event.thread);
  }
  return output[0].tensor;
}

bool SameBits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.data(), b.data(), a.bytes()) == 0;
}

// A model's result for each sample of a batch, evaluated alone.
void ExpectSamplesAlone(Session& session, const Tensor& images, const Tensor& outputs) {
  Shape shape = images.shape();
  const int64_t batch = shape[0];
  shape[0] = 1;
  const auto floats = static_cast<size_t>(shape.ElementCount());
  for (int64_t n = 0; n < batch; ++n) {
    const auto sample = images.span<float>().subspan(static_cast<size_t>(n) * floats, floats);
    const Tensor alone = Evaluate(session, Tensor::FromSpan<float>(shape, sample));
    const char* const of_all =
        static_cast<const char*>(outputs.data()) + static_cast<size_t>(n) * alone.bytes();
    ASSERT_EQ(std::memcmp(of_all, alone.data(), alone.bytes()), 0)
        << "sample " << n << " of " << batch;
  }
}

// Where a batch is parted follows from the number of threads: no bit of a result may.
TEST(PassesAtOnce, GiveTheSameBitsOnAnyNumberOfThreads) {
  std::set<int> threads_seen;
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    RandomNet net(seed);
    SCOPED_TRACE(testing::Message() << "seed " << seed << ": " << net.description());
    const auto alone = net.MakeSession(1);
    ASSERT_NE(alone, nullptr);
    for (const int threads : {2, 3, 4}) {
      const auto session = net.MakeSession(threads);
      ASSERT_NE(session, nullptr);
      for (const int64_t batch : {2, 4, 9}) {
        const Tensor images = net.Image(batch);
        const Tensor outputs = Evaluate(*alone, images);
        ASSERT_TRUE(SameBits(outputs, Evaluate(*session, images, &threads_seen)))
            << threads << " threads, batch " << batch;
        if (threads == 2 && batch == 9) ExpectSamplesAlone(*alone, images, outputs);
        if (HasFatalFailure()) return;
      }
    }
  }
  EXPECT_TRUE(threads_seen.contains(1)) << "no second thread took a share";
}

// Sizes where products go other ways: few pixels or one, many channels or a vector of them.
TEST(PassesAtOnce, ConvolveASampleAsIfItWereAlone) {
  struct Weights {
    int64_t channels, outputs, kernel;
  };
  uint32_t seed = 0;
  for (const int64_t side : {1, 2, 5, 6, 7, 13}) {
    for (const Weights& sizes :
         {Weights{512, 512, 1}, Weights{256, 512, 1}, Weights{64, 16, 1}, Weights{64, 8, 1},
          Weights{320, 20, 1}, Weights{256, 256, 3}, Weights{512, 16, 3}, Weights{16, 512, 3}}) {
      SCOPED_TRACE(testing::Message()
                   << side << " x " << side << " pixels, " << sizes.channels << " to "
                   << sizes.outputs << " channels, kernel " << sizes.kernel);
      TestModel model;
      Value& image = model.Input("image", {kUnknownDim, sizes.channels, side, side});
      Value& weights = model.Constant(
          RandomFloats({sizes.outputs, sizes.channels, sizes.kernel, sizes.kernel}, ++seed));
      Node& conv = model.AddNode("Conv", {&image, &weights});
      conv.SetAttribute("pads", std::vector<int64_t>(4, sizes.kernel / 2));
      model.Output(*conv.output(0));
      const auto session = model.MakeSession(1);
      ASSERT_NE(session, nullptr);
      for (const int64_t batch : {2, 8}) {
        const Tensor images = RandomFloats({batch, sizes.channels, side, side}, 77);
        ExpectSamplesAlone(*session, images, Evaluate(*session, images));
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(PassesAtOnce, PoolASampleAsIfItWereAlone) {
  for (const Shape& shape :
       {Shape{1, 2, 3, 3}, Shape{1, 5, 3, 3}, Shape{1, 24, 5, 4}, Shape{1, 3, 200, 210}}) {
    TestModel model;
    Shape free = shape;
    free[0] = kUnknownDim;
    model.Output(model.Add("GlobalAveragePool", {&model.Input("image", free)}));
    for (const int threads : {1, 2}) {
      const auto session = model.MakeSession(threads);
      ASSERT_NE(session, nullptr);
      for (const int64_t batch : {2, 7, 16}) {
        Shape images = shape;
        images[0] = batch;
        const Tensor image = RandomFloats(images, 7);
        ExpectSamplesAlone(*session, image, Evaluate(*session, image));
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(PassesAtOnce, EndWhenCancelled) {
  RandomNet net(3);
  const auto session = net.MakeSession(2);
  ASSERT_NE(session, nullptr);
  const Tensor image = net.Image(8);
  const Tensor wanted = Evaluate(*session, image);
  const Datum input[] = {Datum::FromTensor(image)};
  CancellationToken token;
  token.Cancel();
  Datum none[1];
  EXPECT_EQ(session->Run(input, none, &token).code(), StatusCode::kCancelled);
  EXPECT_TRUE(SameBits(Evaluate(*session, image), wanted));
}

}  // namespace
}  // namespace mullion
