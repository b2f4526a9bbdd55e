// SPDX-License-Identifier: MIT
// A session behind the C interface: the engine's session, until it is closed.
#ifndef MULLION_API_SESSION_H_
#define MULLION_API_SESSION_H_

#include <memory>
#include <mutex>
#include <vector>

#include "api/device.h"
#include "api/feature.h"
#include "api/model.h"
#include "api/ref_counted.h"
#include "runtime/session.h"

struct MullionSession final : mullion::api::RefCounted {
 public:
  MullionSession(MullionModel* of_model, MullionDevice* on_device,
                 std::shared_ptr<mullion::Session> engine);

  // Keeps the model's descriptions, not its weights: see MullionModel::handles.
  const mullion::api::Ref<MullionModel> model;
  const mullion::api::Ref<MullionDevice> device;
  // Those of the model with overridden dimensions.
  const std::vector<MullionFeature> inputs;
  const std::vector<MullionFeature> outputs;
  const std::vector<mullion::NodePlacement> placement;
  const int threads;

  // Keeps the engine alive while an evaluation runs; the error is kClosed.
  mullion::Result<std::shared_ptr<mullion::Session>> Engine() const;
  void Close();

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<mullion::Session> engine_;  // guarded by mutex_
};

namespace mullion::api {

// What sessions and compiled files are made of.
struct Setting {
  std::shared_ptr<const Model> content;
  Ref<MullionDevice> device;
  SessionOptions options;
};

// `device` and `options` may be null. kClosed when the model is.
Result<Setting> SettingOf(const MullionModel& model, MullionDevice* device,
                          const MullionSessionOptions* options);

}  // namespace mullion::api

#endif  // MULLION_API_SESSION_H_
