// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <type_traits>
#include <vector>

#include "base/str_cat.h"
#include "devices/cpu/index_reader.h"
#include "devices/cpu/kernels/elementwise/elements.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/rows.h"
#include "devices/cpu/scatter_reduce.h"

namespace mullion::cpu {

namespace {

using operators::ScatterReduction;

// Where an index tuple points in the data: the offset of its first element, or -1 when outside.
class Tuples {
 public:
  Tuples(const Shape& data, const TensorView& indices)
      : indices_(indices),
        shape_(data),
        strides_(RowMajorStrides(data)),
        depth_(static_cast<int>(indices.shape.Back(0))),
        count_(indices.shape.Product(0, indices.shape.rank() - 1)),
        row_(data.Product(depth_, data.rank())) {}

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

// Constant tuples that follow each other in the data, as an assignment to a slice makes them,
// joined to few long rows.
struct Rows final : public BoundState {
  struct Row {
    int64_t target;
    int64_t source;
    int64_t length;
  };
  std::vector<Row> rows;

  // Null when a tuple is outside, or when joining saves little.
  static std::unique_ptr<Rows> Join(const Tuples& tuples) {
    auto joined = std::make_unique<Rows>();
    std::vector<Row>& rows = joined->rows;
    for (int64_t i = 0; i < tuples.count(); ++i) {
      const int64_t target = tuples.Offset(i);
      if (target < 0) return nullptr;
      if (!rows.empty() && rows.back().target + rows.back().length == target) {
        rows.back().length += tuples.row();
      } else if (static_cast<int64_t>(rows.size()) * 4 < tuples.count()) {
        rows.push_back({target, i * tuples.row(), tuples.row()});
      } else {
        return nullptr;
      }
    }
    return joined;
  }
};

class ScatterNd final : public Executable {
 public:
  explicit ScatterNd(const Node& node) : reduction_(*operators::ScatterReductionOf(node)) {
    DispatchType(NumericTypes{}, node.input(0)->type.element_type,
                 [&](auto tag) { reduce_ = &ReduceOne<typename decltype(tag)::type>; });
  }

  Status Bind(BindContext& context) const override {
    context.AllowInPlace(0, 0);
    const Shape& data = context.input(0)->shape;
    const TensorView* const indices = context.input(1)->data;
    if (indices != nullptr &&
        operators::CheckScatterNd(data, indices->shape, context.input(2)->shape).ok()) {
      context.SetState(Rows::Join(Tuples(data, *indices)));
    }
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
    if (const auto* const joined = context.state<Rows>()) {
      for (const Rows::Row& row : joined->rows) {
        const int64_t chunk = IsSubByte(data.type) ? row.length : int64_t{16} << 10;
        context.parallel().For(row.length, chunk, [&](int64_t begin, int64_t end, int /*worker*/) {
          Scatter(updates, row.source + begin, output, row.target + begin, end - begin);
        });
      }
      return OkStatus();
    }
    const Tuples tuples(data.shape, context.Input(1));
    std::atomic<int64_t> bad{-1};
    if (tuples.row() == 1) {
      ScatterEach(tuples, updates, output, bad);
    } else {
      // Tuples may name a place twice, so every thread takes all tuples, in order, for its part of
      // the rows.
      const int64_t row_bytes = std::max<int64_t>(1, static_cast<int64_t>(ByteSize(data.type, 1)));
      const int64_t chunk =
          IsSubByte(data.type)
              ? tuples.row()
              : std::max<int64_t>(1024 / row_bytes, (64 << 10) / (row_bytes * tuples.count()));
      context.parallel().For(tuples.row(), chunk, [&](int64_t begin, int64_t end, int /*worker*/) {
        for (int64_t i = 0; i < tuples.count(); ++i) {
          const int64_t offset = tuples.Offset(i);
          if (offset < 0) return bad.store(i, std::memory_order_relaxed);
          Scatter(updates, i * tuples.row() + begin, output, offset + begin, end - begin);
        }
      });
    }
    if (bad.load() < 0) return OkStatus();
    return context.Error("index tuple ", bad.load(), " is outside data of shape ",
                         data.shape.ToString());
  }

 private:
  // Tuples of single elements.
  void ScatterEach(const Tuples& tuples, const TensorView& updates, const MutableTensorView& output,
                   std::atomic<int64_t>& bad) const {
    const auto each = [&](auto put) {
      for (int64_t i = 0; i < tuples.count(); ++i) {
        const int64_t offset = tuples.Offset(i);
        if (offset < 0) return bad.store(i);
        put(offset, i);
      }
    };
    const bool done =
        reduction_ == ScatterReduction::kNone && DispatchSize(output.type, [&](auto tag) {
          using T = typename decltype(tag)::type;
          T* const to = static_cast<T*>(output.data);
          const T* const from = static_cast<const T*>(updates.data);
          each([=](int64_t offset, int64_t i) { to[offset] = from[i]; });
        });
    if (done) return;
    each([&](int64_t offset, int64_t i) { Scatter(updates, i, output, offset, 1); });
  }

  void Scatter(const TensorView& updates, int64_t source, const MutableTensorView& output,
               int64_t target, int64_t count) const {
    if (reduction_ == ScatterReduction::kNone) {
      CopyRow(output.type, updates.data, source, output.data, target, count);
    } else if (count == 1) {
      reduce_(reduction_, updates.data, source, output.data, target);
    } else {
      const AnyOperand update{At(updates.data, output.type, source), 1};
      void* const to = At(output.data, output.type, target);
      BinaryElements({OpOf(reduction_)}, output.type, {to, 1}, update, to,
                     static_cast<size_t>(count));
    }
  }

  template <typename Void>
  static Void* At(Void* data, ElementType type, int64_t index) {
    using Byte = std::conditional_t<std::is_const_v<Void>, const std::byte, std::byte>;
    return static_cast<Byte*>(data) + ByteSize(type, index);
  }

  static operators::ElementwiseOp OpOf(ScatterReduction reduction) {
    using Op = operators::ElementwiseOp;
    return reduction == ScatterReduction::kAdd   ? Op::kAdd
           : reduction == ScatterReduction::kMul ? Op::kMul
           : reduction == ScatterReduction::kMax ? Op::kMax
                                                 : Op::kMin;
  }

  template <typename T>
  static void ReduceOne(ScatterReduction reduction, const void* updates, int64_t source, void* y,
                        int64_t target) {
    T& to = static_cast<T*>(y)[target];
    to = Reduce(reduction, to, static_cast<const T*>(updates)[source]);
  }

  ScatterReduction reduction_;
  decltype(&ReduceOne<float>) reduce_ = nullptr;  // of the element type; null where none adds up
};

}  // namespace

void RegisterScatterNd(KernelRegistry& registry) {
  registry.Add({.name = "ScatterND", .make = MakeKernel<ScatterNd>});
}

}  // namespace mullion::cpu
