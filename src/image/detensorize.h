// SPDX-License-Identifier: MIT
// Tensor elements back to pixels.
#ifndef MULLION_IMAGE_DETENSORIZE_H_
#define MULLION_IMAGE_DETENSORIZE_H_

#include "base/status.h"
#include "base/tensor.h"
#include "image/bitmap.h"
#include "image/tensor_format.h"

namespace mullion::image {

// The inverse of Tensorize: elements are scaled back, clamped to 0..255 and rounded to nearest, so
// that what Tensorize wrote comes back unchanged; NaN becomes 0. Alpha is 255. A gray tensor fills
// all colours of a colour image, a colour tensor becomes gray by the weights of luma.h.
// The image must have the tensor's height and width (Crop gives a part of a larger one).
// Errors of CheckImage and CheckImageTensor; kSizeMismatch when the sizes differ.
Status Detensorize(const TensorView& source, const TensorFormat& format,
                   const MutableImageView& target);

}  // namespace mullion::image

#endif  // MULLION_IMAGE_DETENSORIZE_H_
