// SPDX-License-Identifier: MIT
// The C functions of MullionBinding.
#include "api/binding.h"
#include "api/status.h"
#include "base/str_cat.h"

using mullion::OkStatus;
using mullion::Status;
using mullion::StrCat;
using mullion::api::Call;
using mullion::api::NullArgument;

MullionStatus* MullionBinding_Create(MullionSession* session, MullionBinding** binding) {
  return Call([&]() -> Status {
    if (session == nullptr) return NullArgument("MullionBinding_Create", "session");
    if (binding == nullptr) return NullArgument("MullionBinding_Create", "binding");
    MULLION_RETURN_IF_ERROR(session->Engine().status());
    *binding = new MullionBinding(session);
    return OkStatus();
  });
}

void MullionBinding_Retain(MullionBinding* binding) {
  if (binding != nullptr) binding->Retain();
}

void MullionBinding_Release(MullionBinding* binding) {
  if (binding != nullptr) binding->Release();
}

MullionStatus* MullionBinding_Bind(MullionBinding* binding, const char* name, MullionValue* value,
                                   const MullionImageOptions* options) {
  return Call([&]() -> Status {
    if (binding == nullptr) return NullArgument("MullionBinding_Bind", "binding");
    if (name == nullptr) return NullArgument("MullionBinding_Bind", "name");
    if (value == nullptr) return NullArgument("MullionBinding_Bind", "value");
    return binding->Bind(name, value, options);
  });
}

void MullionBinding_Clear(MullionBinding* binding) {
  if (binding != nullptr) binding->Clear();
}

size_t MullionBinding_Count(const MullionBinding* binding) {
  return binding == nullptr ? 0 : binding->entries().size();
}

const char* MullionBinding_Name(const MullionBinding* binding, size_t index) {
  return index < MullionBinding_Count(binding) ? binding->entries()[index].name.c_str() : nullptr;
}

MullionStatus* MullionBinding_Lookup(const MullionBinding* binding, const char* name,
                                     MullionValue** value) {
  return Call([&]() -> Status {
    if (binding == nullptr) return NullArgument("MullionBinding_Lookup", "binding");
    if (name == nullptr) return NullArgument("MullionBinding_Lookup", "name");
    if (value == nullptr) return NullArgument("MullionBinding_Lookup", "value");
    const MullionBinding::Entry* const entry = binding->FindEntry(name);
    if (entry == nullptr) {
      return mullion::api::OutOfRange(
          StrCat("nothing is bound under the name '", name, "' in exactly that spelling"));
    }
    entry->value->Retain();
    *value = entry->value.get();
    return OkStatus();
  });
}

const MullionFeature* MullionBinding_Feature(const MullionBinding* binding, const char* name,
                                             int* is_output) {
  if (binding == nullptr || name == nullptr) return nullptr;
  const auto place = binding->Find(name);
  if (!place) return nullptr;
  const bool output = place->direction == mullion::api::Direction::kOutput;
  if (is_output != nullptr) *is_output = output ? 1 : 0;
  return output ? &binding->session->outputs[place->index]
                : &binding->session->inputs[place->index];
}

MullionStatus* MullionBinding_ImageMapping(const MullionBinding* binding, const char* name,
                                           MullionImageMapping* mapping) {
  return Call([&]() -> Status {
    if (binding == nullptr) return NullArgument("MullionBinding_ImageMapping", "binding");
    if (name == nullptr) return NullArgument("MullionBinding_ImageMapping", "name");
    if (mapping == nullptr) return NullArgument("MullionBinding_ImageMapping", "mapping");
    const auto fit = binding->ImageFit(name);
    if (!fit) {
      return mullion::api::OutOfRange(StrCat("no image is bound to an input '", name, "'"));
    }
    const auto write = [](const mullion::image::Rect& rect, uint32_t* to) {
      to[0] = static_cast<uint32_t>(rect.left);
      to[1] = static_cast<uint32_t>(rect.top);
      to[2] = static_cast<uint32_t>(rect.width);
      to[3] = static_cast<uint32_t>(rect.height);
    };
    write(fit->source, mapping->source);
    write(fit->target, mapping->target);
    return OkStatus();
  });
}
