// SPDX-License-Identifier: MIT
#include "operators/gather.h"

#include "devices/cpu/index_reader.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/rows.h"

namespace mullion::cpu {

namespace {

// data[outer, axis, inner] and indices[n] make out[outer, n, inner].
struct Extents {
  int64_t outer;
  int64_t axis;
  int64_t inner;
  int64_t indices;
};

// Rows of one element, the case of embeddings of scalars and of shape arithmetic.
template <typename T>
void GatherElementwise(const Extents& extents, const T* data, const IndexReader& indices, T* out,
                       int64_t begin, int64_t end, BadIndex& bad) {
  int64_t outer = begin / extents.indices;
  int64_t i = begin % extents.indices;
  for (int64_t place = begin; place < end; ++place) {
    const int64_t index = indices.Within(i, extents.axis);
    if (index < 0) {
      bad.Report(i);
    } else {
      out[place] = data[outer * extents.axis + index];
    }
    if (++i == extents.indices) {
      i = 0;
      ++outer;
    }
  }
}

class Gather final : public Executable {
 public:
  explicit Gather(const Node& node) : axis_(node.IntAttribute("axis", 0)) {}

  Status Run(RunContext& context) const override {
    const TensorView& data = context.Input(0);
    const std::optional<int> axis = NormalizeAxis(axis_, data.shape.rank());
    if (!axis.has_value()) return context.Error("attribute 'axis' is outside the data's rank");
    const Result<Shape> shape = operators::GatherTarget(data.shape, context.Input(1).shape, *axis);
    if (!shape.ok()) return context.Error(shape.status().message());
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, *shape));
    const Extents extents{data.shape.Product(0, *axis), data.shape[*axis],
                          data.shape.Product(*axis + 1, data.shape.rank()),
                          context.Input(1).count()};
    if (output.count() == 0) return OkStatus();
    const IndexReader indices(context.Input(1));
    BadIndex bad;
    Move(extents, data, indices, output, context.parallel(), bad);
    return bad.Check(context, indices, extents.axis);
  }

 private:
  static void Move(const Extents& extents, const TensorView& data, const IndexReader& indices,
                   const MutableTensorView& output, Parallel& parallel, BadIndex& bad) {
    const int64_t rows = extents.outer * extents.indices;
    const auto row_bytes = static_cast<int64_t>(ByteSize(data.type, extents.inner));
    // Packed elements share bytes, so one thread writes them all.
    const int64_t chunk = IsSubByte(data.type) ? rows : RowsPerChunk(row_bytes);
    parallel.For(rows, chunk, [&](int64_t begin, int64_t end, int /*worker*/) {
      const bool done =
          extents.inner == 1 && DispatchSize(data.type, [&](auto tag) {
            using T = typename decltype(tag)::type;
            GatherElementwise(extents, data.as<T>(), indices, output.as<T>(), begin, end, bad);
          });
      if (done) return;
      for (int64_t row = begin; row < end; ++row) {
        const int64_t i = row % extents.indices;
        const int64_t index = indices.Within(i, extents.axis);
        if (index < 0) {
          bad.Report(i);
          continue;
        }
        CopyRow(data.type, data.data,
                (row / extents.indices * extents.axis + index) * extents.inner, output.data,
                row * extents.inner, extents.inner);
      }
    });
  }

  int64_t axis_;
};

}  // namespace

void RegisterGather(KernelRegistry& registry) {
  registry.Add({.name = "Gather", .make = MakeKernel<Gather>});
}

}  // namespace mullion::cpu
