// SPDX-License-Identifier: MIT
#include "operators/matmul_nbits.h"

#include "base/str_cat.h"
#include "devices/cpu/kernels/matrix/block_product.h"
#include "devices/cpu/registry.h"
#include "operators/registry.h"

namespace mullion::cpu {

namespace {

using namespace operators::matmul_nbits;

class MatmulNbits final : public Executable {
 public:
  Status Prepare(const Node& node, WeightStore& store) {
    MULLION_ASSIGN_OR_RETURN(const Sizes size, Sizes::Of(node));
    may_round_ = node.IntAttribute(kAccuracyLevel, 0) == kByteAccuracy;
    weights_ = BlockWeights::Of(static_cast<int>(size.bits), size.depth, size.columns, size.block);
    const std::string format = StrCat(size.bits, " bits, blocks of ", size.block, " of ",
                                      size.depth, " by ", weights_.panel_columns, " columns");
    MULLION_ASSIGN_OR_RETURN(
        numbers_, store.Get(node.input(kNumbers)->constant, "block numbers: " + format,
                            static_cast<size_t>(weights_.word_count()) * sizeof(uint32_t),
                            [&](const TensorView& source, void* memory) {
                              PackBlockNumbers(weights_, source.as<uint8_t>(),
                                               static_cast<uint32_t*>(memory));
                            }));
    const auto pack_floats = [&](int i) {
      return store.Get(node.input(i)->constant, "block scales: " + format,
                       static_cast<size_t>(weights_.scale_count()) * sizeof(float),
                       [&](const TensorView& source, void* memory) {
                         PackBlockScales(weights_, source.as<float>(), static_cast<float*>(memory));
                       });
    };
    MULLION_ASSIGN_OR_RETURN(scales_, pack_floats(kScales));
    const Value* const zeros = node.input(kZeros);
    if (zeros == nullptr) return OkStatus();
    if (zeros->constant.type() == ElementType::kFloat) {
      MULLION_ASSIGN_OR_RETURN(shifts_, pack_floats(kZeros));
      return OkStatus();
    }
    MULLION_ASSIGN_OR_RETURN(zeros_, store.Get(zeros->constant, "block zeros: " + format,
                                               static_cast<size_t>(weights_.scale_count()),
                                               [&](const TensorView& source, void* memory) {
                                                 PackBlockZeros(weights_, source.as<uint8_t>(),
                                                                static_cast<uint8_t*>(memory));
                                               }));
    return OkStatus();
  }

  bool Holds(int i) const override { return i == kNumbers || i == kScales || i == kZeros; }

  Status Bind(BindContext& context) const override {
    context.RequestScratch(
        BlockProductScratchBytes(ProductOf(context.input(kLeft)->shape), context.threads()));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& left = context.Input(kLeft);
    Shape shape = left.shape;
    shape[shape.rank() - 1] = weights_.columns;
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
    BlockProduct product = ProductOf(left.shape);
    product.left = left.as<float>();
    product.out = output.as<float>();
    if (context.HasInput(kBias)) product.bias = context.Input(kBias).as<float>();
    MultiplyBlocks(product, context.scratch(), context.parallel());
    return OkStatus();
  }

 private:
  BlockProduct ProductOf(const Shape& left) const {
    BlockProduct product;
    product.weights = weights_;
    product.rows = left.Product(0, left.rank() - 1);
    product.numbers = static_cast<const uint32_t*>(numbers_.get());
    product.scales = static_cast<const float*>(scales_.get());
    product.zeros = static_cast<const uint8_t*>(zeros_.get());
    product.shifts = static_cast<const float*>(shifts_.get());
    product.may_round = may_round_;
    return product;
  }

  BlockWeights weights_;
  bool may_round_ = false;
  std::shared_ptr<const void> numbers_;
  std::shared_ptr<const void> scales_;
  std::shared_ptr<const void> zeros_;
  std::shared_ptr<const void> shifts_;
};

}  // namespace

void RegisterMatmulNbits(KernelRegistry& registry) {
  registry.Add({.name = "MatMulNBits",
                .domain = operators::kInternalDomain,
                .types = types::kFloat,
                .make = MakePrepared<MatmulNbits>});
}

}  // namespace mullion::cpu
