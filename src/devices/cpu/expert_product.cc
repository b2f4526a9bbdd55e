// SPDX-License-Identifier: MIT
// Products of tokens with the weights of their experts: the rows of one expert side by side are one
// product of the kernels that MatMul and MatMulNBits have.
#include "operators/expert_product.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/rounding.h"
#include "base/str_cat.h"
#include "devices/cpu/kernels/matrix/block_product.h"
#include "devices/cpu/kernels/matrix/dense.h"
#include "devices/cpu/kernels/matrix/weight_product.h"
#include "devices/cpu/registry.h"
#include "operators/registry.h"

namespace mullion::cpu {

namespace {

using namespace operators::expert_product;

// Rows of an expert that are one product: more are several.
constexpr int64_t kMostRows = 256;

// Numbers of `bits` from lines of `from` bytes into lines of `to` bytes.
std::vector<uint8_t> WithLines(const uint8_t* source, int64_t lines, int64_t from, int64_t to) {
  std::vector<uint8_t> made(static_cast<size_t>(lines * to));
  for (int64_t i = 0; i < lines; ++i) std::copy_n(source + i * from, from, made.data() + i * to);
  return made;
}

// One number to a byte, those of `count` numbers in a row.
std::vector<uint8_t> OneToAByte(const uint8_t* packed, int64_t count, int64_t bits) {
  std::vector<uint8_t> bytes(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    const int number = packed[i * bits / 8] >> (i * bits % 8) & ((1 << bits) - 1);
    bytes[static_cast<size_t>(i)] = static_cast<uint8_t>(number);
  }
  return bytes;
}

class ExpertProduct final : public Executable {
 public:
  Status Prepare(const Node& node, WeightStore& store) {
    node_ = &node;
    const Value& weights = *node.input(kWeights);
    if (!weights.IsConstant()) return OkStatus();
    sizes_ = Sizes::Of(node, weights.constant.shape());
    return sizes_.bits == 0 ? PackFloats(weights.constant, store) : PackNumbers(node, store);
  }

  bool Holds(int i) const override {
    return (i == kWeights && packed_ != nullptr) || i == kScales || i == kZeros;
  }

  Status Bind(BindContext& context) const override {
    const Shape& weights = context.input(kWeights)->shape;
    const Sizes sizes = Sizes::Of(*node_, weights);
    const Shape& experts = context.input(kExperts)->shape;
    const Result<Shape> shape = OutputShape(context.input(kRows)->shape, experts, weights, sizes);
    if (!shape.ok()) return node_->Error(StatusCode::kInvalidArgument, shape.status().message());
    auto bound = std::make_unique<Bound>();
    bound->sizes = sizes;
    bound->shape = *shape;
    bound->rows_apart = context.input(kRows)->shape.rank() == 3;
    const int64_t most = std::min(kMostRows, experts.ElementCount());
    constexpr int64_t kInt = sizeof(int64_t), kFloat = sizeof(float);
    bound->left = Aligned((experts.ElementCount() + sizes.experts + 1) * kInt);
    bound->out = bound->left + Aligned(most * sizes.depth * kFloat);
    bound->product = bound->out + Aligned(most * sizes.columns * kFloat);
    size_t scratch = 0;
    for (int64_t rows = 1; rows <= most; ++rows) {
      scratch = std::max(scratch, ScratchBytes(sizes, rows, context.threads()));
    }
    context.RequestScratch(bound->product + scratch);
    context.SetState(std::move(bound));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const Bound& bound = *context.state<Bound>();
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, bound.shape));
    const auto experts = context.Input(kExperts).span<int64_t>();
    auto* const order = static_cast<int64_t*>(context.scratch());
    int64_t* const begins = order + experts.size();
    SortByExpert(experts, bound.sizes.experts, order, begins);
    for (int64_t expert = 0; expert < bound.sizes.experts; ++expert) {
      for (int64_t i = begins[expert]; i < begins[expert + 1]; i += kMostRows) {
        const int64_t rows = std::min(kMostRows, begins[expert + 1] - i);
        MultiplyRows(context, bound, expert, {order + i, static_cast<size_t>(rows)},
                     output.as<float>());
      }
    }
    return OkStatus();
  }

 private:
  struct Bound final : public BoundState {
    Sizes sizes;
    Shape shape;
    bool rows_apart = false;  // each choice of a token has a row of its own
    // Where parts of the scratch memory begin.
    size_t left = 0;
    size_t out = 0;
    size_t product = 0;
  };

  static size_t Aligned(int64_t bytes) { return static_cast<size_t>(RoundUp(bytes, 64)); }

  Status PackFloats(const Tensor& weights, WeightStore& store) {
    const ColumnBlocks blocks = ColumnBlocks::Of(sizes_.columns);
    const auto step = static_cast<int64_t>(PackedWeightFloats(sizes_.depth, sizes_.columns));
    const std::string format =
        StrCat("products of experts lanes ", blocks.lanes, " of ", blocks.max_vectors);
    MULLION_ASSIGN_OR_RETURN(
        packed_,
        store.Get(weights, format, static_cast<size_t>(sizes_.experts * step) * sizeof(float),
                  [&](const TensorView& source, void* memory) {
                    for (int64_t i = 0; i < sizes_.experts; ++i) {
                      const float* const from =
                          source.as<float>() + i * sizes_.columns * sizes_.depth;
                      PackWeight(RightSource::Transposed(from, sizes_.depth, sizes_.depth),
                                 sizes_.columns, static_cast<float*>(memory) + i * step);
                    }
                  }));
    return OkStatus();
  }

  Status PackNumbers(const Node& node, WeightStore& store) {
    const int64_t block = RoundUp(sizes_.block, 8);
    blocks_ = BlockWeights::Of(static_cast<int>(sizes_.bits), sizes_.depth, sizes_.columns, block);
    const std::string format = StrCat(sizes_.bits, " bits, blocks of ", block, " of ", sizes_.depth,
                                      " by ", blocks_.panel_columns, " columns of experts");
    const int64_t columns = sizes_.columns;
    // For each expert.
    const auto pack = [&](int i, const char* what, size_t bytes, auto&& pack_one) {
      return store.Get(node.input(i)->constant, StrCat(what, format),
                       static_cast<size_t>(sizes_.experts) * bytes,
                       [&](const TensorView& source, void* memory) {
                         for (int64_t e = 0; e < sizes_.experts; ++e) {
                           pack_one(source, e, static_cast<std::byte*>(memory) + e * bytes);
                         }
                       });
    };
    const int64_t line = sizes_.depth * sizes_.bits / 8;
    const int64_t whole_line = blocks_.blocks() * block * sizes_.bits / 8;
    const auto numbers = [&](const TensorView& source, int64_t expert, void* memory) {
      const auto lines =
          WithLines(source.as<uint8_t>() + expert * columns * line, columns, line, whole_line);
      PackBlockNumbers(blocks_, lines.data(), static_cast<uint32_t*>(memory));
    };
    MULLION_ASSIGN_OR_RETURN(
        packed_, pack(kWeights, "numbers: ",
                      static_cast<size_t>(blocks_.word_count()) * sizeof(uint32_t), numbers));
    const auto scales = [&](const TensorView& source, int64_t expert, void* memory) {
      PackBlockScales(blocks_, source.as<float>() + expert * columns * blocks_.blocks(),
                      static_cast<float*>(memory));
    };
    MULLION_ASSIGN_OR_RETURN(
        scales_, pack(kScales, "scales: ",
                      static_cast<size_t>(blocks_.scale_count()) * sizeof(float), scales));
    if (node.input(kZeros) == nullptr) return OkStatus();
    const auto zeros = [&](const TensorView& source, int64_t expert, void* memory) {
      const auto* const from = source.as<uint8_t>();
      const int64_t bytes = source.count() / sizes_.experts;
      const auto apart = HaveJoinedZeros(source.shape, sizes_)
                             ? OneToAByte(from + expert * bytes, columns, sizes_.bits)
                             : WithLines(from + expert * bytes, 1, bytes, bytes);
      PackBlockZeros(blocks_, apart.data(), static_cast<uint8_t*>(memory));
    };
    MULLION_ASSIGN_OR_RETURN(
        zeros_, pack(kZeros, "zeros: ", static_cast<size_t>(blocks_.scale_count()), zeros));
    return OkStatus();
  }

  // The places of `experts` in the order of what stands there, those of an expert from begins[e]
  // to begins[e + 1].
  static void SortByExpert(std::span<const int64_t> experts, int64_t count, int64_t* order,
                           int64_t* begins) {
    std::fill_n(begins, count + 1, 0);
    for (const int64_t expert : experts) ++begins[expert + 1];
    for (int64_t i = 0; i < count; ++i) begins[i + 1] += begins[i];
    for (size_t i = 0; i < experts.size(); ++i) {
      order[begins[experts[i]]++] = static_cast<int64_t>(i);
    }
    for (int64_t i = count; i > 0; --i) begins[i] = begins[i - 1];
    begins[0] = 0;
  }

  // One product for the rows of one expert, which are brought together if they are several.
  void MultiplyRows(RunContext& context, const Bound& bound, int64_t expert,
                    std::span<const int64_t> places, float* out) const {
    auto* const scratch = static_cast<std::byte*>(context.scratch());
    const int64_t choices = bound.shape[1], depth = bound.sizes.depth;
    const int64_t columns = bound.sizes.columns;
    const auto row = [&](int64_t place) {
      return context.Input(kRows).as<float>() +
             (bound.rows_apart ? place : place / choices) * depth;
    };
    const auto rows = static_cast<int64_t>(places.size());
    const float* left = row(places[0]);
    float* result = out + places[0] * columns;
    if (rows > 1) {
      auto* const together = reinterpret_cast<float*>(scratch + bound.left);
      for (int64_t i = 0; i < rows; ++i) {
        std::copy_n(row(places[static_cast<size_t>(i)]), depth, together + i * depth);
      }
      left = together;
      result = reinterpret_cast<float*>(scratch + bound.out);
    }
    Multiply(context, bound.sizes, expert, rows, left, result, scratch + bound.product);
    for (int64_t i = 0; rows > 1 && i < rows; ++i) {
      std::copy_n(result + i * columns, columns, out + places[static_cast<size_t>(i)] * columns);
    }
  }

  void Multiply(RunContext& context, const Sizes& sizes, int64_t expert, int64_t rows,
                const float* left, float* out, void* scratch) const {
    const float* const bias = context.HasInput(kBias)
                                  ? context.Input(kBias).as<float>() + expert * sizes.columns
                                  : nullptr;
    if (sizes.bits != 0) {
      BlockProduct product = Numbers(rows);
      product.numbers += expert * blocks_.word_count();
      product.scales += expert * blocks_.scale_count();
      if (product.zeros != nullptr) product.zeros += expert * blocks_.scale_count();
      product.left = left;
      product.bias = bias;
      product.out = out;
      MultiplyBlocks(product, scratch, context.parallel());
    } else if (packed_ != nullptr) {
      WeightProduct product = Packed(sizes, rows);
      product.packed +=
          expert * static_cast<int64_t>(PackedWeightFloats(sizes.depth, sizes.columns));
      product.out = out;
      product.epilogue.bias = bias;
      MultiplyByWeight(product, PlainRows{left, sizes.depth}, scratch, context.parallel());
    } else {
      const float* const right =
          context.Input(kWeights).as<float>() + expert * sizes.columns * sizes.depth;
      const auto operands = [&](int64_t /*batch*/) {
        DenseOperands all = {.left = left, .right = right, .out = out, .epilogue = {}};
        all.epilogue.bias = bias;
        return all;
      };
      MultiplyDense(Plain(sizes, rows), operands, scratch, context.parallel());
    }
  }

  BlockProduct Numbers(int64_t rows) const {
    BlockProduct product;
    product.weights = blocks_;
    product.rows = rows;
    product.numbers = static_cast<const uint32_t*>(packed_.get());
    product.scales = static_cast<const float*>(scales_.get());
    product.zeros = static_cast<const uint8_t*>(zeros_.get());
    return product;
  }
  WeightProduct Packed(const Sizes& sizes, int64_t rows) const {
    WeightProduct product;
    product.rows = rows;
    product.rows_together = 1;
    product.depth = sizes.depth;
    product.columns = product.out_stride = sizes.columns;
    product.packed = static_cast<const float*>(packed_.get());
    return product;
  }
  static DenseShape Plain(const Sizes& sizes, int64_t rows) {
    return {.rows = rows,
            .depth = sizes.depth,
            .columns = sizes.columns,
            .left_stride = sizes.depth,
            .right_stride = sizes.depth,
            .right_transposed = true,
            .out_stride = sizes.columns};
  }
  size_t ScratchBytes(const Sizes& sizes, int64_t rows, int threads) const {
    if (sizes.bits != 0) return BlockProductScratchBytes(Numbers(rows), threads);
    return packed_ != nullptr ? WeightProductScratchBytes(Packed(sizes, rows), threads)
                              : DenseScratchBytes(Plain(sizes, rows), threads);
  }

  const Node* node_ = nullptr;
  Sizes sizes_;  // of constant weights
  BlockWeights blocks_;
  std::shared_ptr<const void> packed_;  // null: weights of run time
  std::shared_ptr<const void> scales_;
  std::shared_ptr<const void> zeros_;
};

}  // namespace

void RegisterExpertProduct(KernelRegistry& registry) {
  registry.Add({.name = "ExpertProduct",
                .domain = operators::kInternalDomain,
                .types = types::kFloat,
                .make = MakePrepared<ExpertProduct>});
}

}  // namespace mullion::cpu
