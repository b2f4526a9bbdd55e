// SPDX-License-Identifier: MIT
#include "devices/cpu/axis_lines.h"
#include "devices/cpu/index_reader.h"
#include "devices/cpu/kernels/elementwise/scatter_rows.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/rows.h"
#include "operators/gather.h"

namespace mullion::cpu {

namespace {

using operators::ScatterReduction;

class ScatterElements final : public Executable {
 public:
  explicit ScatterElements(const Node& node)
      : axis_(node.IntAttribute("axis", 0)),
        reduction_(*operators::ScatterReductionOf(node)),
        reduced_(reduction_, node.input(0)->type.element_type) {}

  Status Bind(BindContext& context) const override {
    context.AllowInPlace(0, 0);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& data = context.Input(0);
    const TensorView& updates = context.Input(2);
    const Shape& shape = context.Input(1).shape;
    const std::optional<int> axis = NormalizeAxis(axis_, data.shape.rank());
    if (!axis.has_value()) return context.Error("attribute 'axis' is outside the data's rank");
    const Status fits = operators::CheckElementIndices(data.shape, shape, *axis);
    if (!fits.ok()) return context.Error(fits.message());
    if (updates.shape != shape) return context.Error("indices and updates differ in shape");
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, data.shape));
    CopyTensor(data, output, context.parallel());
    if (updates.count() == 0) return OkStatus();
    const AxisLines lines(data.shape, shape, *axis);
    const IndexReader indices(context.Input(1));
    BadIndex bad;
    const int64_t chunk =
        IsSubByte(data.type) ? lines.units() : std::max<int64_t>(1, 4096 / lines.unit_elements());
    context.parallel().For(lines.units(), chunk, [&](int64_t begin, int64_t end, int /*worker*/) {
      const auto put = [&](const auto& store) { lines.Visit(indices, begin, end, bad, store); };
      if (reduction_ == ScatterReduction::kNone) {
        const bool done = DispatchSize(data.type, [&](auto tag) {
          using T = typename decltype(tag)::type;
          const T* const source = updates.as<T>();
          T* const target = output.as<T>();
          put([&](const int64_t* places, int64_t first, int64_t count) {
            for (int64_t i = 0; i < count; ++i) target[places[i]] = source[first + i];
          });
        });
        if (done) return;
        put([&](const int64_t* places, int64_t first, int64_t count) {
          for (int64_t i = 0; i < count; ++i) {
            CopyRow(data.type, updates.data, first + i, output.data, places[i], 1);
          }
        });
        return;
      }
      put([&](const int64_t* places, int64_t first, int64_t count) {
        const auto* const from = static_cast<const std::byte*>(updates.data);
        reduced_.Take({from + ByteSize(data.type, first), 1, 1}, places, count, output.data);
      });
    });
    return bad.Check(context, indices, data.shape[*axis]);
  }

 private:
  int64_t axis_;
  ScatterReduction reduction_;
  ScatterRows reduced_;
};

}  // namespace

void RegisterScatterElements(KernelRegistry& registry) {
  registry.Add({.name = "ScatterElements", .make = MakeKernel<ScatterElements>});
}

}  // namespace mullion::cpu
