// SPDX-License-Identifier: MIT
// HannWindow, HammingWindow, BlackmanWindow and MelWeightMatrix: tensors of factors for signals.
#include "operators/signal_window.h"

#include "base/str_cat.h"
#include "operators/int_list.h"
#include "operators/registry.h"

namespace mullion::operators {

Result<Shape> MelWeightShape(int64_t mel_bins, int64_t dft_length) {
  if (mel_bins < 0) {
    return InvalidModel("input 'num_mel_bins' is ", mel_bins, " but must be 0 or more");
  }
  if (dft_length < 0) {
    return InvalidModel("input 'dft_length' is ", dft_length, " but must be 0 or more");
  }
  return Shape{dft_length / 2 + 1, mel_bins};
}

namespace {

Result<ElementType> OutputType(const InferenceContext& context) {
  const int64_t type =
      context.node().IntAttribute("output_datatype", static_cast<int64_t>(ElementType::kFloat));
  if (type > 0 && type < kElementTypeCount &&
      Contains(types::kNumeric, static_cast<ElementType>(type))) {
    return static_cast<ElementType>(type);
  }
  return context.Error("attribute 'output_datatype' is ", type, " but must name a number type");
}

// The content of a scalar integer input, kUnknownDim when it is not known.
Result<int64_t> KnownInt(const InferenceContext& context, int i, const char* what) {
  MULLION_RETURN_IF_ERROR(context.RequireType(i, types::kIndices));
  MULLION_ASSIGN_OR_RETURN(const auto list, KnownInts(context, i, what));
  if (!list.has_value()) return kUnknownDim;
  if (list->size() != 1) return context.Error(what, " must have one element");
  if ((*list)[0] < 0) return context.Error(what, " is ", (*list)[0], " but must be 0 or more");
  return (*list)[0];
}

Status InferWindow(InferenceContext& context) {
  MULLION_ASSIGN_OR_RETURN(const ElementType type, OutputType(context));
  MULLION_ASSIGN_OR_RETURN(const int64_t size, KnownInt(context, 0, "input 'size'"));
  context.SetOutput(0, type, Shape{size});
  return OkStatus();
}

Status InferMelWeightMatrix(InferenceContext& context) {
  MULLION_ASSIGN_OR_RETURN(const ElementType type, OutputType(context));
  MULLION_ASSIGN_OR_RETURN(const int64_t mel_bins, KnownInt(context, 0, "input 'num_mel_bins'"));
  MULLION_ASSIGN_OR_RETURN(const int64_t dft_length, KnownInt(context, 1, "input 'dft_length'"));
  MULLION_RETURN_IF_ERROR(context.RequireType(2, types::kIndices));
  for (const int i : {3, 4}) MULLION_RETURN_IF_ERROR(context.RequireType(i, types::kAllFloats));
  context.SetOutput(0, type, Shape{dft_length < 0 ? kUnknownDim : dft_length / 2 + 1, mel_bins});
  return OkStatus();
}

}  // namespace

void RegisterSignalWindow(OperatorRegistry& registry) {
  for (const char* const name : {"HannWindow", "HammingWindow", "BlackmanWindow"}) {
    registry.Add({.name = name,
                  .since = 17,
                  .inputs = {1, 1},
                  .types = types::kIndices,
                  .infer = InferWindow});
  }
  registry.Add({.name = "MelWeightMatrix",
                .since = 17,
                .inputs = {5, 5},
                .types = types::kIndices,
                .infer = InferMelWeightMatrix});
}

}  // namespace mullion::operators
