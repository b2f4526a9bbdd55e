// SPDX-License-Identifier: MIT
#include "operators/center_crop_pad.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "devices/cpu/registry.h"
#include "devices/cpu/strided_copy.h"

namespace mullion::cpu {

namespace {

class CenterCropPad final : public Executable {
 public:
  explicit CenterCropPad(const Node& node) : axes_(node.IntsAttribute("axes")) {}

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const Result<IntList> target = ReadIntList(context.Input(1), "input 'shape'");
    if (!target.ok()) return context.Error(target.status().message());
    const Result<Shape> shape = operators::CenterCropPadTarget(input.shape, *target, axes_);
    if (!shape.ok()) return context.Error(shape.status().message());
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, *shape));
    if (output.count() == 0) return OkStatus();
    if (output.count() > input.count() || *shape != input.shape) Clear(output);
    const auto from = RowMajorStrides(input.shape);
    const auto to = RowMajorStrides(*shape);
    int64_t from_offset = 0;
    int64_t to_offset = 0;
    StridedCopy copy(input.type);
    for (int i = 0; i < shape->rank(); ++i) {
      const auto axis = static_cast<size_t>(i);
      // An odd element more or less falls to the end.
      const int64_t cut = std::max<int64_t>(0, input.shape[i] - (*shape)[i]) / 2;
      const int64_t added = std::max<int64_t>(0, (*shape)[i] - input.shape[i]) / 2;
      from_offset += cut * from[axis];
      to_offset += added * to[axis];
      copy.AddAxis(std::min(input.shape[i], (*shape)[i]), from[axis], to[axis]);
    }
    copy.Run(input.data, from_offset, output.data, to_offset, context.parallel());
    return OkStatus();
  }

 private:
  static void Clear(const MutableTensorView& output) {
    if (output.type == ElementType::kString) {
      for (std::string& text : output.span<std::string>()) text.clear();
    } else {
      std::memset(output.data, 0, output.bytes());
    }
  }

  std::span<const int64_t> axes_;  // of the node, which outlives the kernel
};

}  // namespace

void RegisterCenterCropPad(KernelRegistry& registry) {
  registry.Add({.name = "CenterCropPad", .make = MakeKernel<CenterCropPad>});
}

}  // namespace mullion::cpu
