// SPDX-License-Identifier: MIT
// MaxPool without indices, AveragePool and LpPool (p = 1, 2) of float, and MaxPool of 8-bit types,
// in either layout and any number of dimensions. pool_plain.cc has the other cases.
#include "operators/pool.h"

#include "devices/cpu/axis_loops.h"
#include "devices/cpu/kernels/pooling/pool.h"
#include "devices/cpu/pool_plain.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

using operators::PoolParameters;
using operators::WindowAxis;

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

  const WindowAxis& row_axis() const { return axes_[static_cast<size_t>(rank_ - 1)]; }
  int64_t output_rows() const { return planes_ * output_rows_; }
  int64_t row_elements() const { return row_axis().input * channels_; }
  int64_t output_row_elements() const { return row_axis().output * channels_; }
  // Rows under a window.
  int64_t most_rows() const {
    int64_t rows = 1;
    for (int i = 0; i + 1 < rank_; ++i) {
      const WindowAxis& axis = axes_[static_cast<size_t>(i)];
      rows *= std::min(axis.kernel, axis.input);
    }
    return rows;
  }
  // Whether rows are lines of one channel that are combined with the padding around them, which
  // should not be most of the work.
  bool are_lines() const {
    const WindowAxis& axis = row_axis();
    const int64_t most = 2 * axis.input + 1024;
    const int64_t reach = (axis.output - 1) * axis.stride + (axis.kernel - 1) * axis.dilation;
    return channels_ == 1 && axis.pad_begin <= most && reach <= most;
  }
  // Operations that one row of outputs costs.
  int64_t row_work() const {
    return row_elements() * most_rows() + output_row_elements() * row_axis().kernel;
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
    if (rank_ == 2) {  // nearly always
      const WindowAxis& axis = axes_[0];
      const int64_t start = axis.Start(row.place[0]);
      const int64_t end = axis.LastTap(start);
      const int64_t first_row = row.plane * axis.input + start;
      const int64_t begin = axis.FirstTap(start);
      for (int64_t t = begin; t < end; ++t) visit(first_row + t * axis.dilation);
      return count_include_pad ? axis.PaddedTaps(start) : std::max<int64_t>(end - begin, 0);
    }
    std::array<int64_t, kMaxRank> starts, first, last;
    int64_t counted = 1;
    bool empty = false;
    for (int i = rank_ - 2; i >= 0; --i) {
      const auto a = static_cast<size_t>(i);
      const WindowAxis& axis = axes_[a];
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
  AxisList<WindowAxis> axes_;
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
    const Geometry geometry(parameters_, context.input(0)->shape);
    context.RequestScratch(WorkerBytes(geometry) * static_cast<size_t>(context.threads()));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, parameters_.OutputShape(input.shape)));
    if (output.count() == 0) return OkStatus();
    const Geometry geometry(parameters_, input.shape);
    // Lines of one channel are several a call, whose beginning costs as much as two of them.
    const int64_t elements = (geometry.are_lines() ? 4 : 1) * kParallelElements;
    const int64_t chunk =
        std::max<int64_t>(elements / std::max<int64_t>(geometry.row_work(), 1), 1);
    context.parallel().For(
        geometry.output_rows(), chunk, [&](int64_t begin, int64_t end, int worker) {
          char* const scratch = static_cast<char*>(context.scratch()) +
                                static_cast<size_t>(worker) * WorkerBytes(geometry);
          if (geometry.are_lines()) {
            ComputeLines(geometry, begin, end, input.as<char>(), scratch, output.as<char>());
          } else {
            ComputeRows(geometry, begin, end, input.as<char>(), scratch, output.as<char>());
          }
        });
    return OkStatus();
  }

 private:
  static size_t WholeLines(size_t bytes) {
    return (bytes + kMemoryAlignment - 1) / kMemoryAlignment * kMemoryAlignment;
  }
  // Rows of different threads share no cache line.
  size_t RowBytes(const Geometry& geometry) const {
    return WholeLines(static_cast<size_t>(geometry.row_elements()) * functions_.element_bytes);
  }
  // Several lines of one channel are combined before windows slide along them.
  static int64_t RowsAtOnce(const Geometry& geometry) {
    return geometry.are_lines() ? kMostPoolLines : 1;
  }
  static size_t AddressBytes(const Geometry& geometry) {
    return WholeLines(static_cast<size_t>(RowsAtOnce(geometry) * geometry.most_rows()) *
                      sizeof(const void*));
  }
  // Addresses of the rows under windows, and what they are combined to.
  size_t WorkerBytes(const Geometry& geometry) const {
    return AddressBytes(geometry) +
           (geometry.are_lines() ? PoolLinesBytes(geometry.row_axis(), functions_.element_bytes)
                                 : RowBytes(geometry));
  }

  void ComputeLines(const Geometry& geometry, int64_t begin, int64_t end, const char* x,
                    char* scratch, char* y) const {
    const size_t row_bytes =
        static_cast<size_t>(geometry.row_elements()) * functions_.element_bytes;
    const size_t output_bytes =
        static_cast<size_t>(geometry.output_row_elements()) * functions_.element_bytes;
    const PoolRow common = geometry.MakePoolRow(parameters_.count_include_pad);
    char* const memory = scratch + AddressBytes(geometry);
    std::array<PoolLine, kMostPoolLines> lines;
    int64_t scaled_taps = -1;
    Geometry::Row row = geometry.RowAt(begin);
    for (int64_t first = begin; first < end; first += kMostPoolLines) {
      const auto count = static_cast<size_t>(std::min(kMostPoolLines, end - first));
      auto** rows = reinterpret_cast<const void**>(scratch);
      for (size_t i = 0; i < count; ++i, geometry.Advance(row)) {
        lines[i].rows = rows;
        lines[i].column_taps = geometry.VisitRows(
            row, parameters_.count_include_pad,
            [&](int64_t index) { *rows++ = x + static_cast<size_t>(index) * row_bytes; });
        lines[i].count = static_cast<size_t>(rows - lines[i].rows);
        lines[i].y = y + (static_cast<size_t>(first) + i) * output_bytes;
      }
      functions_.lines(common, std::span(lines.data(), count), memory, scaled_taps);
    }
  }

  void ComputeRows(const Geometry& geometry, int64_t begin, int64_t end, const char* x,
                   char* scratch, char* y) const {
    const auto elements = static_cast<size_t>(geometry.row_elements());
    PoolRow to = geometry.MakePoolRow(parameters_.count_include_pad);
    auto** const rows = reinterpret_cast<const void**>(scratch);
    char* const combined = scratch + AddressBytes(geometry);
    Geometry::Row row = geometry.RowAt(begin);
    for (int64_t i = begin; i < end; ++i, geometry.Advance(row)) {
      size_t count = 0;
      to.column_taps = geometry.VisitRows(row, parameters_.count_include_pad, [&](int64_t index) {
        rows[count++] = x + static_cast<size_t>(index) * elements * functions_.element_bytes;
      });
      to.x = combined;
      if (count == 1 && !functions_.always_rows) {
        to.x = rows[0];
      } else {
        functions_.rows(rows, count, elements, combined);
      }
      to.y = y + static_cast<size_t>(i * geometry.output_row_elements()) * functions_.element_bytes;
      functions_.slide(to);
    }
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
