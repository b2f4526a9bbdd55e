// SPDX-License-Identifier: MIT
// Where ImageDecoder gets its codecs from: not from this library.
#ifndef MULLION_DEVICES_CPU_IMAGE_READER_H_
#define MULLION_DEVICES_CPU_IMAGE_READER_H_

#include <cstdint>
#include <span>

#include "base/function_ref.h"
#include "base/status.h"

namespace mullion::cpu {

enum class ColorOrder : uint8_t { kRgb, kBgr };

// Rows of three bytes a pixel, packed.
using TakePicture = FunctionRef<void(int64_t width, int64_t height, const uint8_t* pixels)>;

// Decodes a file and calls `take`, unless it fails: kInvalidArgument for a file that is damaged or
// no picture, kUnsupported for one of a kind that it cannot read, kOutOfMemory. Thread-safe.
using ImageReader = Status (*)(std::span<const uint8_t> file, ColorOrder order, TakePicture take);

// The reader of the process; null when there is none. Thread-safe.
void SetImageReader(ImageReader reader);
ImageReader CurrentImageReader();

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_IMAGE_READER_H_
