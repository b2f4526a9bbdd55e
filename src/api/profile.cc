// SPDX-License-Identifier: MIT
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "api/binding.h"
#include "api/status.h"
#include "base/str_cat.h"
#include "runtime/profiler.h"

using mullion::Status;
using mullion::api::Call;
using mullion::api::NullArgument;

// Keeps text of its own: the session may go before the profile does.
struct MullionProfile {
  struct Event {
    std::string node;
    std::string operator_name;
    int64_t start_ns;
    int64_t duration_ns;
    int64_t bytes;
    uint32_t thread;
  };
  std::vector<Event> events;
};

namespace {

Status Profile(MullionSession* session, MullionBinding* binding, MullionProfile** profile) {
  if (session == nullptr) return NullArgument("MullionSession_Profile", "session");
  if (binding == nullptr) return NullArgument("MullionSession_Profile", "binding");
  if (profile == nullptr) return NullArgument("MullionSession_Profile", "profile");
  if (binding->session.get() != session) {
    return mullion::InvalidArgument(
        "MullionSession_Profile: the binding was made for another session; make one per session");
  }
  // The profiler refers to nodes of the engine.
  MULLION_ASSIGN_OR_RETURN(const std::shared_ptr<mullion::Session> engine, session->Engine());
  mullion::Profiler profiler;
  MULLION_RETURN_IF_ERROR(binding->Run(nullptr, &profiler));
  auto made = std::make_unique<MullionProfile>();
  for (const mullion::Profiler::Event& event : profiler.events()) {
    made->events.push_back({event.node->origin.ToString(), event.node->operator_name(),
                            event.start_ns, event.duration_ns, event.bytes,
                            static_cast<uint32_t>(event.thread)});
  }
  *profile = made.release();
  return mullion::OkStatus();
}

const MullionProfile::Event* EventAt(const MullionProfile* profile, size_t index) {
  return index < MullionProfile_Count(profile) ? &profile->events[index] : nullptr;
}

}  // namespace

MullionStatus* MullionSession_Profile(MullionSession* session, MullionBinding* binding,
                                      MullionProfile** profile) {
  MullionStatus* const status = Call([&] { return Profile(session, binding, profile); });
  if (binding != nullptr) binding->DropOutputs();
  return status;
}

void MullionProfile_Release(MullionProfile* profile) { delete profile; }

size_t MullionProfile_Count(const MullionProfile* profile) {
  return profile == nullptr ? 0 : profile->events.size();
}

const char* MullionProfile_Node(const MullionProfile* profile, size_t index) {
  const auto* const event = EventAt(profile, index);
  return event == nullptr ? nullptr : event->node.c_str();
}

const char* MullionProfile_Operator(const MullionProfile* profile, size_t index) {
  const auto* const event = EventAt(profile, index);
  return event == nullptr ? nullptr : event->operator_name.c_str();
}

int64_t MullionProfile_StartNanoseconds(const MullionProfile* profile, size_t index) {
  const auto* const event = EventAt(profile, index);
  return event == nullptr ? 0 : event->start_ns;
}

int64_t MullionProfile_Nanoseconds(const MullionProfile* profile, size_t index) {
  const auto* const event = EventAt(profile, index);
  return event == nullptr ? 0 : event->duration_ns;
}

int64_t MullionProfile_Bytes(const MullionProfile* profile, size_t index) {
  const auto* const event = EventAt(profile, index);
  return event == nullptr ? 0 : event->bytes;
}

uint32_t MullionProfile_Thread(const MullionProfile* profile, size_t index) {
  const auto* const event = EventAt(profile, index);
  return event == nullptr ? 0 : event->thread;
}
