// SPDX-License-Identifier: MIT
// What the float kernels are held to: plain loops in double precision, and memory that shows when
// more of it was written than should be.
#ifndef MULLION_TESTS_DEVICES_CPU_KERNEL_REFERENCE_H_
#define MULLION_TESTS_DEVICES_CPU_KERNEL_REFERENCE_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "devices/cpu/kernels/convolution/convolution.h"
#include "devices/cpu/kernels/elementwise/activation.h"

namespace mullion::cpu {

std::vector<float> RandomFloats(int64_t count, std::mt19937& random);
int64_t RandomInt(int64_t low, int64_t high, std::mt19937& random);  // both ends included

// A sum and the sum of its terms' magnitudes, which bounds its rounding error.
struct ReferenceValue {
  double sum = 0;
  double magnitude = 0;
  void Add(double term);
};

// Where an error is of the order of the largest sum around, also where little was summed.
std::vector<ReferenceValue> WithLargestMagnitude(std::vector<ReferenceValue> sums);

double ActivateReference(const Activation& activation, double x);

// An activation of any kind with fitting parameters.
Activation RandomActivation(std::mt19937& random);

// The convolution of channels-last `input` with ONNX-ordered `weights`, before the epilogue:
// [pixel][out channel].
std::vector<ReferenceValue> ReferenceConvolution(const ConvolutionShape& shape, const float* input,
                                                 const float* weights);

// Random sizes of a convolution whose outputs are consistent with the rest.
ConvolutionShape RandomConvolution(int spatial_rank, std::mt19937& random);

std::string Describe(const ConvolutionShape& shape);
int64_t InputFloats(const ConvolutionShape& shape);

// A random epilogue for `rows` x `columns` outputs `out_stride` floats apart, with its operands.
struct EpilogueCase {
  EpilogueCase(int64_t rows, int64_t columns, int64_t out_stride, std::mt19937& random);
  Epilogue epilogue;
  std::vector<float> bias;
  std::vector<float> residual;
};

// Rows of floats with a gap behind each that must stay as it was.
class GuardedRows {
 public:
  GuardedRows(int64_t rows, int64_t columns, int64_t gap);
  float* data() { return memory_.data(); }
  int64_t stride() const { return columns_ + gap_; }
  // Checks every output against activation(sum + bias + residual), and that the gaps are untouched.
  // An error may be `tolerance` of the magnitude of what was summed.
  void ExpectNear(const std::vector<ReferenceValue>& sums, const EpilogueCase& epilogue,
                  double tolerance = 2e-6) const;
  const std::vector<float>& memory() const { return memory_; }

 private:
  int64_t rows_;
  int64_t columns_;
  int64_t gap_;
  std::vector<float> memory_;
};

// Channels-last images as planes.
std::vector<float> Planes(const ConvolutionShape& shape, const std::vector<float>& image);

// Runs `plan` on 1 and on several threads, which must agree to the bit, with a random epilogue and
// a gap of `gap` floats behind each pixel's channels. Holds outputs to `sums` (see ExpectNear).
void ExpectConvolution(const ConvolutionPlan& plan, const ConvolutionShape& shape,
                       const float* input, const float* packed,
                       const std::vector<ReferenceValue>& sums, int64_t gap, std::mt19937& random,
                       double tolerance = 2e-6);

}  // namespace mullion::cpu

#endif  // MULLION_TESTS_DEVICES_CPU_KERNEL_REFERENCE_H_
