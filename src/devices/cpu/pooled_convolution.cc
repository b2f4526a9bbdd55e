// SPDX-License-Identifier: MIT
#include "devices/cpu/pooled_convolution.h"

#include <algorithm>

#include "base/rounding.h"

namespace mullion::cpu {

namespace {

// A quarter of a level 2 cache, for lines that are made and those before them that are still read.
constexpr int64_t kRingFloats = 64 * 1024;
// Lines that are made twice are one of so many at most.
constexpr int64_t kLinesForOverlap = 10;
constexpr int64_t kMostBands = 4;

size_t LinesOfFloats(int64_t floats) {
  return static_cast<size_t>(RoundUp(floats * static_cast<int64_t>(sizeof(float)),
                                     static_cast<int64_t>(kMemoryAlignment)));
}

}  // namespace

struct PooledConvolution::Job {
  const float* image;
  const float* packed;
  float* out;
  const Epilogue& epilogue;
};

PooledConvolution::PooledConvolution(const ConvolutionShape& shape,
                                     const operators::PoolParameters& pool)
    : convolution_(shape),
      functions_(FindPoolFunctions(PoolMethod::kMax, ElementType::kFloat)),
      batch_(shape.batch),
      line_pixels_(shape.axes[1].output),
      line_floats_(line_pixels_ * shape.out_channels) {
  const auto windows =
      pool.Axes(Shape{batch_, shape.axes[0].output, line_pixels_, shape.out_channels});
  down_ = windows[0];
  row_.axis = windows[1];
  row_.inside = row_.axis.Inside();
  row_.channels = shape.out_channels;
  pooled_floats_ = row_.axis.output * row_.channels;
  // Lines before those that are made which a window still reads.
  const int64_t kept = std::min(down_.kernel, down_.input);
  const int64_t room = kRingFloats / std::max<int64_t>(line_floats_, 1);
  step_ = std::max<int64_t>(std::min(room / 2, down_.input), 1);
  ring_ = RoundUp(step_ + kept, step_);
  const int64_t overlap = std::max<int64_t>(down_.kernel - down_.stride, 0);
  bands_ = std::clamp<int64_t>(down_.input / std::max<int64_t>(overlap * kLinesForOverlap, 1), 1,
                               kMostBands);
}

// A combined line, addresses of lines under a window, the ring, and what the products need.
size_t PooledConvolution::WorkerBytes() const {
  return LinesOfFloats(line_floats_) + LinesOfFloats(2 * std::min(down_.kernel, down_.input)) +
         LinesOfFloats(ring_ * line_floats_) + convolution_.ScratchBytes(1);
}

size_t PooledConvolution::ScratchBytes(int threads) const {
  return convolution_.image_bytes() + WorkerBytes() * static_cast<size_t>(threads);
}

void PooledConvolution::RunBand(const Job& job, int64_t image, int64_t begin, int64_t end,
                                char* memory) const {
  auto* const combined = reinterpret_cast<float*>(memory);
  memory += LinesOfFloats(line_floats_);
  auto** const rows = reinterpret_cast<const void**>(memory);
  memory += LinesOfFloats(2 * std::min(down_.kernel, down_.input));
  auto* const ring = reinterpret_cast<float*>(memory);
  memory += LinesOfFloats(ring_ * line_floats_);
  SerialParallel serial;
  PoolRow row = row_;
  row.x = combined;
  const auto behind = [&](int64_t place) {
    const int64_t start = down_.Start(place);
    return std::clamp<int64_t>(start + down_.LastTap(start), 0, down_.input);
  };
  const int64_t first = std::clamp<int64_t>(down_.Start(begin), 0, down_.input);
  const int64_t all = end > begin ? behind(end - 1) : first;
  int64_t made = first;
  for (int64_t place = begin; place < end; ++place) {
    const int64_t start = down_.Start(place);
    while (made < behind(place)) {
      const int64_t pixel = (image * down_.input + made) * line_pixels_;
      const int64_t lines = std::min(step_, all - made);
      convolution_.RunPixels(job.image, job.packed, {pixel, pixel + lines * line_pixels_},
                             ring + (made - first) % ring_ * line_floats_, row_.channels,
                             job.epilogue, memory, serial);
      made += lines;
    }
    size_t count = 0;
    for (int64_t tap = down_.FirstTap(start); tap < down_.LastTap(start); ++tap) {
      rows[count++] = ring + (start + tap - first) % ring_ * line_floats_;
    }
    functions_.rows(rows, count, static_cast<size_t>(line_floats_), combined);
    row.y = job.out + (image * down_.output + place) * pooled_floats_;
    functions_.slide(row);
  }
}

void PooledConvolution::Run(const float* input, const float* packed, float* out,
                            int64_t /*out_stride*/, const Epilogue& epilogue, void* scratch,
                            Parallel& parallel) const {
  const Job job{convolution_.MakeImage(input, scratch), packed, out, epilogue};
  char* const memory = static_cast<char*>(scratch) + convolution_.image_bytes();
  const size_t worker_bytes = WorkerBytes();
  parallel.For(batch_ * bands_, 1, [&](int64_t i, int64_t end, int worker) {
    for (; i < end; ++i) {
      const int64_t band = i % bands_;
      RunBand(job, i / bands_, down_.output * band / bands_, down_.output * (band + 1) / bands_,
              memory + worker_bytes * static_cast<size_t>(worker));
    }
  });
}

}  // namespace mullion::cpu
