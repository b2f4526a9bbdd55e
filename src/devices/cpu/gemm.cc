// SPDX-License-Identifier: MIT
// Gemm of float through the matrix kernel, and of other types.
#include "operators/gemm.h"

#include <cmath>
#include <type_traits>

#include "base/str_cat.h"
#include "devices/cpu/fused_activation.h"
#include "devices/cpu/half_precision.h"
#include "devices/cpu/kernels/matrix/dense.h"
#include "devices/cpu/kernels/matrix/number_product.h"
#include "devices/cpu/kernels/matrix/weight_product.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/scratch_layout.h"
#include "operators/epilogue.h"

namespace mullion::cpu {

namespace {

using operators::GemmParameters;
using operators::kBiasInput;
using operators::kResidualInput;

// C as it broadcasts to the output: strides of 0 repeat.
struct AddedStrides {
  explicit AddedStrides(const Shape& shape) {
    if (shape.rank() > 0 && shape.Back(0) != 1) column = 1;
    if (shape.rank() > 1 && shape.Back(1) != 1) row = shape.Back(0);
  }
  int64_t row = 0;
  int64_t column = 0;
};

class FloatGemm final : public Executable {
 public:
  explicit FloatGemm(const Node& node) : node_(node), parameters_(node) {}

  // Packs a constant B, alpha included.
  Status Prepare(WeightStore& weights) {
    MULLION_ASSIGN_OR_RETURN(activation_, FusedActivationOf(node_));
    const Value* const value = node_.input(1);
    if (!value->IsConstant()) return OkStatus();
    const Tensor& constant = value->constant;
    const int64_t depth = parameters_.RightDepth(constant.shape());
    const int64_t columns = parameters_.Columns(constant.shape());
    const ColumnBlocks blocks = ColumnBlocks::Of(columns);
    const float alpha = parameters_.alpha;
    if (alpha == 1.0f) half_ = HalfTilesFor(node_, columns);
    const size_t floats = PackedWeightFloats(depth, columns, half_);
    const std::string format = StrCat(
        "product", half_ != nullptr ? " of halves" : "",
        parameters_.right_transposed ? " transposed" : "", " lanes ", blocks.lanes, " of ",
        blocks.max_vectors, alpha == 1.0f ? "" : StrCat(" times ", BitCast<uint32_t>(alpha)));
    MULLION_ASSIGN_OR_RETURN(
        packed_,
        weights.GetByRows(constant, format, floats * sizeof(float),
                          [&](WeightContents& contents, void* memory) {
                            const auto make = [&](int64_t first, int64_t count) {
                              return static_cast<const float*>(contents.Rows(first, count));
                            };
                            const WeightRows rows = make;
                            auto* const to = static_cast<float*>(memory);
                            // The rows of a transposed matrix are those of a kernel of one weight.
                            PackWeight(parameters_.right_transposed
                                           ? RightSource::Convolution(rows, depth, 1)
                                           : RightSource::RowMajor(rows(0, depth), depth, columns),
                                       columns, to, half_);
                            for (size_t i = 0; alpha != 1.0f && i < floats; ++i) to[i] *= alpha;
                          }));
    return OkStatus();
  }

  bool Holds(int i) const override { return i == 1 && packed_ != nullptr; }
  bool ComputesInHalf() const override { return half_ != nullptr; }

  Status Bind(BindContext& context) const override {
    const Shape& left = context.input(0)->shape;
    const Shape& right = context.input(1)->shape;
    auto bound = std::make_unique<Bound>();
    bound->rows = parameters_.Rows(left);
    bound->depth = parameters_.LeftDepth(left);
    bound->columns = parameters_.Columns(right);
    bound->copies_left =
        parameters_.left_transposed || (parameters_.alpha != 1.0f && packed_ == nullptr);
    bound->product.rows = bound->rows;
    bound->product.depth = bound->depth;
    bound->product.rows_together = 1;  // samples of a batch must not touch each other
    bound->product.columns = bound->columns;
    bound->product.out_stride = bound->columns;
    bound->product.half = half_;
    bound->dense = {.rows = bound->rows,
                    .depth = bound->depth,
                    .columns = bound->columns,
                    .left_stride = bound->depth,
                    .right_stride = right[1],
                    .right_transposed = parameters_.right_transposed,
                    .out_stride = bound->columns};
    const size_t work = packed_ != nullptr
                            ? WeightProductScratchBytes(bound->product, context.threads())
                            : DenseScratchBytes(bound->dense, context.threads());
    ScratchLayout layout;
    if (bound->copies_left) layout.Take(bound->rows * bound->depth * int64_t{sizeof(float)});
    bound->added = layout.Take(bound->columns * int64_t{sizeof(float)});
    bound->work = layout.size();
    context.RequestScratch(static_cast<size_t>(bound->work) + work);
    context.SetState(std::move(bound));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const Bound& bound = *context.state<Bound>();
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, Shape{bound.rows, bound.columns}));
    if (output.count() == 0) return OkStatus();
    const float* left = context.Input(0).as<float>();
    if (bound.copies_left) {
      CopyLeft(bound, left, static_cast<float*>(context.scratch()), context.parallel());
      left = static_cast<float*>(context.scratch());
    }
    auto* const row = ScratchAt<float>(context, bound.added);
    const Epilogue epilogue = MakeEpilogue(context, bound, row, output.as<float>());
    void* const work = ScratchAt<void*>(context, bound.work);
    if (packed_ == nullptr) {
      const DenseOperands operands{left, context.Input(1).as<float>(), output.as<float>(),
                                   epilogue};
      MultiplyDense(
          bound.dense, [&](int64_t /*batch*/) { return operands; }, work, context.parallel());
      return OkStatus();
    }
    WeightProduct product = bound.product;
    product.packed = static_cast<const float*>(packed_.get());
    product.out = output.as<float>();
    product.epilogue = epilogue;
    MultiplyByWeight(product, PlainRows{left, bound.depth}, work, context.parallel());
    return OkStatus();
  }

 private:
  struct Bound final : public BoundState {
    int64_t rows = 0;
    int64_t depth = 0;
    int64_t columns = 0;
    bool copies_left = false;
    int64_t added = 0;  // where the scratch memory has a row for C
    int64_t work = 0;   // where the kernel's part of it begins
    WeightProduct product;
    DenseShape dense;
  };

  // A as the kernel wants it: row-major, times alpha where B does not hold that.
  void CopyLeft(const Bound& bound, const float* from, float* to, Parallel& parallel) const {
    const float scale = packed_ == nullptr ? parameters_.alpha : 1.0f;
    const int64_t row_stride = parameters_.left_transposed ? 1 : bound.depth;
    const int64_t k_stride = parameters_.left_transposed ? bound.rows : 1;
    parallel.For(bound.rows, 16, [&](int64_t begin, int64_t end, int /*worker*/) {
      for (int64_t row = begin; row < end; ++row) {
        for (int64_t k = 0; k < bound.depth; ++k) {
          to[row * bound.depth + k] = scale * from[row * row_stride + k * k_stride];
        }
      }
    });
  }

  // A row C, or one number, is a bias, which goes to `row` where it is not one as it lies, and a
  // whole C a residual. Anything else is put into the output first, as a residual in place.
  Epilogue MakeEpilogue(const RunContext& context, const Bound& bound, float* row,
                        float* out) const {
    Epilogue epilogue;
    epilogue.activation = activation_;
    epilogue.residual_stride = bound.columns;
    if (context.HasInput(kResidualInput)) {
      epilogue.residual = context.Input(kResidualInput).as<float>();
    }
    if (!context.HasInput(kBiasInput) || parameters_.beta == 0.0f) return epilogue;
    const TensorView& added = context.Input(kBiasInput);
    const float* const c = added.as<float>();
    const AddedStrides strides(added.shape);
    const bool factor = parameters_.beta != 1.0f;
    if (strides.row == 0) {
      epilogue.bias = c;
      if (factor || strides.column == 0) {
        ScaleRow(c, strides.column, bound.columns, row);
        epilogue.bias = row;
      }
      return epilogue;
    }
    if (!factor && epilogue.residual == nullptr && added.count() == bound.rows * bound.columns) {
      epilogue.residual = c;
      return epilogue;
    }
    context.parallel().For(bound.rows, 16, [&](int64_t begin, int64_t end, int /*worker*/) {
      for (int64_t i = begin; i < end; ++i) {
        float* const to = out + i * bound.columns;
        ScaleRow(c + i * strides.row, strides.column, bound.columns, to);
        if (epilogue.residual == nullptr) continue;
        const float* const residual = epilogue.residual + i * bound.columns;
        for (int64_t k = 0; k < bound.columns; ++k) to[k] += residual[k];
      }
    });
    epilogue.residual = out;
    return epilogue;
  }

  // beta times a row of C, whose elements are `step` apart: 1, or 0 for one that stands for all.
  void ScaleRow(const float* c, int64_t step, int64_t columns, float* to) const {
    if (step == 0) {
      std::fill_n(to, columns, parameters_.beta * c[0]);
      return;
    }
    for (int64_t i = 0; i < columns; ++i) to[i] = parameters_.beta * c[i];
  }

  const Node& node_;
  const GemmParameters parameters_;
  Activation activation_;
  std::shared_ptr<const void> packed_;
  TileFinder half_ = nullptr;  // not null: packed as halves
};

// alpha or beta as a factor of products; integers take its whole part.
template <typename T>
T FactorOf(float factor) {
  if constexpr (std::is_integral_v<T>) {
    if (!(std::abs(factor) < 9e18f)) return 0;
    return static_cast<T>(static_cast<int64_t>(factor));
  } else {
    return static_cast<T>(factor);
  }
}

// T is double or an unsigned integer: in their arithmetic integers wrap around, where signed ones
// would be undefined.
template <typename T>
class PlainGemm final : public Executable {
 public:
  explicit PlainGemm(const Node& node) : parameters_(node) {}

  Status Run(RunContext& context) const override {
    const Shape& left = context.Input(0).shape;
    const Shape& right = context.Input(1).shape;
    ProductStrides s;
    s.rows = parameters_.Rows(left);
    s.depth = parameters_.LeftDepth(left);
    s.columns = parameters_.Columns(right);
    s.left_row = parameters_.left_transposed ? 1 : s.depth;
    s.left_k = parameters_.left_transposed ? s.rows : 1;
    s.right_k = parameters_.right_transposed ? 1 : s.columns;
    s.right_column = parameters_.right_transposed ? s.depth : 1;
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, Shape{s.rows, s.columns}));
    T* const out = static_cast<T*>(output.data);
    MultiplyNumbers(output.type, s, context.Input(0).data, context.Input(1).data, out,
                    context.parallel());
    const T alpha = FactorOf<T>(parameters_.alpha);
    const T beta = FactorOf<T>(parameters_.beta);
    const bool adds = context.HasInput(kBiasInput);
    if (!adds && alpha == T{1}) return OkStatus();
    const T zero{0};
    const AddedStrides strides(adds ? context.Input(kBiasInput).shape : Shape{});
    const T* c = adds ? static_cast<const T*>(context.Input(kBiasInput).data) : &zero;
    for (int64_t row = 0; row < s.rows; ++row, c += strides.row) {
      T* const to = out + row * s.columns;
      for (int64_t i = 0; i < s.columns; ++i) {
        to[i] = alpha * to[i] + beta * c[i * strides.column];
      }
    }
    return OkStatus();
  }

 private:
  const GemmParameters parameters_;
};

constexpr ElementTypeSet kPlainTypes = TypeList<double, int32_t, int64_t, uint32_t, uint64_t>::kSet;

Result<std::unique_ptr<Executable>> MakeFloat(const Node& node, WeightStore& weights) {
  auto gemm = std::make_unique<FloatGemm>(node);
  MULLION_RETURN_IF_ERROR(gemm->Prepare(weights));
  return std::unique_ptr<Executable>(std::move(gemm));
}

Result<std::unique_ptr<Executable>> MakePlain(const Node& node, WeightStore& /*weights*/) {
  const ElementType type = node.input(0)->type.element_type;
  std::unique_ptr<Executable> executable;
  if (type == ElementType::kDouble) {
    executable = std::make_unique<PlainGemm<double>>(node);
  } else if (ElementBits(type) == 32) {
    executable = std::make_unique<PlainGemm<uint32_t>>(node);
  } else {
    executable = std::make_unique<PlainGemm<uint64_t>>(node);
  }
  return executable;
}

}  // namespace

void RegisterGemm(KernelRegistry& registry) {
  registry.Add({.name = "Gemm", .types = types::kFloat, .make = MakeFloat});
  registry.Add({.name = "Gemm", .types = kPlainTypes, .make = MakePlain});
}

}  // namespace mullion::cpu
