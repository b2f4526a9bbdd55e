// SPDX-License-Identifier: MIT
#include "base/str_cat.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/rows.h"

namespace mullion::cpu {

namespace {

class ReverseSequence final : public Executable {
 public:
  explicit ReverseSequence(const Node& node)
      : time_first_(node.IntAttribute("time_axis", 0) == 0) {}

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const int64_t time = input.shape[time_first_ ? 0 : 1];
    const int64_t batch = input.shape[time_first_ ? 1 : 0];
    const TensorView& lengths = context.Input(1);
    if (lengths.count() != batch) {
      return context.Error("input 'sequence_lens' has ", lengths.count(),
                           " elements for a batch of ", batch);
    }
    for (int64_t b = 0; b < batch; ++b) {
      const int64_t length = lengths.as<int64_t>()[b];
      if (length < 0 || length > time) {
        return context.Error("sequence ", b, " has length ", length, " but must lie within [0, ",
                             time, "]");
      }
    }
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, input.shape));
    if (output.count() == 0) return OkStatus();
    const int64_t row = input.shape.Product(2, input.shape.rank());
    const int64_t time_step = time_first_ ? batch : 1;
    const int64_t batch_step = time_first_ ? 1 : time;
    const int64_t rows = time * batch;
    const int64_t chunk = IsSubByte(input.type)
                              ? rows
                              : RowsPerChunk(static_cast<int64_t>(ByteSize(input.type, row)));
    context.parallel().For(rows, chunk, [&](int64_t begin, int64_t end, int /*worker*/) {
      const int64_t inner = time_first_ ? batch : time;
      int64_t outer_at = begin / inner;
      int64_t inner_at = begin % inner;
      for (int64_t i = begin; i < end; ++i) {
        const int64_t t = time_first_ ? outer_at : inner_at;
        const int64_t b = time_first_ ? inner_at : outer_at;
        if (++inner_at == inner) {
          inner_at = 0;
          ++outer_at;
        }
        const int64_t length = lengths.as<int64_t>()[b];
        const int64_t source = t < length ? length - 1 - t : t;
        CopyRow(input.type, input.data, (source * time_step + b * batch_step) * row, output.data,
                i * row, row);
      }
    });
    return OkStatus();
  }

 private:
  bool time_first_;
};

}  // namespace

void RegisterReverseSequence(KernelRegistry& registry) {
  registry.Add({.name = "ReverseSequence", .make = MakeKernel<ReverseSequence>});
}

}  // namespace mullion::cpu
