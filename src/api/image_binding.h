// SPDX-License-Identifier: MIT
// Pictures into a model's inputs and out of its outputs.
#ifndef MULLION_API_IMAGE_BINDING_H_
#define MULLION_API_IMAGE_BINDING_H_

#include "api/feature.h"
#include "api/image_options.h"
#include "api/value.h"
#include "base/status.h"
#include "base/tensor.h"
#include "image/fit.h"

namespace mullion::api {

// Whether images can be bound to the feature at all, whatever their size. kInvalidBinding for a
// wrong kind, element type or metadata; kSizeMismatch for a wrong rank or number of channels.
Status CheckImageFeature(const MullionFeature& feature, const ImageOptions& options);

// Converts `value`, an image or a batch of them, for the input. Writes into `tensor` where its type
// and shape are right already, and into a fresh one otherwise. Gives how the first image was
// fitted.
Result<image::Fit> ImageToInput(const MullionFeature& feature, const ImageOptions& options,
                                const MullionValue& value, Tensor& tensor);

// Writes what the output came out as into `value`, an image or a batch of them.
Status OutputToImage(const MullionFeature& feature, const ImageOptions& options,
                     const TensorView& result, const MullionValue& value);

// The same into a new image in the feature's pixel format, or a new batch unless there is just one.
Result<Ref<MullionValue>> OutputToNewImage(const MullionFeature& feature, const TensorView& result);

}  // namespace mullion::api

#endif  // MULLION_API_IMAGE_BINDING_H_
