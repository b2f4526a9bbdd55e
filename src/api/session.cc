// SPDX-License-Identifier: MIT
#include "api/session.h"

#include <memory>
#include <utility>

#include "api/session_options.h"
#include "api/status.h"
#include "base/platform.h"
#include "base/str_cat.h"
#include "operators/registry.h"

using mullion::Status;
using mullion::api::Call;
using mullion::api::NullArgument;
using mullion::api::Ref;

MullionSession::MullionSession(MullionModel* of_model, MullionDevice* on_device,
                               std::shared_ptr<mullion::Session> engine)
    : model(Ref<MullionModel>::Share(of_model)),
      device(Ref<MullionDevice>::Share(on_device)),
      inputs(mullion::api::MakeFeatures(engine->inputs(), of_model->image)),
      outputs(mullion::api::MakeFeatures(engine->outputs(), of_model->image)),
      placement(engine->Placement()),
      threads(engine->threads()),
      engine_(std::move(engine)) {}

mullion::Result<std::shared_ptr<mullion::Session>> MullionSession::Engine() const {
  {
    const std::lock_guard lock(mutex_);
    if (engine_ != nullptr) return engine_;
  }
  return mullion::api::Closed(
      mullion::StrCat("the session of model '", model->path, "' was closed; create another one"));
}

void MullionSession::Close() {
  std::shared_ptr<mullion::Session> engine;  // freed outside the lock
  const std::lock_guard lock(mutex_);
  engine_.swap(engine);
}

namespace mullion::api {

Result<Setting> SettingOf(const MullionModel& model, MullionDevice* device,
                          const MullionSessionOptions* options) {
  Setting setting{model.Content(), Ref<MullionDevice>::Share(device), {}};
  if (setting.content == nullptr) {
    return Closed(StrCat("model '", model.path, "' was closed; load it again to make a session"));
  }
  if (!setting.device) {
    MULLION_ASSIGN_OR_RETURN(setting.device, MakeDevice(MULLION_DEVICE_DEFAULT));
  }
  MULLION_ASSIGN_OR_RETURN(setting.options, EngineOptions(options));
  return setting;
}

}  // namespace mullion::api

namespace {

// Bindings of many shapes leave many small holes, which the next session may never fill.
void EndEngine(mullion::Session* engine) {
  delete engine;
  mullion::ReturnFreedMemory();
}

Status CreateSession(MullionModel& model, MullionDevice* device,
                     const MullionSessionOptions* options, MullionSession** session) {
  MULLION_ASSIGN_OR_RETURN(const auto setting, mullion::api::SettingOf(model, device, options));
  const mullion::Device* const devices[] = {setting.device->device.get()};
  MULLION_ASSIGN_OR_RETURN(std::unique_ptr<mullion::Session> made,
                           mullion::Session::Create(*setting.content, devices,
                                                    mullion::BuiltInOperators(), setting.options));
  std::shared_ptr<mullion::Session> engine(made.release(), EndEngine);
  *session = new MullionSession(&model, setting.device.get(), std::move(engine));
  if (options != nullptr && options->close_model) model.Close();
  return mullion::OkStatus();
}

}  // namespace

MullionStatus* MullionSession_Create(MullionModel* model, MullionDevice* device,
                                     const MullionSessionOptions* options,
                                     MullionSession** session) {
  return Call([&] {
    if (model == nullptr) return NullArgument("MullionSession_Create", "model");
    if (session == nullptr) return NullArgument("MullionSession_Create", "session");
    return CreateSession(*model, device, options, session);
  });
}

void MullionSession_Retain(MullionSession* session) {
  if (session != nullptr) session->Retain();
}

void MullionSession_Release(MullionSession* session) {
  if (session != nullptr) session->Release();
}

void MullionSession_Close(MullionSession* session) {
  if (session != nullptr) session->Close();
}

MullionModel* MullionSession_Model(const MullionSession* session) {
  return session == nullptr ? nullptr : session->model.get();
}

MullionDevice* MullionSession_Device(const MullionSession* session) {
  return session == nullptr ? nullptr : session->device.get();
}

uint32_t MullionSession_Threads(const MullionSession* session) {
  return session == nullptr ? 0 : static_cast<uint32_t>(session->threads);
}

MullionPrecision MullionSession_Precision(const MullionSession* session) {
  for (size_t i = 0; i < MullionSession_PlacementCount(session); ++i) {
    const MullionPrecision precision = MullionSession_PlacementPrecision(session, i);
    if (precision != MULLION_PRECISION_FP32) return precision;
  }
  return MULLION_PRECISION_FP32;
}

size_t MullionSession_PlacementCount(const MullionSession* session) {
  return session == nullptr ? 0 : session->placement.size();
}

const char* MullionSession_PlacementNode(const MullionSession* session, size_t index) {
  return index < MullionSession_PlacementCount(session) ? session->placement[index].node.c_str()
                                                        : nullptr;
}

const char* MullionSession_PlacementDevice(const MullionSession* session, size_t index) {
  return index < MullionSession_PlacementCount(session) ? session->placement[index].device.c_str()
                                                        : nullptr;
}

MullionPrecision MullionSession_PlacementPrecision(const MullionSession* session, size_t index) {
  return index < MullionSession_PlacementCount(session) &&
                 session->placement[index].precision == mullion::Precision::kHalf
             ? MULLION_PRECISION_FP16
             : MULLION_PRECISION_FP32;
}
