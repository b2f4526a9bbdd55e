// SPDX-License-Identifier: MIT
// com.microsoft's SkipLayerNormalization, EmbedLayerNormalization and their kin, written out.
#include "operators/expansion.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

void BecomeLayerNormalization(Expansion& expansion, Node& node, Value& x, Value* scale,
                              Value* bias) {
  const float epsilon = node.FloatAttribute("epsilon", 1e-12f);
  expansion.Become("LayerNormalization", {&x, scale, bias});
  node.SetAttribute("axis", int64_t{-1});
  node.SetAttribute("epsilon", epsilon);
}

// Readers of output i of `node` read `value`; the output goes.
void GiveOutput(Node& node, int i, Value& value) {
  Value* const output = node.output(i);
  if (output == nullptr) return;
  node.SetOutput(i, nullptr);
  Expansion expansion(node);
  Node& identity = expansion.AddNode("Identity", {&value}, 0);
  identity.SetOutput(0, output);
}

// Inputs input, skip, gamma, beta (optional), bias (optional); outputs output, mean, inverse
// deviation, and the sum that is normalized.
Status UpgradeSkipLayerNormalization(Node& node) {
  Value* const gamma = node.input(2);
  Value* const beta = node.input(3);
  Value* const bias = node.input(4);
  Expansion expansion(node);
  Value* sum = &expansion.Add("Add", {node.input(0), node.input(1)});
  if (bias != nullptr) sum = &expansion.Add("Add", {sum, bias});
  GiveOutput(node, 3, *sum);
  BecomeLayerNormalization(expansion, node, *sum, gamma, beta);
  return OkStatus();
}

// The same by the root of the mean square: inputs input, skip, gamma, bias (optional). The mean is
// still that of the row, though nothing is taken from it.
Status UpgradeSkipSimplifiedLayerNormalization(Node& node) {
  Value* const gamma = node.input(2);
  Value* const bias = node.input(3);
  const float epsilon = node.FloatAttribute("epsilon", 1e-12f);
  Expansion expansion(node);
  Value* sum = &expansion.Add("Add", {node.input(0), node.input(1)});
  if (bias != nullptr) sum = &expansion.Add("Add", {sum, bias});
  GiveOutput(node, 3, *sum);
  if (node.output(1) != nullptr) {
    Value& mean = expansion.Add(
        "ReduceMean", {&expansion.Cast(*sum, ElementType::kFloat), &expansion.Ints({-1})});
    GiveOutput(node, 1, mean);
  }
  Value* const inverse = node.output(2);
  node.SetOutput(2, nullptr);
  node.SetOutput(1, inverse);
  expansion.Become("SimplifiedLayerNormalization", {sum, gamma});
  node.SetAttribute("axis", int64_t{-1});
  node.SetAttribute("epsilon", epsilon);
  return OkStatus();
}

// The embeddings of positions 0, 1, ... or of the given ones.
Value& PositionEmbedding(Expansion& expansion, Value* ids, Value* table, Value* positions) {
  if (positions != nullptr) return expansion.Add("Gather", {table, positions});
  Value& zero = expansion.Ints({0});
  return expansion.Add("Slice", {table, &zero, &expansion.DimList(*ids, 1), &zero});
}

// Inputs input_ids, segment_ids, word, position and segment tables, gamma, beta, mask,
// position_ids; outputs output, mask_index (ones of the mask per row), embedding sum.
Status UpgradeEmbedLayerNormalization(Node& node) {
  Value* const ids = node.input(0);
  Value* const segment_ids = node.input(1);
  Value* const gamma = node.input(5);
  Value* const beta = node.input(6);
  Value* const mask = node.input(7);
  Expansion expansion(node);
  Value& words = expansion.Add("Gather", {node.input(2), ids});
  Value* sum = &expansion.Add(
      "Add", {&words, &PositionEmbedding(expansion, ids, node.input(3), node.input(8))});
  if (segment_ids != nullptr && node.input(4) != nullptr) {
    sum = &expansion.Add("Add", {sum, &expansion.Add("Gather", {node.input(4), segment_ids})});
  }
  GiveOutput(node, 2, *sum);
  if (node.output(1) != nullptr) {
    Value& counted = mask != nullptr ? *mask : expansion.Add("Sub", {ids, ids});
    Node& count = expansion.AddNode("ReduceSum", {&counted, &expansion.Ints({1})}, 1);
    count.SetAttribute("keepdims", int64_t{0});
    GiveOutput(node, 1, expansion.Cast(*count.output(0), ElementType::kInt32));
  }
  BecomeLayerNormalization(expansion, node, *sum, gamma, beta);
  return OkStatus();
}

// QEmbedLayerNormalization: tables (2 to 4), gamma and beta are bytes, with their scales in inputs
// 8 to 12 and their zero points behind these. What is looked up is bytes as well.
Status UpgradeQEmbedLayerNormalization(Node& node) {
  Expansion expansion(node);
  for (int i = 0; i < 5; ++i) {
    Value* const bytes = node.input(2 + i);
    if (bytes == nullptr) continue;
    Value* const scale = node.input(8 + i);
    Value* const zero = node.input(13 + i);
    node.SetInput(2 + i, &expansion.Add("DequantizeLinear", {bytes, scale, zero}));
  }
  node.ResizeInputs(8);
  node.SetOperator("com.microsoft", "EmbedLayerNormalization", 1);
  return OkStatus();
}

}  // namespace

void RegisterContribLayerNormalization(OperatorRegistry& registry) {
  registry.Add({.name = "SkipLayerNormalization",
                .domain = "com.microsoft",
                .inputs = {3, 5},
                .outputs = {1, 4},
                .upgrade = UpgradeSkipLayerNormalization});
  registry.Add({.name = "SkipSimplifiedLayerNormalization",
                .domain = "com.microsoft",
                .inputs = {3, 4},
                .outputs = {1, 4},
                .upgrade = UpgradeSkipSimplifiedLayerNormalization});
  registry.Add({.name = "QEmbedLayerNormalization",
                .domain = "com.microsoft",
                .inputs = {13, 18},
                .outputs = {1, 2},
                .optional = 0b10010010010,
                .upgrade = UpgradeQEmbedLayerNormalization});
  registry.Add({.name = "EmbedLayerNormalization",
                .domain = "com.microsoft",
                .inputs = {7, 9},
                .outputs = {1, 3},
                .optional = 0b10010,
                .upgrade = UpgradeEmbedLayerNormalization});
}

}  // namespace mullion::operators
