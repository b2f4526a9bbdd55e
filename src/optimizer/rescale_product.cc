// SPDX-License-Identifier: MIT
#include "optimizer/rescale_product.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "operators/registry.h"
#include "operators/rescaled_conv.h"
#include "operators/rescaled_matmul.h"
#include "optimizer/fold_batch_normalization.h"
#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

using operators::rescaled_conv::kBias;

// Dequantized bytes, times a number and plus another for each channel.
struct Term {
  QuantizedValue bytes;
  std::optional<Affine> affine;
  bool has_one_reader = false;  // nobody else reads the bytes

  double scale(size_t channel) const {
    return bytes.scale * (affine.has_value() ? affine->scale[channel] : 1.0);
  }
  double shift(size_t channel) const { return affine.has_value() ? affine->shift[channel] : 0.0; }
};

// Nodes whose result nobody reads are left behind by other fusions.
bool HasOneLivingReader(const Value& value) {
  const auto lives = [](const auto& use) {
    const Node& node = *use.node;
    return node.output_count() != 1 || node.output(0)->IsGraphOutput() ||
           !node.output(0)->uses().empty();
  };
  return !value.IsGraphOutput() &&
         std::count_if(value.uses().begin(), value.uses().end(), lives) == 1;
}

std::optional<Term> TermOf(const Value* value) {
  if (value == nullptr) return std::nullopt;
  Term term;
  term.has_one_reader = HasOneReader(*value);
  if (const Node* const normalization = ProducerOf(value, "BatchNormalization")) {
    term.affine = AffineOf(*normalization);
    if (!term.affine.has_value()) return std::nullopt;
    value = normalization->input(0);
    term.has_one_reader = term.has_one_reader && HasOneReader(*value);
  }
  const auto bytes = DequantizedFrom(value);
  if (!bytes.has_value()) return std::nullopt;
  term.bytes = *bytes;
  term.has_one_reader = term.has_one_reader && HasOneLivingReader(*bytes->bytes);
  return term;
}

// The convolution that makes the bytes of a term, if it can take what follows.
Node* ConvolutionOf(const Graph& graph, const Term& term) {
  Node* const node = ProducerOf(term.bytes.bytes, "QLinearConv");
  if (node == nullptr || &node->graph() != &graph || !term.has_one_reader) return nullptr;
  const Value& weights = *node->input(operators::rescaled_conv::kW);
  if (!weights.type.has_shape || weights.type.shape[0] <= 0) return nullptr;
  if (node->IntAttribute("channels_last", 0) != 0) return nullptr;
  const auto channels = static_cast<size_t>(weights.type.shape[0]);
  return !term.affine.has_value() || term.affine->scale.size() == channels ? node : nullptr;
}

// Numbers per channel, in steps of the result.
struct Rescaling {
  std::vector<float> factors;
  std::vector<float> shifts;
  std::vector<float> residual_factors;
};

std::optional<Rescaling> RescalingOf(const Term& term, const Term* residual, size_t channels,
                                     double step) {
  if (residual != nullptr && residual->affine.has_value() &&
      residual->affine->scale.size() != channels) {
    return std::nullopt;
  }
  Rescaling rescaling;
  for (size_t c = 0; c < channels; ++c) {
    double shift = term.shift(c) / step;
    rescaling.factors.push_back(static_cast<float>(term.scale(c) / step));
    if (residual != nullptr) {
      const double factor = residual->scale(c) / step;
      shift += residual->shift(c) / step - factor * residual->bytes.zero_point;
      rescaling.residual_factors.push_back(static_cast<float>(factor));
      if (!std::isfinite(rescaling.residual_factors[c])) return std::nullopt;
    }
    rescaling.shifts.push_back(static_cast<float>(shift));
    if (!std::isfinite(rescaling.factors[c] * 255) || !std::isfinite(rescaling.shifts[c])) {
      return std::nullopt;
    }
  }
  return rescaling;
}

// The floats before a quantization that nobody else reads, perhaps behind a Relu.
struct Quantized {
  const Value* value = nullptr;
  bool rectified = false;
};

std::optional<Quantized> QuantizedOf(const Node& quantize) {
  const Value* value = quantize.input(0);
  if (value->producer() == nullptr || !HasOneReader(*value)) return std::nullopt;
  const bool rectified = Is(*value->producer(), "Relu");
  if (rectified) value = value->producer()->input(0);
  if (value == nullptr || value->producer() == nullptr || !HasOneReader(*value)) {
    return std::nullopt;
  }
  return Quantized{value, rectified};
}

// Constant numbers for the columns of a tensor of `rank` axes.
std::optional<std::vector<double>> NumbersOfColumns(const Value& value, int64_t columns, int rank) {
  const auto bytes = DequantizedOperand(&value);
  const Value& source = bytes.has_value() ? *bytes->bytes : value;
  if (!source.IsConstant() || (!bytes.has_value() && !IsFloat(&source))) return std::nullopt;
  const Shape& shape = source.constant.shape();
  if (shape.rank() < 1 || shape.rank() > rank || shape.Back(0) != columns ||
      source.constant.count() != columns) {
    return std::nullopt;
  }
  std::vector<double> numbers;
  for (size_t i = 0; i < static_cast<size_t>(columns); ++i) {
    if (!bytes.has_value()) {
      numbers.push_back(source.constant.span<float>()[i]);
      continue;
    }
    const int byte = bytes->type == ElementType::kInt8 ? source.constant.span<int8_t>()[i]
                                                       : source.constant.span<uint8_t>()[i];
    numbers.push_back(static_cast<double>(bytes->scale) * (byte - bytes->zero_point));
  }
  return numbers;
}

Value& ZeroOf(Graph& graph, const Node& quantize) {
  return quantize.input(2) != nullptr ? *quantize.input(2)
                                      : graph.AddConstant("zero", Tensor::Scalar(uint8_t{0}));
}

// A RescaledMatMul in the place of `product`, without its output.
Node& RescaledMatmulOf(Graph& graph, const Node& product, Node& quantize, bool rectified,
                       Value& factors, Value& shifts) {
  using namespace operators::rescaled_matmul;
  Node& node =
      graph.AddBareNode(operators::kInternalDomain, operators::kRescaledMatMul, 1, &quantize);
  node.origin = product.origin;
  if (rectified) node.SetAttribute(kRectified, int64_t{1});
  for (int i = 0; i < kBias; ++i) node.AddInput(product.input(i));
  node.AddInput(nullptr);
  node.AddInput(&factors);
  node.AddInput(&shifts);
  node.AddInput(&ZeroOf(graph, quantize));
  return node;
}

// Dequantized bytes, perhaps times or by a number; of all that nobody else reads anything.
struct ScaledBytes {
  QuantizedValue bytes;
  double factor = 1;
};

std::optional<ScaledBytes> ScaledBytesOf(const Value* value) {
  ScaledBytes scaled;
  if (value == nullptr || !HasOneReader(*value)) return std::nullopt;
  const Node* const division = ProducerOf(value, "Div");
  if (const Node* const node = division != nullptr ? division : ProducerOf(value, "Mul")) {
    const auto number = ScalarOf(node->input(1));
    if (!number.has_value() || node->input(1)->constant.shape().rank() > 1) return std::nullopt;
    scaled.factor = division != nullptr ? 1.0 / *number : *number;
    value = node->input(0);
    if (!HasOneReader(*value)) return std::nullopt;
  }
  const auto bytes = DequantizedFrom(value);
  if (!bytes.has_value() || !HasOneLivingReader(*bytes->bytes)) return std::nullopt;
  scaled.bytes = *bytes;
  scaled.factor *= bytes->scale;
  return scaled;
}

// Whether `mask` is the same for all rows of a stack of products, and for all products that share
// the first index, as RescaledMatMul takes shifts. Numbers of columns that are not known yet are
// for the operator: it repeats what is one.
bool IsByColumn(const Value& mask, const Node& product) {
  using namespace operators::rescaled_matmul;
  const TypeInfo& left = product.input(kA)->type;
  const TypeInfo& right = product.input(kB)->type;
  if (!IsFloat(&mask) || !mask.type.has_shape || !left.has_shape || !right.has_shape) return false;
  const Shape& shape = mask.type.shape;
  const int rank = right.shape.rank();
  if (rank < 3 || left.shape.rank() > rank || shape.rank() < 1 || shape.rank() > rank) return false;
  const auto same = [](int64_t a, int64_t b) { return a == b && a != kUnknownDim; };
  const bool unknown = shape.Back(0) < 0 && right.shape.Back(0) < 0;
  if (shape.Back(0) != right.shape.Back(0) && !unknown) return false;
  for (int i = 1; i < shape.rank(); ++i) {
    const bool first = i == rank - 1 && same(shape.Back(i), right.shape.Back(i));
    if (shape.Back(i) != 1 && !first) return false;
  }
  return true;
}

}  // namespace

Node* MakeRescaledConv(Graph& graph, Node& quantize, const QuantizedValue& result) {
  const auto quantized = QuantizedOf(quantize);
  if (!quantized.has_value()) return nullptr;
  const Value* const value = quantized->value;
  const Node& last = *value->producer();
  const bool is_sum = Is(last, "Add") || (Is(last, "Sum") && last.input_count() == 2);
  auto term = TermOf(is_sum ? last.input(0) : value);
  auto residual = is_sum ? TermOf(last.input(1)) : std::nullopt;
  if (!term.has_value() || (is_sum && !residual.has_value())) return nullptr;
  if (!is_sum && !term->affine.has_value()) return nullptr;
  if (is_sum && !HaveSameShape(*term->bytes.bytes, *residual->bytes.bytes)) return nullptr;
  Node* convolution = ConvolutionOf(graph, *term);
  if (convolution == nullptr && is_sum) {
    std::swap(term, residual);
    convolution = ConvolutionOf(graph, *term);
  }
  if (convolution == nullptr) return nullptr;
  const auto channels =
      static_cast<size_t>(convolution->input(operators::rescaled_conv::kW)->type.shape[0]);
  const auto rescaling = RescalingOf(*term, is_sum ? &*residual : nullptr, channels, result.scale);
  if (!rescaling.has_value()) return nullptr;

  Node& node =
      graph.AddBareNode(operators::kInternalDomain, operators::kRescaledConv, 1, &quantize);
  node.origin = convolution->origin;
  for (const Attribute& attribute : convolution->attributes()) {
    node.SetAttribute(attribute.name, attribute.value);
  }
  if (quantized->rectified) node.SetAttribute(operators::rescaled_conv::kRectified, int64_t{1});
  for (int i = 0; i <= kBias; ++i) node.AddInput(convolution->input(i));
  node.AddInput(&graph.AddConstant("factors", Tensor::Vector<float>(rescaling->factors)));
  node.AddInput(&graph.AddConstant("shifts", Tensor::Vector<float>(rescaling->shifts)));
  node.AddInput(&ZeroOf(graph, quantize));
  if (is_sum) {
    node.AddInput(residual->bytes.bytes);
    node.AddInput(
        &graph.AddConstant("factors", Tensor::Vector<float>(rescaling->residual_factors)));
  }
  return &node;
}

Node* MakeRescaledMatmul(Graph& graph, Node& quantize, const QuantizedValue& result) {
  using namespace operators::rescaled_matmul;
  const auto quantized = QuantizedOf(quantize);
  if (!quantized.has_value() || !Is(*quantized->value->producer(), "Add")) return nullptr;
  const Node& sum = *quantized->value->producer();
  auto term = TermOf(sum.input(0));
  const Value* numbers = sum.input(1);
  if (!term.has_value()) {
    term = TermOf(sum.input(1));
    numbers = sum.input(0);
  }
  if (!term.has_value() || term->affine.has_value() || !term->has_one_reader) return nullptr;
  const Node* const product = ProducerOf(term->bytes.bytes, "QLinearMatMul");
  if (product == nullptr || &product->graph() != &graph) return nullptr;
  const TypeInfo& right = product->input(kB)->type;
  const TypeInfo& bytes = term->bytes.bytes->type;
  if (!right.has_shape || right.shape.rank() != 2 || right.shape[1] < 1 || !bytes.has_shape) {
    return nullptr;
  }
  const auto shifts = NumbersOfColumns(*numbers, right.shape[1], bytes.shape.rank());
  if (!shifts.has_value()) return nullptr;
  term->affine = Affine{std::vector<double>(shifts->size(), 1.0), *shifts};
  const auto rescaling = RescalingOf(*term, nullptr, shifts->size(), result.scale);
  if (!rescaling.has_value()) return nullptr;

  return &RescaledMatmulOf(graph, *product, quantize, quantized->rectified,
                           graph.AddConstant("factors", Tensor::Vector<float>(rescaling->factors)),
                           graph.AddConstant("shifts", Tensor::Vector<float>(rescaling->shifts)));
}

Node* MakeRescaledScores(Graph& graph, Node& quantize, const QuantizedValue& result) {
  const auto quantized = QuantizedOf(quantize);
  if (!quantized.has_value() || !Is(*quantized->value->producer(), "Add")) return nullptr;
  const Node& sum = *quantized->value->producer();
  for (int side = 0; side < 2; ++side) {
    const auto scaled = ScaledBytesOf(sum.input(side));
    Value* const mask = sum.input(1 - side);
    if (!scaled.has_value() || mask == nullptr) continue;
    const Node* const product = ProducerOf(scaled->bytes.bytes, "QLinearMatMul");
    if (product == nullptr || &product->graph() != &graph || !IsByColumn(*mask, *product)) continue;
    const auto factor = static_cast<float>(scaled->factor / result.scale);
    if (!std::isfinite(factor * 255)) continue;
    Node& steps = graph.AddBareNode("", "Div", 14, &quantize);
    steps.origin = sum.origin;
    steps.AddInput(mask);
    steps.AddInput(&graph.AddConstant("scale", Tensor::Scalar(result.scale)));
    Value& shifts = graph.AddValue("shifts", mask->type);
    steps.SetOutput(0, &shifts);
    Value& factors = graph.AddConstant("factors", Tensor::Scalar(factor));
    return &RescaledMatmulOf(graph, *product, quantize, quantized->rectified, factors, shifts);
  }
  return nullptr;
}

}  // namespace mullion::optimizer
