// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <type_traits>
#include <vector>

#include "base/str_cat.h"
#include "devices/cpu/index_reader.h"
#include "devices/cpu/kernels/elementwise/elements.h"
#include "devices/cpu/kernels/elementwise/scatter_rows.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/rows.h"

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
  explicit ScatterNd(const Node& node)
      : reduction_(*operators::ScatterReductionOf(node)),
        reduced_(reduction_, node.input(0)->type.element_type) {}

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
    // Tuples may name a place twice, so every thread takes all tuples, in order, for its part of
    // the rows.
    const int64_t row_bytes = std::max<int64_t>(1, static_cast<int64_t>(ByteSize(data.type, 1)));
    const int64_t chunk =
        IsSubByte(data.type)
            ? tuples.row()
            : std::max<int64_t>(1024 / row_bytes, (64 << 10) / (row_bytes * tuples.count()));
    context.parallel().For(tuples.row(), chunk, [&](int64_t begin, int64_t end, int /*worker*/) {
      int64_t places[kBlock];
      for (int64_t first = 0; first < tuples.count(); first += kBlock) {
        const int64_t count = std::min(kBlock, tuples.count() - first);
        for (int64_t i = 0; i < count; ++i) {
          const int64_t offset = tuples.Offset(first + i);
          if (offset < 0) return bad.store(first + i, std::memory_order_relaxed);
          places[i] = offset + begin;
        }
        ScatterBlock(updates, first * tuples.row() + begin, tuples.row(), places, count,
                     end - begin, output);
      }
    });
    if (bad.load() < 0) return OkStatus();
    return context.Error("index tuple ", bad.load(), " is outside data of shape ",
                         data.shape.ToString());
  }

 private:
  static constexpr int64_t kBlock = 256;       // tuples whose places are worked out at once
  static constexpr size_t kShortBytes = 1024;  // of rows for which a call of their own is long

  // Updates `stride` apart from `source` on, of `length` elements each.
  void ScatterBlock(const TensorView& updates, int64_t source, int64_t stride,
                    const int64_t* places, int64_t count, int64_t length,
                    const MutableTensorView& output) const {
    if (reduction_ == ScatterReduction::kNone && length == 1 && stride == 1) {
      const bool done = DispatchSize(output.type, [&](auto tag) {
        using T = typename decltype(tag)::type;
        T* const to = static_cast<T*>(output.data);
        const T* const from = static_cast<const T*>(updates.data) + source;
        for (int64_t i = 0; i < count; ++i) to[places[i]] = from[i];
      });
      if (done) return;
    }
    if (reduction_ != ScatterReduction::kNone && IsShort(output.type, length)) {
      return reduced_.Take({At(updates.data, output.type, source), stride, length}, places, count,
                           output.data);
    }
    if (reduction_ == ScatterReduction::kNone && !IsSubByte(output.type) &&
        output.type != ElementType::kString) {
      const auto size = static_cast<int64_t>(ByteSize(output.type, 1));
      auto* const to = static_cast<std::byte*>(output.data);
      const auto* from = static_cast<const std::byte*>(updates.data) + source * size;
      for (int64_t i = 0; i < count; ++i, from += stride * size) {
        std::memcpy(to + places[i] * size, from, static_cast<size_t>(length * size));
      }
      return;
    }
    for (int64_t i = 0; i < count; ++i) {
      Scatter(updates, source + i * stride, output, places[i], length);
    }
  }

  // Halves are widened by vectors, and SSE2 has no products and comparisons of 64 bits.
  static bool IsShort(ElementType type, int64_t length) {
    if (length == 1) return true;
    const bool wide = Contains(SetOf(ElementType::kInt64) | SetOf(ElementType::kUint64), type);
    return !Contains(types::kHalfFloats, type) &&
           ByteSize(type, length) <= (wide ? kShortBytes / 4 : kShortBytes);
  }

  void Scatter(const TensorView& updates, int64_t source, const MutableTensorView& output,
               int64_t target, int64_t count) const {
    if (reduction_ == ScatterReduction::kNone) {
      CopyRow(output.type, updates.data, source, output.data, target, count);
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

  ScatterReduction reduction_;
  ScatterRows reduced_;
};

}  // namespace

void RegisterScatterNd(KernelRegistry& registry) {
  registry.Add({.name = "ScatterND", .make = MakeKernel<ScatterNd>});
}

}  // namespace mullion::cpu
