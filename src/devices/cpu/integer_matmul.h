// SPDX-License-Identifier: MIT
// The product of 8-bit matrices that MatMulInteger and QLinearMatMul share.
#ifndef MULLION_DEVICES_CPU_INTEGER_MATMUL_H_
#define MULLION_DEVICES_CPU_INTEGER_MATMUL_H_

#include <memory>

#include "device/kernel.h"
#include "device/weight_store.h"
#include "devices/cpu/kernels/integer_product.h"
#include "operators/matrix_shape.h"

namespace mullion::cpu {

class IntegerMatmul {
 public:
  // Which inputs of the node are what.
  struct Ports {
    int left;
    int left_zero;
    int right;
    int right_zero;
  };
  struct Job {
    IntegerOutput output = IntegerOutput::kInt32;
    float zero_point = 0;           // of the output
    const float* scales = nullptr;  // one per column, for outputs that have them
    void* out = nullptr;
  };

  explicit IntegerMatmul(const Ports& ports) : ports_(ports) {}
  // Packs a right operand that is constant.
  Status Prepare(const Node& node, WeightStore& weights);
  // Sets state and scratch memory; the caller's own `extra` bytes of it come first.
  Status Bind(BindContext& context, int64_t extra = 0) const;
  void Run(const RunContext& context, const Job& job) const;

 private:
  struct Bound;

  IntegerPanels Panels(const Shape& right) const;
  void Pack(const TensorView& right, int64_t matrix, const int32_t* zeros, uint8_t* packed) const;
  const uint8_t* StageLeft(const RunContext& context, const Bound& bound) const;
  const uint8_t* PackedRight(const RunContext& context, const Bound& bound, int64_t matrix) const;
  int32_t RightZero(const RunContext& context, const Bound& bound, int64_t matrix,
                    int64_t column) const;
  void FillColumns(const RunContext& context, const Bound& bound, int64_t matrix, const Job& job,
                   IntegerProduct& product) const;

  Ports ports_;
  IntegerForm form_ = IntegerForm::kWords;
  std::shared_ptr<const void> packed_;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_INTEGER_MATMUL_H_
