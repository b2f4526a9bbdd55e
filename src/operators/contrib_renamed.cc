// SPDX-License-Identifier: MIT
// com.microsoft's operators that are one of ai.onnx's by another name, with inputs in other places,
// or with channels last.
#include <algorithm>
#include <string>
#include <utility>

#include "operators/expansion.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

constexpr int kRenamedOpset = 22;

// Refuses what the attributes ask for beyond ai.onnx's operator.
Status RequireUnset(const Node& node,
                    std::initializer_list<std::pair<const char*, int64_t>> plain) {
  for (const auto& [name, value] : plain) {
    if (node.IntAttribute(name, value) == value) continue;
    return node.Error(StatusCode::kUnsupported,
                      std::string("attribute '") + name + "' is not supported; leave it out");
  }
  return OkStatus();
}

std::vector<int64_t> OrderOf(int rank, bool channels_last) {
  std::vector<int64_t> order(static_cast<size_t>(rank));
  for (int64_t i = 0; i < rank; ++i) order[static_cast<size_t>(i)] = i;
  if (channels_last) {
    std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  } else {
    std::rotate(order.begin() + 1, order.end() - 1, order.end());
  }
  return order;
}

Value& Turned(Expansion& expansion, Value& x, int rank) {
  Node& turned = expansion.AddNode("Transpose", {&x}, 1);
  turned.SetAttribute("perm", OrderOf(rank, false));
  return *turned.output(0);
}

// The node works on channels first between two Transposes, which the layout pass takes away again.
void PutChannelsFirst(Node& node, int rank) {
  Expansion expansion(node);
  for (const int i : {0, 3}) {  // a convolution's sum, too
    if (node.input(i) != nullptr) node.SetInput(i, &Turned(expansion, *node.input(i), rank));
  }
  Graph& graph = node.graph();
  Value* const output = node.output(0);
  if (output == nullptr) return;
  Value& inner = graph.AddValue(output->name());
  node.SetOutput(0, &inner);
  Node& back = graph.AddBareNode("", "Transpose", kRenamedOpset, graph.Next(node));
  back.origin = node.origin;
  back.SetAttribute("perm", OrderOf(rank, true));
  back.AddInput(&inner);
  back.SetOutput(0, output);
}

// NhwcConv's weights have their channels last as well, those of NhwcFusedConv do not.
Status UpgradeNhwcConv(Node& node) {
  const TypeInfo& weights = node.input(1)->type;
  if (!weights.has_shape || weights.shape.rank() < 3) {
    return node.Error(StatusCode::kUnsupported, "the rank of input 1 must be known, and 3 or more");
  }
  const int rank = weights.shape.rank();
  PutChannelsFirst(node, rank);
  if (node.operator_name() == "NhwcFusedConv") {
    node.SetOperator("com.microsoft", "FusedConv", 1);
    return OkStatus();
  }
  Expansion expansion(node);
  node.SetInput(1, &Turned(expansion, *node.input(1), rank));
  node.SetOperator("", "Conv", kRenamedOpset);
  return OkStatus();
}

Status UpgradeNhwcMaxPool(Node& node) {
  PutChannelsFirst(node, static_cast<int>(node.IntsAttribute("kernel_shape").size()) + 2);
  node.SetOperator("", "MaxPool", kRenamedOpset);
  return OkStatus();
}

// X, gamma, beta; of SkipGroupNorm also what is added before, which may be of each channel only,
// and a bias. Its second output is that sum.
Status UpgradeGroupNorm(Node& node) {
  Expansion expansion(node);
  Value* x = node.input(0);
  for (int i = 3; i < node.input_count(); ++i) {
    Value* added = node.input(i);
    if (added == nullptr) continue;
    if (i == 3 && added->type.has_shape && added->type.shape.rank() == 2) {
      added = &expansion.Add("Unsqueeze", {added, &expansion.Ints({1, 2})});
    }
    x = &expansion.Add("Add", {x, added});
  }
  if (Value* const sum = node.output(1); sum != nullptr) {
    node.SetOutput(1, nullptr);
    expansion.AddNode("Identity", {x}, 0).SetOutput(0, sum);
  }
  const int64_t groups = node.IntAttribute("groups", 0);
  const float epsilon = node.FloatAttribute("epsilon", 1e-5f);
  const bool last = node.IntAttribute("channels_last", 1) != 0;
  const bool silu = node.IntAttribute("activation", 0) != 0;
  if (last) x = &Turned(expansion, *x, 4);
  Node& normal = expansion.AddNode("GroupNormalization",
                                   {x, &expansion.Add("CastLike", {node.input(1), x}),
                                    &expansion.Add("CastLike", {node.input(2), x})},
                                   1);
  normal.SetAttribute("num_groups", groups);
  normal.SetAttribute("epsilon", epsilon);
  x = normal.output(0);
  if (silu) x = &expansion.Add("Mul", {x, &expansion.Add("Sigmoid", {x})});
  expansion.Become(last ? "Transpose" : "Identity", {x});
  if (last) node.SetAttribute("perm", OrderOf(4, true));
  return OkStatus();
}

// The left half of X + bias times Gelu of the right one.
Status UpgradeBiasSplitGelu(Node& node) {
  Expansion expansion(node);
  Node& halves =
      expansion.AddNode("Split", {&expansion.Add("Add", {node.input(0), node.input(1)})}, 2);
  halves.SetAttribute("axis", int64_t{-1});
  halves.SetAttribute("num_outputs", int64_t{2});
  expansion.Become("Mul", {halves.output(0), &expansion.Add("Gelu", {halves.output(1)})});
  return OkStatus();
}

// Softmax of opset 11, over all axes from `axis` on.
Status UpgradeBiasSoftmax(Node& node) {
  const int64_t axis = node.IntAttribute("axis", 1);
  Expansion expansion(node);
  expansion.Become("Softmax", {&expansion.Add("Add", {node.input(0), node.input(1)})});
  node.set_opset(11);
  node.SetAttribute("axis", axis);
  return OkStatus();
}

Status UpgradeGatherNd(Node& node) {
  Expansion expansion(node);
  expansion.Become("GatherND",
                   {node.input(0), &expansion.Cast(*node.input(1), ElementType::kInt64)});
  return OkStatus();
}

Status UpgradeTrilu(Node& node) {
  node.SetOperator("", "Trilu", kRenamedOpset);
  return OkStatus();
}

// Pads may be a row, and the value a list of one.
Status UpgradePad(Node& node) {
  Expansion expansion(node);
  node.SetInput(1, &expansion.Add("Reshape", {node.input(1), &expansion.Ints({-1})}));
  if (Value* const value = node.input(2); value != nullptr) {
    node.SetInput(2, &expansion.Add("Reshape", {value, &expansion.Ints({})}));
  }
  node.SetOperator("", "Pad", kRenamedOpset);
  return OkStatus();
}

Status UpgradeRange(Node& node) {
  Expansion expansion(node);
  const auto scalar = [&](Value& x) {
    return &expansion.Add("Reshape", {&x, &expansion.Ints({})});
  };
  Value* const step = node.input(2);
  expansion.Become("Range", {scalar(*node.input(0)), scalar(*node.input(1)),
                             step != nullptr ? scalar(*step) : &expansion.Like(1, *node.input(0))});
  return OkStatus();
}

// Outputs are unique values in the order of the input, the place of each element among them, and
// counts; ai.onnx's second is first places.
Status UpgradeUnique(Node& node) {
  Value* const places = node.output(1);
  Value* const counts = node.output(2);
  node.SetOutput(1, nullptr);
  node.SetOutput(2, nullptr);
  node.SetOutput(2, places);
  node.SetOutput(3, counts);
  node.TrimOutputs();
  node.SetAttribute("sorted", int64_t{0});
  node.SetOperator("", "Unique", kRenamedOpset);
  return OkStatus();
}

Status UpgradeMatMulInteger16(Node& node) {
  Expansion expansion(node);
  expansion.Become("MatMul", {&expansion.Cast(*node.input(0), ElementType::kInt32),
                              &expansion.Cast(*node.input(1), ElementType::kInt32)});
  return OkStatus();
}

Status UpgradeStateful(Node& node) {
  MULLION_RETURN_IF_ERROR(RequireUnset(
      node, {{"channels_last", 0}, {"dilation", 1}, {"ndim", 1}, {"state_window", 0}}));
  node.SetOperator("", node.operator_name(), 27);
  return OkStatus();
}

// X, W, pads, B.
Status UpgradeConvTransposeWithDynamicPads(Node& node) {
  if (Value* const pads = node.input(2); pads != nullptr) {
    if (!pads->IsConstant()) {
      return node.Error(StatusCode::kUnsupported, "input 2, the pads, must be constant");
    }
    const auto list = pads->constant.span<int64_t>();
    node.SetAttribute("pads", std::vector<int64_t>(list.begin(), list.end()));
  }
  node.SetInput(2, node.input(3));
  node.ResizeInputs(node.input(2) == nullptr ? 2 : 3);
  node.SetOperator("", "ConvTranspose", kRenamedOpset);
  return OkStatus();
}

struct Renamed {
  std::string_view name;
  Arity inputs;
  int outputs;
  Status (*upgrade)(Node&);
};

}  // namespace

void RegisterContribRenamed(OperatorRegistry& registry) {
  static constexpr Renamed kAll[] = {
      {"BiasSoftmax", {2, 2}, 1, UpgradeBiasSoftmax},
      {"BiasSplitGelu", {2, 2}, 1, UpgradeBiasSplitGelu},
      {"CausalConvWithState", {2, 4}, 2, UpgradeStateful},
      {"ConvTransposeWithDynamicPads", {2, 4}, 1, UpgradeConvTransposeWithDynamicPads},
      {"GatherND", {2, 2}, 1, UpgradeGatherNd},
      {"GroupNorm", {3, 3}, 1, UpgradeGroupNorm},
      {"LinearAttention", {3, 6}, 2, UpgradeStateful},
      {"MatMulInteger16", {2, 2}, 1, UpgradeMatMulInteger16},
      {"NhwcConv", {2, 3}, 1, UpgradeNhwcConv},
      {"NhwcFusedConv", {2, 4}, 1, UpgradeNhwcConv},
      {"NhwcMaxPool", {1, 1}, 1, UpgradeNhwcMaxPool},
      {"Pad", {2, 3}, 1, UpgradePad},
      {"Range", {2, 3}, 1, UpgradeRange},
      {"SkipGroupNorm", {4, 5}, 2, UpgradeGroupNorm},
      {"Trilu", {1, 2}, 1, UpgradeTrilu},
      {"Unique", {1, 1}, 3, UpgradeUnique},
  };
  for (const Renamed& entry : kAll) {
    registry.Add({.name = entry.name,
                  .domain = "com.microsoft",
                  .inputs = entry.inputs,
                  .outputs = {1, entry.outputs},
                  .upgrade = entry.upgrade});
  }
}

}  // namespace mullion::operators
