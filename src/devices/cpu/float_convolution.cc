// SPDX-License-Identifier: MIT
#include "devices/cpu/float_convolution.h"

#include <cstring>

#include "devices/cpu/fused_activation.h"
#include "devices/cpu/strided_copy.h"
#include "operators/convolution_geometry.h"
#include "operators/epilogue.h"
#include "operators/whole_output.h"

namespace mullion::cpu {

namespace {

using operators::ChannelLayout;
using operators::kBiasInput;
using operators::kConvWhole;
using operators::kResidualInput;

// Parts of the scratch memory, one behind the other.
class ScratchParts {
 public:
  size_t Add(size_t bytes) {
    const size_t offset = bytes_;
    bytes_ += (bytes + kMemoryAlignment - 1) / kMemoryAlignment * kMemoryAlignment;
    return offset;
  }
  size_t bytes() const { return bytes_; }

 private:
  size_t bytes_ = 0;
};

// `count` matrices of `rows` x `columns`, each transposed.
void TransposeEach(const float* from, int64_t count, int64_t rows, int64_t columns, float* to,
                   Parallel& parallel) {
  StridedCopy copy(ElementType::kFloat);
  copy.AddAxis(count, rows * columns, rows * columns);
  copy.AddAxis(columns, 1, rows);
  copy.AddAxis(rows, columns, 1);
  copy.Run(from, 0, to, 0, parallel);
}

// Rows of `columns` floats into wider ones.
void CopyRows(const float* from, int64_t rows, int64_t columns, float* to, int64_t to_stride,
              Parallel& parallel) {
  StridedCopy copy(ElementType::kFloat);
  copy.AddAxis(rows, columns, to_stride);
  copy.AddAxis(columns, 1, 1);
  copy.Run(from, 0, to, 0, parallel);
}

ChannelLayout ImageLayoutOf(const Node& node) {
  ChannelLayout layout(node);
  if (node.IntAttribute(operators::kReadsPlanes, 0) != 0) layout.last = false;
  return layout;
}

size_t FloatBytes(int64_t count) { return static_cast<size_t>(count) * sizeof(float); }

}  // namespace

struct FloatConvolution::Bound final : public BoundState {
  ConvolutionShape shape;
  std::unique_ptr<ConvolutionPlan> plan;
  Shape output_shape;
  // Of the output, which may be wider than what the convolution makes.
  int64_t channels = 0;
  int64_t first_channel = 0;
  int64_t input_pixels = 1;  // of one image
  int64_t output_pixels = 1;
  // Channels-first images whose order differs from channels-last are copied.
  bool turns_input = false;
  bool turns_output = false;
  bool copies_output = false;  // into a wider one
  size_t packed = 0;
  size_t input = 0;
  size_t residual = 0;
  size_t output = 0;
  size_t work = 0;
};

Shape FloatConvolution::KnownImage() const {
  const TypeInfo& image = node_.input(0)->type;
  if (image.has_shape) return image.shape;
  return Shape::Filled(node_.input(1)->type.shape.rank(), kUnknownDim);
}

bool FloatConvolution::HasFixedAxes() const {
  const Shape image = KnownImage();
  for (int i = 0; i < image.rank() - 2; ++i) {
    if (image[image_layout_.SpatialAxis(i)] < 0) return false;
  }
  return true;
}

FloatConvolution::FloatConvolution(const Node& node)
    : node_(node),
      layout_(node),
      image_layout_(ImageLayoutOf(node)),
      whole_channels_(layout_.last ? node.IntAttribute(operators::kWholeChannels, 0) : 0),
      first_channel_(whole_channels_ > 0 ? node.IntAttribute(operators::kFirstChannel, 0) : 0),
      owns_residual_(node.input(kResidualInput) != node.input(0)) {}

Status FloatConvolution::Prepare(WeightStore& weights) {
  MULLION_ASSIGN_OR_RETURN(activation_, FusedActivationOf(node_));
  MULLION_ASSIGN_OR_RETURN(pool_, operators::PoolParameters::OfPooled(node_));
  const Value* const value = node_.input(1);
  if (value == nullptr || !value->IsConstant()) return OkStatus();
  const Tensor& constant = value->constant;
  MULLION_ASSIGN_OR_RETURN(const ConvolutionShape shape, ShapeOf(KnownImage(), constant.shape()));
  const ColumnBlocks blocks = ColumnBlocks::Of(1);
  const std::string format = Format(shape) + " lanes " + std::to_string(blocks.lanes) + " of " +
                             std::to_string(blocks.max_vectors);
  MULLION_ASSIGN_OR_RETURN(
      packed_, weights.GetByRows(constant, format, PackedFloats(shape) * sizeof(float),
                                 [&](WeightContents& contents, void* memory) {
                                   const auto rows = [&](int64_t first, int64_t count) {
                                     return static_cast<const float*>(contents.Rows(first, count));
                                   };
                                   Pack(rows, shape, static_cast<float*>(memory));
                                 }));
  return OkStatus();
}

bool FloatConvolution::TellShape(std::span<const Shape* const> inputs, Shape& output) const {
  ConvolutionShape shape;
  if (!TellSizes(*inputs[0], shape)) return false;
  output = Shape::Filled(inputs[0]->rank(), shape.batch);
  int64_t& channels = output[layout_.ChannelAxis(output.rank())];
  channels = shape.out_channels;
  for (int i = 0; i < shape.spatial_rank; ++i) {
    output[layout_.SpatialAxis(i)] = shape.axes[static_cast<size_t>(i)].output;
  }
  const auto fits = [&](size_t i, const Shape& wanted) {
    return i >= inputs.size() || inputs[i] == nullptr || *inputs[i] == wanted;
  };
  if (!fits(kBiasInput, Shape{shape.out_channels}) || !fits(kResidualInput, output)) return false;
  if (whole_channels_ > 0) channels = whole_channels_;
  if (pool_.spatial_rank > 0) output = pool_.OutputShape(output);
  return fits(kConvWhole, output);
}

Status FloatConvolution::Bind(BindContext& context) const {
  const Shape& image = context.input(0)->shape;
  auto bound = std::make_unique<Bound>();
  if (!TellSizes(image, bound->shape)) {
    MULLION_ASSIGN_OR_RETURN(bound->shape, ShapeOf(image, context.input(1)->shape));
  }
  const ConvolutionShape& shape = bound->shape;
  bound->plan = MakePlan(shape);
  bound->output_shape = Shape::Filled(image.rank(), shape.batch);
  const bool writes_part = whole_channels_ > 0;
  bound->channels = writes_part ? whole_channels_ : shape.out_channels;
  bound->first_channel = first_channel_;
  bound->output_shape[layout_.ChannelAxis(image.rank())] = bound->channels;
  for (int i = 0; i < shape.spatial_rank; ++i) {
    const ConvolutionShape::Axis& axis = shape.axes[static_cast<size_t>(i)];
    bound->output_shape[layout_.SpatialAxis(i)] = axis.output;
    bound->input_pixels *= axis.input;
    bound->output_pixels *= axis.output;
  }
  if (pool_.spatial_rank > 0) bound->output_shape = pool_.OutputShape(bound->output_shape);
  bound->turns_input = !image_layout_.last && !bound->plan->ReadsPlanes() &&
                       shape.in_channels > 1 && bound->input_pixels > 1;
  bound->turns_output = !layout_.last && shape.out_channels > 1 && bound->output_pixels > 1;
  bound->copies_output = writes_part && bound->plan->NeedsDensePixels();

  ScratchParts parts;
  const int64_t outputs = shape.batch * bound->output_pixels * shape.out_channels;
  if (packed_ == nullptr) bound->packed = parts.Add(PackedFloats(shape) * sizeof(float));
  if (bound->turns_input) {
    bound->input = parts.Add(FloatBytes(shape.batch * bound->input_pixels * shape.in_channels));
  }
  if (bound->turns_output) {
    if (context.input(kResidualInput) != nullptr) bound->residual = parts.Add(FloatBytes(outputs));
    bound->output = parts.Add(FloatBytes(outputs));
  } else if (writes_part) {
    if (bound->copies_output) bound->output = parts.Add(FloatBytes(outputs));
    if (context.input(kConvWhole) != nullptr) context.AllowInPlace(0, kConvWhole);
  } else if (bound->plan->TakesResidualInPlace() && context.input(kResidualInput) != nullptr &&
             owns_residual_) {
    context.AllowInPlace(0, kResidualInput);
  }
  bound->work = parts.Add(bound->plan->ScratchBytes(context.threads()));
  context.RequestScratch(parts.bytes());
  context.SetState(std::move(bound));
  return OkStatus();
}

Status FloatConvolution::Run(RunContext& context) const {
  const Bound& bound = *context.state<Bound>();
  const ConvolutionShape& shape = bound.shape;
  Parallel& parallel = context.parallel();
  MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                           context.AllocateOutput(0, bound.output_shape));
  if (output.count() == 0) return OkStatus();
  const auto scratch = [&](size_t offset) {
    return reinterpret_cast<float*>(static_cast<char*>(context.scratch()) + offset);
  };

  const auto* packed = static_cast<const float*>(packed_.get());
  if (packed == nullptr) {
    const TensorView& weights = context.Input(1);
    const auto rows = [&](int64_t first, int64_t /*count*/) {
      return weights.as<float>() + first * weights.shape.Product(1, weights.shape.rank());
    };
    Pack(rows, shape, scratch(bound.packed));
    packed = scratch(bound.packed);
  }
  const float* input = context.Input(0).as<float>();
  if (bound.turns_input) {
    TransposeEach(input, shape.batch, shape.in_channels, bound.input_pixels, scratch(bound.input),
                  parallel);
    input = scratch(bound.input);
  }
  Epilogue epilogue;
  epilogue.activation = activation_;
  if (context.HasInput(kBiasInput)) epilogue.bias = context.Input(kBiasInput).as<float>();
  if (context.HasInput(kResidualInput)) {
    epilogue.residual = context.Input(kResidualInput).as<float>();
    epilogue.residual_stride = shape.out_channels;
    if (bound.turns_output) {
      TransposeEach(epilogue.residual, shape.batch, shape.out_channels, bound.output_pixels,
                    scratch(bound.residual), parallel);
      epilogue.residual = scratch(bound.residual);
    }
  }
  if (context.HasInput(kConvWhole) && context.Input(kConvWhole).data != output.data) {
    std::memcpy(output.data, context.Input(kConvWhole).data, output.bytes());
  }
  float* const part = output.as<float>() + bound.first_channel;
  const bool apart = bound.turns_output || bound.copies_output;
  bound.plan->Run(input, packed, apart ? scratch(bound.output) : part,
                  apart ? shape.out_channels : bound.channels, epilogue, scratch(bound.work),
                  parallel);
  if (bound.turns_output) {
    TransposeEach(scratch(bound.output), shape.batch, bound.output_pixels, shape.out_channels,
                  output.as<float>(), parallel);
  } else if (bound.copies_output) {
    CopyRows(scratch(bound.output), shape.batch * bound.output_pixels, shape.out_channels, part,
             bound.channels, parallel);
  }
  return OkStatus();
}

}  // namespace mullion::cpu
