// SPDX-License-Identifier: MIT
#include <algorithm>
#include <memory>
#include <utility>

#include "devices/cpu/byte_scale.h"
#include "devices/cpu/integer_matmul.h"
#include "devices/cpu/registry.h"
#include "operators/registry.h"

namespace mullion::cpu {

namespace {

enum Input { kA, kAScale, kAZero, kB, kBScale, kBZero, kC, kYScale, kYZero };

// Steps through C for a row and for a column; 0 where it repeats.
struct AddendStrides {
  explicit AddendStrides(const Shape& shape) {
    if (shape.rank() >= 1 && shape.Back(0) != 1) column = 1;
    if (shape.rank() >= 2 && shape.Back(1) != 1) row = shape.Back(0);
  }
  int64_t row = 0;
  int64_t column = 0;
};

class Qgemm final : public Executable {
 public:
  explicit Qgemm(const Node& node)
      : alpha_(node.FloatAttribute("alpha", 1.0f)),
        matmul_({.left = kA, .left_zero = kAZero, .right = kB, .right_zero = kBZero}) {}
  Status Prepare(const Node& node, WeightStore& weights) { return matmul_.Prepare(node, weights); }

  Status Bind(BindContext& context) const override {
    const BindContext::Port* const c = context.input(kC);
    return matmul_.Bind(context, Layout(context.input(kA)->shape[0], context.input(kB)->shape[1],
                                        c == nullptr ? Shape() : c->shape)
                                     .size);
  }

  Status Run(RunContext& context) const override {
    const int64_t rows = context.Input(kA).shape[0];
    const int64_t columns = context.Input(kB).shape[1];
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView y,
                             context.AllocateOutput(0, Shape{rows, columns}));
    if (y.count() == 0) return OkStatus();
    const Layout layout(rows, columns, context.HasInput(kC) ? context.Input(kC).shape : Shape());
    IntegerMatmul::Job job;
    if (layout.by_rows) {
      job.out = ScratchAt<int32_t>(context, layout.sums);
      matmul_.Run(context, job);
      FinishRows(context, layout, y);
      return OkStatus();
    }
    const IntegerFinish finish = Finish(context, layout, y.type);
    job.output = finish.output;
    job.zero_point = finish.zero_point;
    job.scales = finish.scales;
    job.out = y.data;
    if (context.HasInput(kC)) job.addends = ColumnAddends(context, layout, columns);
    matmul_.Run(context, job);
    return OkStatus();
  }

 private:
  // Offsets into scratch memory, whose whole groups of columns can be read.
  struct Layout {
    Layout(int64_t rows, int64_t columns, const Shape& addend)
        : by_rows(AddendStrides(addend).row != 0),
          padded((columns + kColumnGroup - 1) / kColumnGroup * kColumnGroup) {
      ScratchLayout layout;
      scales = layout.Take(padded * 4);
      row = layout.Take(padded * 4);
      sums = layout.Take(by_rows ? rows * columns * 4 : 0);
      size = layout.size();
    }
    bool by_rows;  // C differs between rows, and is added to finished sums
    int64_t padded;
    int64_t scales;
    int64_t row;
    int64_t sums;
    int64_t size;
  };

  IntegerFinish Finish(const RunContext& context, const Layout& layout, ElementType type) const {
    IntegerFinish finish;
    finish.output = type == ElementType::kFloat  ? IntegerOutput::kFloat
                    : type == ElementType::kInt8 ? IntegerOutput::kInt8
                                                 : IntegerOutput::kUint8;
    finish.zero_point = static_cast<float>(ByteInput(context, kYZero));
    const float a_scale = *context.Input(kAScale).as<float>();
    const bool divide = context.HasInput(kYScale);
    const float y_scale = divide ? *context.Input(kYScale).as<float>() : 1.0f;
    auto* const scales = ScratchAt<float>(context, layout.scales);
    const TensorView& b_scale = context.Input(kBScale);
    const int64_t columns = context.Input(kB).shape[1];
    for (int64_t c = 0; c < layout.padded; ++c) {
      const float product = alpha_ * a_scale * SpreadFloat(b_scale, std::min(c, columns - 1));
      scales[c] = divide ? product / y_scale : product;
    }
    finish.scales = scales;
    return finish;
  }

  // A C of one row, or of one element.
  static const int32_t* ColumnAddends(const RunContext& context, const Layout& layout,
                                      int64_t columns) {
    const TensorView& addend = context.Input(kC);
    if (AddendStrides(addend.shape).column != 0) return addend.as<int32_t>();
    auto* const addends = ScratchAt<int32_t>(context, layout.row);
    std::fill_n(addends, columns, *addend.as<int32_t>());
    return addends;
  }

  void FinishRows(const RunContext& context, const Layout& layout,
                  const MutableTensorView& y) const {
    const IntegerFinish finish = Finish(context, layout, y.type);
    const TensorView& addend = context.Input(kC);
    const AddendStrides strides(addend.shape);
    const int64_t columns = y.shape[1];
    const auto* const sums = ScratchAt<int32_t>(context, layout.sums);
    auto* const row = ScratchAt<int32_t>(context, layout.row);
    for (int64_t r = 0; r < y.shape[0]; ++r) {
      for (int64_t c = 0; c < columns; ++c) {
        const int32_t added = addend.as<int32_t>()[r * strides.row + c * strides.column];
        row[c] = static_cast<int32_t>(static_cast<uint32_t>(sums[r * columns + c]) +
                                      static_cast<uint32_t>(added));
      }
      FinishIntegers(finish, row, 0, 1, columns,
                     y.as<uint8_t>() + r * columns * OutputBytes(finish.output), 0);
    }
  }

  float alpha_;
  IntegerMatmul matmul_;
};

Result<std::unique_ptr<Executable>> Make(const Node& node, WeightStore& weights) {
  auto executable = std::make_unique<Qgemm>(node);
  MULLION_RETURN_IF_ERROR(executable->Prepare(node, weights));
  return std::unique_ptr<Executable>(std::move(executable));
}

}  // namespace

void RegisterQgemm(KernelRegistry& registry) {
  registry.Add({.name = "QGemm", .domain = operators::kInternalDomain, .make = Make});
}

}  // namespace mullion::cpu
