// SPDX-License-Identifier: MIT
// Windows ML's two wrappings of a picture. All three classes are handles to the same kind of value
// and may be bound alike.
#ifndef MULLION_IMAGE_FEATURE_VALUE_H_
#define MULLION_IMAGE_FEATURE_VALUE_H_

#include <cstdint>
#include <filesystem>

#include "mullion/software_bitmap.h"

namespace mullion {

// A frame with a bitmap in it.
class VideoFrame final : public ILearningModelFeatureValue {
 public:
  using ILearningModelFeatureValue::ILearningModelFeatureValue;

  // A frame of its own, all bytes zero: for an output to be written into.
  VideoFrame(BitmapPixelFormat format, uint32_t width, uint32_t height)
      : VideoFrame(CreateWithSoftwareBitmap(mullion::SoftwareBitmap(format, width, height))) {}
  // Wraps; no copy.
  static VideoFrame CreateWithSoftwareBitmap(const mullion::SoftwareBitmap& bitmap) {
    return VideoFrame(detail::ValueHandle::Share(bitmap.get()));
  }
  // Reads an image file. Defined in mullion/image_codecs.h.
  inline static VideoFrame CreateFromFile(const std::filesystem::path& path);

  mullion::SoftwareBitmap SoftwareBitmap() const {
    return mullion::SoftwareBitmap(detail::ValueHandle::Share(get()));
  }

  static constexpr char kDescription[] = "an image";
  static bool IsInstance(const MullionValue* value) {
    return MullionValue_Kind(value) == MULLION_FEATURE_IMAGE;
  }
};

// A picture as a model's input or output. Outputs of kind Image that nothing is bound to come out
// as one.
class ImageFeatureValue final : public ILearningModelFeatureValue {
 public:
  using ILearningModelFeatureValue::ILearningModelFeatureValue;

  // Wraps; no copy.
  static ImageFeatureValue CreateFromVideoFrame(const mullion::VideoFrame& frame) {
    return ImageFeatureValue(detail::ValueHandle::Share(frame.get()));
  }
  mullion::VideoFrame VideoFrame() const {
    return mullion::VideoFrame(detail::ValueHandle::Share(get()));
  }

  static constexpr char kDescription[] = "an image";
  static bool IsInstance(const MullionValue* value) {
    return MullionValue_Kind(value) == MULLION_FEATURE_IMAGE;
  }
};

}  // namespace mullion

#endif  // MULLION_IMAGE_FEATURE_VALUE_H_
