// SPDX-License-Identifier: MIT
// The enumerations of Windows ML, with its numbers, and what Mullion adds to them.
#ifndef MULLION_KINDS_H_
#define MULLION_KINDS_H_

#include "mullion/c/mullion.h"

namespace mullion {

// Element types of tensors: ONNX's TensorProto.DataType. Windows ML ends at Complex128.
enum class TensorKind : int {
  Undefined = MULLION_TENSOR_UNDEFINED,
  Float = MULLION_TENSOR_FLOAT,
  UInt8 = MULLION_TENSOR_UINT8,
  Int8 = MULLION_TENSOR_INT8,
  UInt16 = MULLION_TENSOR_UINT16,
  Int16 = MULLION_TENSOR_INT16,
  Int32 = MULLION_TENSOR_INT32,
  Int64 = MULLION_TENSOR_INT64,
  String = MULLION_TENSOR_STRING,
  Boolean = MULLION_TENSOR_BOOLEAN,
  Float16 = MULLION_TENSOR_FLOAT16,
  Double = MULLION_TENSOR_DOUBLE,
  UInt32 = MULLION_TENSOR_UINT32,
  UInt64 = MULLION_TENSOR_UINT64,
  Complex64 = MULLION_TENSOR_COMPLEX64,
  Complex128 = MULLION_TENSOR_COMPLEX128,
  BFloat16 = MULLION_TENSOR_BFLOAT16,
  Float8E4M3FN = MULLION_TENSOR_FLOAT8E4M3FN,
  Float8E4M3FNUZ = MULLION_TENSOR_FLOAT8E4M3FNUZ,
  Float8E5M2 = MULLION_TENSOR_FLOAT8E5M2,
  Float8E5M2FNUZ = MULLION_TENSOR_FLOAT8E5M2FNUZ,
  UInt4 = MULLION_TENSOR_UINT4,
  Int4 = MULLION_TENSOR_INT4,
  Float4E2M1 = MULLION_TENSOR_FLOAT4E2M1,
  Float8E8M0 = MULLION_TENSOR_FLOAT8E8M0,
  UInt2 = MULLION_TENSOR_UINT2,
  Int2 = MULLION_TENSOR_INT2,
};

enum class LearningModelFeatureKind : int {
  Tensor = MULLION_FEATURE_TENSOR,
  Sequence = MULLION_FEATURE_SEQUENCE,
  Map = MULLION_FEATURE_MAP,
  Image = MULLION_FEATURE_IMAGE,
  Optional = MULLION_FEATURE_OPTIONAL,  // not in Windows ML
};

// The DirectX kinds choose among the GPUs of the machine, whatever interface drives them.
enum class LearningModelDeviceKind : int {
  Default = MULLION_DEVICE_DEFAULT,
  Cpu = MULLION_DEVICE_CPU,
  DirectX = MULLION_DEVICE_GPU,
  DirectXHighPerformance = MULLION_DEVICE_GPU_HIGH_PERFORMANCE,
  DirectXMinPower = MULLION_DEVICE_GPU_MIN_POWER,
};

// How products of float tensors are computed. Not in Windows ML.
enum class ProductPrecision : int {
  Float32 = MULLION_PRECISION_FP32,
  Float16 = MULLION_PRECISION_FP16,
};

enum class LearningModelPixelRange : int {
  ZeroTo255 = MULLION_RANGE_0_255,
  ZeroToOne = MULLION_RANGE_0_1,
  MinusOneToOne = MULLION_RANGE_MINUS1_1,
};

// 8 bits a channel, named in the order of bytes in memory; alpha straight, values sRGB. Rgb8 and
// Bgr8 are not in Windows ML.
enum class BitmapPixelFormat : int {
  Unknown = MULLION_PIXEL_UNKNOWN,
  Rgba8 = MULLION_PIXEL_RGBA8,
  Gray8 = MULLION_PIXEL_GRAY8,
  Bgra8 = MULLION_PIXEL_BGRA8,
  Rgb8 = MULLION_PIXEL_RGB8,
  Bgr8 = MULLION_PIXEL_BGR8,
};

// How a picture of another shape goes into a model's input. Not in Windows ML, which does what
// Default does: the largest centred part of the right shape when no bounds are given, each axis
// scaled by itself when bounds are.
enum class ImageFit : int {
  Default = MULLION_FIT_DEFAULT,
  CenterCrop = MULLION_FIT_CENTER_CROP,
  Stretch = MULLION_FIT_STRETCH,
  Letterbox = MULLION_FIT_LETTERBOX,
  LetterboxTopLeft = MULLION_FIT_LETTERBOX_TOP_LEFT,
};

// How pixels are mixed when a picture changes its size. Default: bilinear, but area along an axis
// that shrinks to less than half.
enum class ImageFilter : int {
  Default = MULLION_FILTER_DEFAULT,
  Nearest = MULLION_FILTER_NEAREST,
  Bilinear = MULLION_FILTER_BILINEAR,
  Area = MULLION_FILTER_AREA,
};

}  // namespace mullion

#endif  // MULLION_KINDS_H_
