// SPDX-License-Identifier: MIT
#include "devices/cpu/integer_convolution.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "base/str_cat.h"
#include "devices/cpu/convolution_shape.h"
#include "devices/cpu/integer_lines.h"
#include "devices/cpu/integer_operand.h"
#include "devices/cpu/kernels/convolution/pixel_rows.h"
#include "devices/cpu/kernels/integer/integer_depthwise.h"
#include "devices/cpu/kernels/integer/integer_input.h"
#include "devices/cpu/kernels/integer/integer_product.h"
#include "devices/cpu/kernels/integer/integer_winograd.h"
#include "operators/convolution_geometry.h"

namespace mullion::cpu {

namespace {

// Units of the left operand may reach so far beyond the last element.
constexpr int64_t kSlack = 64;
// Pixels of an image that one task stages.
constexpr int64_t kStagedPixels = 512;

std::vector<int32_t> ZerosOf(const Tensor& zeros, int64_t count) {
  std::vector<int32_t> values(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    values[static_cast<size_t>(i)] = zeros ? SpreadByte(zeros.view(), i) : 0;
  }
  return values;
}

}  // namespace

struct IntegerConvolution::Bound : BoundState {
  Bound(const ConvolutionShape& s, bool by_lines) : shape(s), rows(by_lines ? LinesOf(s) : s) {}

  ConvolutionShape shape;
  Shape output;
  PixelRows rows;
  bool depthwise;
  bool winograd;
  IntegerPanels panels;  // of one group
  int64_t padded;        // columns of all groups
  bool staged;           // the image is not read in place
  int64_t element;       // bytes of an element of the image as it is read
  int64_t pixel_bytes;
  // Offsets into scratch memory.
  int64_t image, padding, packed, zeros, init, scales, biases, factors, residual_factors, kernel;
};

// Stands for pixels, or lines of a kernel, outside the image.
int64_t IntegerConvolution::PaddingBytes(const Bound& bound) {
  return std::max(bound.pixel_bytes, bound.panels.depth * bound.element) + kSlack;
}

bool IntegerConvolution::Depthwise(const Shape& weights, int64_t groups) const {
  return groups > 1 && weights[1] == 1 && weights[0] == groups;
}

IntegerPanels IntegerConvolution::Panels(const Shape& weights, int64_t groups) const {
  IntegerPanels panels;
  panels.form = form_;
  panels.columns = weights[0] / groups;
  panels.taps = weights.Product(2, weights.rank());
  panels.depth = weights[1];
  if (by_lines_) {
    panels.taps /= weights.Back(0);
    panels.depth *= weights.Back(0);
  }
  return panels;
}

int64_t IntegerConvolution::PackedBytes(const Shape& weights, int64_t groups) const {
  if (Depthwise(weights, groups)) {
    return IntegerDepthwiseBytes(depthwise_form_, groups, weights.Product(2, weights.rank()));
  }
  return groups * Panels(weights, groups).bytes();
}

// `zeros` has one element per output channel.
void IntegerConvolution::Pack(const TensorView& weights, int64_t groups, const int32_t* zeros,
                              uint8_t* packed) const {
  const bool is_signed = weights.type == ElementType::kInt8;
  const IntegerPanels panels = Panels(weights.shape, groups);
  if (Depthwise(weights.shape, groups)) {
    PackIntegerDepthwise(depthwise_form_, weights.data, is_signed, zeros, groups, panels.taps,
                         packed);
    return;
  }
  const int64_t column = panels.depth * panels.taps;
  if (by_lines_) {
    const std::vector<uint8_t> lines = LineWeights(weights);
    PackIntegers(panels, {lines.data(), is_signed, column, panels.depth, 1}, zeros, packed);
    return;
  }
  for (int64_t group = 0; group < groups; ++group) {
    const IntegerSource source{weights.as<uint8_t>() + group * panels.columns * column, is_signed,
                               column, 1, panels.taps};
    PackIntegers(panels, source, zeros + group * panels.columns, packed + group * panels.bytes());
  }
}

Status IntegerConvolution::Prepare(const Node& node, WeightStore& store) {
  form_ = CurrentIntegerForm();
  groups_ = std::max<int64_t>(node.IntAttribute("group", 1), 1);
  channels_last_ = operators::ChannelLayout(node).last;
  const Value* const weights = node.input(ports_.weights);
  const Value* const zeros = node.input(ports_.weights_zero);
  constant_zeros_ = zeros == nullptr || zeros->IsConstant();
  if (!weights->IsConstant()) return OkStatus();
  const Shape& shape = weights->constant.shape();
  // Zero points that come at run time are part of what is packed, but for the byte form.
  const bool bytes = form_ == IntegerForm::kBytes && !Depthwise(shape, groups_);
  if (!bytes && !constant_zeros_) return OkStatus();
  const std::vector<int32_t> values =
      ZerosOf(zeros == nullptr || bytes ? Tensor() : zeros->constant, shape[0]);
  if (Depthwise(shape, groups_) && form_ == IntegerForm::kBytes) {
    // Weights less their zero points are bytes when they are signed ones around the middle.
    const int32_t middle = weights->constant.type() == ElementType::kInt8 ? 0 : 128;
    const bool centred = std::all_of(values.begin(), values.end(),
                                     [middle](int32_t zero) { return zero == middle; });
    if (centred) depthwise_form_ = IntegerForm::kBytes;
  }
  const auto dilations = node.IntsAttribute("dilations");
  by_lines_ = TakesLines(form_, shape, groups_, dilations.empty() ? 1 : dilations.back());
  std::string format = StrCat("integer_convolution, nine taps by columns:", static_cast<int>(form_),
                              ":", groups_, by_lines_ ? " by lines" : "");
  if (std::any_of(values.begin(), values.end(), [](int32_t zero) { return zero != 0; })) {
    for (const int32_t zero : values) format += StrCat(":", zero);
  }
  MULLION_ASSIGN_OR_RETURN(
      packed_,
      store.Get(weights->constant, format, static_cast<size_t>(PackedBytes(shape, groups_)),
                [&](const TensorView& source, void* memory) {
                  Pack(source, groups_, values.data(), static_cast<uint8_t*>(memory));
                }));
  return PrepareWinograd(node, store);
}

Status IntegerConvolution::PrepareWinograd(const Node& node, WeightStore& store) {
  const Tensor& weights = node.input(ports_.weights)->constant;
  const Shape& shape = weights.shape();
  const auto ones = [&](const char* name) {
    const auto values = node.IntsAttribute(name);
    return std::all_of(values.begin(), values.end(), [](int64_t value) { return value == 1; });
  };
  if (!channels_last_ || !constant_zeros_ || groups_ != 1 || shape.rank() != 4) return OkStatus();
  if (shape[2] != 3 || shape[3] != 3 || !ones("strides") || !ones("dilations")) return OkStatus();
  if (!integer_winograd::Takes(shape[1], shape[0], form_)) return OkStatus();
  const Value* const zeros = node.input(ports_.weights_zero);
  const std::vector<int32_t> values =
      ZerosOf(zeros == nullptr ? Tensor() : zeros->constant, shape[0]);
  integer_winograd::Weights kernels{nullptr, weights.type() == ElementType::kInt8, values.data(),
                                    shape[1], shape[0]};
  std::string format = "integer_convolution, 36 points";
  for (const int32_t zero : values) format += zero == 0 ? "," : StrCat(":", zero);
  MULLION_ASSIGN_OR_RETURN(winograd_,
                           store.Get(weights, format, static_cast<size_t>(kernels.PackedBytes()),
                                     [&](const TensorView& source, void* memory) {
                                       kernels.data = source.data;
                                       kernels.Pack(static_cast<uint8_t*>(memory));
                                     }));
  if (!integer_winograd::Fit(static_cast<const uint8_t*>(winograd_.get()))) winograd_ = nullptr;
  return OkStatus();
}

Status IntegerConvolution::Bind(BindContext& context, int64_t extra) const {
  const BindContext::Port& image = *context.input(ports_.image);
  const Shape& weights = context.input(ports_.weights)->shape;
  MULLION_ASSIGN_OR_RETURN(
      const operators::ConvolutionGeometry geometry,
      operators::ConvolutionGeometry::FromNode(context.node(), image.shape, weights));
  auto bound = std::make_unique<Bound>(ShapeOfGeometry(geometry), by_lines_);
  Bound& b = *bound;
  b.output = geometry.OutputShape();
  b.depthwise = Depthwise(weights, groups_);
  b.winograd = winograd_ != nullptr && integer_winograd::Prefers(b.shape, form_);
  const bool reads_bytes = b.depthwise || b.winograd;
  b.panels = Panels(weights, groups_);
  b.padded = b.depthwise ? PadDepthwiseChannels(groups_) : groups_ * b.panels.padded_columns();

  const int64_t unit = UnitElements(form_);
  const int64_t channels = geometry.in_channels;
  const bool is_signed = image.type == ElementType::kInt8;
  b.element = reads_bytes ? 1 : ElementBytes(form_);
  if (reads_bytes) {
    b.staged = !channels_last_;
    b.pixel_bytes = channels;
  } else {
    // Read in place, units of the last pixel may not reach beyond the image.
    b.staged = by_lines_ || !channels_last_ || form_ == IntegerForm::kWords || is_signed ||
               b.panels.depth % unit != 0;
    const bool pad = b.staged && groups_ == 1 && !by_lines_;
    b.pixel_bytes = b.element * (pad ? (channels + unit - 1) / unit * unit : channels);
  }

  ScratchLayout layout;
  layout.Take(extra);
  const int64_t pixels = geometry.batch * b.rows.input_pixels();
  b.image = layout.Take(b.staged ? pixels * b.pixel_bytes + kSlack : 0);
  b.padding = layout.Take(PaddingBytes(b));
  b.packed = layout.Take(packed_ == nullptr ? PackedBytes(weights, groups_) : 0);
  b.zeros = layout.Take(std::max(b.padded, weights[0]) * 4);
  b.init = layout.Take(b.padded * 4);
  b.scales = layout.Take(b.padded * 4);
  b.biases = layout.Take(b.padded * 4);
  b.factors = layout.Take(b.padded * 4);
  b.residual_factors = layout.Take(b.padded * 4);
  b.kernel = layout.size();
  IntegerProduct product;
  product.panels = b.panels;
  product.column_stride = channels_last_ ? 1 : 2;  // any stride but 1 is transposed
  IntegerDepthwise depthwise;
  depthwise.rows = &b.rows;
  depthwise.transposed = !channels_last_;
  const int64_t kernel = b.depthwise  ? IntegerDepthwiseScratchBytes(depthwise, context.threads())
                         : b.winograd ? integer_winograd::ScratchBytes(b.shape, context.threads())
                                      : IntegerScratchBytes(product, context.threads());
  context.RequestScratch(static_cast<size_t>(b.kernel + kernel));
  context.SetState(std::move(bound));
  return OkStatus();
}

const uint8_t* IntegerConvolution::PackedWeights(const RunContext& context, const Bound& b) const {
  if (packed_ != nullptr) return static_cast<const uint8_t*>(packed_.get());
  const TensorView& weights = context.Input(ports_.weights);
  auto* const zeros = ScratchAt<int32_t>(context, b.zeros);
  for (int64_t i = 0; i < weights.shape[0]; ++i) {
    zeros[i] = context.HasInput(ports_.weights_zero)
                   ? SpreadByte(context.Input(ports_.weights_zero), i)
                   : 0;
  }
  auto* const packed = ScratchAt<uint8_t>(context, b.packed);
  Pack(weights, groups_, zeros, packed);
  return packed;
}

// The image as the kernels read it, and the pixel that stands for those outside.
const uint8_t* IntegerConvolution::StageImage(const RunContext& context, const Bound& b) const {
  const TensorView& image = context.Input(ports_.image);
  const bool is_signed = image.type == ElementType::kInt8;
  const int32_t zero = ByteInput(context, ports_.image_zero);
  const bool reads_bytes = b.depthwise || b.winograd;
  const IntegerConversion conversion{reads_bytes ? IntegerForm::kBytes : form_,
                                     is_signed && !reads_bytes, zero};
  const int32_t shift = conversion.is_signed ? 128 : 0;
  const int32_t padding = conversion.form == IntegerForm::kWords ? 0 : zero + shift;
  std::memset(ScratchAt<uint8_t>(context, b.padding), padding,
              static_cast<size_t>(PaddingBytes(b)));
  const auto* const from = image.as<uint8_t>();
  if (!b.staged) return from;
  auto* const to = ScratchAt<uint8_t>(context, b.image);
  if (by_lines_) {
    StageLines(b.shape, channels_last_, conversion, padding, from, to, context.parallel());
    return to;
  }
  const int64_t pixels = b.rows.input_pixels();
  const int64_t channels = b.shape.in_channels;
  const int64_t parts = (pixels + kStagedPixels - 1) / kStagedPixels;
  context.parallel().For(b.shape.batch * parts, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % parts * kStagedPixels;
      const int64_t last = std::min(first + kStagedPixels, pixels);
      const uint8_t* const source = from + i / parts * pixels * channels;
      uint8_t* const target = to + (i / parts * pixels + first) * b.pixel_bytes;
      if (!channels_last_) {
        GatherPixels(conversion, source, channels, pixels, first, last, target, b.pixel_bytes);
      } else {
        ConvertPixels(conversion, source + first * channels, channels, last - first, target,
                      b.pixel_bytes);
      }
    }
  });
  return to;
}

const Shape& IntegerConvolution::OutputShape(const RunContext& context) const {
  return context.state<Bound>()->output;
}

void IntegerConvolution::Run(const RunContext& context, const Job& job) const {
  const Bound& b = *context.state<Bound>();
  if (b.depthwise) {
    RunDepthwise(context, b, job);
  } else if (b.winograd) {
    RunWinograd(context, b, job);
  } else {
    RunProduct(context, b, job);
  }
}

IntegerFinish IntegerConvolution::FinishOf(const RunContext& context, const Bound& b,
                                           const Job& job) {
  const int64_t columns = b.depthwise ? b.shape.out_channels : b.panels.columns;
  const int64_t padded = b.depthwise ? b.padded : b.panels.padded_columns();
  const auto spread = [&](const float* values, int64_t offset) -> const float* {
    if (values == nullptr) return nullptr;
    auto* const to = ScratchAt<float>(context, offset);
    for (int64_t group = 0; group * padded < b.padded; ++group) {
      std::fill(std::copy_n(values + group * columns, columns, to + group * padded),
                to + (group + 1) * padded, 0.0f);
    }
    return to;
  };
  IntegerFinish finish;
  finish.output = job.output;
  finish.zero_point = job.zero_point;
  finish.step = job.step;
  finish.scales = spread(job.scales, b.scales);
  finish.biases = spread(job.biases, b.biases);
  finish.activation = job.activation;
  finish.residual = job.residual;
  finish.rescale = job.rescale;
  // Bytes have no float biases.
  finish.rescale.shifts = spread(job.rescale.shifts, b.biases);
  finish.rescale.factors = spread(job.rescale.factors, b.factors);
  finish.rescale.residual_factors = spread(job.rescale.residual_factors, b.residual_factors);
  finish.rescale.residual_stride = b.shape.out_channels;
  return finish;
}

const int32_t* IntegerConvolution::InitOf(const RunContext& context, const Bound& b, const Job& job,
                                          const int32_t* weight_sums, int32_t zero) {
  auto* const init = ScratchAt<int32_t>(context, b.init);
  std::fill_n(init, b.padded, 0);
  for (int64_t c = 0; c < b.shape.out_channels; ++c) {
    const uint32_t bias = job.bias != nullptr ? static_cast<uint32_t>(job.bias[c]) : 0;
    const auto sum = static_cast<uint32_t>(weight_sums[c]);
    init[c] = static_cast<int32_t>(bias - sum * static_cast<uint32_t>(zero));
  }
  return init;
}

void IntegerConvolution::RunWinograd(const RunContext& context, const Bound& b,
                                     const Job& job) const {
  const auto* const packed = static_cast<const uint8_t*>(winograd_.get());
  integer_winograd::Job winograd;
  winograd.shape = b.shape;
  winograd.is_signed = context.Input(ports_.image).type == ElementType::kInt8;
  winograd.input = StageImage(context, b);
  winograd.padding = ScratchAt<uint8_t>(context, b.padding);
  winograd.packed = packed;
  winograd.init = InitOf(context, b, job, integer_winograd::Sums(b.shape, packed),
                         ByteInput(context, ports_.image_zero) + (winograd.is_signed ? 128 : 0));
  winograd.finish = FinishOf(context, b, job);
  winograd.ranges = job.ranges;
  winograd.out = job.out;
  integer_winograd::Run(winograd, ScratchAt<void*>(context, b.kernel), context.parallel());
}

void IntegerConvolution::RunDepthwise(const RunContext& context, const Bound& b,
                                      const Job& job) const {
  const int64_t channels = b.shape.out_channels;
  const uint8_t* const weights = PackedWeights(context, b);
  const bool is_signed = context.Input(ports_.image).type == ElementType::kInt8;
  const int32_t shift = is_signed && depthwise_form_ == IntegerForm::kBytes ? 128 : 0;
  const int32_t* const init = InitOf(
      context, b, job, DepthwiseWeightSums(depthwise_form_, weights, channels, b.panels.taps),
      ByteInput(context, ports_.image_zero) + shift);
  IntegerDepthwise depthwise;
  depthwise.rows = &b.rows;
  depthwise.images = b.shape.batch;
  depthwise.channels = channels;
  depthwise.input = StageImage(context, b);
  depthwise.is_signed = is_signed;
  depthwise.padding = ScratchAt<uint8_t>(context, b.padding);
  depthwise.form = depthwise_form_;
  depthwise.weights = weights;
  depthwise.init = init;
  depthwise.finish = FinishOf(context, b, job);
  depthwise.ranges = job.ranges;
  depthwise.out = job.out;
  depthwise.transposed = !channels_last_;
  RunIntegerDepthwise(depthwise, ScratchAt<void*>(context, b.kernel), context.parallel());
}

void IntegerConvolution::RunProduct(const RunContext& context, const Bound& b,
                                    const Job& job) const {
  const bool bytes = form_ == IntegerForm::kBytes;
  const TensorView& image = context.Input(ports_.image);
  const TensorView& weights = context.Input(ports_.weights);
  const uint8_t* const packed = PackedWeights(context, b);
  const uint8_t* const pixels = StageImage(context, b);
  const uint8_t* const padding = ScratchAt<uint8_t>(context, b.padding);
  IntegerProduct product;
  product.images = b.shape.batch;
  product.groups = groups_;
  product.rows = b.rows.output_pixels();
  product.panels = b.panels;
  product.packed = packed;

  // In byte form what was shifted by 128 takes its zero point along.
  const int32_t left_shift = bytes && image.type == ElementType::kInt8 ? 128 : 0;
  const int32_t right_shift = bytes && weights.type == ElementType::kUint8 ? -128 : 0;
  product.left_zero = bytes ? ByteInput(context, ports_.image_zero) + left_shift : 0;
  auto* const init = ScratchAt<int32_t>(context, b.init);
  auto* const zeros = ScratchAt<int32_t>(context, b.zeros);
  bool has_zeros = false;
  std::fill_n(init, b.padded, 0);
  std::fill_n(zeros, b.padded, 0);
  const TensorView* const right_zeros =
      context.HasInput(ports_.weights_zero) ? &context.Input(ports_.weights_zero) : nullptr;
  const bool one_zero = right_zeros == nullptr || right_zeros->count() == 1;
  if (bytes && one_zero) {
    product.right_zero = right_shift + ByteInput(context, ports_.weights_zero);
  }
  for (int64_t group = 0; group < groups_; ++group) {
    const int64_t first = group * b.panels.columns;
    const int64_t at = group * b.panels.padded_columns();
    if (job.bias != nullptr) std::copy_n(job.bias + first, b.panels.columns, init + at);
    if (!bytes) continue;
    const int32_t* const sums = b.panels.ColumnSums(packed + group * b.panels.bytes());
    const auto left_zero = static_cast<uint32_t>(product.left_zero);
    for (int64_t c = 0; c < b.panels.columns; ++c) {
      const uint32_t begin = static_cast<uint32_t>(init[at + c]);
      init[at + c] = static_cast<int32_t>(begin - left_zero * static_cast<uint32_t>(sums[c]));
      if (one_zero) continue;
      zeros[at + c] = right_shift + ByteAt(*right_zeros, first + c);
      has_zeros = has_zeros || zeros[at + c] != 0;
    }
  }
  product.init = init;
  product.ranges = job.ranges;
  product.finish = FinishOf(context, b, job);
  product.finish.right_zeros = has_zeros ? zeros : nullptr;

  product.out = job.out;
  product.image_step = product.rows * b.shape.out_channels;
  product.group_step = b.panels.columns * (channels_last_ ? 1 : product.rows);
  product.row_stride = channels_last_ ? b.shape.out_channels : 1;
  product.column_stride = channels_last_ ? 1 : product.rows;
  const auto make_rows = [&](const IntegerRowRequest& request) {
    b.rows.Find(pixels + request.image * b.rows.input_pixels() * b.pixel_bytes +
                    request.group * b.panels.depth * b.element,
                b.pixel_bytes, padding, request.first_row, request.row_count, request.rows,
                request.stride);
  };
  MultiplyIntegers(product, make_rows, ScratchAt<void*>(context, b.kernel), context.parallel());
}

}  // namespace mullion::cpu
