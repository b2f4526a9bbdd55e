// SPDX-License-Identifier: MIT
// A loaded model behind the C interface: descriptions that stay, and weights that can be closed.
#ifndef MULLION_API_MODEL_H_
#define MULLION_API_MODEL_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "api/feature.h"
#include "api/ref_counted.h"
#include "graph/model.h"

struct MullionModel final : mullion::api::RefCounted {
 public:
  explicit MullionModel(std::unique_ptr<mullion::Model> loaded);

  const std::string path;
  const std::string author;
  const std::string name;
  const std::string domain;
  const std::string description;
  const int64_t version;
  const bool is_compiled;
  std::string compiled_refusal;  // set before anyone else sees the model
  const std::vector<std::pair<std::string, std::string>> metadata;
  const std::shared_ptr<const mullion::api::ImageMetadata> image;
  const std::vector<MullionFeature> inputs;
  const std::vector<MullionFeature> outputs;

  // The graph with its weights; null once closed.
  std::shared_ptr<const mullion::Model> Content() const;
  void Close();

  // References of callers. Sessions refer to the model too, but only to answer whose they are: when
  // the callers are gone it closes itself, so that weights are not held twice.
  std::atomic<int> handles{1};

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const mullion::Model> content_;  // guarded by mutex_
};

#endif  // MULLION_API_MODEL_H_
