// SPDX-License-Identifier: MIT
#include "operators/depth_to_space.h"

#include "devices/cpu/registry.h"
#include "devices/cpu/strided_copy.h"

namespace mullion::cpu {

namespace {

using operators::BlockParameters;

// The small image: one position for each block. Its channels are `block`² times those of the large
// one. Strides are in elements.
struct Strides {
  int64_t n, c, h, w;
};

Strides StridesOf(const Shape& shape, bool channels_last) {
  const auto s = RowMajorStrides(shape);
  return channels_last ? Strides{s[0], s[3], s[1], s[2]} : Strides{s[0], s[1], s[2], s[3]};
}

struct Sizes {
  int64_t n, c, h, w;
};

Sizes SizesOf(const Shape& shape, bool channels_last) {
  return channels_last ? Sizes{shape[0], shape[3], shape[1], shape[2]}
                       : Sizes{shape[0], shape[1], shape[2], shape[3]};
}

class DepthToSpace final : public Executable {
 public:
  explicit DepthToSpace(const Node& node) : parameters_(*operators::BlockParametersOf(node)) {}

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const Result<Shape> shape = operators::DepthToSpaceTarget(input.shape, parameters_);
    if (!shape.ok()) return context.Error(shape.status().message());
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, *shape));
    const bool last = parameters_.channels_last;
    const int64_t b = parameters_.block;
    const Strides from = StridesOf(input.shape, last);
    const Strides to = StridesOf(*shape, last);
    const Sizes small = SizesOf(input.shape, last);
    const int64_t channels = SizesOf(*shape, last).c;
    // Input channel of (y, x, c): CRD counts c slowest, DCR fastest.
    const int64_t c_step = from.c * (parameters_.channel_first ? b * b : 1);
    const int64_t x_step = from.c * (parameters_.channel_first ? 1 : channels);
    StridedCopy copy(input.type);
    copy.AddAxis(small.n, from.n, to.n);
    if (!last) copy.AddAxis(channels, c_step, to.c);
    copy.AddAxis(small.h, from.h, to.h * b);
    copy.AddAxis(b, x_step * b, to.h);
    copy.AddAxis(small.w, from.w, to.w * b);
    copy.AddAxis(b, x_step, to.w);
    if (last) copy.AddAxis(channels, c_step, to.c);
    copy.Run(input.data, 0, output.data, 0, context.parallel());
    return OkStatus();
  }

 private:
  BlockParameters parameters_;
};

class SpaceToDepth final : public Executable {
 public:
  explicit SpaceToDepth(const Node& node) : parameters_(*operators::BlockParametersOf(node)) {}

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const Result<Shape> shape = operators::SpaceToDepthTarget(input.shape, parameters_);
    if (!shape.ok()) return context.Error(shape.status().message());
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, *shape));
    const bool last = parameters_.channels_last;
    const int64_t b = parameters_.block;
    const Strides from = StridesOf(input.shape, last);
    const Strides to = StridesOf(*shape, last);
    const Sizes small = SizesOf(*shape, last);
    const int64_t channels = SizesOf(input.shape, last).c;
    StridedCopy copy(input.type);
    const auto add_pixels = [&] {
      copy.AddAxis(small.h, from.h * b, to.h);
      copy.AddAxis(small.w, from.w * b, to.w);
    };
    copy.AddAxis(small.n, from.n, to.n);
    if (last) add_pixels();
    copy.AddAxis(b, from.h, to.c * channels * b);
    copy.AddAxis(b, from.w, to.c * channels);
    copy.AddAxis(channels, from.c, to.c);
    if (!last) add_pixels();
    copy.Run(input.data, 0, output.data, 0, context.parallel());
    return OkStatus();
  }

 private:
  BlockParameters parameters_;
};

}  // namespace

void RegisterDepthToSpace(KernelRegistry& registry) {
  registry.Add({.name = "DepthToSpace", .make = MakeKernel<DepthToSpace>});
  registry.Add({.name = "SpaceToDepth", .make = MakeKernel<SpaceToDepth>});
}

}  // namespace mullion::cpu
