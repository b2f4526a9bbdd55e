// SPDX-License-Identifier: MIT
#include "devices/cpu/convolution_shape.h"

namespace mullion::cpu {

ConvolutionShape ShapeOfGeometry(const operators::ConvolutionGeometry& geometry) {
  ConvolutionShape shape;
  shape.batch = geometry.batch;
  shape.groups = geometry.groups;
  shape.in_channels = geometry.in_channels;
  shape.out_channels = geometry.out_channels;
  shape.spatial_rank = geometry.spatial_rank;
  shape.planes = !geometry.image_layout.last;
  for (size_t i = 0; i < static_cast<size_t>(geometry.spatial_rank); ++i) {
    const operators::WindowAxis& axis = geometry.axes[i];
    shape.axes[i] = {.input = axis.input,
                     .output = axis.output,
                     .kernel = axis.kernel,
                     .stride = axis.stride,
                     .dilation = axis.dilation,
                     .pad = axis.pad_begin};
  }
  return shape;
}

}  // namespace mullion::cpu
