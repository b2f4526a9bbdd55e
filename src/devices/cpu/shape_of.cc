// SPDX-License-Identifier: MIT
#include <algorithm>

#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

class ShapeOf final : public Executable {
 public:
  explicit ShapeOf(const Node& node)
      : start_(node.IntAttribute("start", 0)), end_(node.IntAttribute("end", kMaxRank)) {}

  Status Run(RunContext& context) const override {
    const Shape& shape = context.Input(0).shape;
    const int64_t rank = shape.rank();
    const auto clamp = [rank](int64_t axis) {
      return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
    };
    const int64_t first = clamp(start_);
    const int64_t last = std::max(first, clamp(end_));
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, Shape{last - first}));
    std::copy(shape.begin() + first, shape.begin() + last, output.as<int64_t>());
    return OkStatus();
  }

 private:
  int64_t start_;
  int64_t end_;
};

class SizeOf final : public Executable {
 public:
  explicit SizeOf(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, Shape{}));
    *output.as<int64_t>() = context.Input(0).count();
    return OkStatus();
  }
};

}  // namespace

void RegisterShapeOf(KernelRegistry& registry) {
  registry.Add({.name = "Shape", .make = MakeKernel<ShapeOf>});
  registry.Add({.name = "Size", .make = MakeKernel<SizeOf>});
}

}  // namespace mullion::cpu
