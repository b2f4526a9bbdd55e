// SPDX-License-Identifier: MIT
#ifndef MULLION_DEVICES_CPU_CONVOLUTION_SHAPE_H_
#define MULLION_DEVICES_CPU_CONVOLUTION_SHAPE_H_

#include "devices/cpu/kernels/convolution/convolution.h"
#include "operators/convolution_geometry.h"

namespace mullion::cpu {

// What the kernels take of a convolution's sizes.
ConvolutionShape ShapeOfGeometry(const operators::ConvolutionGeometry& geometry);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_CONVOLUTION_SHAPE_H_
