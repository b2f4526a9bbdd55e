// SPDX-License-Identifier: MIT
// DFT and STFT.
#include "operators/fourier.h"

#include "base/str_cat.h"
#include "operators/int_list.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

// Components of what a transform gives: real only where it undoes a one-sided transform.
int64_t DftComponents(const Node& node) {
  const bool real = node.IntAttribute("inverse", 0) != 0 && node.IntAttribute("onesided", 0) != 0;
  return real ? 1 : 2;
}

Status CheckComponents(const Shape& input) {
  if (input.rank() < 2) {
    return InvalidModel(
        "input 0 must have a rank of 2 or more: an axis to transform and one of 1 "
        "(real) or 2 (complex) components");
  }
  if (input.Back(0) > 2 || input.Back(0) == 0) {
    return InvalidModel("the last axis of input 0 has ", input.Back(0),
                        " elements but must have 1 (real) or 2 (complex)");
  }
  return OkStatus();
}

Status CheckLength(const char* what, int64_t length) {
  if (length > 0) return OkStatus();
  return InvalidModel("input '", what, "' is ", length, " but must be positive");
}

}  // namespace

Result<DftGeometry> DftGeometryOf(const Node& node, const Shape& input,
                                  std::optional<int64_t> length, int64_t axis) {
  MULLION_RETURN_IF_ERROR(CheckComponents(input));
  DftGeometry geometry;
  geometry.inverse = node.IntAttribute("inverse", 0) != 0;
  geometry.onesided = node.IntAttribute("onesided", 0) != 0;
  const std::optional<int> normal = NormalizeAxis(axis, input.rank());
  if (!normal.has_value() || *normal == input.rank() - 1) {
    return InvalidModel("the axis ", axis, " is not one of the first ", input.rank() - 1,
                        " of input 0 ", input.ToString());
  }
  geometry.axis = *normal;
  const int64_t size = input[geometry.axis];
  if (length.has_value()) {
    MULLION_RETURN_IF_ERROR(CheckLength("dft_length", *length));
    geometry.length = *length;
  } else if (size >= 0) {
    // n bins of one side come from an even number of samples, unless it is said otherwise.
    const bool from_one_side = geometry.inverse && geometry.onesided;
    geometry.length = from_one_side ? std::max<int64_t>(2 * (size - 1), 0) : size;
  } else {
    geometry.length = kUnknownDim;
  }
  if (geometry.onesided && !geometry.inverse && input.Back(0) == 2) {
    return InvalidModel("the transform of complex input has no single side; set onesided to 0");
  }
  geometry.output = input;
  geometry.output[geometry.output.rank() - 1] = DftComponents(node);
  const bool one_side = geometry.onesided && !geometry.inverse && geometry.length >= 0;
  geometry.output[geometry.axis] = one_side ? geometry.length / 2 + 1 : geometry.length;
  return geometry;
}

Result<StftGeometry> StftGeometryOf(const Node& node, const Shape& signal, int64_t step,
                                    std::optional<int64_t> window, std::optional<int64_t> length) {
  // Exporters leave the axis of components away where they are real, as ONNX Runtime allows.
  if (signal.rank() != 2 && signal.rank() != 3) {
    return InvalidModel("input 'signal' must have the axes batch, length and perhaps components");
  }
  if (signal.rank() == 3) MULLION_RETURN_IF_ERROR(CheckComponents(signal));
  MULLION_RETURN_IF_ERROR(CheckLength("frame_step", step));
  if (window.has_value() && length.has_value() && *window != *length) {
    return InvalidModel("input 'frame_length' is ", *length, " but the window has ", *window,
                        " elements; both must be equal");
  }
  if (!window.has_value() && !length.has_value()) {
    return InvalidModel("it needs input 'window' or input 'frame_length'");
  }
  StftGeometry geometry;
  geometry.components = signal.rank() == 3 ? signal[2] : 1;
  geometry.step = step;
  geometry.length = length.has_value() ? *length : *window;
  MULLION_RETURN_IF_ERROR(CheckLength("frame_length", geometry.length));
  const bool onesided = node.IntAttribute("onesided", 1) != 0;
  if (onesided && geometry.components == 2) {
    return InvalidModel("the transform of a complex signal has no single side; set onesided to 0");
  }
  int64_t frames = kUnknownDim;
  if (signal[1] >= 0) {
    if (geometry.length > signal[1]) {
      return InvalidModel("a frame has ", geometry.length, " elements but the signal has ",
                          signal[1], "; it must be as long or longer");
    }
    frames = (signal[1] - geometry.length) / step + 1;
  }
  geometry.output =
      Shape{signal[0], frames, onesided ? geometry.length / 2 + 1 : geometry.length, 2};
  return geometry;
}

namespace {

constexpr ElementTypeSet kTypes = types::kAllFloats;

// The one integer of input i: nothing when it is left out or not known.
Result<std::optional<int64_t>> KnownOptionalInt(const InferenceContext& context, int i,
                                                const char* what) {
  if (!context.HasInput(i)) return std::optional<int64_t>();
  MULLION_RETURN_IF_ERROR(context.RequireType(i, types::kIndices));
  MULLION_ASSIGN_OR_RETURN(const auto list, KnownInts(context, i, what));
  if (!list.has_value()) return std::optional<int64_t>();
  if (list->size() != 1) return context.Error(what, " must have one element");
  return std::optional<int64_t>((*list)[0]);
}

Status InferDft(InferenceContext& context) {
  const ElementType type = context.InputType(0);
  const Shape* const input = context.InputShape(0);
  MULLION_ASSIGN_OR_RETURN(const auto length, KnownOptionalInt(context, 1, "input 'dft_length'"));
  MULLION_ASSIGN_OR_RETURN(const auto given_axis, KnownOptionalInt(context, 2, "input 'axis'"));
  const auto axis = context.HasInput(2) ? given_axis : std::optional<int64_t>(-2);
  if (input == nullptr) {
    context.SetOutput(0, type);
    return OkStatus();
  }
  const auto geometry = DftGeometryOf(context.node(), *input, length, axis.value_or(0));
  if (!geometry.ok()) return context.Error(geometry.status().message());
  Shape output = geometry->output;
  if (!axis.has_value()) {
    for (int i = 0; i + 1 < output.rank(); ++i) output[i] = kUnknownDim;
  } else if (context.HasInput(1) && !length.has_value()) {
    output[geometry->axis] = kUnknownDim;
  }
  context.SetOutput(0, type, output);
  return OkStatus();
}

// DFT-17 has the axis as an attribute, 1 by default.
Status UpgradeDft17(Node& node) {
  const int64_t axis = node.IntAttribute("axis", 1);
  node.ResizeInputs(2);
  node.SetInput(2, &node.graph().AddConstant("axis", Tensor::Scalar(axis)));
  node.RemoveAttribute("axis");
  node.set_opset(20);
  return OkStatus();
}

Status InferStft(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireRankAtLeast(0, 2));
  MULLION_ASSIGN_OR_RETURN(const auto step, KnownOptionalInt(context, 1, "input 'frame_step'"));
  MULLION_ASSIGN_OR_RETURN(const auto length, KnownOptionalInt(context, 3, "input 'frame_length'"));
  std::optional<int64_t> window;
  if (context.HasInput(2)) {
    MULLION_RETURN_IF_ERROR(context.RequireSameType(0, 2));
    MULLION_RETURN_IF_ERROR(context.RequireRank(2, 1));
    const Shape* const shape = context.InputShape(2);
    if (shape != nullptr && (*shape)[0] >= 0) window = (*shape)[0];
  }
  const Shape* const signal = context.InputShape(0);
  const bool known = step.has_value() && (context.HasInput(2) == window.has_value()) &&
                     (context.HasInput(3) == length.has_value());
  if (signal == nullptr || !known) {
    context.SetOutput(
        0, context.InputType(0),
        Shape{signal == nullptr ? kUnknownDim : (*signal)[0], kUnknownDim, kUnknownDim, 2});
    return OkStatus();
  }
  const auto geometry = StftGeometryOf(context.node(), *signal, *step, window, length);
  if (!geometry.ok()) return context.Error(geometry.status().message());
  context.SetOutput(0, context.InputType(0), geometry->output);
  return OkStatus();
}

}  // namespace

void RegisterFourier(OperatorRegistry& registry) {
  registry.Add(
      {.name = "DFT", .since = 17, .inputs = {1, 2}, .types = kTypes, .upgrade = UpgradeDft17});
  registry.Add({.name = "DFT", .since = 20, .inputs = {1, 3}, .types = kTypes, .infer = InferDft});
  registry.Add(
      {.name = "STFT", .since = 17, .inputs = {2, 4}, .types = kTypes, .infer = InferStft});
}

}  // namespace mullion::operators
