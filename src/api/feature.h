// SPDX-License-Identifier: MIT
// Inputs and outputs of a model as a caller sees them: tensors, images, maps, sequences.
#ifndef MULLION_API_FEATURE_H_
#define MULLION_API_FEATURE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "api/image_metadata.h"
#include "base/status.h"
#include "graph/model.h"
#include "mullion/c/mullion.h"

// Immutable once made.
struct MullionFeature {
  std::string name;
  std::string description;
  MullionFeatureKind kind = MULLION_FEATURE_TENSOR;
  mullion::TypeInfo type;
  std::vector<std::string> dim_names;
  std::vector<std::string> dim_denotations;
  // Shared by all features of a model; null for elements.
  std::shared_ptr<const mullion::api::ImageMetadata> image;
  std::unique_ptr<const MullionFeature> element;  // of sequences, maps and optionals
};

namespace mullion::api {

std::vector<MullionFeature> MakeFeatures(const std::vector<FeatureInfo>& infos,
                                         const std::shared_ptr<const ImageMetadata>& image);

// Where an image tensor of rank 4 keeps its channels and sides; free ones are negative.
struct ImageAxes {
  image::TensorLayout layout = image::TensorLayout::kNchw;
  int64_t batch = 1;
  int64_t channels = 3;
  int64_t height = 0;
  int64_t width = 0;
};

// The axes of `shape`, which tells the layout: by the denotation DATA_CHANNEL, else by which of
// axis 1 and axis 3 is 1 or 3, else by which is free, axis 1 before axis 3. `channels_last` is that
// of MullionImageOptions. The error, kSizeMismatch, says why it is no image; it does not name the
// feature.
Result<ImageAxes> FindImageAxes(const Shape& shape, const std::vector<std::string>& denotations,
                                int channels_last);

}  // namespace mullion::api

#endif  // MULLION_API_FEATURE_H_
