// SPDX-License-Identifier: MIT
#include "operators/max_unpool.h"

#include <cstring>

#include "base/str_cat.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

using operators::PoolParameters;

// Elements are moved by their size. An index outside [0, limit) is remembered in `bad`.
template <typename T>
void Scatter(const T* x, const int64_t* indices, int64_t count, int64_t limit, T* y, int64_t& bad) {
  for (int64_t i = 0; i < count; ++i) {
    const int64_t to = indices[i];
    if (to < 0 || to >= limit) {
      bad = i;
    } else {
      y[to] = x[i];
    }
  }
}

class MaxUnpool final : public Executable {
 public:
  explicit MaxUnpool(const PoolParameters& parameters) : parameters_(parameters) {}

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const TensorView& indices = context.Input(1);
    if (!(indices.shape == input.shape)) {
      return context.Error(StrCat("input 1 is ", Describe(indices),
                                  " but must have the shape of input 0, ", Describe(input)));
    }
    IntList sizes;
    if (context.HasInput(2)) {
      const Result<IntList> read = ReadIntList(context.Input(2), "input 2 'output_shape'");
      if (!read.ok()) return context.Error(read.status().message());
      sizes = *read;
    }
    const Result<Shape> shape =
        operators::MaxUnpoolShape(parameters_, input.shape, context.HasInput(2) ? &sizes : nullptr);
    if (!shape.ok()) return context.Error(shape.status().message());
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, *shape));
    std::memset(output.data, 0, output.bytes());
    return Fill(context, input, indices.as<int64_t>(), output);
  }

 private:
  // Indices count in the output, also in one of given shape, as MaxPool made them from an input of
  // that shape. (The example test_maxunpool_export_with_output_shape counts in the smaller inferred
  // shape instead, which no MaxPool does: onnx/onnx issue 2398.)
  static Status Fill(RunContext& context, const TensorView& input, const int64_t* indices,
                     const MutableTensorView& output) {
    // On one thread: two elements may name the same place, and the last one wins.
    int64_t bad = -1;
    if (input.type == ElementType::kDouble) {
      Scatter(input.as<uint64_t>(), indices, input.count(), output.count(), output.as<uint64_t>(),
              bad);
    } else {
      Scatter(input.as<uint32_t>(), indices, input.count(), output.count(), output.as<uint32_t>(),
              bad);
    }
    if (bad < 0) return OkStatus();
    return context.Error(StrCat("element ", bad, " of input 1 is ", indices[bad],
                                ", outside the output ", output.shape.ToString()));
  }

  PoolParameters parameters_;
};

Result<std::unique_ptr<Executable>> Make(const Node& node, WeightStore& /*weights*/) {
  MULLION_ASSIGN_OR_RETURN(const PoolParameters parameters, PoolParameters::FromNode(node));
  return std::unique_ptr<Executable>(std::make_unique<MaxUnpool>(parameters));
}

}  // namespace

void RegisterMaxUnpool(KernelRegistry& registry) {
  registry.Add({.name = "MaxUnpool", .types = types::kFloatDouble, .make = Make});
}

}  // namespace mullion::cpu
