// SPDX-License-Identifier: MIT
// Conv and ConvTranspose as operators: the float kernels against the plain double ones in both
// layouts, the plain ones against worked examples, and the messages of what cannot be.
#include <gtest/gtest.h>

#include <cmath>

#include "devices/cpu/kernels/convolution/shuffled_tile.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "tests/devices/cpu/operator_case.h"

namespace mullion::cpu {
namespace {

int64_t Pick(int64_t low, int64_t high, std::mt19937& random) {
  return low + static_cast<int64_t>(random() % static_cast<uint32_t>(high - low + 1));
}

// Shapes and attributes that Conv and ConvTranspose share; inputs 1 and 2 are still to come.
struct Window {
  Window(OperatorCase& c, int spatial_rank, std::mt19937& random) {
    group = Pick(0, 2, random) == 0 ? Pick(2, 4, random) : 1;
    in = Pick(1, 20, random);
    out = Pick(0, 3, random) == 0 ? 1 : Pick(1, 40, random);
    Shape image{Pick(1, 2, random), in * group};
    std::vector<int64_t> strides, dilations, pads(2 * static_cast<size_t>(spatial_rank));
    for (int i = 0; i < spatial_rank; ++i) {
      kernel.push_back(Pick(1, 4, random));
      strides.push_back(Pick(1, 3, random));
      dilations.push_back(Pick(1, 2, random));
      const int64_t extent = (kernel.back() - 1) * dilations.back() + 1;
      image.Append(Pick(extent, extent + (spatial_rank == 3 ? 3 : 9), random));
      // Less than the kernel's extent, so that a transposed convolution has pixels left.
      const int64_t most = std::min<int64_t>(extent - 1, 2);
      pads[static_cast<size_t>(i)] = Pick(0, most, random);
      pads[static_cast<size_t>(i + spatial_rank)] = Pick(0, most, random);
    }
    c.opset = 22;
    c.inputs = {RandomTensor(image, random)};
    c.constant_parameters = Pick(0, 1, random) == 1;
    c.Set("strides", strides);
    c.Set("dilations", dilations);
    c.Set("group", group);
    switch (Pick(0, 3, random)) {
      case 0:
        c.Set("auto_pad", std::string("SAME_UPPER"));
        break;
      case 1:
        c.Set("auto_pad", std::string("SAME_LOWER"));
        break;
      default:
        c.Set("pads", pads);
    }
  }

  Shape Weights(int64_t first, int64_t second) const {
    Shape shape{first, second};
    for (const int64_t size : kernel) shape.Append(size);
    return shape;
  }

  int64_t group;
  int64_t in;   // channels of a group
  int64_t out;  // likewise
  std::vector<int64_t> kernel;
};

OperatorCase RandomConv(int spatial_rank, std::mt19937& random) {
  OperatorCase c;
  c.name = "Conv";
  const Window window(c, spatial_rank, random);
  c.inputs.push_back(RandomTensor(window.Weights(window.out * window.group, window.in), random));
  if (Pick(0, 1, random) == 1) {
    c.inputs.push_back(RandomTensor({window.out * window.group}, random));
  }
  return c;
}

OperatorCase RandomConvTranspose(int spatial_rank, std::mt19937& random) {
  OperatorCase c;
  c.name = "ConvTranspose";
  const Window window(c, spatial_rank, random);
  c.inputs.push_back(RandomTensor(window.Weights(window.in * window.group, window.out), random));
  if (Pick(0, 1, random) == 1) {
    c.inputs.push_back(RandomTensor({window.out * window.group}, random));
  }
  if (Pick(0, 1, random) == 1) {
    c.Set("output_padding", std::vector<int64_t>(window.kernel.size(), 1));
  }
  return c;
}

TEST(Conv, AgreesWithDoubleInBothLayouts) {
  std::mt19937 random(1);
  for (int spatial_rank = 1; spatial_rank <= 3; ++spatial_rank) {
    for (int i = 0; i < 25; ++i) {
      SCOPED_TRACE(testing::Message() << "case " << i << ", rank " << spatial_rank);
      ExpectAgreement(RandomConv(spatial_rank, random), 1e-4, true);
      ExpectAgreement(RandomConvTranspose(spatial_rank, random), 1e-4, true);
      if (HasFailure()) return;
    }
  }
}

TEST(Conv, IsDepthwiseWithOneChannelInEachGroup) {
  std::mt19937 random(2);
  for (const bool constant : {false, true}) {
    OperatorCase c;
    c.name = "Conv";
    c.opset = 11;
    c.constant_parameters = constant;
    c.inputs = {RandomTensor({2, 37, 9, 11}, random), RandomTensor({37, 1, 3, 3}, random),
                RandomTensor({37}, random)};
    c.Set("group", int64_t{37});
    c.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
    ExpectAgreement(c, 1e-5, true);
  }
}

TEST(Conv, GivesSeveralResultsForEachChannelAlone) {
  std::mt19937 random(6);
  for (const bool constant : {false, true}) {
    for (const int64_t times : {2, 5, 16}) {
      OperatorCase c;
      c.name = "Conv";
      c.opset = 11;
      c.constant_parameters = constant;
      c.inputs = {RandomTensor({2, 19, 9, 11}, random), RandomTensor({19 * times, 1, 3, 3}, random),
                  RandomTensor({19 * times}, random)};
      c.Set("group", int64_t{19});
      c.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
      ExpectAgreement(c, 1e-5, true);
    }
  }
}

TEST(ConvTranspose, TakesEveryChannelAlone) {
  std::mt19937 random(7);
  for (const bool constant : {false, true}) {
    OperatorCase c;
    c.name = "ConvTranspose";
    c.opset = 11;
    c.constant_parameters = constant;
    c.inputs = {RandomTensor({2, 21, 9, 11}, random), RandomTensor({21, 1, 4, 4}, random),
                RandomTensor({21}, random)};
    c.Set("group", int64_t{21});
    c.Set("strides", std::vector<int64_t>{2, 2});
    c.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
    ExpectAgreement(c, 1e-5, true);
  }
}

// What lies at the end of the image is not read, by every kind of plan.
TEST(Conv, CutsPixelsOff) {
  std::mt19937 random(5);
  struct Sizes {
    int64_t in, out, kernel, group;
  };
  for (const auto& [in, out, kernel, group] :
       {Sizes{1, 8, 5, 1}, Sizes{3, 5, 3, 1}, Sizes{8, 16, 5, 1}, Sizes{16, 16, 3, 1},
        Sizes{40, 33, 3, 1}, Sizes{3, 3, 9, 1}, Sizes{20, 20, 3, 20}, Sizes{40, 3, 1, 1},
        Sizes{20, 30, 2, 2}}) {
    SCOPED_TRACE(testing::Message() << in << " to " << out << ", kernel " << kernel);
    OperatorCase c;
    c.name = "Conv";
    c.opset = 22;
    c.constant_parameters = true;
    c.inputs = {RandomTensor({2, in, 19, 18}, random),
                RandomTensor({out, in / group, kernel, kernel}, random)};
    c.Set("group", group);
    c.Set("pads", std::vector<int64_t>{kernel / 2, 0, -1, -2});
    ExpectAgreement(c, 1e-3, true);  // eight points round as coarsely
  }
}

// The first layer of a network, with pads of its own and those that hang on the image's size.
TEST(Conv, TakesFewChannelsWithAStride) {
  std::mt19937 random(7);
  for (const char* const auto_pad : {"NOTSET", "SAME_UPPER", "SAME_LOWER"}) {
    for (const int64_t side : {26, 27}) {
      OperatorCase c;
      c.name = "Conv";
      c.opset = 22;
      c.constant_parameters = side == 26;
      c.inputs = {RandomTensor({2, 3, side, 31}, random), RandomTensor({33, 3, 7, 7}, random),
                  RandomTensor({33}, random)};
      c.Set("strides", std::vector<int64_t>{2, 2});
      c.Set("auto_pad", std::string(auto_pad));
      if (std::string(auto_pad) == "NOTSET") c.Set("pads", std::vector<int64_t>{3, 2, 3, 2});
      ExpectAgreement(c, 1e-3, true);  // eight points round as coarsely
    }
  }
}

// The same bits in a wider tensor, whose other channels stay, on every level and by every kind of
// plan.
TEST(Conv, WritesItsPartOfAWiderTensor) {
  std::mt19937 random(3);
  for (const Isa isa : AvailableIsas()) {
    SetIsaForTest(isa);
    for (int i = 0; i < 40; ++i) {
      OperatorCase c = RandomConv(static_cast<int>(Pick(1, 2, random)), random);
      c.inputs[0] = ToChannelsLast(c.inputs[0]);
      c.Set("channels_last", int64_t{1});
      const std::vector<Tensor> alone = c.Run();
      ASSERT_EQ(alone.size(), 1u);
      const int64_t part = alone[0].shape().Back(0);
      const int64_t first = Pick(0, 5, random);
      const int64_t channels = first + part + Pick(0, 5, random);
      Shape shape = alone[0].shape();
      shape[shape.rank() - 1] = channels;
      const Tensor whole = RandomTensor(shape, random);
      std::vector<float> expected = Floats(whole);
      const std::vector<float> own = Floats(alone[0]);
      for (size_t k = 0; k < own.size(); ++k) {
        const auto at = static_cast<int64_t>(k);
        expected[static_cast<size_t>(at / part * channels + first + at % part)] = own[k];
      }
      c.inputs.resize(4);
      c.inputs.push_back(whole);
      c.constant_parameters = false;
      c.Set("whole_channels", channels);
      c.Set("first_channel", first);
      for (const int threads : {1, 3}) {
        const std::vector<Tensor> joined = c.Run(threads);
        ASSERT_EQ(joined.size(), 1u);
        EXPECT_EQ(joined[0].shape(), shape);
        EXPECT_EQ(Floats(joined[0]), expected) << IsaName(isa) << ", case " << i;
      }
    }
  }
  SetIsaForTest(AvailableIsas().back());
}

// The image channels-first, the result channels-last, by every kind of plan.
TEST(Conv, ReadsPlanes) {
  std::mt19937 random(5);
  for (const Isa isa : AvailableIsas()) {
    SetIsaForTest(isa);
    for (int i = 0; i < 40; ++i) {
      OperatorCase c = RandomConv(2, random);
      if (i % 2 == 0) {
        // What is read where it lies.
        const int64_t channels = Pick(2, 4, random);
        c.inputs[0] = RandomTensor({2, channels, 9, 70}, random);
        c.inputs[1] = RandomTensor({Pick(9, 16, random), channels, 3, 3}, random);
        c.inputs.resize(2);
        c.attributes.clear();
        c.Set("strides", std::vector<int64_t>{2, 2});
      }
      const Tensor planes = c.inputs[0];
      c.inputs[0] = ToChannelsLast(planes);
      c.Set("channels_last", int64_t{1});
      const std::vector<Tensor> turned = c.Run();
      c.inputs[0] = planes;
      c.Set("reads_planes", int64_t{1});
      for (const int threads : {1, 3}) {
        const std::vector<Tensor> read = c.Run(threads);
        ASSERT_EQ(read.size(), 1u);
        EXPECT_EQ(read[0].shape(), turned[0].shape());
        const std::vector<float> expected = Floats(turned[0]);
        const std::vector<float> values = Floats(read[0]);
        for (size_t k = 0; k < expected.size(); ++k) {
          ASSERT_NEAR(values[k], expected[k], 1e-4f) << IsaName(isa) << ", case " << i;
        }
      }
    }
  }
  SetIsaForTest(AvailableIsas().back());
}

// The same as a MaxPool behind it to the bit, of lines that lie in a ring and in bands.
TEST(Conv, GivesMaximaOfWindows) {
  std::mt19937 random(6);
  for (const Isa isa : AvailableIsas()) {
    SetIsaForTest(isa);
    for (int i = 0; i < 24; ++i) {
      OperatorCase conv;
      conv.name = "Conv";
      conv.opset = 22;
      const bool wide = i % 6 == 0;  // more than the ring holds
      const int64_t channels = Pick(1, 4, random);
      const int64_t outputs = Pick(17, 70, random);
      conv.inputs = {RandomTensor({Pick(1, 2, random), Pick(9, wide ? 30 : 110, random),
                                   wide ? 600 : Pick(9, 40, random), channels},
                                  random),
                     RandomTensor({outputs, channels, 3, 3}, random),
                     RandomTensor({outputs}, random)};
      // Which of NaN and another is the larger one hangs on their order, which planes change.
      const bool has_nan = channels > 1 && i % 2 == 0;
      std::vector<float> image = Floats(conv.inputs[0]);
      if (has_nan) image[random() % image.size()] = NAN;
      conv.inputs[0] = FloatTensor(conv.inputs[0].shape(), std::move(image));
      conv.constant_parameters = Pick(0, 1, random) == 1;
      conv.Set("channels_last", int64_t{1});
      conv.Set("strides", std::vector<int64_t>{2, 2});
      conv.Set("pads", std::vector<int64_t>{Pick(0, 1, random), 1, 1, Pick(0, 2, random)});
      const int64_t kernel[] = {Pick(1, 4, random), Pick(1, 4, random)};
      const int64_t stride[] = {Pick(1, 4, random), Pick(1, 4, random)};
      const auto pad = [&](int axis) { return Pick(0, kernel[axis] - 1, random); };
      const std::vector<int64_t> pads{pad(0), pad(1), pad(0), pad(1)};
      OperatorCase pool;
      pool.name = "MaxPool";
      pool.opset = 22;
      pool.inputs = conv.Run();
      pool.Set("channels_last", int64_t{1});
      pool.Set("kernel_shape", std::vector<int64_t>{kernel[0], kernel[1]});
      pool.Set("strides", std::vector<int64_t>{stride[0], stride[1]});
      pool.Set("pads", pads);
      const std::vector<Tensor> expected = pool.Run();
      ASSERT_EQ(expected.size(), 1u);
      conv.Set("max_pooled", std::vector<int64_t>{kernel[0], kernel[1], stride[0], stride[1],
                                                  pads[0], pads[1], pads[2], pads[3]});
      // One plane is the same either way; planes' sums may have another order, too.
      for (const bool planes : {false, true}) {
        if (planes && has_nan) break;
        if (planes) conv.inputs[0] = ToChannelsFirst(conv.inputs[0]);
        if (planes) conv.Set("reads_planes", int64_t{1});
        const std::vector<Tensor> pooled = conv.Run(1);
        ASSERT_EQ(pooled.size(), 1u);
        ASSERT_EQ(pooled[0].shape(), expected[0].shape());
        ExpectClose(pooled[0], expected[0], planes || channels == 1 ? 1e-4 : 0);
        ExpectClose(conv.Run(3)[0], pooled[0], 0);
      }
    }
  }
  SetIsaForTest(AvailableIsas().back());
}

// The same as a shuffle behind it to the bit, where there are tiles.
TEST(Conv, GivesOutShuffledChannels) {
  std::mt19937 random(7);
  for (const Isa isa : AvailableIsas()) {
    SetIsaForTest(isa);
    for (const int64_t each : {1, 9, 27, 28, 34, 36, 68, 70}) {
      for (const char* const activation : {"", "Relu", "LeakyRelu"}) {
        OperatorCase conv;
        conv.name = "Conv";
        conv.opset = 22;
        const int64_t depth = Pick(1, 40, random);
        conv.inputs = {
            RandomTensor({Pick(1, 2, random), Pick(1, 9, random), Pick(1, 40, random), 4 * depth},
                         random),
            RandomTensor({4 * each, depth, 1, 1}, random)};
        if (Pick(0, 3, random) > 0) conv.inputs.push_back(RandomTensor({4 * each}, random));
        conv.constant_parameters = Pick(0, 1, random) == 1;
        conv.Set("channels_last", int64_t{1});
        conv.Set("group", int64_t{4});
        if (*activation != 0) conv.Set("fused_activation", std::string(activation));
        const std::vector<Tensor> plain = conv.Run();
        ASSERT_EQ(plain.size(), 1u);
        const std::vector<float> values = Floats(plain[0]);
        std::vector<float> shuffled;
        for (size_t i = 0; i < values.size(); ++i) {
          const int64_t channel = static_cast<int64_t>(i) % (4 * each);
          const size_t pixel = i - static_cast<size_t>(channel);
          shuffled.push_back(values[pixel + static_cast<size_t>(channel % 4 * each + channel / 4)]);
        }
        conv.Set("shuffles_channels", int64_t{1});
        if (ShuffledBlock(4 * each) == 0) {
          EXPECT_NE(conv.RunError().find("not given out shuffled"), std::string::npos);
          continue;
        }
        for (const int threads : {1, 3}) {
          const std::vector<Tensor> out = conv.Run(threads);
          ASSERT_EQ(out.size(), 1u);
          EXPECT_EQ(Floats(out[0]), shuffled) << IsaName(isa) << ", " << each << " of each";
        }
      }
    }
  }
  SetIsaForTest(AvailableIsas().back());
}

TEST(Conv, RefusesAPartOutsideTheWiderTensor) {
  std::mt19937 random(4);
  OperatorCase c = RandomConv(2, random);
  c.inputs[0] = ToChannelsLast(c.inputs[0]);
  c.Set("channels_last", int64_t{1});
  c.Set("whole_channels", int64_t{2});
  c.Set("first_channel", int64_t{2});
  EXPECT_NE(c.RunError().find("must be known and lie within 2"), std::string::npos);
}

// ---- worked examples ---------------------------------------------------------------------------

std::vector<float> Counting(int64_t count) {
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(i));
  return values;
}

TEST(Conv, SumsWindows) {
  OperatorCase c;
  c.name = "Conv";
  c.opset = 11;
  c.inputs = {FloatTensor({1, 1, 3, 4}, Counting(12)), FloatTensor({1, 1, 2, 2}, {1, 2, 3, 4}),
              FloatTensor({1}, {0.5f})};
  // 0 1 2 3   (0 + 2 + 12 + 20) and so on.
  const std::vector<float> expected{34.5f, 44.5f, 54.5f, 74.5f, 84.5f, 94.5f};
  EXPECT_EQ(Floats(c.Run()[0]), expected);
  EXPECT_EQ(Floats(c.RunInDouble()[0]), expected);
}

TEST(ConvTranspose, ScattersWindows) {
  OperatorCase c;
  c.name = "ConvTranspose";
  c.opset = 11;
  c.inputs = {FloatTensor({1, 1, 3}, {1, 2, 3}), FloatTensor({1, 1, 3}, {10, 20, 30})};
  c.Set("strides", std::vector<int64_t>{2});
  const std::vector<float> expected{10, 20, 50, 40, 90, 60, 90};
  EXPECT_EQ(Floats(c.Run()[0]), expected);
  EXPECT_EQ(Floats(c.RunInDouble()[0]), expected);
}

TEST(ConvTranspose, TakesTheOutputsShape) {
  OperatorCase c;
  c.name = "ConvTranspose";
  c.opset = 11;
  c.inputs = {FloatTensor({1, 1, 3}, {1, 2, 3}), FloatTensor({1, 1, 3}, {10, 20, 30})};
  c.Set("strides", std::vector<int64_t>{2});
  c.Set("output_shape", std::vector<int64_t>{6});
  EXPECT_EQ(Floats(c.Run()[0]), (std::vector<float>{20, 50, 40, 90, 60, 90}));
  c.attributes.back().second = std::vector<int64_t>{8};
  EXPECT_EQ(Floats(c.Run()[0]), (std::vector<float>{10, 20, 50, 40, 90, 60, 90, 0}));
}

// ---- what the optimizer adds -------------------------------------------------------------------

void CheckEpilogue(const char* name, bool depthwise, std::mt19937& random) {
  const int64_t channels = 20;
  OperatorCase c;
  c.name = name;
  c.opset = 11;
  const Shape image{2, channels, 5, 6};
  c.inputs = {RandomTensor(image, random),
              RandomTensor({channels, depthwise ? 1 : channels, 3, 3}, random),
              RandomTensor({channels}, random)};
  c.Set("group", depthwise ? channels : int64_t{1});
  c.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  const std::vector<float> plain = Floats(c.Run()[0]);
  c.inputs.push_back(RandomTensor(image, random));
  const std::vector<float> residual = Floats(c.inputs[3]);
  c.Set("fused_activation", std::string("LeakyRelu"));
  c.Set("fused_alpha", 0.25f);
  const Tensor out = c.Run()[0];
  for (size_t i = 0; i < plain.size(); ++i) {
    const float sum = plain[i] + residual[i];
    ASSERT_NEAR(out.span<float>()[i], sum < 0 ? 0.25f * sum : sum, 1e-4f);
  }
  c.inputs[3] = ToChannelsLast(c.inputs[3]);
  ExpectClose(c.RunChannelsLast()[0], out, 1e-4);
}

TEST(Conv, AddsResidualAndActivation) {
  std::mt19937 random(3);
  CheckEpilogue("Conv", false, random);
  CheckEpilogue("Conv", true, random);
  CheckEpilogue("ConvTranspose", false, random);
}

// ---- errors ------------------------------------------------------------------------------------

TEST(Conv, SaysWhatIsWrong) {
  std::mt19937 random(4);
  OperatorCase c;
  c.name = "Conv";
  c.opset = 11;
  c.inputs = {RandomTensor({1, 3, 5, 5}, random), RandomTensor({4, 2, 3, 3}, random)};
  EXPECT_NE(c.RunError().find("3 channels"), std::string::npos) << c.RunError();
  c.inputs[1] = RandomTensor({4, 3, 3, 3}, random);
  c.inputs.push_back(RandomTensor({5}, random));
  EXPECT_NE(c.RunError().find("one element for each of the 4"), std::string::npos) << c.RunError();
  c.inputs.pop_back();
  c.Set("strides", std::vector<int64_t>{0, 1});
  EXPECT_NE(c.RunError().find("'strides'"), std::string::npos) << c.RunError();
}

TEST(ConvTranspose, SaysWhatIsWrong) {
  std::mt19937 random(5);
  OperatorCase c;
  c.name = "ConvTranspose";
  c.opset = 11;
  c.inputs = {RandomTensor({1, 3, 5}, random), RandomTensor({4, 2, 3}, random)};
  EXPECT_NE(c.RunError().find("3 channels"), std::string::npos) << c.RunError();
  c.inputs[1] = RandomTensor({3, 2, 3}, random);
  c.Set("pads", std::vector<int64_t>{5, 5});
  EXPECT_NE(c.RunError().find("'pads' cuts 10"), std::string::npos) << c.RunError();
}

}  // namespace
}  // namespace mullion::cpu
