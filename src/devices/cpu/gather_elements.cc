// SPDX-License-Identifier: MIT
#include "devices/cpu/axis_lines.h"
#include "devices/cpu/index_reader.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/rows.h"
#include "operators/gather.h"

namespace mullion::cpu {

namespace {

class GatherElements final : public Executable {
 public:
  explicit GatherElements(const Node& node) : axis_(node.IntAttribute("axis", 0)) {}

  Status Run(RunContext& context) const override {
    const TensorView& data = context.Input(0);
    const Shape& shape = context.Input(1).shape;
    const std::optional<int> axis = NormalizeAxis(axis_, data.shape.rank());
    if (!axis.has_value()) return context.Error("attribute 'axis' is outside the data's rank");
    const Status fits = operators::CheckElementIndices(data.shape, shape, *axis);
    if (!fits.ok()) return context.Error(fits.message());
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
    if (output.count() == 0) return OkStatus();
    const AxisLines lines(data.shape, shape, *axis);
    const IndexReader indices(context.Input(1));
    BadIndex bad;
    const int64_t chunk =
        IsSubByte(data.type) ? lines.units() : std::max<int64_t>(1, 4096 / lines.unit_elements());
    context.parallel().For(lines.units(), chunk, [&](int64_t begin, int64_t end, int /*worker*/) {
      const auto take = [&](const auto& copy) { lines.Visit(indices, begin, end, bad, copy); };
      const bool done = DispatchSize(data.type, [&](auto tag) {
        using T = typename decltype(tag)::type;
        const T* const source = data.as<T>();
        T* const target = output.as<T>();
        take([&](const int64_t* places, int64_t first, int64_t count) {
          for (int64_t i = 0; i < count; ++i) target[first + i] = source[places[i]];
        });
      });
      if (done) return;
      take([&](const int64_t* places, int64_t first, int64_t count) {
        for (int64_t i = 0; i < count; ++i) {
          CopyRow(data.type, data.data, places[i], output.data, first + i, 1);
        }
      });
    });
    return bad.Check(context, indices, data.shape[*axis]);
  }

 private:
  int64_t axis_;
};

}  // namespace

void RegisterGatherElements(KernelRegistry& registry) {
  registry.Add({.name = "GatherElements", .make = MakeKernel<GatherElements>});
}

}  // namespace mullion::cpu
