// SPDX-License-Identifier: MIT
#include "base/str_cat.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/strided_copy.h"

namespace mullion::cpu {

namespace {

class TensorScatter final : public Executable {
 public:
  explicit TensorScatter(const Node& node)
      : axis_(node.IntAttribute("axis", -2)),
        circular_(node.StringAttribute("mode", "linear") == "circular") {}

  Status Bind(BindContext& context) const override {
    context.AllowInPlace(0, 0);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& cache = context.Input(0);
    const TensorView& update = context.Input(1);
    const std::optional<int> axis = NormalizeAxis(axis_, cache.shape.rank());
    Shape expected = update.shape;
    const bool same_rank = expected.rank() == cache.shape.rank();
    if (axis.has_value() && same_rank) expected[*axis] = cache.shape[*axis];
    if (!axis.has_value() || *axis == 0 || expected != cache.shape ||
        update.shape[*axis] > cache.shape[*axis]) {
      return context.Error("an update of ", Describe(update), " does not fit a cache of ",
                           Describe(cache));
    }
    const int64_t batch = cache.shape[0];
    const bool placed = context.HasInput(2);
    if (placed && context.Input(2).count() != batch) {
      return context.Error("input 'write_indices' has ", context.Input(2).count(),
                           " elements for a batch of ", batch);
    }
    const int64_t length = cache.shape[*axis];
    const int64_t steps = update.shape[*axis];
    for (int64_t b = 0; placed && b < batch; ++b) {
      const int64_t first = context.Input(2).as<int64_t>()[b];
      if (first < 0 || (!circular_ && first > length - steps)) {
        return context.Error("write index ", first, " of sample ", b, " leaves no room for ", steps,
                             " steps in a cache of ", length);
      }
    }
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, cache.shape));
    CopyTensor(cache, output, context.parallel());
    if (update.count() == 0) return OkStatus();
    for (int64_t b = 0; b < batch; ++b) {
      const int64_t place = placed ? context.Input(2).as<int64_t>()[b] % length : 0;
      // Around the end of the cache the update falls into two parts.
      const int64_t before_end = std::min(steps, length - place);
      Put(context, output, *axis, b, 0, place, before_end);
      Put(context, output, *axis, b, before_end, 0, steps - before_end);
    }
    return OkStatus();
  }

 private:
  // Writes `count` steps of sample `b`, from step `from` of the update to step `to` of the cache.
  static void Put(RunContext& context, const MutableTensorView& cache, int axis, int64_t b,
                  int64_t from, int64_t to, int64_t count) {
    const TensorView& update = context.Input(1);
    const int rank = cache.shape.rank();
    const int64_t step = cache.shape.Product(axis + 1, rank);
    StridedCopy copy(cache.type);
    copy.AddAxis(cache.shape.Product(1, axis), update.shape[axis] * step, cache.shape[axis] * step);
    copy.AddAxis(count * step, 1, 1);
    copy.Run(update.data, b * update.shape.Product(1, rank) + from * step, cache.data,
             b * cache.shape.Product(1, rank) + to * step, context.parallel());
  }

  int64_t axis_;
  bool circular_;
};

}  // namespace

void RegisterTensorScatter(KernelRegistry& registry) {
  registry.Add({.name = "TensorScatter", .make = MakeKernel<TensorScatter>});
}

}  // namespace mullion::cpu
