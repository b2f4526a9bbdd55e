// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/convolution/convolution.h"

#include <algorithm>
#include <cstring>

#include "devices/cpu/kernels/matrix/few_columns.h"
#include "devices/cpu/kernels/matrix/matrix_pack.h"

namespace mullion::cpu {

namespace {

// Below so many channels a tap is too short for the tile's inner loop, and neighbouring taps of a
// line become one where pixels lie side by side. From so many on, products of few columns are
// packed tap by tap.
constexpr int64_t kFewChannels = kFewColumnsDepth;
// Windows that hang over the image's side are then copied: at most so much per worker.
constexpr int64_t kMaxWindowFloats = 128 * 1024;

int64_t FloorDivide(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }
int64_t CeilDivide(int64_t a, int64_t b) { return -FloorDivide(-a, b); }

bool HasFewColumns(int64_t out_channels, int64_t groups, int64_t channels) {
  return groups == 1 && out_channels <= kFewColumns && channels >= kFewColumnsDepth;
}

// Where every output reads pixels of its own which follow each other as outputs do, all lines of
// the batch are one: every pixel becomes one pixel, or so many of a line. A convolution without
// spatial axes is one of a single pixel.
void JoinLines(ConvolutionShape& shape) {
  ConvolutionShape::Axis line;
  int64_t outputs = shape.batch;
  for (int i = 0; i < shape.spatial_rank; ++i) {
    const ConvolutionShape::Axis& axis = shape.axes[static_cast<size_t>(i)];
    const bool is_last = i + 1 == shape.spatial_rank;
    const bool is_own = (axis.kernel - 1) * axis.dilation < axis.stride;
    if (axis.pad != 0 || axis.input != axis.output * axis.stride || !is_own || axis.kernel < 1 ||
        (axis.stride != 1 && !is_last)) {
      return;
    }
    if (is_last) line = axis;
    outputs *= axis.output;
  }
  shape.batch = 1;
  shape.spatial_rank = 1;
  shape.axes[0] = line;
  shape.axes[0].output = outputs;
  shape.axes[0].input = outputs * line.stride;
}

bool IsPlain(int64_t groups, int64_t taps) { return groups == 1 && taps == 1; }

}  // namespace

bool MergesLastAxis(const ConvolutionShape& shape) {
  if (shape.spatial_rank == 0 || shape.groups != 1) return false;
  const ConvolutionShape::Axis& last = shape.axes[static_cast<size_t>(shape.spatial_rank - 1)];
  return last.kernel > 1 && last.dilation == 1 && shape.in_channels < kFewChannels &&
         shape.Taps() * shape.in_channels * kMaxBlockRows <= kMaxWindowFloats;
}

std::pair<int64_t, int64_t> ConvolutionShape::Axis::Inside(int64_t offset, int64_t span) const {
  const int64_t begin = std::clamp<int64_t>(CeilDivide(pad - offset, stride), 0, output);
  const int64_t end = FloorDivide(input - span - offset + pad, stride) + 1;
  return {begin, std::clamp(end, begin, output)};
}

int64_t ConvolutionShape::Taps() const {
  int64_t taps = 1;
  for (int i = 0; i < spatial_rank; ++i) taps *= axes[static_cast<size_t>(i)].kernel;
  return taps;
}

int64_t ConvolutionShape::OutputPixels() const {
  int64_t pixels = batch;
  for (int i = 0; i < spatial_rank; ++i) pixels *= axes[static_cast<size_t>(i)].output;
  return pixels;
}

size_t PackedConvolutionFloats(int64_t out_channels, int64_t groups, int64_t channels,
                               int64_t taps) {
  if (HasFewColumns(out_channels, groups, channels)) {
    return static_cast<size_t>(out_channels * channels * taps);
  }
  if (IsPlain(groups, taps)) return PackedWeightFloats(channels, out_channels);
  const ColumnBlocks blocks = ColumnBlocks::Of(out_channels / groups);
  return static_cast<size_t>(groups * blocks.PackedFloats(channels * taps));
}

void PackConvolution(const RightSource& weights, int64_t out_channels, int64_t groups,
                     float* packed) {
  if (HasFewColumns(out_channels, groups, weights.depth)) {
    PackFewColumns(weights, out_channels, packed);
    return;
  }
  if (IsPlain(groups, weights.taps)) {
    PackWeight(weights, out_channels, packed);
    return;
  }
  const ColumnBlocks blocks = ColumnBlocks::Of(out_channels / groups);
  RightSource group = weights;
  for (int64_t i = 0; i < groups; ++i) {
    PackRight(group, blocks, packed);
    group.first_column += out_channels / groups;
    packed += blocks.PackedFloats(weights.depth * weights.taps);
  }
}

// Output pixels side by side along the last axis: rows [row, row + count) of a request begin at
// output coordinate `first` there, and at `start` of the input along the axes before.
struct ConvolutionRows::Run {
  int64_t row;
  int64_t count;
  int64_t image;
  int64_t first;
  std::array<int64_t, kMaxRank> start;
};

ConvolutionRows::ConvolutionRows(const ConvolutionShape& shape) : shape_(shape) {
  JoinLines(shape_);
  const bool merges = MergesLastAxis(shape_);
  const auto last_axis = static_cast<size_t>(shape_.spatial_rank - 1);
  const ConvolutionShape::Axis& last = shape_.axes[last_axis];
  const int64_t channels = shape_.in_channels / shape_.groups;
  last_kernel_ = merges ? 1 : last.kernel;
  taps_ = last_kernel_;
  for (size_t axis = 0; axis < last_axis; ++axis) taps_ *= shape_.axes[axis].kernel;
  depth_ = merges ? last.kernel * channels : channels;
  if (merges) scratch_floats_ = kMaxBlockRows * taps_ * depth_;
  zeros_.resize(static_cast<size_t>(depth_));
  input_pixels_ = 1;
  for (int i = 0; i < shape_.spatial_rank; ++i) {
    input_pixels_ *= shape_.axes[static_cast<size_t>(i)].input;
  }
  bool all_in_image = true;
  for (size_t axis = 0; axis <= last_axis; ++axis) {
    const ConvolutionShape::Axis& a = shape_.axes[axis];
    const std::pair<int64_t, int64_t> all{0, a.output};
    all_in_image = all_in_image && a.Inside(0, (a.kernel - 1) * a.dilation + 1) == all;
  }
  const int64_t outer_taps = last_kernel_ == 0 ? 0 : taps_ / last_kernel_;
  for (int64_t outer = 0; outer < outer_taps; ++outer) {
    int64_t rest = outer;
    int64_t line = 0;
    int64_t line_pixels = last.input;
    std::array<int64_t, kMaxRank> position{};
    for (size_t axis = last_axis; axis-- > 0;) {
      position[axis] = rest % shape_.axes[axis].kernel * shape_.axes[axis].dilation;
      rest /= shape_.axes[axis].kernel;
      line += position[axis] * line_pixels;
      line_pixels *= shape_.axes[axis].input;
    }
    for (int64_t tap = 0; all_in_image && tap < last_kernel_; ++tap) {
      tap_offsets_.push_back((line + tap * last.dilation) * shape_.in_channels);
    }
    outer_taps_.insert(outer_taps_.end(), position.begin(),
                       position.begin() + static_cast<std::ptrdiff_t>(last_axis));
  }
  all_inside_ = {0, last.output};
  for (int64_t tap = 0; tap < last_kernel_; ++tap) {
    const auto inside = last.Inside(tap * last.dilation, merges ? last.kernel : 1);
    all_inside_.first = std::max(all_inside_.first, inside.first);
    all_inside_.second = std::min(all_inside_.second, inside.second);
    inside_.push_back(inside);
  }
}

// Cuts the rows asked for into runs.
void ConvolutionRows::Make(const float* input, const RowRequest& request) const {
  const auto last_axis = static_cast<size_t>(shape_.spatial_rank - 1);
  Run run;
  run.row = 0;
  while (run.row < request.row_count) {
    int64_t rest = request.first_row + run.row;
    run.first = rest % shape_.axes[last_axis].output;
    rest /= shape_.axes[last_axis].output;
    for (size_t axis = last_axis; axis-- > 0;) {
      const ConvolutionShape::Axis& a = shape_.axes[axis];
      run.start[axis] = rest % a.output * a.stride - a.pad;
      rest /= a.output;
    }
    run.image = rest;
    run.count = std::min(shape_.axes[last_axis].output - run.first, request.row_count - run.row);
    if (tap_offsets_.empty()) {
      MakeRun(input, request, run);
    } else {
      MakeInsideRun(input, request, run);
    }
    run.row += run.count;
  }
  if (!tap_offsets_.empty()) MakeOtherTaps(request);
}

// The first tap asked for, of windows that lie in the image.
void ConvolutionRows::MakeInsideRun(const float* input, const RowRequest& request,
                                    const Run& run) const {
  const auto last_axis = static_cast<size_t>(shape_.spatial_rank - 1);
  const ConvolutionShape::Axis& last = shape_.axes[last_axis];
  int64_t line = run.image;
  for (size_t axis = 0; axis < last_axis; ++axis) {
    line = line * shape_.axes[axis].input + run.start[axis];
  }
  const int64_t pixel = line * last.input + run.first * last.stride - last.pad;
  const int64_t step = last.stride * shape_.in_channels;
  const float* row = input + pixel * shape_.in_channels +
                     request.group * (shape_.in_channels / shape_.groups) +
                     tap_offsets_[static_cast<size_t>(request.first_tap)];
  const int64_t end = run.row + run.count;
  for (int64_t i = run.row; i < end; ++i, row += step) request.rows[i] = row;
  if (request.even == nullptr) return;
  request.even->step = step;
  std::fill(request.even->end.begin() + run.row, request.even->end.begin() + end,
            static_cast<uint8_t>(end));
}

// The other taps lie as far from the first one for every row.
void ConvolutionRows::MakeOtherTaps(const RowRequest& request) const {
  const int64_t* const offset = tap_offsets_.data() + request.first_tap;
  for (int64_t tap = 1; tap < request.tap_count; ++tap) {
    const float** const rows = request.rows + tap * request.stride;
    const int64_t distance = offset[tap] - offset[0];
    for (int64_t i = 0; i < request.row_count; ++i) rows[i] = request.rows[i] + distance;
  }
}

void ConvolutionRows::MakeRun(const float* input, const RowRequest& request, const Run& run) const {
  if (request.tap_count == 0) return;
  const int64_t channels = shape_.in_channels / shape_.groups;
  const float* const image =
      input + run.image * input_pixels_ * shape_.in_channels + request.group * channels;
  int64_t outer = request.first_tap / last_kernel_;
  int64_t last = request.first_tap % last_kernel_;
  const float* line = LineOf(image, run, outer);
  bool has_lines = line != nullptr;
  for (int64_t tap = 0;;) {
    MakeTap(line, request, run, tap, last);
    if (++tap == request.tap_count) break;
    if (++last < last_kernel_) continue;
    last = 0;
    line = LineOf(image, run, ++outer);
    has_lines = has_lines && line != nullptr;
  }
  if (request.even != nullptr) MarkEven(request, run, has_lines);
}

void ConvolutionRows::MarkEven(const RowRequest& request, const Run& run, bool has_lines) const {
  const ConvolutionShape::Axis& last = shape_.axes[static_cast<size_t>(shape_.spatial_rank - 1)];
  request.even->step = last.stride * shape_.in_channels;
  const int64_t begin = std::clamp<int64_t>(all_inside_.first - run.first, 0, run.count);
  int64_t end = std::clamp<int64_t>(all_inside_.second - run.first, begin, run.count);
  // Rows of zeros are all the same one.
  if (!has_lines) end = begin;
  const auto marks = request.even->end.begin() + run.row;
  std::fill(marks, marks + run.count, uint8_t{0});
  std::fill(marks + begin, marks + end, static_cast<uint8_t>(run.row + end));
}

// The first pixel of the input line that an outer tap reads; null outside the image.
const float* ConvolutionRows::LineOf(const float* image, const Run& run, int64_t outer_tap) const {
  const auto last_axis = static_cast<size_t>(shape_.spatial_rank - 1);
  const int64_t* const position = outer_taps_.data() + outer_tap * static_cast<int64_t>(last_axis);
  int64_t line = 0;
  for (size_t axis = 0; axis < last_axis; ++axis) {
    const int64_t at = run.start[axis] + position[axis];
    if (at < 0 || at >= shape_.axes[axis].input) return nullptr;
    line = line * shape_.axes[axis].input + at;
  }
  return image + line * shape_.axes[last_axis].input * shape_.in_channels;
}

// Tap `tap` of those asked for, the position `last_tap` of the last axis on `line`.
void ConvolutionRows::MakeTap(const float* line, const RowRequest& request, const Run& run,
                              int64_t tap, int64_t last_tap) const {
  const float** const rows = request.rows + tap * request.stride + run.row;
  if (line == nullptr) {
    std::fill(rows, rows + run.count, zeros_.data());
    return;
  }
  const ConvolutionShape::Axis& last = shape_.axes[static_cast<size_t>(shape_.spatial_rank - 1)];
  const auto [inside_begin, inside_end] = inside_[static_cast<size_t>(last_tap)];
  const int64_t begin = std::clamp<int64_t>(inside_begin - run.first, 0, run.count);
  const int64_t end = std::clamp<int64_t>(inside_end - run.first, begin, run.count);
  const int64_t step = last.stride * shape_.in_channels;
  const int64_t offset =
      (run.first * last.stride - last.pad + last_tap * last.dilation) * shape_.in_channels;
  // By addition: vectors of 64-bit products would take ten operations each.
  const float* pixel = line + (offset + begin * step);
  for (int64_t i = begin; i < end; ++i, pixel += step) rows[i] = pixel;
  if (begin == 0 && end == run.count) return;
  if (scratch_floats_ == 0) {
    std::fill(rows, rows + begin, zeros_.data());
    std::fill(rows + end, rows + run.count, zeros_.data());
  } else {
    CopyWindows(line, request, run, tap, 0, begin);
    CopyWindows(line, request, run, tap, end, run.count);
  }
}

// Windows that hang over the side of the image, with zeros for what is missing.
void ConvolutionRows::CopyWindows(const float* line, const RowRequest& request, const Run& run,
                                  int64_t tap, int64_t begin, int64_t end) const {
  const ConvolutionShape::Axis& last = shape_.axes[static_cast<size_t>(shape_.spatial_rank - 1)];
  const int64_t channels = shape_.in_channels;
  for (int64_t i = begin; i < end; ++i) {
    float* const window = request.scratch + ((run.row + i) * taps_ + tap) * depth_;
    const int64_t start = (run.first + i) * last.stride - last.pad;
    const int64_t first = std::clamp<int64_t>(-start, 0, last.kernel);
    const int64_t behind = std::clamp<int64_t>(last.input - start, first, last.kernel);
    std::fill(window, window + first * channels, 0.0f);
    if (behind > first) {
      std::memcpy(window + first * channels, line + (start + first) * channels,
                  static_cast<size_t>((behind - first) * channels) * sizeof(float));
    }
    std::fill(window + behind * channels, window + depth_, 0.0f);
    request.rows[tap * request.stride + run.row + i] = window;
  }
}

Convolution::Convolution(const ConvolutionShape& shape) : image_(shape), rows_(image_.shape()) {
  product_.rows = shape.OutputPixels();
  product_.taps = rows_.taps();
  product_.depth = rows_.depth();
  product_.groups = shape.groups;
  product_.blocks = ColumnBlocks::Of(shape.out_channels / shape.groups);
  product_.right_step = product_.blocks.PackedFloats(product_.taps * product_.depth);
  product_.out_step = product_.blocks.columns;
  product_.bias_step = product_.blocks.columns;
  product_.residual_step = product_.blocks.columns;
  product_.row_scratch_floats = rows_.scratch_floats();
  product_.of_samples = weight_product_.of_samples = true;
  few_columns_ = HasFewColumns(shape.out_channels, shape.groups, shape.in_channels / shape.groups);
  plain_ = IsPlain(shape.groups, shape.Taps()) && shape.batch > 0;
  weight_product_.rows = product_.rows;
  weight_product_.rows_together = plain_ ? product_.rows / shape.batch : 0;
  weight_product_.depth = product_.depth;
  weight_product_.columns = shape.out_channels;
}

size_t Convolution::ScratchBytes(int threads) const {
  if (few_columns_) return FewColumnsScratchBytes(product_, threads);
  if (plain_) return WeightProductScratchBytes(weight_product_, threads);
  return image_.bytes() + MatrixScratchBytes(product_, threads);
}

namespace {

// A planned product, of either kind, and where what it makes goes.
template <typename Product>
Product GivingOut(Product product, float* out, int64_t out_stride, const Epilogue& epilogue) {
  product.out = out;
  product.out_stride = out_stride;
  product.epilogue = epilogue;
  return product;
}

}  // namespace

void Convolution::Run(const float* input, const float* packed, float* out, int64_t out_stride,
                      const Epilogue& epilogue, void* scratch, Parallel& parallel) const {
  const float* const image = image_.Make(input, scratch);
  if (!plain_ && !few_columns_) {
    RunPixels(image, packed, {0, product_.rows}, out, out_stride, epilogue,
              static_cast<char*>(scratch) + image_.bytes(), parallel);
    return;
  }
  const auto rows = [&](const RowRequest& request) { rows_.Make(image, request); };
  if (few_columns_) {
    MatrixProduct product = GivingOut(product_, out, out_stride, epilogue);
    product.right = packed;
    MultiplyFewColumns(product, rows, scratch, parallel);
    return;
  }
  WeightProduct product = GivingOut(weight_product_, out, out_stride, epilogue);
  product.packed = packed;
  MultiplyByWeight(product, rows, scratch, parallel);
}

void Convolution::RunPixels(const float* image, const float* packed,
                            std::pair<int64_t, int64_t> pixels, float* out, int64_t out_stride,
                            const Epilogue& epilogue, void* scratch, Parallel& parallel) const {
  const auto rows = [&](const RowRequest& request) {
    RowRequest moved = request;
    moved.first_row += pixels.first;
    rows_.Make(image, moved);
  };
  MatrixProduct product = GivingOut(product_, out, out_stride, epilogue);
  product.rows = pixels.second - pixels.first;
  product.right = packed;
  MultiplyMatrix(product, rows, scratch, parallel);
}

}  // namespace mullion::cpu
