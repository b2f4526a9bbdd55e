// SPDX-License-Identifier: MIT
// The product of 8-bit matrices that MatMulInteger, QLinearMatMul and their relatives share.
#ifndef MULLION_DEVICES_CPU_INTEGER_MATMUL_H_
#define MULLION_DEVICES_CPU_INTEGER_MATMUL_H_

#include <memory>

#include "device/kernel.h"
#include "device/weight_store.h"
#include "devices/cpu/kernels/integer/integer_product.h"
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
    // The left operand comes with the job, as uint8_t of the shape of input `left`; there is no
    // input `left_zero`.
    bool left_is_made = false;
  };
  struct Job {
    IntegerOutput output = IntegerOutput::kInt32;
    float zero_point = 0;  // of the output
    // For outputs that have scales: `factor` times these, one per column or one for all.
    float factor = 1;
    const float* scales = nullptr;
    bool one_scale = false;
    int64_t scales_step = 0;             // from one right matrix to the next
    const float* biases = nullptr;       // one per column, for kFloat; may be null
    const int32_t* addends = nullptr;    // one per column, added to sums; may be null
    IntegerRescale rescale;              // factors and shifts, one per column; no residual
    bool one_shift = false;              // for all columns
    int64_t shift_rows = 1;              // of shifts, each for as many products
    const uint8_t* made_left = nullptr;  // with Ports::left_is_made
    int32_t made_left_zero = 0;
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
  static IntegerSource SourceOf(const IntegerPanels& panels, const TensorView& right,
                                int64_t matrix);
  bool LeftIsSigned(ElementType type) const {
    return !ports_.left_is_made && type == ElementType::kInt8;
  }
  const uint8_t* StageLeft(const RunContext& context, const Bound& bound, const Job& job) const;
  const uint8_t* PackedRight(const RunContext& context, const Bound& bound) const;
  // What hangs on the columns of a right matrix, as group `group` of the product.
  void FillColumns(const RunContext& context, const Bound& bound, int64_t matrix, int64_t group,
                   const Job& job, IntegerProduct& product) const;
  // `index`: of the product.
  void FillScales(const RunContext& context, const Bound& bound, int64_t matrix, int64_t index,
                  int64_t group, const Job& job, IntegerFinish& finish) const;

  Ports ports_;
  IntegerForm form_ = IntegerForm::kWords;
  std::shared_ptr<const void> packed_;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_INTEGER_MATMUL_H_
