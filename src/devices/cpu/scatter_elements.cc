// SPDX-License-Identifier: MIT
#include "devices/cpu/axis_lines.h"
#include "devices/cpu/index_reader.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/rows.h"
#include "devices/cpu/scatter_reduce.h"
#include "operators/gather.h"

namespace mullion::cpu {

namespace {

using operators::ScatterReduction;

class ScatterElements final : public Executable {
 public:
  explicit ScatterElements(const Node& node)
      : axis_(node.IntAttribute("axis", 0)), reduction_(*operators::ScatterReductionOf(node)) {}

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
    const int64_t dim = data.shape[*axis];
    BadIndex bad;
    const int64_t unit_elements = lines.lines() * lines.line_length();
    const int64_t chunk =
        IsSubByte(data.type) ? lines.units() : std::max<int64_t>(1, 4096 / unit_elements);
    context.parallel().For(lines.units(), chunk, [&](int64_t begin, int64_t end, int /*worker*/) {
      if (reduction_ == ScatterReduction::kNone) {
        const bool done = DispatchSize(data.type, [&](auto tag) {
          using T = typename decltype(tag)::type;
          const T* const source = updates.as<T>();
          T* const target = output.as<T>();
          VisitUnits(lines, dim, indices, begin, end, bad,
                     [&](int64_t to, int64_t from) { target[to] = source[from]; });
        });
        if (done) return;
        VisitUnits(lines, dim, indices, begin, end, bad, [&](int64_t to, int64_t from) {
          CopyRow(data.type, updates.data, from, output.data, to, 1);
        });
        return;
      }
      DispatchType(NumericTypes{}, data.type, [&](auto tag) {
        using T = typename decltype(tag)::type;
        const T* const source = updates.as<T>();
        T* const target = output.as<T>();
        VisitUnits(lines, dim, indices, begin, end, bad, [&](int64_t to, int64_t from) {
          target[to] = Reduce(reduction_, target[to], source[from]);
        });
      });
    });
    return bad.Check(context, indices, dim);
  }

 private:
  int64_t axis_;
  ScatterReduction reduction_;
};

}  // namespace

void RegisterScatterElements(KernelRegistry& registry) {
  registry.Add({.name = "ScatterElements", .make = MakeKernel<ScatterElements>});
}

}  // namespace mullion::cpu
