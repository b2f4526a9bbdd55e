// SPDX-License-Identifier: MIT
// What a model says of its inputs and outputs.
#ifndef MULLION_FEATURE_DESCRIPTOR_H_
#define MULLION_FEATURE_DESCRIPTOR_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mullion/error.h"
#include "mullion/handle.h"
#include "mullion/kinds.h"

namespace mullion {

// An input or output. Holds on to its model. Thread-safe: nothing here changes.
class LearningModelFeatureDescriptor {
 public:
  LearningModelFeatureDescriptor(detail::ModelHandle model, const MullionFeature* feature)
      : model_(std::move(model)), feature_(feature) {}

  // Elements of sequences and maps have neither name nor description.
  std::string Name() const { return MullionFeature_Name(feature_); }
  std::string Description() const { return MullionFeature_Description(feature_); }
  LearningModelFeatureKind Kind() const {
    return static_cast<LearningModelFeatureKind>(MullionFeature_Kind(feature_));
  }
  bool IsRequired() const { return true; }

  // As one of the classes below: try_as gives nothing, as throws (ErrorCode::InvalidArgument), when
  // Kind() is another one.
  template <typename T>
  std::optional<T> try_as() const {
    if (Kind() != T::kKind) return std::nullopt;
    return T(*this);
  }
  template <typename T>
  T as() const {
    if (Kind() == T::kKind) return T(*this);
    throw Error(ErrorCode::InvalidArgument,
                "the descriptor of '" + Name() + "' is of another class; ask Kind() for it");
  }

  // For calls of the C interface.
  const MullionFeature* get() const { return feature_; }

 protected:
  const detail::ModelHandle& model() const { return model_; }

 private:
  detail::ModelHandle model_;
  const MullionFeature* feature_;
};

class TensorFeatureDescriptor final : public LearningModelFeatureDescriptor {
 public:
  static constexpr auto kKind = LearningModelFeatureKind::Tensor;
  explicit TensorFeatureDescriptor(const LearningModelFeatureDescriptor& descriptor)
      : LearningModelFeatureDescriptor(descriptor) {}

  mullion::TensorKind TensorKind() const {
    return static_cast<mullion::TensorKind>(MullionFeature_TensorKind(get()));
  }
  // False when the model does not even tell the number of dimensions; Shape() is empty then, as for
  // a scalar.
  bool HasRank() const { return MullionFeature_Rank(get()) >= 0; }
  // The dimensions, -1 where one is free.
  std::vector<int64_t> Shape() const {
    std::vector<int64_t> shape;
    for (int axis = 0; axis < MullionFeature_Rank(get()); ++axis) {
      shape.push_back(MullionFeature_Dimension(get(), axis));
    }
    return shape;
  }
  // The name of a free dimension, "" when it has none.
  std::string DimensionName(int axis) const { return MullionFeature_DimensionName(get(), axis); }
};

class ImageFeatureDescriptor final : public LearningModelFeatureDescriptor {
 public:
  static constexpr auto kKind = LearningModelFeatureKind::Image;
  explicit ImageFeatureDescriptor(const LearningModelFeatureDescriptor& descriptor)
      : LearningModelFeatureDescriptor(descriptor) {}

  // Bgra8, Rgba8 or Gray8; pictures of other formats may be bound as well.
  mullion::BitmapPixelFormat BitmapPixelFormat() const {
    return static_cast<mullion::BitmapPixelFormat>(MullionFeature_PixelFormat(get()));
  }
  LearningModelPixelRange PixelRange() const {
    return static_cast<LearningModelPixelRange>(MullionFeature_PixelRange(get()));
  }
  // In pixels; -1 when free.
  int64_t Width() const { return MullionFeature_Width(get()); }
  int64_t Height() const { return MullionFeature_Height(get()); }
  // The element type of the tensor behind it.
  mullion::TensorKind TensorKind() const {
    return static_cast<mullion::TensorKind>(MullionFeature_TensorKind(get()));
  }
};

class MapFeatureDescriptor final : public LearningModelFeatureDescriptor {
 public:
  static constexpr auto kKind = LearningModelFeatureKind::Map;
  explicit MapFeatureDescriptor(const LearningModelFeatureDescriptor& descriptor)
      : LearningModelFeatureDescriptor(descriptor) {}

  TensorKind KeyKind() const { return static_cast<TensorKind>(MullionFeature_KeyKind(get())); }
  LearningModelFeatureDescriptor ValueDescriptor() const {
    return {model(), MullionFeature_Element(get())};
  }
};

class SequenceFeatureDescriptor final : public LearningModelFeatureDescriptor {
 public:
  static constexpr auto kKind = LearningModelFeatureKind::Sequence;
  explicit SequenceFeatureDescriptor(const LearningModelFeatureDescriptor& descriptor)
      : LearningModelFeatureDescriptor(descriptor) {}

  LearningModelFeatureDescriptor ElementDescriptor() const {
    return {model(), MullionFeature_Element(get())};
  }
};

// Not in Windows ML.
class OptionalFeatureDescriptor final : public LearningModelFeatureDescriptor {
 public:
  static constexpr auto kKind = LearningModelFeatureKind::Optional;
  explicit OptionalFeatureDescriptor(const LearningModelFeatureDescriptor& descriptor)
      : LearningModelFeatureDescriptor(descriptor) {}

  LearningModelFeatureDescriptor ElementDescriptor() const {
    return {model(), MullionFeature_Element(get())};
  }
};

}  // namespace mullion

#endif  // MULLION_FEATURE_DESCRIPTOR_H_
