// SPDX-License-Identifier: MIT
// MaxPool without indices, AveragePool and LpPool (p = 1, 2) of float, and MaxPool of 8-bit types,
// in either layout and any number of dimensions. pool_plain.cc has the other cases.
#include "operators/pool.h"

#include "devices/cpu/axis_loops.h"
#include "devices/cpu/kernels/pool.h"
#include "devices/cpu/pool_plain.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

using operators::PoolAxis;
using operators::PoolParameters;

// All but the last spatial axis choose rows; the last one is a row.
class Geometry {
 public:
  Geometry(const PoolParameters& parameters, const Shape& input)
      : rank_(parameters.spatial_rank), axes_(parameters.Axes(input)) {
    const bool last = parameters.layout.last;
    channels_ = last ? input.Back(0) : 1;
    planes_ = last ? input[0] : input[0] * input[1];
    for (int i = 0; i + 1 < rank_; ++i) {
      input_rows_ *= axes_[static_cast<size_t>(i)].input;
      output_rows_ *= axes_[static_cast<size_t>(i)].output;
    }
  }

  const PoolAxis& row_axis() const { return axes_[static_cast<size_t>(rank_ - 1)]; }
  int64_t channels() const { return channels_; }
  int64_t output_rows() const { return planes_ * output_rows_; }
  int64_t row_elements() const { return row_axis().input * channels_; }
  int64_t output_row_elements() const { return row_axis().output * channels_; }
  // Operations that one row of outputs costs.
  int64_t row_work() const {
    int64_t taps = 1;
    for (int i = 0; i + 1 < rank_; ++i) taps *= axes_[static_cast<size_t>(i)].kernel;
    return row_elements() * taps + output_row_elements() * row_axis().kernel;
  }

  // What all rows of outputs have in common.
  PoolRow MakePoolRow(bool count_include_pad) const {
    PoolRow row;
    row.axis = row_axis();
    row.inside = row.axis.Inside();
    row.channels = channels_;
    row.count_include_pad = count_include_pad;
    return row;
  }

  // An output row: of which plane, and where along all axes but the last one.
  struct Row {
    int64_t plane;
    std::array<int64_t, kMaxRank> place;
  };
  Row RowAt(int64_t index) const {
    Row row;
    row.plane = index / output_rows_;
    index %= output_rows_;
    for (int i = rank_ - 2; i >= 0; --i) {
      const auto a = static_cast<size_t>(i);
      row.place[a] = index % axes_[a].output;
      index /= axes_[a].output;
    }
    return row;
  }
  void Advance(Row& row) const {
    for (int i = rank_ - 2; i >= 0; --i) {
      const auto a = static_cast<size_t>(i);
      if (++row.place[a] < axes_[a].output) return;
      row.place[a] = 0;
    }
    ++row.plane;
  }

  // Calls visit(index of an input row) for every row under the windows of output row `row`, and
  // returns how many rows count in an average.
  template <typename Visit>
  int64_t VisitRows(const Row& row, bool count_include_pad, Visit&& visit) const {
    std::array<int64_t, kMaxRank> starts, first, last;
    int64_t counted = 1;
    bool empty = false;
    for (int i = rank_ - 2; i >= 0; --i) {
      const auto a = static_cast<size_t>(i);
      const PoolAxis& axis = axes_[a];
      starts[a] = axis.Start(row.place[a]);
      first[a] = axis.FirstTap(starts[a]);
      last[a] = axis.LastTap(starts[a]);
      empty = empty || first[a] >= last[a];
      counted *=
          count_include_pad ? axis.PaddedTaps(starts[a]) : std::max<int64_t>(last[a] - first[a], 0);
    }
    if (empty) return counted;
    std::array<int64_t, kMaxRank> tap;
    // Not as a whole: what was just written would be read again in other pieces, which stalls.
    std::copy_n(first.begin(), rank_ - 1, tap.begin());
    while (true) {
      int64_t input_row = row.plane;
      for (int i = 0; i + 1 < rank_; ++i) {
        const auto a = static_cast<size_t>(i);
        input_row = input_row * axes_[a].input + starts[a] + tap[a] * axes_[a].dilation;
      }
      visit(input_row);
      int i = rank_ - 2;
      for (; i >= 0; --i) {
        const auto a = static_cast<size_t>(i);
        if (++tap[a] < last[a]) break;
        tap[a] = first[a];
      }
      if (i < 0) return counted;
    }
  }

 private:
  int rank_;
  std::array<PoolAxis, kMaxRank> axes_;
  int64_t channels_;
  int64_t planes_;
  int64_t input_rows_ = 1;
  int64_t output_rows_ = 1;
};

class Pool final : public Executable {
 public:
  Pool(const PoolParameters& parameters, const PoolFunctions& functions)
      : parameters_(parameters), functions_(functions) {}

  Status Bind(BindContext& context) const override {
    // Some combined rows for each thread.
    const Geometry geometry(parameters_, context.input(0)->shape);
    context.RequestScratch(RowBytes(geometry) * static_cast<size_t>(RowsAtOnce(geometry)) *
                           static_cast<size_t>(context.threads()));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, parameters_.OutputShape(input.shape)));
    if (output.count() == 0) return OkStatus();
    const Geometry geometry(parameters_, input.shape);
    const int64_t chunk =
        std::max<int64_t>(kParallelElements / std::max<int64_t>(geometry.row_work(), 1), 1);
    context.parallel().For(
        geometry.output_rows(), chunk, [&](int64_t begin, int64_t end, int worker) {
          ComputeRows(geometry, begin, end, input.as<char>(), static_cast<char*>(context.scratch()),
                      worker, output.as<char>());
        });
    return OkStatus();
  }

 private:
  // What may be read behind a row: two of the longest vectors of floats, as many as a step of
  // stride 2 reads.
  static constexpr size_t kSlack = 128;

  // Rows of different threads share no cache line.
  size_t RowBytes(const Geometry& geometry) const {
    const auto bytes =
        static_cast<size_t>(geometry.row_elements()) * functions_.element_bytes + kSlack;
    return (bytes + kMemoryAlignment - 1) / kMemoryAlignment * kMemoryAlignment;
  }

  // A short row that is read right after it was written, at other offsets, is waited for: a few are
  // combined, then windows slide along them.
  static constexpr int64_t kMostRows = 8;
  int64_t RowsAtOnce(const Geometry& geometry) const {
    constexpr size_t kBytes = 16 << 10;
    return std::clamp<int64_t>(static_cast<int64_t>(kBytes / RowBytes(geometry)), 1, kMostRows);
  }

  void ComputeRows(const Geometry& geometry, int64_t begin, int64_t end, const char* x,
                   char* scratch, int worker, char* y) const {
    const int64_t at_once = RowsAtOnce(geometry);
    const size_t bytes = RowBytes(geometry);
    scratch += static_cast<size_t>(worker * at_once) * bytes;
    std::array<PoolRow, kMostRows> rows;
    rows.fill(geometry.MakePoolRow(parameters_.count_include_pad));
    Geometry::Row row = geometry.RowAt(begin);
    for (int64_t first = begin; first < end; first += at_once) {
      const int64_t count = std::min(at_once, end - first);
      for (int64_t i = 0; i < count; ++i, geometry.Advance(row)) {
        PoolRow& to = rows[static_cast<size_t>(i)];
        CombineRow(geometry, row, x, scratch + static_cast<size_t>(i) * bytes, to);
        to.y = y + static_cast<size_t>((first + i) * geometry.output_row_elements()) *
                       functions_.element_bytes;
      }
      for (int64_t i = 0; i < count; ++i) functions_.slide(rows[static_cast<size_t>(i)]);
    }
  }

  void CombineRow(const Geometry& geometry, const Geometry::Row& row, const char* x, char* scratch,
                  PoolRow& to) const {
    constexpr size_t kRows = 32;
    const auto elements = static_cast<size_t>(geometry.row_elements());
    const size_t input_row_bytes = elements * functions_.element_bytes;
    const void* rows[kRows];
    size_t count = 0;
    bool accumulate = false;
    to.column_taps = geometry.VisitRows(row, parameters_.count_include_pad, [&](int64_t index) {
      if (count == kRows) {
        functions_.rows(rows, count, elements, accumulate, scratch);
        accumulate = true;
        count = 0;
      }
      rows[count++] = x + static_cast<size_t>(index) * input_row_bytes;
    });
    if (count == 1 && !accumulate && !functions_.always_rows) {
      to.x = rows[0];
      to.readable = elements;
      return;
    }
    to.x = scratch;
    to.readable = elements + kSlack / functions_.element_bytes;
    functions_.rows(rows, count, elements, accumulate, scratch);
  }

  PoolParameters parameters_;
  PoolFunctions functions_;
};

template <PoolMethod kMethod>
Result<std::unique_ptr<Executable>> Make(const Node& node, WeightStore& /*weights*/) {
  MULLION_ASSIGN_OR_RETURN(const PoolParameters parameters, PoolParameters::FromNode(node));
  const ElementType type = node.input(0)->type.element_type;
  const bool wants_indices = node.output_count() > 1 && node.output(1) != nullptr;
  const bool is_lp = kMethod == PoolMethod::kL2;
  if (type == ElementType::kDouble || wants_indices || (is_lp && parameters.p > 2)) {
    return MakePlainPool(node, parameters);
  }
  const PoolMethod method = is_lp && parameters.p == 1 ? PoolMethod::kL1 : kMethod;
  return std::unique_ptr<Executable>(
      std::make_unique<Pool>(parameters, FindPoolFunctions(method, type)));
}

}  // namespace

void RegisterPool(KernelRegistry& registry) {
  constexpr ElementTypeSet kBytes = SetOf(ElementType::kInt8, ElementType::kUint8);
  registry.Add(
      {.name = "MaxPool", .types = types::kFloatDouble | kBytes, .make = Make<PoolMethod::kMax>});
  registry.Add(
      {.name = "AveragePool", .types = types::kFloatDouble, .make = Make<PoolMethod::kAverage>});
  registry.Add({.name = "LpPool", .types = types::kFloatDouble, .make = Make<PoolMethod::kL2>});
}

}  // namespace mullion::cpu
