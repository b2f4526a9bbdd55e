// SPDX-License-Identifier: MIT
#include "base/str_cat.h"
#include "devices/cpu/index_reader.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/rows.h"
#include "operators/gather.h"

namespace mullion::cpu {

namespace {

class GatherNd final : public Executable {
 public:
  explicit GatherNd(const Node& node) : batch_dims_(node.IntAttribute("batch_dims", 0)) {}

  Status Run(RunContext& context) const override {
    const TensorView& data = context.Input(0);
    const Shape& index_shape = context.Input(1).shape;
    const Result<Shape> shape = operators::GatherNdTarget(data.shape, index_shape, batch_dims_);
    if (!shape.ok()) return context.Error(shape.status().message());
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, *shape));
    if (output.count() == 0) return OkStatus();

    const int batch = static_cast<int>(batch_dims_);
    const int depth = static_cast<int>(index_shape.Back(0));
    const int64_t tuples = index_shape.Product(0, index_shape.rank() - 1);
    const int64_t tuples_per_batch = index_shape.Product(batch, index_shape.rank() - 1);
    const int64_t row = data.shape.Product(batch + depth, data.shape.rank());
    const int64_t batch_stride = data.shape.Product(batch, data.shape.rank());
    const auto strides = RowMajorStrides(data.shape);
    const IndexReader indices(context.Input(1));
    std::atomic<int64_t> bad{-1};
    const auto row_bytes = static_cast<int64_t>(ByteSize(data.type, row));
    const int64_t chunk = IsSubByte(data.type) ? tuples : RowsPerChunk(row_bytes);
    context.parallel().For(tuples, chunk, [&](int64_t begin, int64_t end, int /*worker*/) {
      for (int64_t tuple = begin; tuple < end; ++tuple) {
        int64_t from = tuple / tuples_per_batch * batch_stride;
        bool inside = true;
        for (int i = 0; i < depth; ++i) {
          const int axis = batch + i;
          const int64_t index = indices.Within(tuple * depth + i, data.shape[axis]);
          inside = inside && index >= 0;
          from += index * strides[static_cast<size_t>(axis)];
        }
        if (inside) {
          CopyRow(data.type, data.data, from, output.data, tuple * row, row);
        } else {
          bad.store(tuple, std::memory_order_relaxed);
        }
      }
    });
    if (bad.load() < 0) return OkStatus();
    return context.Error("index tuple ", bad.load(), " is outside data of shape ",
                         data.shape.ToString());
  }

 private:
  int64_t batch_dims_;
};

}  // namespace

void RegisterGatherNd(KernelRegistry& registry) {
  registry.Add({.name = "GatherND", .make = MakeKernel<GatherNd>});
}

}  // namespace mullion::cpu
