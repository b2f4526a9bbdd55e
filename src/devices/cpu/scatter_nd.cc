// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/str_cat.h"
#include "devices/cpu/index_reader.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/rows.h"
#include "devices/cpu/scatter_reduce.h"

namespace mullion::cpu {

namespace {

using operators::ScatterReduction;

// Where an index tuple points in the data: the offset of its first element, or -1 when outside.
class Tuples {
 public:
  Tuples(const TensorView& data, const TensorView& indices)
      : indices_(indices),
        shape_(data.shape),
        strides_(RowMajorStrides(data.shape)),
        depth_(static_cast<int>(indices.shape.Back(0))),
        count_(indices.shape.Product(0, indices.shape.rank() - 1)),
        row_(data.shape.Product(depth_, data.shape.rank())) {}

  int64_t count() const { return count_; }
  int64_t row() const { return row_; }
  int64_t Offset(int64_t tuple) const {
    int64_t offset = 0;
    bool inside = true;
    for (int i = 0; i < depth_; ++i) {
      const int64_t index = indices_.Within(tuple * depth_ + i, shape_[i]);
      inside = inside && index >= 0;
      offset += index * strides_[static_cast<size_t>(i)];
    }
    return inside ? offset : -1;
  }

 private:
  IndexReader indices_;
  Shape shape_;
  std::array<int64_t, kMaxRank> strides_;
  int depth_;
  int64_t count_;
  int64_t row_;
};

class ScatterNd final : public Executable {
 public:
  explicit ScatterNd(const Node& node) : reduction_(*operators::ScatterReductionOf(node)) {}

  Status Bind(BindContext& context) const override {
    context.AllowInPlace(0, 0);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& data = context.Input(0);
    const TensorView& updates = context.Input(2);
    const Status fits =
        operators::CheckScatterNd(data.shape, context.Input(1).shape, updates.shape);
    if (!fits.ok()) return context.Error(fits.message());
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, data.shape));
    CopyTensor(data, output, context.parallel());
    if (updates.count() == 0) return OkStatus();
    const Tuples tuples(data, context.Input(1));
    for (int64_t i = 0; i < tuples.count(); ++i) {
      if (tuples.Offset(i) < 0) {
        return context.Error(
            StrCat("index tuple ", i, " is outside data of shape ", data.shape.ToString()));
      }
    }
    // Tuples may name a place twice, so every thread takes all tuples, in order, for its part of
    // the rows.
    const int64_t row_bytes = std::max<int64_t>(1, static_cast<int64_t>(ByteSize(data.type, 1)));
    const int64_t chunk =
        IsSubByte(data.type)
            ? tuples.row()
            : std::max<int64_t>(1024 / row_bytes, (64 << 10) / (row_bytes * tuples.count()));
    context.parallel().For(tuples.row(), chunk, [&](int64_t begin, int64_t end, int /*worker*/) {
      Scatter(tuples, updates, output, begin, end);
    });
    return OkStatus();
  }

 private:
  void Scatter(const Tuples& tuples, const TensorView& updates, const MutableTensorView& output,
               int64_t begin, int64_t end) const {
    if (reduction_ == ScatterReduction::kNone) {
      for (int64_t i = 0; i < tuples.count(); ++i) {
        CopyRow(output.type, updates.data, i * tuples.row() + begin, output.data,
                tuples.Offset(i) + begin, end - begin);
      }
      return;
    }
    DispatchType(NumericTypes{}, output.type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (int64_t i = 0; i < tuples.count(); ++i) {
        const T* const source = updates.as<T>() + i * tuples.row();
        T* const target = output.as<T>() + tuples.Offset(i);
        for (int64_t j = begin; j < end; ++j) {
          target[j] = Reduce(reduction_, target[j], source[j]);
        }
      }
    });
  }

  ScatterReduction reduction_;
};

}  // namespace

void RegisterScatterNd(KernelRegistry& registry) {
  registry.Add({.name = "ScatterND", .make = MakeKernel<ScatterNd>});
}

}  // namespace mullion::cpu
