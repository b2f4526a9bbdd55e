// SPDX-License-Identifier: MIT
// What every form of a convolution by large kernels of stride 1 is held to: plain loops in double
// precision, over random shapes.
#ifndef MULLION_TESTS_DEVICES_CPU_LARGE_KERNEL_CASES_H_
#define MULLION_TESTS_DEVICES_CPU_LARGE_KERNEL_CASES_H_

#include <algorithm>
#include <random>
#include <vector>

#include "base/memory.h"
#include "tests/devices/cpu/kernel_reference.h"

namespace mullion::cpu {

inline ConvolutionShape::Axis AxisOf(int64_t input, int64_t kernel, int64_t pad) {
  return {input, std::max<int64_t>(input + 2 * pad - kernel + 1, 0), kernel, 1, 1, pad};
}

inline ConvolutionShape ShapeOf(int64_t height, int64_t width, int64_t in, int64_t out,
                                int64_t down, int64_t across) {
  ConvolutionShape shape;
  shape.in_channels = in;
  shape.out_channels = out;
  shape.spatial_rank = 2;
  shape.axes[0] = AxisOf(height, down, down / 2);
  shape.axes[1] = AxisOf(width, across, across / 2);
  return shape;
}

// A form: `Plan` is its ConvolutionPlan; the functions size and make its packed weights.
template <typename Plan, size_t (*kPackedFloats)(const ConvolutionShape&),
          void (*kPack)(const float*, const ConvolutionShape&, float*)>
struct LargeKernelCases {
  static void Check(const ConvolutionShape& shape, std::mt19937& random) {
    SCOPED_TRACE(Describe(shape));
    const std::vector<float> input = RandomFloats(InputFloats(shape), random);
    const std::vector<float> weights =
        RandomFloats(shape.out_channels * shape.in_channels * shape.Taps(), random);
    const AlignedBuffer packed(AllocateAligned(kPackedFloats(shape) * sizeof(float)));
    kPack(weights.data(), shape, static_cast<float*>(packed.get()));
    ExpectConvolution(
        Plan(shape), shape, input.data(), static_cast<const float*>(packed.get()),
        WithLargestMagnitude(ReferenceConvolution(shape, input.data(), weights.data())),
        RandomInt(0, 3, random), random);
  }

  // Kernels of `least` to 12 weights a side.
  static void CheckRandomShapes(int64_t least) {
    std::mt19937 random(1);
    for (int i = 0; i < 80; ++i) {
      ConvolutionShape shape;
      shape.batch = RandomInt(1, 2, random);
      shape.in_channels = RandomInt(1, 20, random);
      shape.out_channels = RandomInt(1, i % 4 == 0 ? 80 : 18, random);
      shape.spatial_rank = 2;
      for (size_t axis = 0; axis < 2; ++axis) {
        const int64_t kernel = RandomInt(least, 12, random);
        shape.axes[axis] =
            AxisOf(RandomInt(kernel, 24, random), kernel, RandomInt(0, kernel, random));
      }
      Check(shape, random);
    }
  }

  // Images that are cut into strips.
  static void CheckWideImages() {
    std::mt19937 random(2);
    Check(ShapeOf(40, 333, 16, 3, 9, 9), random);
    Check(ShapeOf(13, 301, 24, 33, 5, 5), random);
    Check(ShapeOf(10, 300, 32, 3, 9, 9), random);
  }

  // A smaller pad behind the image than before it, and one that crops.
  static void CheckPads() {
    std::mt19937 random(4);
    ConvolutionShape shape = ShapeOf(12, 14, 3, 16, 5, 7);
    shape.axes[0].output = 9;
    shape.axes[1].pad = -2;
    shape.axes[1].output = 6;
    Check(shape, random);
  }

  // No input gives the bias.
  static void CheckNoInput() {
    std::mt19937 random(5);
    ConvolutionShape shape = ShapeOf(9, 9, 4, 16, 5, 5);
    shape.axes[0].input = 0;
    Check(shape, random);
    shape.batch = 0;
    Check(shape, random);
  }
};

// Neither strides nor dilation nor groups.
template <typename Uses>
void ExpectPlainOnly(const ConvolutionShape& shape, Uses uses) {
  EXPECT_TRUE(uses(shape));
  ConvolutionShape other = shape;
  other.axes[1].stride = 2;
  EXPECT_FALSE(uses(other));
  other = shape;
  other.axes[0].dilation = 2;
  EXPECT_FALSE(uses(other));
  other = shape;
  other.groups = 2;
  EXPECT_FALSE(uses(other));
}

}  // namespace mullion::cpu

#endif  // MULLION_TESTS_DEVICES_CPU_LARGE_KERNEL_CASES_H_
