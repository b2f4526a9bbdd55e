// SPDX-License-Identifier: MIT
#include "optimizer/fold_batch_normalization.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/str_cat.h"
#include "operators/epilogue.h"
#include "optimizer/pattern.h"

namespace mullion::optimizer {

// BatchNormalization-7 on: y = (x - mean) / sqrt(variance + epsilon) * scale + bias.
std::optional<Affine> AffineOf(const Node& node) {
  if (node.IntAttribute("training_mode", 0) != 0) return std::nullopt;
  for (int i = 1; i < 5; ++i) {
    if (!IsConstantFloat(node.input(i))) return std::nullopt;
  }
  const auto scale = node.input(1)->constant.span<float>();
  const auto bias = node.input(2)->constant.span<float>();
  const auto mean = node.input(3)->constant.span<float>();
  const auto variance = node.input(4)->constant.span<float>();
  const size_t count = scale.size();
  if (bias.size() != count || mean.size() != count || variance.size() != count) {
    return std::nullopt;
  }
  const double epsilon = node.FloatAttribute("epsilon", 1e-5f);
  Affine affine;
  for (size_t i = 0; i < count; ++i) {
    const double factor = scale[i] / std::sqrt(static_cast<double>(variance[i]) + epsilon);
    affine.scale.push_back(factor);
    affine.shift.push_back(bias[i] - mean[i] * factor);
  }
  return affine;
}

namespace {

// Conv weights are [M, C/group, kernel...]; ConvTranspose weights [C, M/group, kernel...].
struct WeightAxes {
  int64_t channels = 0;  // output channels
  int64_t outer = 1;     // before the channel axis
  int64_t inner = 1;     // after it
  int64_t per_group = 0;
  int64_t outer_per_group = 1;
};

std::optional<WeightAxes> AxesOf(const Node& node) {
  const Value* const weights = node.input(1);
  if (!IsConstantFloat(weights) || weights->constant.shape().rank() < 3) return std::nullopt;
  const Shape& shape = weights->constant.shape();
  const int64_t groups = node.IntAttribute("group", 1);
  WeightAxes axes;
  if (Is(node, "Conv")) {
    axes = {shape[0], 1, shape.Product(1, shape.rank()), shape[0], 1};
  } else {
    axes = {shape[1] * groups, shape[0], shape.Product(2, shape.rank()), shape[1],
            std::max<int64_t>(shape[0] / groups, 1)};
  }
  return axes;
}

// Weights times a factor for each output channel, worked out when they are packed.
class ScaledWeights final : public TensorSource {
 public:
  ScaledWeights(Tensor weights, const WeightAxes& axes, std::vector<double> scale)
      : weights_(std::move(weights)), axes_(axes), scale_(std::move(scale)) {}

  void Fill(size_t begin, size_t bytes, void* memory) const override {
    auto* to = static_cast<float*>(memory);
    const auto* from = static_cast<const char*>(Source(begin, bytes, memory));
    const size_t run = static_cast<size_t>(axes_.inner) * sizeof(float);
    if (run == 0) return;
    const auto first = static_cast<int64_t>(begin / run);
    const auto end = static_cast<int64_t>((begin + bytes) / run);
    for (int64_t r = first; r < end; ++r, from += run, to += axes_.inner) {
      // Input channel o of a ConvTranspose belongs to one group of output channels.
      const int64_t group = r / axes_.per_group / axes_.outer_per_group;
      const auto channel = static_cast<size_t>(group * axes_.per_group + r % axes_.per_group);
      const auto factor = static_cast<float>(scale_[channel]);
      for (int64_t i = 0; i < axes_.inner; ++i) {
        float weight;
        std::memcpy(&weight, from + i * int64_t{sizeof(weight)}, sizeof(weight));
        to[i] = weight * factor;
      }
    }
  }
  void Prefetch(size_t begin, size_t bytes) const override { weights_.Prefetch(begin, bytes); }
  void Forget(size_t begin, size_t bytes) const override { weights_.Forget(begin, bytes); }
  std::string Identity() const override {
    std::string identity = weights_.deferred() ? weights_.source()->Identity() : std::string();
    if (identity.empty()) return identity;
    const XXH128_hash_t hash = XXH3_128bits(scale_.data(), scale_.size() * sizeof(double));
    return StrCat(identity, " times ", hash.high64, ":", hash.low64);
  }

 private:
  // That part of the weights where it lies at any alignment, or in `memory`.
  const void* Source(size_t begin, size_t bytes, void* memory) const {
    if (const TensorSource* const source = weights_.source()) {
      if (const void* const all = source->Bytes()) return static_cast<const char*>(all) + begin;
    }
    weights_.CopyPart(begin, bytes, memory);
    return memory;
  }

  const Tensor weights_;
  const WeightAxes axes_;
  const std::vector<double> scale_;
};

Tensor ShiftedBias(const Node& node, const WeightAxes& axes, const Affine& affine) {
  std::vector<float> bias(static_cast<size_t>(axes.channels));
  const Value* const old = node.input(2);
  for (size_t c = 0; c < bias.size(); ++c) {
    const double before = old == nullptr ? 0.0 : old->constant.span<float>()[c];
    bias[c] = static_cast<float>(before * affine.scale[c] + affine.shift[c]);
  }
  return Tensor::Vector<float>(bias);
}

bool FoldNormalization(Graph& graph, Node& normalization) {
  Value* const middle = normalization.input(0);
  Node* convolution = ProducerOf(middle, "Conv");
  if (convolution == nullptr) convolution = ProducerOf(middle, "ConvTranspose");
  if (convolution == nullptr || !HasOneReader(*middle) || &convolution->graph() != &graph) {
    return false;
  }
  if (convolution->input(operators::kResidualInput) != nullptr ||
      convolution->HasAttribute(operators::kFusedActivation)) {
    return false;
  }
  const auto affine = AffineOf(normalization);
  const auto axes = AxesOf(*convolution);
  if (!affine.has_value() || !axes.has_value() ||
      affine->scale.size() != static_cast<size_t>(axes->channels)) {
    return false;
  }
  const Value* const bias = convolution->input(2);
  if (bias != nullptr && (!IsConstantFloat(bias) || bias->constant.count() != axes->channels)) {
    return false;
  }
  const Tensor& old = convolution->input(1)->constant;
  Value& weights = graph.AddConstant(
      convolution->input(1)->name(),
      Tensor::Deferred(old.type(), old.shape(),
                       std::make_shared<ScaledWeights>(old, *axes, affine->scale)));
  Value& shifted =
      graph.AddConstant(normalization.input(2)->name(), ShiftedBias(*convolution, *axes, *affine));
  convolution->SetInput(1, &weights);
  convolution->SetInput(2, &shifted);
  Value* const output = normalization.output(0);
  normalization.SetOutput(0, nullptr);
  convolution->SetOutput(0, output);
  graph.Remove(normalization);
  return true;
}

}  // namespace

bool FoldBatchNormalization(Graph& graph) {
  bool changed = false;
  for (auto place = graph.nodes().begin(); place != graph.nodes().end();) {
    Node& node = **place;
    ++place;
    for (Graph* const subgraph : node.Subgraphs()) changed |= FoldBatchNormalization(*subgraph);
    if (Is(node, "BatchNormalization")) changed |= FoldNormalization(graph, node);
  }
  return changed;
}

}  // namespace mullion::optimizer
