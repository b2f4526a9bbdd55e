// SPDX-License-Identifier: MIT
#include "operators/key_mask.h"

#include "base/str_cat.h"

namespace mullion::operators {

Status KeyMask::Check(const Node& node, const Value* mask, int most) {
  if (mask == nullptr) return OkStatus();
  const TypeInfo& type = mask->type;
  if (type.has_shape && type.shape.rank() >= 1 && type.shape.rank() <= most) return OkStatus();
  return node.Error(StatusCode::kUnsupported, "the mask '", mask->name(), "' is ", type.ToString(),
                    "; its rank must be known, and from 1 to ", most);
}

Value* KeyMask::Added(Expansion& expansion, const Node& node) const {
  if (mask == nullptr) return bias;
  Value& filter = expansion.Float(node.FloatAttribute("mask_filter_value", -10000.0f));
  Value& added = expansion.Add("Where", {&Counts(expansion, node), &expansion.Float(0), &filter});
  if (bias == nullptr) return &added;
  return &expansion.Add("Add", {&added, &expansion.Cast(*bias, ElementType::kFloat)});
}

// Which keys count, for each batch, head and query. [batch, keys] and [batch, queries, keys] hold a
// 1 for each that does, [batch, 1, longest, longest] has rows and columns for all tokens that there
// may ever be.
Value& KeyMask::Counts(Expansion& expansion, const Node& node) const {
  const int rank = mask->type.shape.rank();
  if (rank == 1) return CountsByEnds(expansion, node, expansion.Cast(*mask, ElementType::kInt64));
  Value& flags = expansion.Cast(*mask, ElementType::kBool);
  if (rank == 2) return expansion.Add("Unsqueeze", {&flags, &expansion.Ints({1, 2})});
  if (rank == 3) return expansion.Add("Unsqueeze", {&flags, &expansion.Ints({1})});
  Value& zero = expansion.Ints({0});
  Value* begin = past == nullptr ? &zero : &expansion.DimList(*past, past_axis);
  Value* end = &expansion.Add("Add", {begin, &expansion.DimList(*keys, axis)});
  Value& rows = expansion.Add("Slice", {&flags, begin, end, &expansion.Ints({2})});
  return expansion.Add("Slice", {&rows, &zero, end, &expansion.Ints({3})});
}

// [batch] holds the end of each row's keys, [2 * batch] their ends and then their begins. Of longer
// ones, which hold sums of lengths behind the ends, these are all that is needed.
Value& KeyMask::CountsByEnds(Expansion& expansion, const Node& node, Value& numbers) const {
  Value& zero = expansion.Int(0);
  Value* count = &expansion.Dim(*keys, axis);
  if (past != nullptr) {
    count = &expansion.Add("Add", {count, &expansion.Dim(*past, past_axis)});
  }
  Value& places = expansion.Add("Range", {&zero, count, &expansion.Int(1)});
  Value* const x = node.input(0);
  Value& batch = expansion.DimList(*x, 0);
  Value& trailing = expansion.Ints({1, 2, 3});
  Value& ends = expansion.Add("Slice", {&numbers, &expansion.Ints({0}), &batch});
  Value& before = expansion.Add("Less", {&places, &expansion.Add("Unsqueeze", {&ends, &trailing})});
  const int64_t rows = x->type.has_shape ? x->type.shape[0] : kUnknownDim;
  const int64_t given = mask->type.shape[0];
  if (rows >= 0 && given >= 0 && given != 2 * rows) return before;
  Value& twice = expansion.Add("Add", {&batch, &batch});
  Node& pair = expansion.AddNode("Concat", {&numbers, &numbers}, 1);
  pair.SetAttribute("axis", int64_t{0});
  Value& second = expansion.Add("Slice", {pair.output(0), &batch, &twice});
  Value& has_begins = expansion.Add("Equal", {&expansion.Add("Shape", {&numbers}), &twice});
  Value& begins = expansion.Add("Where", {&has_begins, &second, &zero});
  Value& from =
      expansion.Add("GreaterOrEqual", {&places, &expansion.Add("Unsqueeze", {&begins, &trailing})});
  return expansion.Add("And", {&before, &from});
}

}  // namespace mullion::operators
