// SPDX-License-Identifier: MIT
#include <algorithm>

#include "devices/cpu/integer_matmul.h"
#include "devices/cpu/integer_operand.h"
#include "devices/cpu/registry.h"
#include "operators/registry.h"
#include "operators/rescaled_matmul.h"

namespace mullion::cpu {

namespace {

using namespace operators::rescaled_matmul;

// Both operators: of QLinearMatMul, what comes behind the zero point is missing.
class QlinearMatmul final : public Executable {
 public:
  QlinearMatmul() : matmul_({.left = kA, .left_zero = kAZero, .right = kB, .right_zero = kBZero}) {}
  Status Prepare(const Node& node, WeightStore& weights) {
    rectified_ = node.IntAttribute(kRectified, 0) != 0;
    return matmul_.Prepare(node, weights);
  }

  Status Bind(BindContext& context) const override {
    MULLION_ASSIGN_OR_RETURN(
        const operators::MatrixShape shape,
        operators::MatrixShape::FromShapes(context.node(), context.input(kA)->shape,
                                           context.input(kB)->shape));
    int64_t extra = 2 * Padded(shape.columns) * int64_t{sizeof(float)};
    if (const int64_t shifts = ShiftsOfOneColumn(
            shape, context.input(kShifts) != nullptr ? &context.input(kShifts)->shape : nullptr);
        shifts >= 0) {
      extra =
          (kBesideShifts * Padded(shifts) + shape.output.ElementCount()) * int64_t{sizeof(float)};
    } else if (RowsDiffer(context.input(kAScale)->shape, context.input(kQScale)->shape,
                          context.input(kQZero)->shape)) {
      extra += shape.output.ElementCount() * int64_t{sizeof(int32_t)};
    }
    return matmul_.Bind(context, extra);
  }

  Status Run(RunContext& context) const override {
    MULLION_ASSIGN_OR_RETURN(const operators::MatrixShape shape,
                             operators::MatrixShape::FromShapes(
                                 context.node(), context.Input(kA).shape, context.Input(kB).shape));
    Shape output_shape = shape.output;
    const int64_t repeats = ShiftsOfOneColumn(
        shape, context.HasInput(kShifts) ? &context.Input(kShifts).shape : nullptr);
    if (repeats >= 0) output_shape[output_shape.rank() - 1] = repeats;
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, output_shape));
    if (output.count() == 0) return OkStatus();
    IntegerMatmul::Job job;
    if (repeats >= 0) {
      job.out =
          ScratchAt<int32_t>(context, kBesideShifts * Padded(repeats) * int64_t{sizeof(float)});
      matmul_.Run(context, job);
      RepeatColumn(context, static_cast<const int32_t*>(job.out), output);
      return OkStatus();
    }
    if (RowsDiffer(context.Input(kAScale).shape, context.Input(kQScale).shape,
                   context.Input(kQZero).shape)) {
      job.out = ScratchAt<int32_t>(context, 2 * Padded(shape.columns) * int64_t{sizeof(float)});
      matmul_.Run(context, job);
      FinishRows(context, shape, static_cast<const int32_t*>(job.out), output);
      return OkStatus();
    }
    job.output = OutputOf(context.Input(kQZero).type);
    job.zero_point = static_cast<float>(ByteInput(context, kQZero));
    job.scales = Scales(context, shape, 0);
    if (context.HasInput(kBias)) job.addends = context.Input(kBias).as<int32_t>();
    if (context.HasInput(kFactors)) {
      const TensorView& shifts = context.Input(kShifts);
      auto* const factors =
          ScratchAt<float>(context, Padded(shape.columns) * int64_t{sizeof(float)});
      SpreadFloats(context.Input(kFactors), shape.columns, factors);
      job.rescale = RescaleOf(context, output.type);
      job.rescale.factors = factors;
      job.rescale.shifts = shifts.as<float>();
      job.one_shift = shifts.shape.rank() == 0 || shifts.shape.Back(0) == 1;
      job.shift_rows = shifts.count() / (job.one_shift ? 1 : shape.columns);
    }
    job.out = output.data;
    matmul_.Run(context, job);
    return OkStatus();
  }

 private:
  // Rows that RepeatColumn has beside each other in scratch memory: sums, scales, factors, shifts.
  static constexpr int64_t kBesideShifts = 4;

  static int64_t Padded(int64_t columns) {
    return (columns + kColumnGroup - 1) / kColumnGroup * kColumnGroup;
  }
  // Of a product that has one column where `shifts` has several or none; -1 for others.
  static int64_t ShiftsOfOneColumn(const operators::MatrixShape& shape, const Shape* shifts) {
    if (shifts == nullptr || shifts->rank() == 0 || shape.columns != 1) return -1;
    return shifts->Back(0) == 1 ? -1 : shifts->Back(0);
  }
  static bool RowsDiffer(const Shape& a_scale, const Shape& y_scale, const Shape& y_zero) {
    return a_scale.ElementCount() > 1 || y_scale.ElementCount() > 1 || y_zero.ElementCount() > 1;
  }
  static IntegerOutput OutputOf(ElementType type) {
    return type == ElementType::kInt8 ? IntegerOutput::kInt8 : IntegerOutput::kUint8;
  }

  // One per column, for row `row` of a matrix.
  static const float* Scales(const RunContext& context, const operators::MatrixShape& shape,
                             int64_t row) {
    auto* const scales = ScratchAt<float>(context, 0);
    const float a_scale = SpreadFloat(context.Input(kAScale), row);
    const float y_scale = SpreadFloat(context.Input(kQScale), row);
    SpreadFloats(context.Input(kBScale), shape.columns, scales);
    for (int64_t c = 0; c < shape.columns; ++c) scales[c] = a_scale * scales[c] / y_scale;
    return scales;
  }

  // Rows that have scales of their own.
  static void FinishRows(const RunContext& context, const operators::MatrixShape& shape,
                         const int32_t* sums, const MutableTensorView& output) {
    const int64_t rows = output.count() / shape.columns;
    IntegerFinish finish;
    finish.output = OutputOf(output.type);
    for (int64_t r = 0; r < rows; ++r) {
      finish.scales = Scales(context, shape, r % shape.rows);
      finish.zero_point = static_cast<float>(SpreadByte(context.Input(kQZero), r % shape.rows));
      // Rows are read in whole groups of columns, so the sums of one go to padded memory first.
      auto* const row = ScratchAt<int32_t>(context, Padded(shape.columns) * int64_t{sizeof(float)});
      std::copy_n(sums + r * shape.columns, shape.columns, row);
      FinishIntegers(finish, row, 0, 1, shape.columns, output.as<uint8_t>() + r * shape.columns, 0);
    }
  }

  // Finishes one column of sums as often as there are shifts for it.
  void RepeatColumn(const RunContext& context, const int32_t* sums,
                    const MutableTensorView& output) const {
    const int64_t columns = output.shape.Back(0);
    const TensorView& shifts = context.Input(kShifts);
    const int64_t stacks = shifts.count() / columns;
    auto* const row = ScratchAt<int32_t>(context, 0);
    float* const scales = ScratchAt<float>(context, Padded(columns) * int64_t{sizeof(float)});
    float* const factors = scales + Padded(columns);
    float* const row_shifts = factors + Padded(columns);
    std::fill_n(scales, columns,
                SpreadFloat(context.Input(kAScale), 0) * SpreadFloat(context.Input(kBScale), 0) /
                    SpreadFloat(context.Input(kQScale), 0));
    std::fill_n(factors, columns, SpreadFloat(context.Input(kFactors), 0));
    IntegerFinish finish;
    finish.output = OutputOf(context.Input(kQZero).type);
    finish.zero_point = static_cast<float>(ByteInput(context, kQZero));
    finish.scales = scales;
    finish.rescale = RescaleOf(context, output.type);
    finish.rescale.factors = factors;
    finish.rescale.shifts = row_shifts;
    const int64_t rows = output.count() / columns;
    const int32_t bias = context.HasInput(kBias) ? *context.Input(kBias).as<int32_t>() : 0;
    for (int64_t r = 0; r < rows; ++r) {
      std::fill_n(row, columns, sums[r] + bias);
      std::copy_n(shifts.as<float>() + r * stacks / rows * columns, columns, row_shifts);
      FinishIntegers(finish, row, 0, 1, columns, output.as<uint8_t>() + r * columns, 0);
    }
  }

  // But for factors and shifts.
  IntegerRescale RescaleOf(const RunContext& context, ElementType type) const {
    IntegerRescale rescale;
    rescale.is_signed = type == ElementType::kInt8;
    rescale.rectified = rectified_;
    rescale.zero_point = static_cast<float>(ByteInput(context, kZero));
    return rescale;
  }

  IntegerMatmul matmul_;
  bool rectified_ = false;
};

}  // namespace

void RegisterQlinearMatmul(KernelRegistry& registry) {
  registry.Add({.name = "QLinearMatMul", .since = 10, .make = MakePrepared<QlinearMatmul>});
  registry.Add({.name = operators::kRescaledMatMul,
                .domain = operators::kInternalDomain,
                .make = MakePrepared<QlinearMatmul>});
}

}  // namespace mullion::cpu
