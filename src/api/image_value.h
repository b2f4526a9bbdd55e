// SPDX-License-Identifier: MIT
// Pixel formats on both sides of the C interface.
#ifndef MULLION_API_IMAGE_VALUE_H_
#define MULLION_API_IMAGE_VALUE_H_

#include "base/status.h"
#include "image/pixel_format.h"
#include "mullion/c/mullion.h"

namespace mullion::api {

// kInvalidArgument for UNKNOWN and numbers that are no format.
Result<image::PixelFormat> ToPixelFormat(MullionPixelFormat format);
MullionPixelFormat ToC(image::PixelFormat format);

}  // namespace mullion::api

#endif  // MULLION_API_IMAGE_VALUE_H_
