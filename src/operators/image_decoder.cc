// SPDX-License-Identifier: MIT
// ImageDecoder: the bytes of an image file to pixels.
#include "base/str_cat.h"
#include "operators/registry.h"

namespace mullion::operators {

namespace {

Status InferImageDecoder(InferenceContext& context) {
  MULLION_RETURN_IF_ERROR(context.RequireRank(0, 1));
  const std::string_view format = context.node().StringAttribute("pixel_format", "RGB");
  if (format != "RGB" && format != "BGR" && format != "Grayscale") {
    return context.Error("the attribute 'pixel_format' is '", format,
                         "' but must be 'RGB', 'BGR' or 'Grayscale'");
  }
  // The channels are not known either: there are none when the file is no picture.
  context.SetOutput(0, ElementType::kUint8, Shape{kUnknownDim, kUnknownDim, kUnknownDim});
  return OkStatus();
}

}  // namespace

void RegisterImageDecoder(OperatorRegistry& registry) {
  registry.Add({.name = "ImageDecoder",
                .since = 20,
                .inputs = {1, 1},
                .types = SetOf(ElementType::kUint8),
                .infer = InferImageDecoder});
}

}  // namespace mullion::operators
