// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/depthwise.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "devices/cpu/kernels/convolution/depthwise_line.h"
#include "devices/cpu/kernels/convolution/depthwise_strip.h"
#include "devices/cpu/kernels/convolution/finish_pixels.h"
#include "devices/cpu/kernels/simd/isa.h"

namespace mullion::cpu {

namespace {

// Output lines that are run together, one part of the channels after the other.
constexpr int64_t kMostLines = kMostStripLines;
// Threads find at least so many tasks, unless parts of lines would be shorter than kLeastPart.
constexpr int64_t kTasksPerThread = 4;
constexpr int64_t kLeastPart = 32;
// Parts of the channels begin at a multiple of the longest vector.
constexpr int64_t kChannelStep = 16;

// Packed floats of a tap.
int64_t WeightsStride(int64_t channels) {
  return channels < kChannelStep ? channels + kChannelStep : channels;
}

// Pixels of an axis of which those a dilation apart are neighbours, `first` among them.
int64_t PixelsApart(int64_t pixels, int64_t first, int64_t dilation) {
  return (pixels - first + dilation - 1) / dilation;
}

// Whether lines can be run by strips, pixels that lie a dilation apart as if they were neighbours.
bool FitsStrips(const ConvolutionShape& shape) {
  if (shape.spatial_rank != 2 || shape.in_channels < kChannelStep) return false;
  const ConvolutionShape::Axis& down = shape.axes[0];
  const ConvolutionShape::Axis& across = shape.axes[1];
  if (down.kernel != kStripKernel || across.kernel != kStripKernel) return false;
  if (down.stride != across.stride || across.stride > 2) return false;
  const int64_t dilation = across.dilation;
  if (across.stride == 2 && (down.dilation > 1 || dilation > 1)) return false;
  // No more than one column is missing before a line and behind it.
  const int64_t end = (across.output - 1) * across.stride - across.pad + 2 * dilation;
  return (across.pad == 0 || across.pad == dilation) && end < across.input + dilation &&
         PixelsApart(across.output, dilation - 1, dilation) >= kFewestStripPixels;
}

}  // namespace

size_t PackedDepthwiseFloats(int64_t channels, int64_t taps) {
  return static_cast<size_t>(WeightsStride(channels) * taps);
}

void PackDepthwise(const float* weights, int64_t channels, int64_t taps, float* packed) {
  for (int64_t tap = 0; tap < taps; ++tap) {
    for (int64_t i = 0; i < WeightsStride(channels); ++i) {
      *packed++ = weights[i % channels * taps + tap];
    }
  }
}

Depthwise::Depthwise(const ConvolutionShape& shape) : shape_(shape) {
  if (shape_.spatial_rank == 0) {
    shape_.spatial_rank = 1;
    shape_.axes[0] = {};
  }
  lines_ = shape_.batch;
  for (int i = 0; i < shape_.spatial_rank; ++i) {
    const ConvolutionShape::Axis& axis = shape_.axes[static_cast<size_t>(i)];
    input_pixels_ *= axis.input;
    if (i + 1 == shape_.spatial_rank) break;
    outer_taps_ *= axis.kernel;
    lines_ *= axis.output;
  }
  uses_strips_ = HasDepthwiseStrips() && FitsStrips(shape_);
}

size_t Depthwise::ScratchBytes(int threads) const {
  return static_cast<size_t>(kMostLines * outer_taps_ * threads) * sizeof(DepthwiseLine);
}

// Channels of a part: so many that the input lines which an output line reads stay in the level 1
// cache until the next one, with the weights; half of the cache, as lines compete for places. But
// not fewer than those whose weights take a fifth of it: reading a few channels of every pixel
// costs more than reading lines from the level 2 cache again.
int64_t Depthwise::ChannelsTogether() const {
  const auto cache = static_cast<int64_t>(Caches().l1 / sizeof(float));
  const int64_t taps = std::max<int64_t>(shape_.Taps(), 1);
  const int64_t pixels =
      outer_taps_ * shape_.axes[static_cast<size_t>(shape_.spatial_rank - 1)].input;
  const int64_t channels = std::max(cache / 2 / (pixels + taps), cache / 5 / taps);
  return std::max<int64_t>(channels / kChannelStep, 1) * kChannelStep;
}

void Depthwise::Run(const float* input, const float* packed, float* out, int64_t out_stride,
                    const Epilogue& epilogue, void* scratch, Parallel& parallel) const {
  RunLines(input, packed, out, out_stride, nullptr, 1, epilogue, scratch, parallel);
}

void Depthwise::RunLines(const float* input, const float* packed, float* out, int64_t out_stride,
                         const int64_t* out_lines, int64_t step, const Epilogue& epilogue,
                         void* scratch, Parallel& parallel) const {
  DepthwiseJob job;
  job.axis = shape_.axes[static_cast<size_t>(shape_.spatial_rank - 1)];
  job.channels = shape_.in_channels;
  job.first_input = -job.axis.pad * job.channels;
  job.input_step = job.channels;
  job.weights_stride = WeightsStride(job.channels);
  job.bias = epilogue.bias;
  job.out_stride = out_stride * step;
  job.inside = job.axis.Inside(0, (job.axis.kernel - 1) * job.axis.dilation + 1);
  const bool bounded = BoundsOf(epilogue, job.low, job.high);
  if (lines_ == 0 || job.axis.output == 0) return;

  // Lines are tasks; where there are few, as in one dimension, parts of them.
  const int64_t wanted = parallel.threads() == 1 ? 1 : kTasksPerThread * parallel.threads();
  const int64_t parts =
      std::clamp<int64_t>(wanted / lines_, 1, std::max<int64_t>(job.axis.output / kLeastPart, 1));
  const int64_t tasks = lines_ * parts;
  const int64_t chunk = std::clamp<int64_t>(tasks / wanted, 1, kMostLines);
  const auto row_of = [&](int64_t line) {
    return out_lines == nullptr ? line * job.axis.output : out_lines[line];
  };
  const auto part_begin = [&](int64_t part) { return job.axis.output * part / parts; };
  if (uses_strips_ && parts == 1) {
    job.first_pixel = 0;
    job.last_pixel = job.axis.output;
    parallel.For(lines_, chunk, [&](int64_t first, int64_t last, int /*worker*/) {
      std::array<int64_t, kMostLines> lines;
      std::array<float*, kMostLines> outs;
      const auto count = static_cast<size_t>(last - first);
      for (size_t i = 0; i < count; ++i) {
        lines[i] = StripLine(first + static_cast<int64_t>(i));
        outs[i] = out + row_of(lines[i]) * out_stride;
      }
      RunStrips(input, packed, job, std::span(lines.data(), count), outs.data());
      if (bounded) return;
      for (size_t i = 0; i < count; ++i) {
        DepthwiseJob done = job;
        done.out = outs[i];
        Finish(done, row_of(lines[i]), step, epilogue);
      }
    });
    return;
  }
  parallel.For(tasks, chunk, [&](int64_t first, int64_t last, int worker) {
    auto* const lines = static_cast<DepthwiseLine*>(scratch) + worker * kMostLines * outer_taps_;
    std::array<DepthwiseJob, kMostLines> jobs;
    const auto count = static_cast<size_t>(last - first);
    for (size_t i = 0; i < count; ++i) {
      const int64_t task = first + static_cast<int64_t>(i);
      const int64_t line = task / parts;
      jobs[i] = job;
      jobs[i].lines = lines + static_cast<int64_t>(i) * outer_taps_;
      jobs[i].line_count =
          FindLines(input, packed, line, lines + static_cast<int64_t>(i) * outer_taps_);
      jobs[i].out = out + row_of(line) * out_stride;
      jobs[i].first_pixel = part_begin(task % parts);
      jobs[i].last_pixel = part_begin(task % parts + 1);
    }
    RunJobs(std::span(jobs.data(), count));
    if (bounded) return;
    for (size_t i = 0; i < count; ++i) {
      const int64_t line = (first + static_cast<int64_t>(i)) / parts;
      Finish(jobs[i], row_of(line), step, epilogue);
    }
  });
}

// Lines in the order in which those that lie a dilation apart follow each other.
int64_t Depthwise::StripLine(int64_t index) const {
  const ConvolutionShape::Axis& down = shape_.axes[0];
  int64_t line = index % down.output;
  int64_t first = 0;
  for (int64_t count = PixelsApart(down.output, 0, down.dilation); line >= count; ++first) {
    line -= count;
    count = PixelsApart(down.output, first + 1, down.dilation);
  }
  return index - index % down.output + first + line * down.dilation;
}

void Depthwise::RunStrips(const float* input, const float* packed, const DepthwiseJob& job,
                          std::span<const int64_t> lines, float* const* out) const {
  const ConvolutionShape::Axis& down = shape_.axes[0];
  const ConvolutionShape::Axis& across = shape_.axes[1];
  DepthwiseStrip strip;
  strip.stride = across.stride;
  strip.pad = across.pad == 0 ? 0 : 1;
  strip.input_step = across.dilation * job.input_step;
  strip.out_step = across.dilation * job.out_stride;
  strip.channels = job.channels;
  strip.weights = packed;
  strip.weights_stride = job.weights_stride;
  strip.bias = job.bias;
  strip.low = job.low;
  strip.high = job.high;
  for (size_t begin = 0; begin < lines.size();) {
    size_t end = begin + 1;
    while (end < lines.size() && lines[end] - lines[end - 1] == down.dilation &&
           lines[end] / down.output == lines[begin] / down.output) {
      ++end;
    }
    strip.line_count = static_cast<int64_t>(end - begin);
    const float* const image = input + lines[begin] / down.output * input_pixels_ * job.channels;
    const int64_t top = lines[begin] % down.output * down.stride - down.pad;
    const int64_t line_count = (strip.line_count - 1) * down.stride + kStripKernel;
    for (int64_t x = 0; x < across.dilation; ++x) {
      for (int64_t i = 0; i < line_count; ++i) {
        const int64_t y = top + i * down.dilation;
        strip.lines[static_cast<size_t>(i)] =
            y < 0 || y >= down.input ? nullptr : image + (y * across.input + x) * job.channels;
      }
      for (size_t i = begin; i < end; ++i) strip.out[i - begin] = out[i] + x * job.out_stride;
      strip.pixels = PixelsApart(across.output, x, across.dilation);
      strip.inputs = PixelsApart(across.input, x, across.dilation);
      RunDepthwiseStrip(strip);
    }
    begin = end;
  }
}

// All jobs on one part of the channels, then on the next.
void Depthwise::RunJobs(std::span<DepthwiseJob> jobs) const {
  const int64_t step = ChannelsTogether();
  for (int64_t c = 0; c < shape_.in_channels; c += step) {
    for (DepthwiseJob& job : jobs) {
      job.first_channel = c;
      job.last_channel = std::min(c + step, shape_.in_channels);
      RunDepthwiseLine(job);
    }
  }
}

// What the sums did not get in registers: the residual, and activations beyond comparisons.
void Depthwise::Finish(const DepthwiseJob& job, int64_t first_row, int64_t step,
                       const Epilogue& epilogue) {
  ActivationRows rows;
  rows.out = job.out + job.first_pixel * job.out_stride;
  rows.out_stride = job.out_stride;
  rows.x = rows.out;
  rows.x_stride = rows.out_stride;
  if (epilogue.residual != nullptr) {
    rows.residual =
        epilogue.residual + (first_row + job.first_pixel * step) * epilogue.residual_stride;
    rows.residual_stride = epilogue.residual_stride * step;
  }
  rows.count = job.last_pixel - job.first_pixel;
  rows.columns = job.channels;
  ActivateRows(epilogue.activation, rows);
}

// The input lines inside the image that output line `index` reads, in the order of the kernel.
int64_t Depthwise::FindLines(const float* input, const float* packed, int64_t index,
                             DepthwiseLine* lines) const {
  const auto last = static_cast<size_t>(shape_.spatial_rank - 1);
  int64_t count = 0;
  for (int64_t outer = 0; outer < outer_taps_; ++outer) {
    int64_t rest = index;
    int64_t rest_tap = outer;
    int64_t line = 0;
    int64_t scale = 1;
    bool inside = true;
    for (size_t i = last; i-- > 0;) {
      const ConvolutionShape::Axis& axis = shape_.axes[i];
      const int64_t at =
          rest % axis.output * axis.stride - axis.pad + rest_tap % axis.kernel * axis.dilation;
      inside = inside && at >= 0 && at < axis.input;
      line += at * scale;
      scale *= axis.input;
      rest /= axis.output;
      rest_tap /= axis.kernel;
    }
    if (!inside) continue;
    const int64_t pixel = rest * input_pixels_ + line * shape_.axes[last].input;
    lines[count++] = {
        input + pixel * shape_.in_channels,
        packed + outer * shape_.axes[last].kernel * WeightsStride(shape_.in_channels)};
  }
  return count;
}

namespace {

// Floats that are spread together, and those that one store writes.
constexpr int64_t kSpreadChunk = 4096;
constexpr int64_t kSpreadStore = 4;

ConvolutionShape OfOutputChannels(ConvolutionShape shape) {
  shape.groups = shape.in_channels = shape.out_channels;
  return shape;
}

int64_t InputFloatsOf(const ConvolutionShape& shape) {
  int64_t count = shape.batch * shape.in_channels;
  for (int i = 0; i < shape.spatial_rank; ++i) count *= shape.axes[static_cast<size_t>(i)].input;
  return count;
}

// Each float `times` times; the next one overwrites what a store wrote beyond them.
void Spread(const float* from, int64_t count, int64_t times, float* to) {
  for (int64_t i = 0; i + 1 < count; ++i, to += times) {
    std::array<float, kSpreadStore> four;
    four.fill(from[i]);
    for (int64_t j = 0; j < times; j += kSpreadStore) std::memcpy(to + j, &four, sizeof(four));
  }
  std::fill(to, to + times, from[count - 1]);
}

}  // namespace

SpreadDepthwise::SpreadDepthwise(const ConvolutionShape& shape)
    : depthwise_(OfOutputChannels(shape)),
      count_(InputFloatsOf(shape)),
      times_(shape.out_channels / shape.in_channels),
      spread_((count_ * times_ + kChannelStep - 1) / kChannelStep * kChannelStep) {}

size_t SpreadDepthwise::ScratchBytes(int threads) const {
  return static_cast<size_t>(spread_) * sizeof(float) + depthwise_.ScratchBytes(threads);
}

void SpreadDepthwise::Run(const float* input, const float* packed, float* out, int64_t out_stride,
                          const Epilogue& epilogue, void* scratch, Parallel& parallel) const {
  auto* const spread = static_cast<float*>(scratch);
  parallel.For(count_, kSpreadChunk, [&](int64_t first, int64_t last, int /*worker*/) {
    Spread(input + first, last - first, times_, spread + first * times_);
  });
  depthwise_.Run(spread, packed, out, out_stride, epilogue, spread + spread_, parallel);
}

}  // namespace mullion::cpu
