// SPDX-License-Identifier: MIT
#include "optimizer/fold_pixel_slices.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "operators/int_list.h"
#include "operators/slice.h"
#include "optimizer/pattern.h"
#include "optimizer/remove_dead_code.h"

namespace mullion::optimizer {

namespace {

constexpr int kRank = 4;  // [N, C, height, width]
constexpr int64_t kMostChannels = 4;

using Pair = std::array<int64_t, 2>;  // along height and width

// The pixels start + i * step of `image`.
struct Phase {
  Value* image = nullptr;
  Pair start{0, 0};
  Pair step{1, 1};
};

bool IsImage(const Value* value) {
  return value != nullptr && value->type.IsTensor() && value->type.has_shape &&
         value->type.shape.rank() == kRank && value->type.shape.IsConcrete();
}

std::optional<IntList> ConstantInts(const Value* value) {
  if (value == nullptr || !value->IsConstant()) return std::nullopt;
  Result<IntList> list = ReadIntList(value->constant.view(), "list");
  return list.ok() ? std::optional<IntList>(*list) : std::nullopt;
}

// Goes from what `slice` gives out, of which `phase` tells, to what it reads.
bool StepBack(const Node& slice, Phase& phase) {
  if (!IsImage(slice.input(0))) return false;
  const Shape& shape = slice.input(0)->type.shape;
  const auto starts = ConstantInts(slice.input(1));
  const auto ends = ConstantInts(slice.input(2));
  if (!starts.has_value() || !ends.has_value()) return false;
  const auto axes = slice.input(3) != nullptr ? ConstantInts(slice.input(3))
                                              : std::optional(IntList::Iota(starts->size()));
  const auto steps = slice.input(4) != nullptr ? ConstantInts(slice.input(4))
                                               : std::optional(IntList::Filled(starts->size(), 1));
  if (!axes.has_value() || !steps.has_value()) return false;
  const auto ranges = operators::ResolveSlice(shape, *starts, *ends, &*axes, &*steps);
  if (!ranges.ok()) return false;
  for (int axis = 0; axis < kRank; ++axis) {
    const operators::SliceRange& range = ranges->axes[static_cast<size_t>(axis)];
    if (axis < 2) {
      if (range.start != 0 || range.step != 1 || range.count != shape[axis]) return false;
      continue;
    }
    const auto i = static_cast<size_t>(axis - 2);
    phase.start[i] = range.start + range.step * phase.start[i];
    phase.step[i] *= range.step;
    if (range.step < 1) return false;
  }
  phase.image = slice.input(0);
  return true;
}

std::optional<Phase> PhaseOf(Value* value) {
  Phase phase{.image = value};
  while (const Node* const slice = ProducerOf(phase.image, "Slice")) {
    if (!StepBack(*slice, phase)) return std::nullopt;
  }
  return phase;
}

// The phases that `concat` joins, if they are all the phases of one image, each once.
std::vector<Phase> PhasesOf(const Node& concat) {
  if (concat.IntAttribute("axis", 0) != 1 || !IsImage(concat.output(0))) return {};
  const Shape& joined = concat.output(0)->type.shape;
  std::vector<Phase> phases;
  std::vector<bool> seen(static_cast<size_t>(concat.input_count()));
  for (Value* const input : concat.inputs()) {
    const auto phase = PhaseOf(input);
    if (!phase.has_value() || !IsImage(phase->image)) return {};
    const Phase& first = phases.empty() ? *phase : phases.front();
    const Shape& whole = phase->image->type.shape;
    if (phase->image != first.image || phase->step != first.step || whole[1] > kMostChannels ||
        phase->step[0] * phase->step[1] != concat.input_count()) {
      return {};
    }
    for (size_t i = 0; i < 2; ++i) {
      const int axis = static_cast<int>(i) + 2;
      if (phase->start[i] >= phase->step[i] || whole[axis] != joined[axis] * phase->step[i]) {
        return {};
      }
    }
    const auto index = static_cast<size_t>(phase->start[0] * phase->step[1] + phase->start[1]);
    if (seen[index]) return {};
    seen[index] = true;
    phases.push_back(*phase);
  }
  return phases;
}

bool AreAll(std::span<const int64_t> values, int64_t wanted) {
  return std::all_of(values.begin(), values.end(), [&](int64_t v) { return v == wanted; });
}

// [out][phase, channel][y][x] to [out][channel][y * step + start][x * step + start].
Result<Tensor> SpreadWeights(const Tensor& weights, const std::vector<Phase>& phases) {
  const Shape& shape = weights.shape();
  const Pair step = phases.front().step;
  const auto count = static_cast<int64_t>(phases.size());
  const int64_t channels = shape[1] / count;
  const Shape spread{shape[0], channels, shape[2] * step[0], shape[3] * step[1]};
  const auto element = static_cast<int64_t>(ByteSize(weights.type(), 1));
  MULLION_ASSIGN_OR_RETURN(Tensor result, Tensor::Allocate(weights.type(), spread));
  auto* const to = static_cast<char*>(result.mutable_data());
  const auto* from = static_cast<const char*>(weights.data());
  for (int64_t out = 0; out < shape[0]; ++out) {
    for (const Phase& phase : phases) {
      for (int64_t c = 0; c < channels; ++c) {
        for (int64_t y = 0; y < shape[2]; ++y) {
          const int64_t line =
              ((out * channels + c) * spread[2] + y * step[0] + phase.start[0]) * spread[3];
          for (int64_t x = 0; x < shape[3]; ++x, from += element) {
            std::copy_n(from, element, to + (line + x * step[1] + phase.start[1]) * element);
          }
        }
      }
    }
  }
  return result;
}

// The weights are input `weights_input`; of a QLinearConv zero points stay what they are, as every
// pixel has all of its channels.
bool FoldSlices(Graph& graph, Node& conv, int weights_input) {
  const Node* const concat = ProducerOf(conv.input(0), "Concat");
  const Value* const weights = conv.input(weights_input);
  if (concat == nullptr || !weights->IsConstant() || weights->constant.shape().rank() != kRank ||
      conv.IntAttribute("channels_last", 0) != 0 || conv.IntAttribute("group", 1) != 1 ||
      !AreAll(conv.IntsAttribute("strides"), 1) || !AreAll(conv.IntsAttribute("dilations"), 1) ||
      conv.StringAttribute("auto_pad", "NOTSET") != "NOTSET") {
    return false;
  }
  const std::vector<Phase> phases = PhasesOf(*concat);
  if (phases.size() < 2) return false;
  const Pair step = phases.front().step;
  Result<Tensor> spread = SpreadWeights(weights->constant, phases);
  if (!spread.ok()) return false;
  const Shape& shape = spread->shape();
  conv.SetAttribute("kernel_shape", std::vector<int64_t>{shape[2], shape[3]});
  conv.SetAttribute("strides", std::vector<int64_t>{step[0], step[1]});
  std::vector<int64_t> pads(conv.IntsAttribute("pads").begin(), conv.IntsAttribute("pads").end());
  for (size_t i = 0; i < pads.size(); ++i) pads[i] *= step[i % 2];
  if (!pads.empty()) conv.SetAttribute("pads", std::move(pads));
  conv.SetInput(0, phases.front().image);
  conv.SetInput(weights_input, &graph.AddConstant(weights->name(), *std::move(spread)));
  return true;
}

}  // namespace

bool FoldPixelSlices(Graph& graph) {
  bool changed = false;
  for (const auto& node : graph.nodes()) {
    for (Graph* const subgraph : node->Subgraphs()) changed |= FoldPixelSlices(*subgraph);
    if (Is(*node, "Conv")) changed |= FoldSlices(graph, *node, 1);
    if (Is(*node, "QLinearConv")) changed |= FoldSlices(graph, *node, 3);
  }
  if (changed) RemoveDeadCode(graph);
  return changed;
}

}  // namespace mullion::optimizer
