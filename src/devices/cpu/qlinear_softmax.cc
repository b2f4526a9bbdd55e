// SPDX-License-Identifier: MIT
// Every exponential that can occur is one of 256: exp((byte - greatest byte) * scale). A row's
// results are quotients of these by their sum. The table and the order of the sum are those of ONNX
// Runtime, so that roundings fall alike.
#include "operators/qlinear_softmax.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/memory.h"
#include "devices/cpu/axis_loops.h"
#include "devices/cpu/byte_scale.h"
#include "devices/cpu/kernels/elementwise/byte_table.h"
#include "devices/cpu/kernels/elementwise/quantize.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

// Rows from this length on are cheaper to look up in a table of their 256 possible results.
constexpr int64_t kLongRow = 256;
// Rows that are summed side by side, as each sum is a chain of additions.
constexpr int kRows = 4;

// Exponentials for bytes that lie 255 - i below the greatest of their row, times a factor that
// leaves a sum of `length` of them below the largest float.
std::array<float, 256> Exponentials(float scale, int64_t length) {
  const double room =
      std::log(static_cast<double>(std::numeric_limits<float>::max() / static_cast<float>(length)));
  const double shift = std::max(0.0, room - 5) / static_cast<double>(scale);
  std::array<float, 256> table;
  for (int i = 0; i < 256; ++i) {
    table[static_cast<size_t>(i)] =
        static_cast<float>(std::exp((i - 255 + shift) * static_cast<double>(scale)));
  }
  return table;
}

class Rows {
 public:
  Rows(const RunContext& context, int64_t length)
      : length_(length),
        is_signed_(context.Input(0).type == ElementType::kInt8),
        flip_(is_signed_ ? 0x80 : 0),
        exponentials_(Exponentials(ByteScaleAt(context, 1).scale, length)) {
    const ByteScale y = ByteScaleAt(context, 3);
    zero_ = static_cast<float>(y.zero_point);
    // One is 1 / scale steps, of which only whole ones count.
    const float one = std::floor(1.0f / y.scale);
    for (size_t i = 0; i < 256; ++i) steps_[i] = exponentials_[i] * one;
  }

  // `count` rows, one after the other.
  void Run(const uint8_t* x, int64_t count, uint8_t* y) const {
    for (int64_t row = 0; row < count; row += kRows) {
      const int rows = static_cast<int>(std::min<int64_t>(kRows, count - row));
      RunFew(x + row * length_, rows, y + row * length_);
    }
  }

 private:
  void RunFew(const uint8_t* x, int rows, uint8_t* y) const {
    // Where rows are missing the first one is summed again.
    const uint8_t* from[kRows];
    size_t shift[kRows];  // from a byte, as if unsigned, to its place in the tables
    for (int r = 0; r < kRows; ++r) {
      from[r] = x + (r < rows ? r : 0) * length_;
      shift[r] = r < rows ? size_t{255} - Greatest(from[r]) : shift[0];
    }
    float sums[kRows] = {};
    for (int64_t i = 0; i < length_; ++i) {
      for (int r = 0; r < kRows; ++r) {
        sums[r] += exponentials_[static_cast<size_t>(from[r][i] ^ flip_) + shift[r]];
      }
    }
    for (int r = 0; r < rows; ++r) Finish(from[r], shift[r], sums[r], y + r * length_);
  }

  uint8_t Greatest(const uint8_t* x) const {
    uint8_t greatest = 0;
    for (int64_t i = 0; i < length_; ++i) {
      greatest = std::max(greatest, static_cast<uint8_t>(x[i] ^ flip_));
    }
    return greatest;
  }

  void Finish(const uint8_t* x, size_t shift, float sum, uint8_t* y) const {
    const QuantizationSteps quotient{&sum, &zero_, false};
    if (length_ >= kLongRow) {
      uint8_t results[256];
      uint8_t table[256] = {};
      const size_t count = 256 - shift;  // no byte of the row is greater
      QuantizeToBytes(&steps_[shift], is_signed_, results, static_cast<int64_t>(count), quotient);
      for (size_t i = 0; i < count; ++i) table[i ^ flip_] = results[i];
      return LookUpBytes(table, x, y, length_);
    }
    float row[kLongRow];
    for (int64_t i = 0; i < length_; ++i)
      row[i] = steps_[static_cast<size_t>(x[i] ^ flip_) + shift];
    QuantizeToBytes(row, is_signed_, y, length_, quotient);
  }

  int64_t length_;
  bool is_signed_;
  uint8_t flip_;  // makes unsigned bytes of signed ones, in the same order
  float zero_;
  std::array<float, 256> exponentials_;
  std::array<float, 256> steps_;  // of the output, before the division by the sum
};

class QlinearSoftmax final : public Executable {
 public:
  explicit QlinearSoftmax(const Node& node) : axes_(node) {}

  Status Bind(BindContext& context) const override {
    const Shape& shape = context.input(0)->shape;
    MULLION_ASSIGN_OR_RETURN(const AxisView view, View(context.node(), shape));
    if (view.inner > 1) {
      context.RequestScratch(RowBytes(view) * static_cast<size_t>(context.threads()));
    } else {
      context.AllowInPlace(0, 0);
    }
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& x = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView y, context.AllocateOutput(0, x.shape));
    MULLION_ASSIGN_OR_RETURN(const AxisView view, View(context.node(), x.shape));
    if (view.empty()) return OkStatus();
    const Rows rows(context, view.n);
    if (view.inner == 1) {
      ForRows(view, context.parallel(), [&](int64_t first, int64_t count) {
        rows.Run(x.as<uint8_t>() + first * view.n, count, y.as<uint8_t>() + first * view.n);
      });
      return OkStatus();
    }
    const int64_t chunk = std::max<int64_t>(kParallelElements / view.n, 1);
    context.parallel().For(
        view.outer * view.inner, chunk, [&](int64_t begin, int64_t end, int worker) {
          auto* const row = static_cast<uint8_t*>(context.scratch()) +
                            RowBytes(view) * static_cast<size_t>(worker);
          for (int64_t i = begin; i < end; ++i) {
            const int64_t at = i / view.inner * view.n * view.inner + i % view.inner;
            Column(view, rows, x.as<uint8_t>() + at, row, y.as<uint8_t>() + at);
          }
        });
    return OkStatus();
  }

 private:
  Result<AxisView> View(const Node& node, const Shape& shape) const {
    const auto range = axes_.Of(shape.rank());
    if (!range.has_value()) {
      return node.Error(StatusCode::kInvalidModel, "attribute 'axis' is outside the input's rank");
    }
    return AxisView(shape, range->first, range->last);
  }

  static size_t RowBytes(const AxisView& view) {
    return (static_cast<size_t>(view.n) + kMemoryAlignment - 1) / kMemoryAlignment *
           kMemoryAlignment;
  }

  // Elements `view.inner` apart, by way of a row.
  static void Column(const AxisView& view, const Rows& rows, const uint8_t* x, uint8_t* row,
                     uint8_t* y) {
    for (int64_t k = 0; k < view.n; ++k) row[k] = x[k * view.inner];
    rows.Run(row, 1, row);
    for (int64_t k = 0; k < view.n; ++k) y[k * view.inner] = row[k];
  }

  operators::QlinearSoftmaxAxes axes_;
};

}  // namespace

void RegisterQlinearSoftmax(KernelRegistry& registry) {
  registry.Add(
      {.name = "QLinearSoftmax", .domain = "com.microsoft", .make = MakeKernel<QlinearSoftmax>});
}

}  // namespace mullion::cpu
