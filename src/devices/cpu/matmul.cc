// SPDX-License-Identifier: MIT
// MatMul of float through the matrix kernel, and of other types.
#include "base/str_cat.h"
#include "devices/cpu/fused_activation.h"
#include "devices/cpu/half_precision.h"
#include "devices/cpu/kernels/matrix/dense.h"
#include "devices/cpu/kernels/matrix/number_product.h"
#include "devices/cpu/kernels/matrix/weight_product.h"
#include "devices/cpu/registry.h"
#include "operators/epilogue.h"
#include "operators/matrix_shape.h"

namespace mullion::cpu {

namespace {

using operators::kBiasInput;
using operators::kResidualInput;
using operators::MatrixShape;

// Products that share one right matrix are one product of more rows.
void MergeRows(MatrixShape& shape) {
  if (shape.right_batch.ElementCount() != 1) return;
  shape.rows *= shape.batch.ElementCount();
  shape.batch = shape.left_batch = shape.right_batch = Shape{};
}

class FloatMatmul final : public Executable {
 public:
  explicit FloatMatmul(const Node& node) : node_(node) {}

  // Packs a constant right operand, unless it is a column: that is quicker as it lies.
  Status Prepare(WeightStore& weights) {
    MULLION_ASSIGN_OR_RETURN(activation_, FusedActivationOf(node_));
    const Value* const value = node_.input(1);
    if (!value->IsConstant()) return OkStatus();
    const Tensor& constant = value->constant;
    const Shape& shape = constant.shape();
    if (shape.rank() < 2 || shape.Back(0) == 1) return OkStatus();
    const int64_t depth = shape.Back(1);
    const ColumnBlocks blocks = ColumnBlocks::Of(shape.Back(0));
    const int64_t matrices = shape.Product(0, shape.rank() - 2);
    half_ = HalfTilesFor(node_, blocks.columns);
    const auto step = static_cast<int64_t>(PackedWeightFloats(depth, blocks.columns, half_));
    const std::string format = StrCat("product", half_ != nullptr ? " of halves" : "", " lanes ",
                                      blocks.lanes, " of ", blocks.max_vectors);
    MULLION_ASSIGN_OR_RETURN(
        packed_,
        weights.Get(constant, format, static_cast<size_t>(matrices * step) * sizeof(float),
                    [&](const TensorView& source, void* memory) {
                      for (int64_t i = 0; i < matrices; ++i) {
                        const float* const from = source.as<float>() + i * depth * blocks.columns;
                        PackWeight(RightSource::RowMajor(from, depth, blocks.columns),
                                   blocks.columns, static_cast<float*>(memory) + i * step, half_);
                      }
                    }));
    return OkStatus();
  }

  bool Holds(int i) const override { return i == 1 && packed_ != nullptr; }
  bool ComputesInHalf() const override { return half_ != nullptr; }

  Status Bind(BindContext& context) const override {
    auto bound = std::make_unique<Bound>();
    MULLION_ASSIGN_OR_RETURN(bound->shape, MatrixShape::FromShapes(node_, context.input(0)->shape,
                                                                   context.input(1)->shape));
    MatrixShape& shape = bound->shape;
    // Rows of a plain matrix may be samples of a batch, which must not touch each other.
    bound->product.rows_together = context.input(0)->shape.rank() > 2 ? shape.rows : 1;
    MergeRows(shape);
    bound->product.rows = shape.rows;
    bound->product.depth = shape.depth;
    bound->product.columns = shape.columns;
    bound->product.out_stride = shape.columns;
    bound->product.half = half_;
    bound->step = static_cast<int64_t>(PackedWeightFloats(shape.depth, shape.columns, half_));
    bound->dense = {.batch = shape.batch.ElementCount(),
                    .rows = shape.rows,
                    .depth = shape.depth,
                    .columns = shape.columns,
                    .left_stride = shape.depth,
                    .right_stride = shape.columns,
                    .out_stride = shape.columns};
    // A product with one column is the same numbers as a row by the transposed left operand.
    bound->turned = shape.columns == 1 && context.input(kBiasInput) == nullptr;
    if (bound->turned) {
      bound->dense.rows = 1;
      bound->dense.columns = bound->dense.out_stride = shape.rows;
      bound->dense.right_transposed = true;
      bound->dense.left_stride = bound->dense.right_stride = shape.depth;
    }
    context.RequestScratch(packed_ != nullptr
                               ? WeightProductScratchBytes(bound->product, context.threads())
                               : DenseScratchBytes(bound->dense, context.threads()));
    context.SetState(std::move(bound));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const Bound& bound = *context.state<Bound>();
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, bound.shape.output));
    const auto operands = [&](int64_t batch) { return OperandsOf(context, output, bound, batch); };
    if (packed_ == nullptr) {
      MultiplyDense(bound.dense, operands, context.scratch(), context.parallel());
      return OkStatus();
    }
    WeightProduct product = bound.product;
    for (int64_t batch = 0; batch < bound.dense.batch; ++batch) {
      const DenseOperands o = operands(batch);
      product.packed =
          static_cast<const float*>(packed_.get()) + bound.shape.RightMatrix(batch) * bound.step;
      product.out = o.out;
      product.epilogue = o.epilogue;
      MultiplyByWeight(product, PlainRows{o.left, product.depth}, context.scratch(),
                       context.parallel());
    }
    return OkStatus();
  }

 private:
  struct Bound final : public BoundState {
    MatrixShape shape;  // rows merged
    WeightProduct product;
    DenseShape dense;
    int64_t step = 0;  // from one packed matrix to the next
    bool turned = false;
  };

  DenseOperands OperandsOf(const RunContext& context, const MutableTensorView& output,
                           const Bound& bound, int64_t batch) const {
    const MatrixShape& shape = bound.shape;
    DenseOperands operands;
    operands.left =
        context.Input(0).as<float>() + shape.LeftMatrix(batch) * shape.rows * shape.depth;
    operands.right =
        context.Input(1).as<float>() + shape.RightMatrix(batch) * shape.depth * shape.columns;
    if (bound.turned) std::swap(operands.left, operands.right);
    const int64_t out = batch * shape.rows * shape.columns;
    operands.out = output.as<float>() + out;
    operands.epilogue.activation = activation_;
    if (context.HasInput(kBiasInput)) {
      operands.epilogue.bias = context.Input(kBiasInput).as<float>();
    }
    if (context.HasInput(kResidualInput)) {
      operands.epilogue.residual = context.Input(kResidualInput).as<float>() + out;
      operands.epilogue.residual_stride = bound.dense.out_stride;
    }
    return operands;
  }

  const Node& node_;
  Activation activation_;
  std::shared_ptr<const void> packed_;
  TileFinder half_ = nullptr;  // not null: packed as halves
};

// Of double and integers.
class NumberMatmul final : public Executable {
 public:
  explicit NumberMatmul(const Node& node) : node_(node) {}

  Status Run(RunContext& context) const override {
    const TensorView& left = context.Input(0);
    const TensorView& right = context.Input(1);
    MULLION_ASSIGN_OR_RETURN(MatrixShape shape,
                             MatrixShape::FromShapes(node_, left.shape, right.shape));
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, shape.output));
    MergeRows(shape);
    ProductStrides strides;
    strides.rows = shape.rows;
    strides.depth = strides.left_row = shape.depth;
    strides.columns = strides.right_k = shape.columns;
    const int64_t bytes = ElementBits(left.type) / 8;
    const auto* const from_left = static_cast<const std::byte*>(left.data);
    const auto* const from_right = static_cast<const std::byte*>(right.data);
    auto* const to = static_cast<std::byte*>(output.data);
    for (int64_t batch = 0; batch < shape.batch.ElementCount(); ++batch) {
      MultiplyNumbers(left.type, strides,
                      from_left + shape.LeftMatrix(batch) * shape.rows * shape.depth * bytes,
                      from_right + shape.RightMatrix(batch) * shape.depth * shape.columns * bytes,
                      to + batch * shape.rows * shape.columns * bytes, context.parallel());
    }
    return OkStatus();
  }

 private:
  const Node& node_;
};

constexpr ElementTypeSet kNumberTypes =
    TypeList<double, int32_t, int64_t, uint32_t, uint64_t>::kSet;

Result<std::unique_ptr<Executable>> MakeFloat(const Node& node, WeightStore& weights) {
  auto matmul = std::make_unique<FloatMatmul>(node);
  MULLION_RETURN_IF_ERROR(matmul->Prepare(weights));
  return std::unique_ptr<Executable>(std::move(matmul));
}

}  // namespace

void RegisterMatmul(KernelRegistry& registry) {
  registry.Add({.name = "MatMul", .types = types::kFloat, .make = MakeFloat});
  registry.Add({.name = "MatMul", .types = kNumberTypes, .make = MakeKernel<NumberMatmul>});
}

}  // namespace mullion::cpu
