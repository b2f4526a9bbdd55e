// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/transposed_convolution.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/function_ref.h"
#include "base/rounding.h"
#include "base/tensor.h"
#include "devices/cpu/kernels/matrix/matrix_blocks.h"
#include "devices/cpu/kernels/matrix/matrix_pack.h"

namespace mullion::cpu {

namespace {

using Axis = ConvolutionShape::Axis;

// Rows of each phase that are run in turn: with 64 channels a part of the input takes 96 KiB.
constexpr int64_t kRowsAtOnce = 2 * kMaxBlockRows;
// Multiply-adds of a part at least, and the parts that each thread should find.
constexpr int64_t kLeastWork = 500'000;
constexpr int64_t kTasksPerThread = 4;

// Kernel positions of one axis that see the same remainder, the last one first: those reach
// furthest back in the input.
struct AxisClass {
  int64_t remainder;  // of position * dilation modulo stride
  std::vector<int64_t> taps;
};

int64_t Modulo(int64_t a, int64_t b) { return ((a % b) + b) % b; }

// The classes that have positions: no more than the kernel has, however large the stride is.
// Remainders repeat after stride / gcd(stride, dilation) positions.
std::vector<AxisClass> ClassesOf(const Axis& axis) {
  const int64_t period = axis.stride / std::gcd(axis.stride, axis.dilation);
  std::vector<AxisClass> classes(static_cast<size_t>(std::min(axis.kernel, period)));
  for (int64_t tap = axis.kernel - 1; tap >= 0; --tap) {
    AxisClass& axis_class = classes[static_cast<size_t>(tap % period)];
    axis_class.remainder = tap * axis.dilation % axis.stride;
    axis_class.taps.push_back(tap);
  }
  return classes;
}

// The class chosen for each axis.
using ClassChoice = std::array<const AxisClass*, kMaxRank>;

// Calls `visit(choice, taps)` for every combination of classes, with the number of its taps, in
// the order in which they are packed.
void VisitClasses(const ConvolutionShape& shape,
                  FunctionRef<void(const ClassChoice& choice, int64_t taps)> visit) {
  std::array<std::vector<AxisClass>, kMaxRank> classes;
  const auto rank = static_cast<size_t>(shape.spatial_rank);
  for (size_t i = 0; i < rank; ++i) {
    classes[i] = ClassesOf(shape.axes[i]);
    if (classes[i].empty()) return;
  }
  std::array<size_t, kMaxRank> index{};
  for (;;) {
    ClassChoice choice{};
    int64_t taps = 1;
    for (size_t i = 0; i < rank; ++i) {
      choice[i] = &classes[i][index[i]];
      taps *= static_cast<int64_t>(choice[i]->taps.size());
    }
    visit(choice, taps);
    size_t axis = rank;
    while (axis > 0 && ++index[axis - 1] == classes[axis - 1].size()) index[--axis] = 0;
    if (axis == 0) return;
  }
}

// Position `tap` of a class combination as a position of the whole kernel.
int64_t KernelPosition(const ConvolutionShape& shape, const ClassChoice& choice, int64_t tap) {
  int64_t position = 0;
  int64_t scale = 1;
  for (size_t i = static_cast<size_t>(shape.spatial_rank); i-- > 0;) {
    const std::vector<int64_t>& taps = choice[i]->taps;
    const auto count = static_cast<int64_t>(taps.size());
    position += taps[static_cast<size_t>(tap % count)] * scale;
    scale *= shape.axes[i].kernel;
    tap /= count;
  }
  return position;
}

// Weights of one group and class combination in the order of Conv: [out][in][tap].
void GatherWeights(const float* weights, const ConvolutionShape& shape, const ClassChoice& choice,
                   int64_t taps, std::vector<float>& gathered) {
  const int64_t in = shape.in_channels / shape.groups;
  const int64_t out = shape.out_channels / shape.groups;
  const int64_t all_taps = shape.Taps();
  gathered.resize(static_cast<size_t>(out * in * taps));
  for (int64_t tap = 0; tap < taps; ++tap) {
    const float* const from = weights + KernelPosition(shape, choice, tap);
    for (int64_t ic = 0; ic < in; ++ic) {
      for (int64_t oc = 0; oc < out; ++oc) {
        gathered[static_cast<size_t>((oc * in + ic) * taps + tap)] =
            from[(ic * out + oc) * all_taps];
      }
    }
  }
}

bool HasOnlySingleChannels(const ConvolutionShape& shape) {
  return shape.groups > 1 && shape.in_channels == shape.groups &&
         shape.out_channels == shape.groups;
}

// The first output of the class, which may lie behind the last there is.
int64_t FirstOutput(const Axis& axis, const AxisClass& axis_class) {
  return Modulo(axis_class.remainder - axis.pad, axis.stride);
}

// The convolution of stride 1 that computes the outputs of a class: output q is pixel
// first + q * stride and sees input q - pad + j * dilation at the class's position j.
Axis PhaseAxis(const Axis& axis, const AxisClass& axis_class) {
  const int64_t first = FirstOutput(axis, axis_class);
  Axis phase;
  phase.input = axis.input;
  phase.output = first >= axis.output ? 0 : (axis.output - first - 1) / axis.stride + 1;
  phase.kernel = static_cast<int64_t>(axis_class.taps.size());
  if (phase.kernel > 1) {
    phase.dilation = (axis_class.taps[0] - axis_class.taps[1]) * axis.dilation / axis.stride;
  }
  phase.pad = -((first + axis.pad - axis_class.taps[0] * axis.dilation) / axis.stride);
  return phase;
}

// Of each line along the last axis of a phase's outputs, the first pixel of the whole output.
std::vector<int64_t> FirstPixels(const ConvolutionShape& shape, const ConvolutionShape& phase,
                                 const ClassChoice& choice) {
  const auto last = static_cast<size_t>(shape.spatial_rank - 1);
  int64_t count = phase.batch;
  for (size_t i = 0; i < last; ++i) count *= phase.axes[i].output;
  std::vector<int64_t> lines(static_cast<size_t>(count));
  for (int64_t line = 0; line < count; ++line) {
    int64_t rest = line;
    int64_t pixel = FirstOutput(shape.axes[last], *choice[last]);
    int64_t scale = shape.axes[last].output;
    for (size_t i = last; i-- > 0;) {
      const int64_t q = rest % phase.axes[i].output;
      pixel += (FirstOutput(shape.axes[i], *choice[i]) + q * shape.axes[i].stride) * scale;
      scale *= shape.axes[i].output;
      rest /= phase.axes[i].output;
    }
    lines[static_cast<size_t>(line)] = pixel + rest * scale;
  }
  return lines;
}

int64_t PixelsAtOnceOf(const ConvolutionShape& shape) {
  return shape.tiles_line ? shape.axes[static_cast<size_t>(shape.spatial_rank - 1)].stride : 1;
}

// The convolution whose channels are those of all pixels that come from one.
ConvolutionShape Joined(const ConvolutionShape& shape) {
  ConvolutionShape joined = shape;
  if (!shape.tiles_line) return joined;
  Axis& last = joined.axes[static_cast<size_t>(shape.spatial_rank - 1)];
  joined.tiles_line = false;
  joined.out_channels *= last.stride;
  last.output = last.input;
  last.kernel = last.stride = 1;
  return joined;
}

// [in][out][kernel] to [in][position on the last axis][out][the others].
std::vector<float> JoinWeights(const float* weights, const ConvolutionShape& shape) {
  const int64_t pixels = PixelsAtOnceOf(shape);
  const int64_t others = shape.Taps() / pixels;
  std::vector<float> joined;
  joined.reserve(static_cast<size_t>(shape.in_channels * shape.out_channels * shape.Taps()));
  for (int64_t in = 0; in < shape.in_channels; ++in) {
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
      for (int64_t out = 0; out < shape.out_channels; ++out) {
        const float* const from = weights + (in * shape.out_channels + out) * shape.Taps() + pixel;
        for (int64_t tap = 0; tap < others; ++tap) joined.push_back(from[tap * pixels]);
      }
    }
  }
  return joined;
}

size_t BiasBytes(int64_t channels) {
  const size_t bytes = static_cast<size_t>(channels) * sizeof(float);
  return (bytes + kMemoryAlignment - 1) / kMemoryAlignment * kMemoryAlignment;
}

}  // namespace

size_t PackedTransposedConvolutionFloats(const ConvolutionShape& whole) {
  const ConvolutionShape shape = Joined(whole);
  if (HasOnlySingleChannels(shape)) return PackedDepthwiseFloats(shape.groups, shape.Taps());
  const ColumnBlocks blocks = ColumnBlocks::Of(shape.out_channels / shape.groups);
  return static_cast<size_t>(shape.groups *
                             blocks.PackedFloats(shape.in_channels / shape.groups * shape.Taps()));
}

void PackTransposedConvolution(const float* weights, const ConvolutionShape& shape, float* packed) {
  if (shape.tiles_line) {
    PackTransposedConvolution(JoinWeights(weights, shape).data(), Joined(shape), packed);
    return;
  }
  const int64_t in = shape.in_channels / shape.groups;
  const ColumnBlocks blocks = ColumnBlocks::Of(shape.out_channels / shape.groups);
  const int64_t group_weights = in * blocks.columns * shape.Taps();
  std::vector<float> gathered;
  VisitClasses(shape, [&](const ClassChoice& choice, int64_t taps) {
    if (HasOnlySingleChannels(shape)) {
      ConvolutionShape row = shape;  // of kernels: one input, and all channels are its outputs
      row.in_channels = row.groups = 1;
      GatherWeights(weights, row, choice, taps, gathered);
      PackDepthwise(gathered.data(), shape.groups, taps, packed);
      packed += PackedDepthwiseFloats(shape.groups, taps);
      return;
    }
    for (int64_t group = 0; group < shape.groups; ++group) {
      GatherWeights(weights + group * group_weights, shape, choice, taps, gathered);
      PackRight(RightSource::Convolution(gathered.data(), in, taps), blocks, packed);
      packed += blocks.PackedFloats(taps * in);
    }
  });
}

TransposedConvolution::TransposedConvolution(const ConvolutionShape& whole)
    : pixels_at_once_(PixelsAtOnceOf(whole)) {
  ConvolutionShape shape = Joined(whole);
  if (shape.spatial_rank == 0) {
    shape.spatial_rank = 1;
    shape.axes[0] = {};
  }
  const int64_t in = shape.in_channels / shape.groups;
  const ColumnBlocks blocks = ColumnBlocks::Of(shape.out_channels / shape.groups);
  fill_.groups = shape.groups;
  fill_.blocks = blocks;
  fill_.out_step = fill_.bias_step = fill_.residual_step = blocks.columns;
  int64_t packed = 0;
  int64_t covered = 0;
  VisitClasses(shape, [&](const ClassChoice& choice, int64_t taps) {
    ConvolutionShape part = shape;
    for (size_t i = 0; i < static_cast<size_t>(shape.spatial_rank); ++i) {
      part.axes[i] = PhaseAxis(shape.axes[i], *choice[i]);
    }
    const int64_t pixels = part.OutputPixels();
    covered += pixels;
    const int64_t begin = packed;
    const bool alone = HasOnlySingleChannels(shape);
    packed += alone ? static_cast<int64_t>(PackedDepthwiseFloats(shape.groups, taps))
                    : shape.groups * blocks.PackedFloats(taps * in);
    if (pixels == 0) return;
    Phase& phase = phases_.emplace_back(part);
    phase.packed = begin;
    if (alone) phase.depthwise.emplace(part);
    phase.lines = FirstPixels(shape, part, choice);
    phase.product = fill_;
    phase.product.rows = pixels;
    phase.product.of_samples = true;
    phase.product.taps = phase.rows.taps();
    phase.product.depth = phase.rows.depth();
    phase.product.right_step = blocks.PackedFloats(taps * in);
    phase.product.row_scratch_floats = phase.rows.scratch_floats();
    const auto last = static_cast<size_t>(shape.spatial_rank - 1);
    phase.product.lines.length = part.axes[last].output;
    phase.product.lines.step = shape.axes[last].stride;
  });
  // Where the stride is wider than the kernel, or the output longer than what reaches it.
  if (covered < shape.OutputPixels()) fill_.rows = shape.OutputPixels();
}

size_t TransposedConvolution::ScratchBytes(int threads) const {
  size_t bytes = MatrixScratchBytes(fill_, threads);
  for (const Phase& phase : phases_) {
    bytes =
        std::max(bytes, phase.depthwise.has_value() ? phase.depthwise->ScratchBytes(threads)
                                                    : MatrixScratchBytes(phase.product, threads));
  }
  return bytes + (pixels_at_once_ > 1 ? BiasBytes(fill_.blocks.columns) : 0);
}

void TransposedConvolution::Run(const float* input, const float* packed, float* out,
                                int64_t out_stride, const Epilogue& given, void* scratch,
                                Parallel& parallel) const {
  Epilogue epilogue = given;
  if (pixels_at_once_ > 1) {
    const int64_t columns = fill_.blocks.columns;
    out_stride *= pixels_at_once_;
    epilogue.residual_stride *= pixels_at_once_;
    if (epilogue.bias != nullptr) {
      auto* const bias = static_cast<float*>(scratch);
      const int64_t channels = columns / pixels_at_once_;
      for (int64_t i = 0; i < columns; ++i) bias[i] = given.bias[i % channels];
      epilogue.bias = bias;
    }
    scratch = static_cast<char*>(scratch) + BiasBytes(columns);
  }
  if (fill_.rows > 0) {
    MatrixProduct fill = fill_;
    fill.taps = 0;
    fill.out = out;
    fill.out_stride = out_stride;
    fill.epilogue = epilogue;
    MultiplyMatrix(
        fill, [](const RowRequest& /*request*/) {}, scratch, parallel);
  }
  RunPhases(input, packed, out, out_stride, epilogue, scratch, parallel);
}

// All phases read the same part of the input and write the same part of the output: they take turns
// for as much of it as stays in the cache.
void TransposedConvolution::RunPhases(const float* input, const float* packed, float* out,
                                      int64_t out_stride, const Epilogue& epilogue, void* scratch,
                                      Parallel& parallel) const {
  if (phases_.empty() || fill_.blocks.columns == 0) return;
  if (phases_.front().depthwise.has_value()) {
    for (const Phase& phase : phases_) {
      phase.depthwise->RunLines(input, packed + phase.packed, out, out_stride, phase.lines.data(),
                                phase.product.lines.step, epilogue, scratch, parallel);
    }
    return;
  }
  int64_t rows = 0;
  int64_t work = 0;
  size_t worker_bytes = 0;
  for (const Phase& phase : phases_) {
    const MatrixProduct& product = phase.product;
    rows = std::max(rows, product.rows);
    work += product.groups * product.rows * product.blocks.columns * product.taps * product.depth;
    worker_bytes = std::max(worker_bytes, MatrixWorkerBytes(product));
  }
  const int64_t tile_rows = MatrixTileRows(fill_.blocks.Vectors(0));
  int64_t parts = DivideUp(rows, kRowsAtOnce);
  if (parallel.threads() > 1) {
    const int64_t wanted = std::min(kTasksPerThread * parallel.threads(), work / kLeastWork);
    parts = std::max(parts, std::min(wanted, DivideUp(rows, tile_rows)));
  }
  const int64_t block_rows =
      DivideUp(std::min(kMaxBlockRows, DivideUp(rows, parts)), tile_rows) * tile_rows;
  parallel.For(parts, 1, [&](int64_t begin, int64_t end, int worker) {
    void* const memory = static_cast<char*>(scratch) + worker_bytes * static_cast<size_t>(worker);
    for (int64_t part = begin; part < end; ++part) {
      for (const Phase& phase : phases_) {
        MatrixProduct product = phase.product;
        product.right = packed + phase.packed;
        product.lines.first = phase.lines.data();
        product.out = out;
        product.out_stride = out_stride;
        product.epilogue = epilogue;
        MatrixGrid grid;
        grid.block_rows = block_rows;
        grid.row_blocks = DivideUp(product.rows, grid.block_rows);
        grid.column_blocks = product.blocks.count();
        grid.tasks = product.groups * grid.column_blocks * grid.row_blocks;
        const auto make = [&](const RowRequest& request) { phase.rows.Make(input, request); };
        RunMatrixTasks(product, grid, make, memory, grid.tasks * part / parts,
                       grid.tasks * (part + 1) / parts);
      }
    }
  });
}

}  // namespace mullion::cpu
