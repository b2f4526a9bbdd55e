// SPDX-License-Identifier: MIT
// GridSample, AffineGrid, RoiAlign, MaxRoiPool, Col2Im, DeformConv.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <limits>

#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Case(const char* name, int opset, std::vector<Tensor> inputs) {
  OperatorCase c;
  c.name = name;
  c.opset = opset;
  c.inputs = std::move(inputs);
  return c;
}

TEST(GridSample, AgreesWithDoubleInEveryMode) {
  std::mt19937 random(1);
  for (const char* const mode : {"linear", "cubic"}) {
    for (const char* const padding : {"zeros", "border", "reflection"}) {
      for (const int64_t align : {0, 1}) {
        SCOPED_TRACE(testing::Message() << mode << " " << padding << " " << align);
        OperatorCase c =
            Case("GridSample", 20,
                 {RandomTensor({2, 3, 7, 9}, random), RandomTensor({2, 5, 6, 2}, random)});
        c.Set("mode", std::string(mode));
        c.Set("padding_mode", std::string(padding));
        c.Set("align_corners", align);
        ExpectAgreement(c, 1e-4);
        c.inputs = {RandomTensor({1, 2, 4, 5, 6}, random), RandomTensor({1, 3, 4, 5, 3}, random)};
        ExpectAgreement(c, 1e-4);
      }
    }
  }
}

// As a volume one element deep, which has no loops of its own.
TEST(GridSample, SamplesImagesAsFlatVolumes) {
  std::mt19937 random(9);
  Tensor image = RandomTensor({2, 3, 7, 9}, random);
  image.mutable_view().span<float>()[20] = std::numeric_limits<float>::infinity();
  Tensor grid = RandomTensor({2, 5, 17, 2}, random);
  const auto at = grid.mutable_view().span<float>();
  for (size_t i = 0; i < at.size(); ++i) at[i] *= i % 3 == 0 ? 2.5f : 1.1f;
  at[0] = at[5] = std::numeric_limits<float>::quiet_NaN();
  at[1] = 1;
  std::vector<float> deep;
  for (size_t i = 0; i < at.size(); i += 2) deep.insert(deep.end(), {at[i], at[i + 1], 0});
  const auto elements = image.view().span<float>();
  for (const char* const padding : {"zeros", "border", "reflection"}) {
    for (const int64_t align : {0, 1}) {
      SCOPED_TRACE(testing::Message() << padding << " " << align);
      OperatorCase flat = Case("GridSample", 20, {image, grid});
      OperatorCase volume = Case("GridSample", 20,
                                 {FloatTensor({2, 3, 1, 7, 9}, {elements.begin(), elements.end()}),
                                  FloatTensor({2, 1, 5, 17, 3}, deep)});
      for (OperatorCase* c : {&flat, &volume}) {
        c->Set("padding_mode", std::string(padding));
        c->Set("align_corners", align);
      }
      const Tensor actual = flat.Run()[0];
      const Tensor expected = volume.Run()[0];
      for (size_t i = 0; i < actual.span<float>().size(); ++i) {
        const float x = actual.span<float>()[i];
        const float y = expected.span<float>()[i];
        if (x == y || (x != x && y != y)) continue;
        EXPECT_NEAR(x, y, 1e-5) << i;
      }
    }
  }
}

TEST(GridSample, ReturnsTheImageForTheIdentity) {
  std::mt19937 random(2);
  OperatorCase grid =
      Case("AffineGrid", 20, {FloatTensor({1, 2, 3}, {1, 0, 0, 0, 1, 0}), IntTensor({1, 2, 4, 5})});
  const Tensor image = RandomTensor({1, 2, 4, 5}, random);
  for (const int64_t align : {0, 1}) {
    grid.attributes.clear();
    grid.Set("align_corners", align);
    for (const char* const mode : {"nearest", "linear", "cubic"}) {
      OperatorCase c = Case("GridSample", 20, {image, grid.Run()[0]});
      c.Set("align_corners", align);
      c.Set("mode", std::string(mode));
      ExpectClose(c.Run()[0], image, 1e-5);
    }
  }
}

TEST(GridSample, SurvivesCoordinatesThatAreNone) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const char* const padding : {"zeros", "border", "reflection"}) {
    for (const char* const mode : {"nearest", "linear", "cubic"}) {
      OperatorCase c = Case("GridSample", 20,
                            {FloatTensor({1, 1, 2, 2}, {1, 2, 3, 4}),
                             FloatTensor({1, 1, 4, 2}, {infinity, -infinity, std::nanf(""), 0,
                                                        1e30f, -1e30f, 0, std::nanf("")})});
      c.Set("mode", std::string(mode));
      c.Set("padding_mode", std::string(padding));
      EXPECT_EQ(c.Run()[0].count(), 4);
    }
  }
}

TEST(GridSample, KnowsTheOlderNames) {
  std::mt19937 random(3);
  const std::vector<Tensor> inputs = {RandomTensor({1, 1, 4, 4}, random),
                                      RandomTensor({1, 2, 2, 2}, random)};
  OperatorCase now = Case("GridSample", 20, inputs);
  now.Set("mode", std::string("cubic"));
  OperatorCase old = Case("GridSample", 1, inputs);
  old.domain = "com.microsoft";
  old.Set("mode", std::string("bicubic"));
  ExpectClose(old.Run()[0], now.Run()[0], 0);
}

// Both parts of complex numbers as two images would be.
TEST(GridSample, SamplesComplexNumbersPartByPart) {
  std::mt19937 random(4);
  const Tensor real = RandomTensor({2, 3, 5, 4}, random);
  const Tensor imaginary = RandomTensor({2, 3, 5, 4}, random);
  const Tensor grid = RandomTensor({2, 3, 7, 2}, random);
  Tensor both = *Tensor::Allocate(ElementType::kComplex64, {2, 3, 5, 4});
  const auto numbers = both.mutable_view().span<std::complex<float>>();
  for (size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = {real.span<float>()[i], imaginary.span<float>()[i]};
  }
  for (const char* const mode : {"linear", "cubic", "nearest"}) {
    const auto sample = [&](const Tensor& image) {
      OperatorCase c = Case("GridSample", 20, {image, grid});
      c.Set("mode", std::string(mode));
      return c.Run()[0];
    };
    const Tensor samples = sample(both), a = sample(real), b = sample(imaginary);
    for (size_t i = 0; i < a.span<float>().size(); ++i) {
      EXPECT_EQ(samples.span<std::complex<float>>()[i],
                std::complex<float>(a.span<float>()[i], b.span<float>()[i]));
    }
  }
}

TEST(GridSample, PicksTheNearestTexts) {
  OperatorCase c = Case("GridSample", 20,
                        {TensorOf<std::string>({1, 2, 1, 2}, {"a", "b", "c", "d"}),
                         FloatTensor({1, 1, 3, 2}, {0.5f, 0, -0.4f, 0, 3, 0})});
  c.Set("mode", std::string("nearest"));
  ExpectOutput<std::string>(c, {1, 2, 1, 3}, {"b", "a", "", "d", "c", ""});
  c.Set("padding_mode", std::string("border"));
  ExpectOutput<std::string>(c, {1, 2, 1, 3}, {"b", "a", "b", "d", "c", "d"});
  c.attributes.clear();
  EXPECT_NE(c.RunError().find("strings have no mean"), std::string::npos);
}

TEST(GridSample, RefusesGridsOfAnotherRank) {
  const OperatorCase c = Case(
      "GridSample", 20, {FloatTensor({1, 1, 1, 1}, {1}), FloatTensor({1, 1, 1, 3}, {0, 0, 0})});
  EXPECT_NE(c.RunError().find("input 1 is a grid [1,1,1,3]"), std::string::npos);
}

OperatorCase Regions(std::vector<float> corners, std::vector<int64_t> images) {
  const auto count = static_cast<int64_t>(images.size());
  return Case("RoiAlign", 16,
              {FloatTensor({1, 1, 2, 2}, {1, 2, 3, 4}), FloatTensor({count, 4}, std::move(corners)),
               IntTensor(std::move(images))});
}

TEST(RoiAlign, AgreesWithDouble) {
  std::mt19937 random(4);
  std::vector<float> corners;
  std::vector<int64_t> images;
  for (int i = 0; i < 12; ++i) {
    const auto at = [&] { return static_cast<float>(random() % 200) / 10; };
    const float x = at(), y = at();
    corners.insert(corners.end(), {x, y, x + at(), y + at()});
    images.push_back(static_cast<int64_t>(random() % 2));
  }
  for (const char* const mode : {"avg", "max"}) {
    for (const int64_t ratio : {0, 2}) {
      for (const int opset : {10, 16}) {
        OperatorCase c = Case("RoiAlign", opset,
                              {RandomTensor({2, 3, 20, 17}, random), FloatTensor({12, 4}, corners),
                               IntTensor(images)});
        c.Set("mode", std::string(mode));
        c.Set("output_height", int64_t{3});
        c.Set("output_width", int64_t{4});
        c.Set("sampling_ratio", ratio);
        c.Set("spatial_scale", 0.75f);
        ExpectAgreement(c, 1e-4);
      }
    }
  }
}

TEST(RoiAlign, TakesImagesOfOneLineAndManyChannels) {
  std::mt19937 random(5);
  for (const Shape& shape :
       {Shape{1, 2, 1, 9}, Shape{1, 2, 9, 1}, Shape{1, 2, 1, 1}, Shape{1, 70, 5, 4}}) {
    for (const char* const mode : {"avg", "max"}) {
      OperatorCase c =
          Case("RoiAlign", 16,
               {RandomTensor(shape, random), FloatTensor({2, 4}, {0, 0, 5, 5, -1, 0.5f, 2, 20}),
                IntTensor({0, 0})});
      c.Set("mode", std::string(mode));
      c.Set("output_height", int64_t{2});
      c.Set("output_width", int64_t{3});
      ExpectAgreement(c, 1e-4);
    }
  }
  // The last pixel is the edge, wherever beyond it a sample lies.
  OperatorCase edge = Case(
      "RoiAlign", 16,
      {FloatTensor({1, 1, 1, 3}, {1, 2, 3}), FloatTensor({1, 4}, {3, 0, 3, 0}), IntTensor({0})});
  EXPECT_EQ(Floats(edge.Run()[0]), std::vector<float>({3}));
}

TEST(RoiAlign, RefusesRegionsThatAreNone) {
  EXPECT_NE(Regions({0, 0, 1, 1}, {1}).RunError().find("input 0 has 1 images"), std::string::npos);
  EXPECT_NE(Regions({0, 0, 1, 1}, {-1}).RunError().find("input 0 has 1 images"), std::string::npos);
  for (const float bad : {1e30f, std::nanf("")}) {
    EXPECT_NE(Regions({0, 0, bad, bad}, {0}).RunError().find("too large or not a number"),
              std::string::npos);
  }
  // Turned round: no pixels, but no harm either.
  EXPECT_EQ(Regions({1, 1, 0, 0}, {0}).Run().size(), 1u);
}

TEST(MaxRoiPool, TakesTheMaximaOfBins) {
  OperatorCase c = Case("MaxRoiPool", 1,
                        {FloatTensor({1, 1, 2, 3}, {1, 2, 3, 4, 5, 6}),
                         FloatTensor({2, 5}, {0, 0, 0, 2, 1, 0, 5, 5, 9, 9})});
  c.Set("pooled_shape", std::vector<int64_t>{1, 3});
  EXPECT_EQ(Floats(c.Run()[0]), std::vector<float>({4, 5, 6, 0, 0, 0}));
  c.inputs[1] = FloatTensor({1, 5}, {1, 0, 0, 2, 1});
  EXPECT_NE(c.RunError().find("names image 1"), std::string::npos);
  c.inputs[1] = FloatTensor({1, 5}, {std::nanf(""), 0, 0, 2, 1});
  EXPECT_NE(c.RunError().find("names image"), std::string::npos);
}

TEST(Col2Im, AddsUpOverlappingBlocks) {
  // Blocks of two elements at three positions of a row of four.
  OperatorCase c =
      Case("Col2Im", 18,
           {FloatTensor({1, 2, 3}, {1, 2, 3, 10, 20, 30}), IntTensor({4}), IntTensor({2})});
  EXPECT_EQ(Floats(c.Run()[0]), std::vector<float>({1, 12, 23, 30}));
  c.Set("pads", std::vector<int64_t>{1, 1});
  EXPECT_NE(c.RunError().find("but must be [N, C * 2, 5]"), std::string::npos);
  c.inputs[1] = IntTensor({2});
  EXPECT_EQ(Floats(c.Run()[0]), std::vector<float>({12, 23}));
}

// Lines of all lengths, with strides and pads, against double; two axes and one.
TEST(Col2Im, AgreesWithDouble) {
  std::mt19937 random(3);
  for (const int64_t stride : {1, 2, 3, 4, 5}) {
    for (const int64_t width : {5, 9, 21, 38, 70}) {
      SCOPED_TRACE(testing::Message() << "stride " << stride << ", width " << width);
      const int64_t blocks = (width + 2 - 3) / stride + 1;
      OperatorCase line = Case(
          "Col2Im", 18, {RandomTensor({2, 6, blocks}, random), IntTensor({width}), IntTensor({3})});
      line.Set("pads", std::vector<int64_t>{1, 1});
      line.Set("strides", std::vector<int64_t>{stride});
      ExpectAgreement(line, 1e-6);
      const int64_t lines = (7 - 2) / 2 + 1;
      OperatorCase image = Case("Col2Im", 18,
                                {RandomTensor({1, 3 * 6, lines * blocks}, random),
                                 IntTensor({7, width}), IntTensor({2, 3})});
      image.Set("pads", std::vector<int64_t>{0, 1, 0, 1});
      image.Set("strides", std::vector<int64_t>{2, stride});
      ExpectAgreement(image, 1e-6);
    }
  }
}

TEST(Col2Im, AddsComplexNumbersAndJoinsTexts) {
  using Complex = std::complex<double>;
  const std::vector<Tensor> shapes = {IntTensor({2, 3}), IntTensor({1, 2})};
  ExpectOutput<Complex>(
      Case(
          "Col2Im", 18,
          {TensorOf<Complex>(
               {1, 2, 4}, {{1, 5}, {2, 6}, {3, 7}, {4, 8}, {10, -1}, {20, -2}, {30, -3}, {40, -4}}),
           shapes[0], shapes[1]}),
      {1, 1, 2, 3}, {{1, 5}, {12, 5}, {20, -2}, {3, 7}, {34, 5}, {40, -4}});
  OperatorCase c = Case("Col2Im", 18,
                        {TensorOf<std::string>({1, 2, 3}, {"a", "b", "c", "x", "y", "z"}),
                         IntTensor({5}), IntTensor({2})});
  c.Set("dilations", std::vector<int64_t>{2});
  ExpectOutput<std::string>(c, {1, 1, 5}, {"a", "b", "cx", "y", "z"});
  c.inputs[1] = IntTensor({7});
  c.inputs[2] = IntTensor({2});
  c.Set("strides", std::vector<int64_t>{2});
  ExpectOutput<std::string>(c, {1, 1, 7}, {"a", "", "bx", "", "cy", "", "z"});
}

// Their two parts are an axis more.
TEST(Col2Im, RefusesComplexNumbersOfTheMostAxes) {
  const Tensor ones = IntTensor(std::vector<int64_t>(14, 1));
  OperatorCase c =
      Case("Col2Im", 18, {TensorOf<std::complex<float>>({1, 1, 1}, {{1, 2}}), ones, ones});
  EXPECT_NE(c.RunError().find("may have 13 axes, but input 1 'image_shape' has 14"),
            std::string::npos);
  c.inputs[0] = FloatTensor({1, 1, 1}, {3});
  EXPECT_EQ(Floats(c.Run()[0]), std::vector<float>{3});
}

OperatorCase Deformed(std::mt19937& random) {
  const auto offset = [](float value) { return value / 2; };
  std::vector<float> offsets = Floats(RandomTensor({2, 2 * 9 * 2, 5, 6}, random));
  for (float& value : offsets) value = offset(value);
  OperatorCase c = Case("DeformConv", 19,
                        {RandomTensor({2, 4, 10, 12}, random), RandomTensor({6, 2, 3, 3}, random),
                         FloatTensor({2, 36, 5, 6}, offsets), RandomTensor({6}, random),
                         RandomTensor({2, 18, 5, 6}, random)});
  c.Set("group", int64_t{2});
  c.Set("offset_group", int64_t{2});
  c.Set("pads", std::vector<int64_t>{1, 1, 1, 1});
  c.Set("strides", std::vector<int64_t>{2, 2});
  return c;
}

TEST(DeformConv, AgreesWithDouble) {
  std::mt19937 random(5);
  ExpectAgreement(Deformed(random), 1e-4);
  // More pixels than a block.
  OperatorCase large =
      Case("DeformConv", 19,
           {RandomTensor({1, 3, 30, 29}, random), RandomTensor({5, 3, 1, 2}, random),
            RandomTensor({1, 4, 30, 28}, random)});
  ExpectAgreement(large, 1e-4);
}

TEST(DeformConv, IsAConvolutionWithoutOffsets) {
  OperatorCase c = Case("DeformConv", 19,
                        {FloatTensor({1, 1, 3}, {1, 2, 3}), FloatTensor({1, 1, 2}, {10, 1}),
                         FloatTensor({1, 2, 2}, {0, 0, 0, 0}), FloatTensor({1}, {100})});
  EXPECT_EQ(Floats(c.Run()[0]), std::vector<float>({112, 123}));
  c.inputs[2] = FloatTensor({1, 2, 2}, {0.5f, 0, 0, 1});
  EXPECT_EQ(Floats(c.Run()[0]), std::vector<float>({117, 120}));
}

TEST(DeformConv, RefusesOffsetsOfAnotherShape) {
  std::mt19937 random(6);
  OperatorCase c = Deformed(random);
  c.inputs[2] = RandomTensor({2, 18, 5, 6}, random);
  EXPECT_NE(c.RunError().find("input 2 is [2,18,5,6] but must be [2,36,5,6]"), std::string::npos);
}

}  // namespace
}  // namespace mullion::cpu
