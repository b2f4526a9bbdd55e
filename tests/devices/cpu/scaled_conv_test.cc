// SPDX-License-Identifier: MIT
// ScaledConv against ConvInteger, float arithmetic and DynamicQuantizeLinear, each on its own.
#include "operators/scaled_conv.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "operators/registry.h"
#include "tests/devices/cpu/quantized_case.h"
#include "tests/devices/cpu/thread_parallel.h"
#include "tests/kernel_tester.h"

namespace mullion::cpu {
namespace {

using namespace operators::scaled_conv;

struct Sizes {
  int64_t batch, groups, in, out;  // channels of a group
  int64_t kernel, stride, pad, height, width;
};

struct Epilogue {
  std::string activation;
  float alpha = 0;
  float beta = 0;
  bool residual = false;
};

float Activated(const Epilogue& epilogue, float x) {
  if (epilogue.activation == "Relu") return std::max(x, 0.0f);
  if (epilogue.activation == "Clip") return std::clamp(x, epilogue.alpha, epilogue.beta);
  if (epilogue.activation == "Swish") return x / (1 + std::exp(-epilogue.alpha * x));
  if (epilogue.activation == "Tanh") return std::tanh(x);
  return x;
}

class Case {
 public:
  Case(const Sizes& sizes, const Epilogue& epilogue, std::mt19937& random)
      : sizes_(sizes), epilogue_(epilogue) {
    const int64_t channels = sizes.groups * sizes.out;
    x_ = RandomBytes<uint8_t>({sizes.batch, sizes.height, sizes.width, sizes.groups * sizes.in},
                              random);
    w_ = RandomBytes<int8_t>({channels, sizes.in, sizes.kernel, sizes.kernel}, random);
    const bool per_channel = random() % 2 == 0;
    std::vector<float> scales(static_cast<size_t>(per_channel ? channels : 1));
    for (float& scale : scales) scale = 0.0005f * static_cast<float>(1 + random() % 9);
    w_scale_ = FloatTensor(per_channel ? Shape{channels} : Shape{}, scales);
    if (random() % 2 == 0) bias_ = RandomTensor({channels}, random);
    const Tensor sums = Sums();
    if (epilogue.residual) residual_ = RandomTensor(sums.shape(), random);
    const std::vector<int32_t> integers = ValuesOf<int32_t>(sums);
    for (size_t i = 0; i < integers.size(); ++i) {
      const size_t c = i % static_cast<size_t>(channels);
      float value = static_cast<float>(integers[i]) * (kXScale * scales[per_channel ? c : 0]);
      if (bias_) value += Floats(bias_)[c];
      if (residual_) value += Floats(residual_)[i];
      expected_.push_back(Activated(epilogue, value));
    }
    shape_ = sums.shape();
  }

  // Floats are close to the expected ones, and bytes what DynamicQuantizeLinear makes of them.
  void Check(int threads) const {
    const std::vector<Tensor> both = Run(threads, {}, 2);
    const std::vector<float> y = Floats(both[kY]);
    for (size_t i = 0; i < y.size(); ++i) {
      ASSERT_NEAR(y[i], expected_[i], 1e-5f * std::max(10.0f, std::abs(expected_[i]))) << i;
    }
    OperatorCase quantize;
    quantize.name = "DynamicQuantizeLinear";
    quantize.opset = 11;
    quantize.output_count = 3;
    quantize.inputs = {both[kY]};
    const std::vector<Tensor> quantized = quantize.Run();
    ExpectQuantized(both, quantized);
    // Without the floats, in the first evaluation and in later ones.
    for (const int times : {1, 2, 3}) ExpectQuantized(Run(threads, {kY}, times), quantized);
    const std::vector<Tensor> floats = Run(threads, {kBytes, kScale, kZero}, 1);
    EXPECT_EQ(Floats(floats[kY]), y);
  }

 private:
  static constexpr float kXScale = 0.02f;
  static constexpr uint8_t kZeroPoint = 77;

  void SetAttributes(OperatorCase& c) const {
    c.Set("group", sizes_.groups);
    c.Set("strides", std::vector<int64_t>{sizes_.stride, sizes_.stride});
    c.Set("pads", std::vector<int64_t>(4, sizes_.pad));
    c.Set("channels_last", int64_t{1});
  }

  Tensor Sums() const {
    OperatorCase c;
    c.name = "ConvInteger";
    c.opset = 10;
    c.inputs = {x_, w_, Tensor::Scalar(kZeroPoint)};
    SetAttributes(c);
    return c.Run()[0];
  }

  std::vector<Tensor> Run(int threads, const std::vector<int>& skipped, int times) const {
    KernelTester tester(operators::kScaledConv, 1, operators::kInternalDomain);
    OperatorCase attributes;
    SetAttributes(attributes);
    for (const auto& [name, value] : attributes.attributes) tester.SetAttribute(name, value);
    if (!epilogue_.activation.empty()) {
      tester.SetAttribute("fused_activation", epilogue_.activation);
      tester.SetAttribute("fused_alpha", epilogue_.alpha);
      tester.SetAttribute("fused_beta", epilogue_.beta);
    }
    tester.AddInput(x_);
    tester.AddInput(w_, true);
    tester.AddInput(Tensor::Scalar(kZeroPoint));
    tester.SkipInput();
    tester.AddInput(Tensor::Scalar(kXScale));
    tester.AddInput(w_scale_, true);
    for (const Tensor& optional : {bias_, residual_}) {
      if (optional) {
        tester.AddInput(optional);
      } else {
        tester.SkipInput();
      }
    }
    ThreadParallel parallel(threads);
    tester.SetParallel(&parallel);
    tester.SetOutputCount(4);
    for (const int i : skipped) tester.SkipOutput(i);
    const Status status = tester.Run(times);
    EXPECT_TRUE(status.ok()) << status.message();
    std::vector<Tensor> outputs(4);
    for (int i = 0; i < 4; ++i) {
      if (std::find(skipped.begin(), skipped.end(), i) == skipped.end()) {
        outputs[static_cast<size_t>(i)] = *tester.OutputDatum(i).OwnedTensor();
      }
    }
    return outputs;
  }

  static void ExpectQuantized(const std::vector<Tensor>& actual,
                              const std::vector<Tensor>& quantized) {
    EXPECT_EQ(ValuesOf<uint8_t>(actual[kBytes]), ValuesOf<uint8_t>(quantized[0]));
    EXPECT_EQ(ValuesOf<float>(actual[kScale]), ValuesOf<float>(quantized[1]));
    EXPECT_EQ(ValuesOf<uint8_t>(actual[kZero]), ValuesOf<uint8_t>(quantized[2]));
  }

  Sizes sizes_;
  Epilogue epilogue_;
  Tensor x_, w_, w_scale_, bias_, residual_;
  Shape shape_;
  std::vector<float> expected_;
};

TEST(ScaledConv, IsWhatItsPartsAre) {
  const std::vector<Sizes> all_sizes = {
      {1, 1, 3, 32, 3, 2, 1, 21, 18},  // a first layer
      {2, 1, 16, 35, 1, 1, 0, 9, 13}, {1, 1, 20, 100, 3, 1, 1, 7, 5}, {1, 3, 5, 9, 3, 1, 0, 8, 8},
      {1, 70, 1, 1, 3, 1, 1, 14, 11}, {2, 24, 1, 1, 5, 2, 2, 9, 9},   {1, 131, 1, 1, 3, 2, 1, 5, 6},
      {1, 1, 12, 112, 1, 1, 0, 5, 5},  // four vectors of columns, two, and one
      {1, 1, 8, 4, 1, 1, 0, 0, 4},     // no pixel
  };
  // Bounds that are reached, and some that are not.
  const std::vector<Epilogue> epilogues = {
      {"", 0, 0, false},     {"", 0, 0, true},         {"Relu", 0, 0, false},
      {"Clip", 0, 6, false}, {"Clip", -1, 1, true},    {"Clip", -1e6f, 1e6f, false},
      {"Clip", 1, 2, false}, {"Swish", 1, 0, true},    {"Swish", 1, 0, false},
      {"Tanh", 0, 0, true},  {"Clip", 0, 1e6f, false}, {"Clip", 0, 1e-40f, false},
  };
  for (const Isa isa : AvailableIsas()) {
    SetIsaForTest(isa);
    std::mt19937 random(5);
    for (size_t i = 0; i < all_sizes.size(); ++i) {
      for (const Epilogue& epilogue : epilogues) {
        SCOPED_TRACE(std::string(IsaName(isa)) + ", sizes " + std::to_string(i) + ", " +
                     epilogue.activation + (epilogue.residual ? " and residual" : ""));
        const Case c(all_sizes[i], epilogue, random);
        for (const int threads : {1, 3}) c.Check(threads);
      }
    }
  }
  SetIsaForTest(AvailableIsas().back());
}

}  // namespace
}  // namespace mullion::cpu
