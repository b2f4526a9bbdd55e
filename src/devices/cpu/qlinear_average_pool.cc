// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <memory>

#include "base/memory.h"
#include "devices/cpu/axis_loops.h"
#include "devices/cpu/byte_mean.h"
#include "devices/cpu/byte_scale.h"
#include "devices/cpu/kernels/elementwise/quantize.h"
#include "devices/cpu/kernels/pooling/byte_pool.h"
#include "devices/cpu/registry.h"
#include "operators/pool.h"

namespace mullion::cpu {

namespace {

using operators::PoolParameters;
using operators::WindowAxis;

// The window of one output position: which pixels of its image it covers. With fewer axes than the
// image has, pixels are rows.
class Window {
 public:
  // `position` counts the output pixels of an image.
  Window(const AxisList<WindowAxis>& axes, int rank, int64_t position) : axes_(axes), rank_(rank) {
    for (int i = rank - 1; i >= 0; --i) {
      const auto a = static_cast<size_t>(i);
      start_[a] = axes[a].Start(position % axes[a].output);
      position /= axes[a].output;
      first_[a] = axes[a].FirstTap(start_[a]);
      last_[a] = axes[a].LastTap(start_[a]);
      count_ *= std::max<int64_t>(last_[a] - first_[a], 0);
    }
  }

  // Pixels that it covers; without what lies in the padding.
  int64_t count() const { return count_; }

  // Calls visit(index of the pixel in its image) for each, in row-major order.
  template <typename Function>
  void Visit(Function&& visit) const {
    if (rank_ == 0) return visit(0);
    if (count_ > 0) VisitAxis(0, 0, visit);
  }

 private:
  template <typename Function>
  void VisitAxis(int axis, int64_t before, Function&& visit) const {
    const auto a = static_cast<size_t>(axis);
    for (int64_t tap = first_[a]; tap < last_[a]; ++tap) {
      const int64_t pixel = before * axes_[a].input + start_[a] + tap * axes_[a].dilation;
      if (axis + 1 == rank_) {
        visit(pixel);
      } else {
        VisitAxis(axis + 1, pixel, visit);
      }
    }
  }

  const AxisList<WindowAxis>& axes_;
  int rank_;
  int64_t count_ = 1;
  std::array<int64_t, kMaxRank> start_, first_, last_;
};

class QlinearAveragePool final : public Executable {
 public:
  explicit QlinearAveragePool(const PoolParameters& parameters) : parameters_(parameters) {}

  Status Bind(BindContext& context) const override {
    const Shape& shape = context.input(0)->shape;
    size_t bytes = SumsBytes(shape) * static_cast<size_t>(context.threads());
    if (IsGlobal(shape)) bytes = ByteMeanScratchBytes(shape, SpatialAxes());
    context.RequestScratch(bytes);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& x = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView y,
                             context.AllocateOutput(0, parameters_.OutputShape(x.shape)));
    if (y.count() == 0) return OkStatus();
    if (IsGlobal(x.shape)) {
      return AverageBytes(context, x, ByteScaleAt(context, 1), SpatialAxes(),
                          ByteScaleAt(context, 3), context.scratch(), y.data);
    }
    const Job job(*this, context, x, y);
    if (parameters_.layout.last) {
      RunChannelsLast(context, job);
    } else {
      RunPlanes(context, job);
    }
    return OkStatus();
  }

 private:
  struct Job {
    Job(const QlinearAveragePool& pool, const RunContext& context, const TensorView& input,
        const MutableTensorView& output)
        : axes(pool.parameters_.Axes(input.shape)),
          x(input.as<uint8_t>()),
          y(output.as<uint8_t>()),
          outputs(output.count()),
          channels(pool.parameters_.layout.Channels(input.shape)),
          pixels(pool.parameters_.layout.Spatial(input.shape)),
          output_pixels(pool.parameters_.layout.Spatial(output.shape)),
          volume(pool.Volume()),
          is_signed(input.type == ElementType::kInt8),
          x_scale(ByteScaleAt(context, 1)),
          y_scale(ByteScaleAt(context, 3)) {}

    AxisList<WindowAxis> axes;
    const uint8_t* x;
    uint8_t* y;
    int64_t outputs;
    int64_t channels;
    int64_t pixels;  // of an image
    int64_t output_pixels;
    double volume;  // of a window, which may be far larger than the image
    bool is_signed;
    ByteScale x_scale;
    ByteScale y_scale;
  };

  double Volume() const {
    double volume = 1;
    for (int i = 0; i < parameters_.spatial_rank; ++i) {
      volume *= static_cast<double>(parameters_.windows[static_cast<size_t>(i)].kernel);
    }
    return volume;
  }

  uint32_t SpatialAxes() const {
    uint32_t axes = 0;
    for (int i = 0; i < parameters_.spatial_rank; ++i) {
      axes |= uint32_t{1} << parameters_.layout.SpatialAxis(i);
    }
    return axes;
  }

  // One window that is the image: ONNX Runtime computes it as QLinearGlobalAveragePool, which
  // rounds otherwise.
  bool IsGlobal(const Shape& shape) const {
    const AxisList<WindowAxis> axes = parameters_.Axes(shape);
    for (int i = 0; i < parameters_.spatial_rank; ++i) {
      const WindowAxis& axis = axes[static_cast<size_t>(i)];
      if (axis.kernel != axis.input || axis.output != 1 || axis.pad_begin != 0 ||
          axis.pad_end != 0 || axis.dilation != 1) {
        return false;
      }
    }
    return true;
  }

  // Scratch memory of one thread: sums, and channels first a row as floats. Threads share no cache
  // line.
  size_t SumsBytes(const Shape& shape) const {
    const int64_t floats = parameters_.layout.last
                               ? shape.Back(0)
                               : shape.Back(0) + parameters_.OutputShape(shape).Back(0);
    const size_t bytes = static_cast<size_t>(floats) * sizeof(float);
    return (bytes + kMemoryAlignment - 1) / kMemoryAlignment * kMemoryAlignment;
  }

  // What a window's sum is divided by.
  float Divisor(const Job& job, int64_t covered) const {
    return static_cast<float>(parameters_.count_include_pad ? job.volume
                                                            : static_cast<double>(covered));
  }

  // Output pixels or elements that are worth a chunk, of `elements` windows each.
  static int64_t Chunk(const Job& job, int64_t elements) {
    const double window = std::min(job.volume, static_cast<double>(job.pixels));
    const double work = window * static_cast<double>(elements);
    return std::max(static_cast<int64_t>(4 * kParallelElements / std::max(work, 1.0)), int64_t{1});
  }

  // A pixel of all channels at once.
  void RunChannelsLast(const RunContext& context, const Job& job) const {
    const size_t sums_bytes = SumsBytes(context.Input(0).shape);
    const auto body = [&](int64_t begin, int64_t end, int worker) {
      auto* const sums = reinterpret_cast<float*>(static_cast<char*>(context.scratch()) +
                                                  sums_bytes * static_cast<size_t>(worker));
      for (int64_t i = begin; i < end; ++i) Pixel(job, i, sums);
    };
    // Vectors take some sixteen elements at once.
    context.parallel().For(job.outputs / job.channels, Chunk(job, (job.channels + 15) / 16), body);
  }

  void Pixel(const Job& job, int64_t i, float* sums) const {
    constexpr size_t kTaps = 32;  // addresses on the stack
    const Window window(job.axes, parameters_.spatial_rank, i % job.output_pixels);
    const uint8_t* const image = job.x + i / job.output_pixels * job.pixels * job.channels;
    const uint8_t* taps[kTaps];
    size_t count = 0;
    bool accumulate = false;
    const auto add = [&] {
      SumPixels(taps, count, job.channels, job.is_signed, job.x_scale, accumulate, sums);
      accumulate = true;
      count = 0;
    };
    window.Visit([&](int64_t pixel) {
      if (count == kTaps) add();
      taps[count++] = image + pixel * job.channels;
    });
    if (count > 0 || !accumulate) add();
    FinishPixel(sums, job.channels, Divisor(job, window.count()), job.is_signed, job.y_scale,
                job.y + i * job.channels);
  }

  // Channels first: rows of a plane as floats, tap by tap.
  void RunPlanes(const RunContext& context, const Job& job) const {
    const WindowAxis& axis = job.axes[static_cast<size_t>(parameters_.spatial_rank - 1)];
    const size_t bytes = SumsBytes(context.Input(0).shape);
    const auto body = [&](int64_t begin, int64_t end, int worker) {
      auto* const sums = reinterpret_cast<float*>(static_cast<char*>(context.scratch()) +
                                                  bytes * static_cast<size_t>(worker));
      for (int64_t i = begin; i < end; ++i) OutputRow(job, axis, i, sums);
    };
    context.parallel().For(job.outputs / axis.output, Chunk(job, axis.output), body);
  }

  void OutputRow(const Job& job, const WindowAxis& axis, int64_t i, float* sums) const {
    const int64_t output_rows = job.output_pixels / axis.output;
    const uint8_t* const plane = job.x + i / output_rows * job.pixels;
    float* const values = sums + axis.output;
    const auto zero = static_cast<float>(job.x_scale.zero_point);
    std::fill_n(sums, axis.output, 0.0f);
    const Window window(job.axes, parameters_.spatial_rank - 1, i % output_rows);
    window.Visit([&](int64_t row) {
      DequantizeBytes(plane + row * axis.input, job.is_signed, values, axis.input,
                      {&job.x_scale.scale, &zero, false});
      AddTaps(axis, values, sums);
    });
    FinishRow(job, axis, window.count(), sums, job.y + i * axis.output);
  }

  // sums[o] += the row's elements under window o, each window from its first tap on.
  static void AddTaps(const WindowAxis& axis, const float* row, float* sums) {
    const int64_t last_start = axis.Start(axis.output - 1);
    const int64_t taps = axis.LastTap(axis.Start(0));
    for (int64_t tap = axis.FirstTap(last_start); tap < taps; ++tap) {
      const int64_t at = tap * axis.dilation - axis.pad_begin;  // for window 0
      const int64_t first = at >= 0 ? 0 : (-at + axis.stride - 1) / axis.stride;
      const int64_t last = std::min(axis.output, (axis.input - 1 - at) / axis.stride + 1);
      if (axis.stride == 1) {
        for (int64_t o = first; o < last; ++o) sums[o] += row[o + at];
      } else {
        for (int64_t o = first; o < last; ++o) sums[o] += row[o * axis.stride + at];
      }
    }
  }

  // Neighbours of the same divisor together.
  void FinishRow(const Job& job, const WindowAxis& axis, int64_t rows, const float* sums,
                 uint8_t* y) const {
    const auto width = [&](int64_t o) {
      const int64_t start = axis.Start(o);
      return std::max<int64_t>(axis.LastTap(start) - axis.FirstTap(start), 0);
    };
    for (int64_t o = 0; o < axis.output;) {
      const int64_t first = o;
      const int64_t taps = width(o);
      while (++o < axis.output && width(o) == taps) continue;
      FinishPixel(sums + first, o - first, Divisor(job, rows * taps), job.is_signed, job.y_scale,
                  y + first);
    }
  }

  PoolParameters parameters_;
};

Result<std::unique_ptr<Executable>> Make(const Node& node, WeightStore& /*weights*/) {
  MULLION_ASSIGN_OR_RETURN(const PoolParameters parameters, PoolParameters::FromNode(node));
  return std::unique_ptr<Executable>(std::make_unique<QlinearAveragePool>(parameters));
}

}  // namespace

void RegisterQlinearAveragePool(KernelRegistry& registry) {
  registry.Add({.name = "QLinearAveragePool", .domain = "com.microsoft", .make = Make});
}

}  // namespace mullion::cpu
