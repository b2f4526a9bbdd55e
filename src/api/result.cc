// SPDX-License-Identifier: MIT
// Evaluations and what comes of them.
#include <memory>
#include <string>
#include <vector>

#include "api/binding.h"
#include "api/cancellation.h"
#include "api/ref_counted.h"
#include "api/status.h"
#include "base/str_cat.h"

using mullion::OkStatus;
using mullion::Status;
using mullion::StrCat;
using mullion::api::Call;
using mullion::api::NullArgument;
using mullion::api::Ref;

// Immutable once made.
struct MullionResult final : mullion::api::RefCounted {
  Ref<MullionSession> session;  // for the names of outputs
  std::string correlation_id;
  std::vector<Ref<MullionValue>> outputs;
};

namespace {

Status CheckArguments(const char* function, const MullionSession* session,
                      const MullionBinding* binding) {
  if (session == nullptr) return NullArgument(function, "session");
  if (binding == nullptr) return NullArgument(function, "binding");
  if (binding->session.get() == session) return OkStatus();
  return mullion::InvalidArgument(
      function, ": the binding was made for another session (of model '",
      binding->session->model->path, "'); make one binding per session");
}

Status Evaluate(MullionSession* session, MullionBinding* binding, const char* correlation_id,
                const MullionCancellation* cancellation, MullionResult** out) {
  MULLION_RETURN_IF_ERROR(CheckArguments("MullionSession_Evaluate", session, binding));
  if (out == nullptr) return NullArgument("MullionSession_Evaluate", "result");
  auto result = Ref<MullionResult>::Adopt(new MullionResult());
  result->session = binding->session;
  if (correlation_id != nullptr) result->correlation_id = correlation_id;
  MULLION_RETURN_IF_ERROR(binding->Run(mullion::api::TokenOf(cancellation), nullptr));
  for (size_t i = 0; i < session->outputs.size(); ++i) {
    MULLION_ASSIGN_OR_RETURN(Ref<MullionValue> output, binding->TakeOutput(i));
    result->outputs.push_back(std::move(output));
  }
  *out = result.Detach();
  return OkStatus();
}

}  // namespace

MullionStatus* MullionSession_Evaluate(MullionSession* session, MullionBinding* binding,
                                       const char* correlation_id,
                                       MullionCancellation* cancellation, MullionResult** result) {
  MullionStatus* const status =
      Call([&] { return Evaluate(session, binding, correlation_id, cancellation, result); });
  if (binding != nullptr) binding->DropOutputs();
  return status;
}

MullionStatus* MullionSession_Run(MullionSession* session, MullionBinding* binding,
                                  MullionCancellation* cancellation) {
  MullionStatus* const status = Call([&]() -> Status {
    MULLION_RETURN_IF_ERROR(CheckArguments("MullionSession_Run", session, binding));
    return binding->Run(mullion::api::TokenOf(cancellation), nullptr);
  });
  if (binding != nullptr) binding->DropOutputs();
  return status;
}

void MullionResult_Retain(MullionResult* result) {
  if (result != nullptr) result->Retain();
}

void MullionResult_Release(MullionResult* result) {
  if (result != nullptr) result->Release();
}

const char* MullionResult_CorrelationId(const MullionResult* result) {
  return result == nullptr ? "" : result->correlation_id.c_str();
}

size_t MullionResult_OutputCount(const MullionResult* result) {
  return result == nullptr ? 0 : result->outputs.size();
}

const char* MullionResult_OutputName(const MullionResult* result, size_t index) {
  return index < MullionResult_OutputCount(result) ? result->session->outputs[index].name.c_str()
                                                   : nullptr;
}

MullionStatus* MullionResult_Output(const MullionResult* result, size_t index,
                                    MullionValue** value) {
  return Call([&]() -> Status {
    if (result == nullptr) return NullArgument("MullionResult_Output", "result");
    if (value == nullptr) return NullArgument("MullionResult_Output", "value");
    if (index >= result->outputs.size()) {
      return mullion::api::OutOfRange(
          StrCat("there is no output ", index, " in a result with ", result->outputs.size()));
    }
    *value = Ref<MullionValue>(result->outputs[index]).Detach();
    return OkStatus();
  });
}
