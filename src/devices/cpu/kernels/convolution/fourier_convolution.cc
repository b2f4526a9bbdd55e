// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/fourier_convolution.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/rounding.h"
#include "devices/cpu/kernels/convolution/fourier_tile.h"
#include "devices/cpu/kernels/convolution/large_kernel.h"
#include "devices/cpu/kernels/matrix/few_columns.h"
#include "devices/cpu/kernels/matrix/transpose_tile.h"

namespace mullion::cpu {

namespace {

constexpr int64_t kLeastFourierKernel = 4;
constexpr int64_t kMostFourierKernel = 12;
// Of packed weights: they are read again for each vector of tiles.
constexpr int64_t kMostFourierFloats = 1024 * 1024;
// One cache line between parts whose distance would be a power of two.
constexpr int64_t kGap = 16;
constexpr int64_t kTasksPerThread = 4;
// What transforming the numbers of a channel takes, in multiply-adds.
constexpr int64_t kTransformCost = 2600;
// Of images whose size is not known.
constexpr int64_t kUsualSide = 128;

int64_t FourierTile(const ConvolutionShape::Axis& axis) { return kFourierWindow + 1 - axis.kernel; }

// Floats of a matrix [part][channel][lane] that is one of several.
int64_t PartFloats(int64_t channels, int64_t lanes) { return channels * lanes + kGap; }

}  // namespace

bool UsesFourier(const ConvolutionShape& shape) {
  if (shape.spatial_rank != 2 || shape.groups != 1) return false;
  if (shape.in_channels == 0 || shape.out_channels == 0) return false;
  for (size_t i = 0; i < 2; ++i) {
    const ConvolutionShape::Axis& axis = shape.axes[i];
    if (axis.kernel < kLeastFourierKernel || axis.kernel > kMostFourierKernel) return false;
    if (axis.stride != 1 || axis.dilation != 1) return false;
  }
  const int64_t in = shape.in_channels;
  const int64_t out = shape.out_channels;
  if (in * out > kMostFourierFloats / (2 * kFourierNumbers)) return false;
  // Multiply-adds of vectors for all outputs, idle lanes among them.
  const auto outputs = [&](size_t axis) {
    return shape.fixed ? shape.axes[axis].output : kUsualSide;
  };
  const int64_t lanes = ColumnBlocks::Of(1).lanes;
  const int64_t vectors = DivideUp(outputs(0), FourierTile(shape.axes[0])) *
                          DivideUp(DivideUp(outputs(1), FourierTile(shape.axes[1])), lanes);
  const int64_t cost = vectors * (4 * kFourierNumbers * in * out + kTransformCost * (in + out));
  const int64_t other = UsesLargeKernel(shape) ? LargeKernelCost(shape) : DirectCost(shape);
  // The others' are for nine outputs.
  return cost * 9 * 4 < other * outputs(0) * outputs(1) * 3;
}

size_t PackedFourierFloats(const ConvolutionShape& shape) {
  return static_cast<size_t>(2 * kFourierNumbers * shape.in_channels * shape.out_channels);
}

// To [column][row][block of outputs][in channel][out channel][part], with the conjugate of what
// the input is transformed by, and what transforming back multiplies by taken off.
void PackFourier(const float* weights, const ConvolutionShape& shape, float* packed) {
  const int64_t height = shape.axes[0].kernel;
  const int64_t width = shape.axes[1].kernel;
  const int64_t in = shape.in_channels;
  const int64_t out = shape.out_channels;
  // A thirty-second of a turn each.
  std::array<double, 32> cos;
  std::array<double, 32> sin;
  for (size_t i = 0; i < 32; ++i) {
    const double angle = static_cast<double>(i) * 3.14159265358979323846 / 16;
    cos[i] = std::cos(angle);
    sin[i] = std::sin(angle);
  }
  for (int64_t o = 0; o < out; ++o) {
    const int64_t first = o / kMostFourierOutputs * kMostFourierOutputs;
    const int64_t block = std::min<int64_t>(out - first, kMostFourierOutputs);
    for (int64_t c = 0; c < in; ++c, weights += height * width) {
      for (int64_t m = 0; m < kFourierColumns; ++m) {
        std::array<double, kFourierWindow> re{};
        std::array<double, kFourierWindow> im{};
        for (int64_t y = 0; y < height; ++y) {
          for (int64_t x = 0; x < width; ++x) {
            const auto turn = static_cast<size_t>((4 * m + 1) * x % 32);
            const auto weight = static_cast<double>(weights[y * width + x]);
            re[static_cast<size_t>(y)] += weight * cos[turn];
            im[static_cast<size_t>(y)] -= weight * sin[turn];
          }
        }
        for (int64_t v = 0; v < kFourierWindow; ++v) {
          double sum_re = 0;
          double sum_im = 0;
          for (int64_t y = 0; y < height; ++y) {
            const auto turn = static_cast<size_t>(2 * v * y % 32);
            const auto line = static_cast<size_t>(y);
            sum_re += re[line] * cos[turn] + im[line] * sin[turn];
            sum_im += im[line] * cos[turn] - re[line] * sin[turn];
          }
          float* const to = packed + 2 * ((m * kFourierWindow + v) * in * out + first * in +
                                          c * block + o - first);
          to[0] = static_cast<float>(sum_re / kFourierNumbers);
          to[1] = static_cast<float>(sum_im / kFourierNumbers);
        }
      }
    }
  }
}

struct FourierConvolution::Job {
  const float* input;
  const float* packed;
  float* out;
  int64_t out_stride;
  const Epilogue& epilogue;
};

// One worker's memory.
struct FourierConvolution::Worker {
  float* pixels;    // a line of a strip's input or output
  float* planes;    // the same by planes
  float* lines;     // transformed: [column][slot][part][channel][lane]
  float* numbers;   // of a column: [row][part][channel][lane]
  float* products;  // the same of the output
  float* sums;      // [line][column][part][channel][lane] of the output
};

// Tiles [first_tile, first_tile + tiles) of tile lines [begin, end) of one image.
struct FourierConvolution::Strip {
  int64_t image;
  int64_t first_tile;
  int64_t tiles;
  int64_t begin;
  int64_t end;
};

FourierConvolution::FourierConvolution(const ConvolutionShape& shape)
    : shape_(shape),
      lanes_(ColumnBlocks::Of(1).lanes),
      tile_down_(FourierTile(shape.axes[0])),
      tile_across_(FourierTile(shape.axes[1])),
      tiles_down_(DivideUp(shape.axes[0].output, tile_down_)),
      tiles_across_(DivideUp(shape.axes[1].output, tile_across_)),
      strips_(DivideUp(tiles_across_, lanes_)) {}

int64_t FourierConvolution::LineTiles() const {
  return lanes_ + (kFourierWindow - 1) / tile_across_;
}
int64_t FourierConvolution::PlaneStride() const { return lanes_ + std::max<int64_t>(lanes_, 4); }

size_t FourierConvolution::WorkerFloats() const {
  const int64_t in = shape_.in_channels;
  const int64_t out = shape_.out_channels;
  const int64_t in_part = PartFloats(in, lanes_);
  const int64_t out_part = PartFloats(out, lanes_);
  const int64_t floats = RoundUp(LineTiles() * tile_across_ * std::max(in, out), kGap) +
                         RoundUp(tile_across_ * std::max(in * PlaneStride(), out * lanes_), kGap) +
                         kFourierColumns * (kFourierWindow * 2 * in_part + kGap) +
                         kFourierWindow * 2 * in_part + kFourierWindow * 2 * out_part +
                         tile_down_ * kFourierColumns * 2 * out_part;
  return static_cast<size_t>(RoundUp(floats, kGap));
}

size_t FourierConvolution::ScratchBytes(int threads) const {
  return WorkerFloats() * sizeof(float) * static_cast<size_t>(threads);
}

FourierConvolution::Worker FourierConvolution::WorkerOf(void* scratch, int worker) const {
  const int64_t in = shape_.in_channels;
  const int64_t out = shape_.out_channels;
  const int64_t in_part = PartFloats(in, lanes_);
  const int64_t out_part = PartFloats(out, lanes_);
  Worker parts;
  parts.pixels = static_cast<float*>(scratch) + WorkerFloats() * static_cast<size_t>(worker);
  parts.planes = parts.pixels + RoundUp(LineTiles() * tile_across_ * std::max(in, out), kGap);
  parts.lines =
      parts.planes + RoundUp(tile_across_ * std::max(in * PlaneStride(), out * lanes_), kGap);
  parts.numbers = parts.lines + kFourierColumns * (kFourierWindow * 2 * in_part + kGap);
  parts.products = parts.numbers + kFourierWindow * 2 * in_part;
  parts.sums = parts.products + kFourierWindow * 2 * out_part;
  return parts;
}

// The part of the input that line `line` of a strip's windows needs: its address and floats.
std::span<const float> FourierConvolution::PixelsOf(const Job& job, const Strip& strip,
                                                    int64_t line) const {
  const int64_t y = line - shape_.axes[0].pad;
  if (y < 0 || y >= shape_.axes[0].input) return {};
  const int64_t left = strip.first_tile * tile_across_ - shape_.axes[1].pad;
  const int64_t width = shape_.axes[1].input;
  const int64_t begin = std::clamp<int64_t>(left, 0, width);
  const int64_t end = std::clamp<int64_t>(left + LineTiles() * tile_across_, begin, width);
  const int64_t first = (strip.image * shape_.axes[0].input + y) * width + begin;
  return {job.input + first * shape_.in_channels,
          static_cast<size_t>((end - begin) * shape_.in_channels)};
}

// Line `line` of the input, counted from the first that an output sees, to its slot.
void FourierConvolution::TransformLine(const Job& job, const Strip& strip, int64_t line,
                                       const Worker& worker) const {
  const int64_t channels = shape_.in_channels;
  const int64_t part = PartFloats(channels, lanes_);
  const int64_t column_stride = kFourierWindow * 2 * part + kGap;
  float* const slot = worker.lines + line % kFourierWindow * 2 * part;
  const std::span<const float> pixels = PixelsOf(job, strip, line);
  if (pixels.empty()) {
    for (int64_t column = 0; column < kFourierColumns; ++column) {
      std::fill_n(slot + column * column_stride, 2 * part, 0.0f);
    }
    return;
  }
  // A copy, as transposition reads in more places at once than are fetched ahead.
  const int64_t left = strip.first_tile * tile_across_ - shape_.axes[1].pad;
  const int64_t before = std::max<int64_t>(-left, 0) * channels;
  float* const end = worker.pixels + LineTiles() * tile_across_ * channels;
  std::fill_n(worker.pixels, before, 0.0f);
  std::fill(std::copy(pixels.begin(), pixels.end(), worker.pixels + before), end, 0.0f);
  const int64_t tile_floats = tile_across_ * channels;
  TransposeTile(sizeof(float), reinterpret_cast<const uint8_t*>(worker.pixels),
                tile_floats * int64_t{sizeof(float)}, reinterpret_cast<uint8_t*>(worker.planes),
                PlaneStride() * int64_t{sizeof(float)}, static_cast<size_t>(LineTiles()),
                static_cast<size_t>(tile_floats));
  TransformFourierLine(
      {worker.planes, PlaneStride(), tile_across_, channels, slot, column_stride, part});
}

// The first pixel of a strip on line `line` of the output, and how many it has.
int64_t FourierConvolution::FirstOutput(const Strip& strip, int64_t line) const {
  return (strip.image * shape_.axes[0].output + line) * shape_.axes[1].output +
         strip.first_tile * tile_across_;
}
int64_t FourierConvolution::OutputPixels(const Strip& strip) const {
  return std::min(strip.tiles * tile_across_,
                  shape_.axes[1].output - strip.first_tile * tile_across_);
}

// The line of tiles whose windows begin at `first_line`.
void FourierConvolution::ConvolveTiles(const Job& job, const Strip& strip, int64_t first_line,
                                       const Worker& worker) const {
  const int64_t in_part = PartFloats(shape_.in_channels, lanes_);
  const int64_t out_part = PartFloats(shape_.out_channels, lanes_);
  const int64_t column_stride = kFourierWindow * 2 * in_part + kGap;
  FourierColumn column;
  column.part_stride = column.number_stride = in_part;
  column.in_channels = shape_.in_channels;
  column.numbers = worker.numbers;
  column.out_channels = shape_.out_channels;
  column.products = worker.products;
  column.product_stride = column.out_part_stride = out_part;
  column.out_line_stride = kFourierColumns * 2 * out_part;
  column.outputs = static_cast<int>(tile_down_);
  const int64_t lines = std::min(tile_down_, shape_.axes[0].output - first_line);
  for (int64_t m = 0; m < kFourierColumns; ++m) {
    for (int64_t i = 0; i < kFourierWindow; ++i) {
      const int64_t slot = (first_line + i) % kFourierWindow;
      column.lines[static_cast<size_t>(i)] = worker.lines + m * column_stride + slot * 2 * in_part;
    }
    column.weights = job.packed + m * kFourierWindow * 2 * shape_.in_channels * shape_.out_channels;
    column.out = worker.sums + m * 2 * out_part;
    // One of the lines that the next tiles will read, and of those that these will write.
    column.ahead = {};
    column.ahead_out = {};
    if (m < tile_down_) column.ahead = PixelsOf(job, strip, first_line + kFourierWindow + m);
    if (m < lines) {
      column.ahead_out = {job.out + FirstOutput(strip, first_line + m) * job.out_stride,
                          static_cast<size_t>(OutputPixels(strip) * job.out_stride)};
    }
    ConvolveFourierColumn(column);
  }
}

// From the sums of the tiles that begin at line `first_line` of the output.
void FourierConvolution::Finish(const Job& job, const Strip& strip, int64_t first_line,
                                const Worker& worker) const {
  const Epilogue& epilogue = job.epilogue;
  const int64_t channels = shape_.out_channels;
  const int64_t part = PartFloats(channels, lanes_);
  const int64_t tile_floats = tile_across_ * channels;
  FourierOutput output;
  output.column_stride = 2 * part;
  output.part_stride = part;
  output.channels = channels;
  output.bias = epilogue.bias;
  output.out = worker.planes;
  output.outputs = static_cast<int>(tile_across_);
  ActivationRows rows;
  rows.x = worker.pixels;
  rows.columns = rows.x_stride = channels;
  rows.out_stride = job.out_stride;
  rows.residual_stride = epilogue.residual_stride;
  rows.count = OutputPixels(strip);
  const int64_t lines = std::min(tile_down_, shape_.axes[0].output - first_line);
  for (int64_t line = 0; line < lines; ++line) {
    output.numbers = worker.sums + line * kFourierColumns * 2 * part;
    TransformFourierOutput(output);
    TransposeTile(sizeof(float), reinterpret_cast<const uint8_t*>(worker.planes),
                  lanes_ * int64_t{sizeof(float)}, reinterpret_cast<uint8_t*>(worker.pixels),
                  tile_floats * int64_t{sizeof(float)}, static_cast<size_t>(tile_floats),
                  static_cast<size_t>(strip.tiles));
    const int64_t pixel = FirstOutput(strip, first_line + line);
    rows.out = job.out + pixel * job.out_stride;
    if (epilogue.residual != nullptr) {
      rows.residual = epilogue.residual + pixel * epilogue.residual_stride;
    }
    ActivateRows(epilogue.activation, rows);
  }
}

void FourierConvolution::RunStrip(const Job& job, const Strip& strip, const Worker& worker) const {
  int64_t line = strip.begin * tile_down_;
  for (int64_t tile = strip.begin; tile < strip.end; ++tile) {
    const int64_t first = tile * tile_down_;
    for (; line < first + kFourierWindow; ++line) TransformLine(job, strip, line, worker);
    ConvolveTiles(job, strip, first, worker);
    Finish(job, strip, first, worker);
  }
}

void FourierConvolution::Run(const float* input, const float* packed, float* out,
                             int64_t out_stride, const Epilogue& epilogue, void* scratch,
                             Parallel& parallel) const {
  const Job job{input, packed, out, out_stride, epilogue};
  const int64_t columns = shape_.batch * strips_;
  if (columns * tiles_down_ == 0) return;
  // Each part of a strip begins with lines that the one before it has transformed too: it has four
  // lines of tiles unless there would be less than one part for each thread.
  const int64_t threads = parallel.threads();
  const int64_t wanted = threads == 1 ? 1 : DivideUp(kTasksPerThread * threads, columns);
  const int64_t few = std::min(DivideUp(threads, columns), tiles_down_);
  const int64_t parts = std::clamp<int64_t>(std::max(tiles_down_ / 4, few), 1, wanted);
  parallel.For(columns * parts, 1, [&](int64_t begin, int64_t end, int worker) {
    for (int64_t task = begin; task < end; ++task) {
      Strip strip;
      strip.image = task / parts / strips_;
      strip.first_tile = task / parts % strips_ * lanes_;
      strip.tiles = std::min(lanes_, tiles_across_ - strip.first_tile);
      strip.begin = task % parts * tiles_down_ / parts;
      strip.end = (task % parts + 1) * tiles_down_ / parts;
      RunStrip(job, strip, WorkerOf(scratch, worker));
    }
  });
}

}  // namespace mullion::cpu
