// SPDX-License-Identifier: MIT
#include "optimizer/fold_spread_pixel.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/str_cat.h"
#include "operators/epilogue.h"
#include "optimizer/pattern.h"

namespace mullion::optimizer {

namespace {

// Fewer channels save less than the addition of their sum takes.
constexpr int64_t kFewestChannels = 32;

// Input channels [first, second) of weights [out][in], or all others. Worked out when packed.
class SomeChannels final : public TensorSource {
 public:
  SomeChannels(Tensor weights, std::pair<int64_t, int64_t> range, bool others)
      : weights_(std::move(weights)), range_(range), others_(others) {}

  void Fill(size_t begin, size_t bytes, void* memory) const override {
    const int64_t in = weights_.shape()[1];
    const int64_t some = range_.second - range_.first;
    const size_t row_bytes = static_cast<size_t>(others_ ? in - some : some) * sizeof(float);
    if (row_bytes == 0) return;
    const size_t whole_row = static_cast<size_t>(in) * sizeof(float);
    std::vector<float> all(bytes / row_bytes * static_cast<size_t>(in));
    weights_.CopyPart(begin / row_bytes * whole_row, bytes / row_bytes * whole_row, all.data());
    auto* to = static_cast<float*>(memory);
    for (const float* from = all.data(); from != all.data() + all.size(); from += in) {
      if (others_) {
        to = std::copy(from, from + range_.first, to);
        to = std::copy(from + range_.second, from + in, to);
      } else {
        to = std::copy(from + range_.first, from + range_.second, to);
      }
    }
  }
  void Prefetch(size_t /*begin*/, size_t /*bytes*/) const override {
    weights_.Prefetch(0, weights_.bytes());
  }
  void Forget(size_t /*begin*/, size_t /*bytes*/) const override {
    weights_.Forget(0, weights_.bytes());
  }
  std::string Identity() const override {
    std::string identity = weights_.deferred() ? weights_.source()->Identity() : std::string();
    if (identity.empty()) return identity;
    return StrCat(identity, others_ ? " without " : " only ", range_.first, " to ", range_.second);
  }

 private:
  const Tensor weights_;
  const std::pair<int64_t, int64_t> range_;
  const bool others_;
};

Value& ChannelsOf(Graph& graph, const Value& weights, std::pair<int64_t, int64_t> range,
                  bool others) {
  Shape shape = weights.constant.shape();
  const int64_t count = range.second - range.first;
  shape[1] = others ? shape[1] - count : count;
  return graph.AddConstant(weights.name(), Tensor::Deferred(ElementType::kFloat, shape,
                                                            std::make_shared<SomeChannels>(
                                                                weights.constant, range, others)));
}

bool AllAre(std::span<const int64_t> values, int64_t number) {
  return std::all_of(values.begin(), values.end(), [&](int64_t v) { return v == number; });
}

// Each output pixel comes from the one input pixel in its place.
bool IsPlain(const Node& conv) {
  const Value* const weights = conv.input(1);
  if (!IsConstantFloat(weights) || conv.IntAttribute("group", 1) != 1) return false;
  const Shape& shape = weights->constant.shape();
  return shape.rank() >= 3 && shape.Product(2, shape.rank()) == 1 &&
         AllAre(conv.IntsAttribute("strides"), 1) && AllAre(conv.IntsAttribute("pads"), 0) &&
         conv.input(operators::kResidualInput) == nullptr &&
         !conv.HasAttribute(operators::kFusedActivation);
}

// What Resize spreads over all pixels, or null.
Value* SpreadPixel(const Value& value) {
  const Node* const resize = ProducerOf(&value, "Resize");
  if (resize == nullptr || !value.type.has_shape) return nullptr;
  Value* const pixel = resize->input(0);
  if (!IsFloat(pixel) || !pixel->type.has_shape) return nullptr;
  const Shape& shape = pixel->type.shape;
  if (shape.rank() < 3 || shape.rank() != value.type.shape.rank()) return nullptr;
  // Batch and channels stay as they are.
  for (int i = 0; i < 2; ++i) {
    if (shape[i] < 0 || shape[i] != value.type.shape[i]) return nullptr;
  }
  for (int i = 2; i < shape.rank(); ++i) {
    if (shape[i] != 1) return nullptr;
  }
  const std::string_view mode = resize->StringAttribute("mode", "nearest");
  const bool inside = resize->StringAttribute("coordinate_transformation_mode", "half_pixel") !=
                      "tf_crop_and_resize";
  return inside && (mode == "nearest" || mode == "linear") ? pixel : nullptr;
}

struct Spread {
  int input = -1;  // of the Concat
  Value* pixel = nullptr;
  std::pair<int64_t, int64_t> channels;
};

Spread SpreadOf(const Node& concat) {
  Spread spread;
  int64_t first = 0;
  for (int i = 0; i < concat.input_count(); ++i) {
    const TypeInfo& type = concat.input(i)->type;
    if (!type.has_shape || type.shape.rank() < 3 || type.shape[1] < 0) return {};
    Value* const pixel = spread.pixel == nullptr ? SpreadPixel(*concat.input(i)) : nullptr;
    if (pixel != nullptr && type.shape[1] >= kFewestChannels) {
      spread = {i, pixel, {first, first + type.shape[1]}};
    }
    first += type.shape[1];
  }
  return spread;
}

// The inputs of `concat` but one, joined.
Value& Others(Graph& graph, const Node& concat, int without) {
  std::vector<Value*> others;
  for (int i = 0; i < concat.input_count(); ++i) {
    if (i != without) others.push_back(concat.input(i));
  }
  if (others.size() == 1) return *others[0];
  const std::string& name = concat.output(0)->name();
  Node& joined = graph.AddNode("", "Concat", concat.opset(), others, 1, name, &concat);
  joined.origin = concat.origin;
  joined.SetAttribute("axis", int64_t{1});
  Value& output = *joined.output(0);
  output.type = concat.output(0)->type;
  output.type.shape[1] = 0;
  for (const Value* const part : others) output.type.shape[1] += part->type.shape[1];
  return output;
}

bool FoldSpread(Graph& graph, Node& conv) {
  if (!IsPlain(conv)) return false;
  const Node* const concat = ProducerOf(conv.input(0), "Concat");
  if (concat == nullptr || &concat->graph() != &graph || !HasOneReader(*conv.input(0))) {
    return false;
  }
  const Value& joined = *conv.input(0);
  const int64_t axis = concat->IntAttribute("axis", 0);
  if (!joined.type.has_shape || concat->input_count() < 2) return false;
  if (axis != 1 && axis != 1 - joined.type.shape.rank()) return false;
  const Spread spread = SpreadOf(*concat);
  if (spread.pixel == nullptr) return false;

  Value* const output = conv.output(0);
  const Value& weights = *conv.input(1);
  Node& small = graph.AddBareNode("", "Conv", conv.opset(), &conv);
  small.origin = conv.origin;
  for (const Attribute& attribute : conv.attributes()) {
    small.SetAttribute(attribute.name, attribute.value);
  }
  small.SetInput(0, spread.pixel);
  small.SetInput(1, &ChannelsOf(graph, weights, spread.channels, false));
  TypeInfo type = spread.pixel->type;
  type.shape[1] = weights.constant.shape()[0];
  small.SetOutput(0, &graph.AddValue(output->name(), type));

  conv.SetInput(0, &Others(graph, *concat, spread.input));
  conv.SetInput(1, &ChannelsOf(graph, weights, spread.channels, true));
  conv.SetOutput(0, &graph.AddValue(output->name(), output->type));
  Node& sum = graph.AddBareNode("", "Add", 14, graph.Next(conv));
  sum.origin = conv.origin;
  sum.SetInput(0, conv.output(0));
  sum.SetInput(1, small.output(0));
  sum.SetOutput(0, output);
  return true;
}

}  // namespace

bool FoldSpreadPixel(Graph& graph) {
  bool changed = false;
  for (const auto& node : graph.nodes()) {
    for (Graph* const subgraph : node->Subgraphs()) changed |= FoldSpreadPixel(*subgraph);
    if (Is(*node, "Conv")) changed |= FoldSpread(graph, *node);
  }
  return changed;
}

}  // namespace mullion::optimizer
