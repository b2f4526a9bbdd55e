// SPDX-License-Identifier: MIT
#include "api/binding.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "api/image_binding.h"
#include "api/names.h"
#include "api/status.h"
#include "base/str_cat.h"

using mullion::Datum;
using mullion::OkStatus;
using mullion::Status;
using mullion::StrCat;
using mullion::Tensor;
using mullion::TensorView;
using mullion::api::Direction;
using mullion::api::Ref;

MullionBinding::MullionBinding(MullionSession* of)
    : session(Ref<MullionSession>::Share(of)),
      inputs_(of->inputs.size()),
      outputs_(of->outputs.size()),
      input_data_(of->inputs.size()),
      output_data_(of->outputs.size()) {}

std::optional<MullionBinding::Place> MullionBinding::Find(std::string_view name) const {
  using Features = std::vector<MullionFeature>;
  const auto search = [&](const Features& features, auto same) -> std::optional<size_t> {
    for (size_t i = 0; i < features.size(); ++i) {
      if (same(features[i].name)) return i;
    }
    return std::nullopt;
  };
  const auto exact = [&](const std::string& other) { return other == name; };
  const auto alike = [&](const std::string& other) {
    return mullion::api::SameIgnoringCase(other, name);
  };
  if (const auto i = search(session->inputs, exact)) return Place{Direction::kInput, *i};
  if (const auto i = search(session->outputs, exact)) return Place{Direction::kOutput, *i};
  if (const auto i = search(session->inputs, alike)) return Place{Direction::kInput, *i};
  if (const auto i = search(session->outputs, alike)) return Place{Direction::kOutput, *i};
  return std::nullopt;
}

namespace {

std::string NameList(const std::vector<MullionFeature>& features) {
  constexpr size_t kMost = 8;
  std::string list;
  for (size_t i = 0; i < std::min(features.size(), kMost); ++i) {
    list += StrCat(i == 0 ? "'" : ", '", features[i].name, "'");
  }
  return features.size() > kMost ? list + ", ..." : list;
}

bool IsImage(const MullionValue& value) { return value.bitmap || value.IsBatch(); }

}  // namespace

Status MullionBinding::Bind(std::string_view name, MullionValue* value,
                            const MullionImageOptions* options) {
  MULLION_RETURN_IF_ERROR(session->Engine().status());
  const std::optional<Place> place = Find(name);
  if (!place) {
    return mullion::InvalidBinding("model '", session->model->path, "' has no input or output '",
                                   name, "'; its inputs are ", NameList(session->inputs),
                                   " and its outputs ", NameList(session->outputs));
  }
  if (place->direction == Direction::kInput) {
    MULLION_RETURN_IF_ERROR(BindInput(place->index, value, options));
  } else {
    MULLION_RETURN_IF_ERROR(BindOutput(place->index, value, options));
  }
  Remember(name, *place, value);
  FindOverlaps();
  return OkStatus();
}

Status MullionBinding::BindInput(size_t index, MullionValue* value,
                                 const MullionImageOptions* options) {
  const MullionFeature& feature = session->inputs[index];
  Input& input = inputs_[index];
  if (IsImage(*value)) {
    MULLION_ASSIGN_OR_RETURN(const mullion::api::ImageOptions image_options,
                             mullion::api::ReadImageOptions(options));
    Tensor converted = input.converted;  // what is bound now stays so when this fails
    MULLION_ASSIGN_OR_RETURN(input.fit,
                             mullion::api::ImageToInput(feature, image_options, *value, converted));
    input.converted = std::move(converted);
    input.refresh = false;
    input_data_[index] = Datum::FromView(input.converted.view());
  } else {
    MULLION_RETURN_IF_ERROR(mullion::api::CheckCompatible(feature, Direction::kInput, *value));
    input.fit.reset();
    input.converted = Tensor();
    input.refresh = value->placeholder || !value->IsTensor();
    // Only a view: results must never share memory with what the caller may write to.
    input_data_[index] = value->IsTensor() ? Datum::FromView(value->datum.view) : value->datum;
  }
  input.value = Ref<MullionValue>::Share(value);
  return OkStatus();
}

Status MullionBinding::BindOutput(size_t index, MullionValue* value,
                                  const MullionImageOptions* options) {
  const MullionFeature& feature = session->outputs[index];
  Output output;
  if (IsImage(*value)) {
    MULLION_ASSIGN_OR_RETURN(output.options, mullion::api::ReadImageOptions(options));
    MULLION_RETURN_IF_ERROR(mullion::api::CheckImageFeature(feature, output.options));
    if (feature.type.shape.IsConcrete()) {
      MULLION_ASSIGN_OR_RETURN(output.pixels_from,
                               Tensor::Allocate(feature.type.element_type, feature.type.shape));
    }
    output.delivery = Delivery::kImage;
  } else {
    MULLION_RETURN_IF_ERROR(mullion::api::CheckCompatible(feature, Direction::kOutput, *value));
    output.delivery =
        value->IsTensor() && !value->placeholder ? Delivery::kInPlace : Delivery::kReplace;
  }
  output.value = Ref<MullionValue>::Share(value);
  outputs_[index] = std::move(output);
  return OkStatus();
}

void MullionBinding::Remember(std::string_view name, Place place, MullionValue* value) {
  const auto same = [&](const Entry& entry) {
    return entry.place.direction == place.direction && entry.place.index == place.index;
  };
  Entry entry{std::string(name), place, Ref<MullionValue>::Share(value)};
  const auto known = std::find_if(entries_.begin(), entries_.end(), same);
  if (known != entries_.end()) {
    *known = std::move(entry);
  } else {
    entries_.push_back(std::move(entry));
  }
}

namespace {

bool Overlap(const TensorView& a, const TensorView& b) {
  const auto begin_a = reinterpret_cast<uintptr_t>(a.data);
  const auto begin_b = reinterpret_cast<uintptr_t>(b.data);
  const auto size = [](const TensorView& view) {
    return view.type == mullion::ElementType::kString
               ? static_cast<size_t>(view.count()) * sizeof(std::string)
               : view.bytes();
  };
  return begin_a < begin_b + size(b) && begin_b < begin_a + size(a);
}

}  // namespace

// An output must not be written while an input, or another output, has the same memory.
void MullionBinding::FindOverlaps() {
  any_refresh_ =
      std::any_of(inputs_.begin(), inputs_.end(), [](const Input& input) { return input.refresh; });
  all_in_place_ = true;
  for (size_t i = 0; i < outputs_.size(); ++i) {
    Output& output = outputs_[i];
    const bool in_place =
        output.delivery == Delivery::kInPlace || output.delivery == Delivery::kCopy;
    if (in_place) {
      const TensorView& view = output.value->datum.view;
      const auto overlaps = [&](const Datum& datum) {
        return datum.IsTensor() && Overlap(datum.view, view);
      };
      bool shared = std::any_of(input_data_.begin(), input_data_.end(), overlaps);
      for (size_t j = 0; j < i; ++j) {
        shared |= outputs_[j].delivery == Delivery::kInPlace &&
                  Overlap(outputs_[j].value->datum.view, view);
      }
      output.delivery = shared ? Delivery::kCopy : Delivery::kInPlace;
      output_data_[i] = shared ? Datum() : Datum::FromView(view);
    }
    all_in_place_ &= output.delivery == Delivery::kInPlace;
  }
}

void MullionBinding::Clear() {
  entries_.clear();
  std::fill(inputs_.begin(), inputs_.end(), Input());
  std::fill(outputs_.begin(), outputs_.end(), Output());
  std::fill(input_data_.begin(), input_data_.end(), Datum());
  std::fill(output_data_.begin(), output_data_.end(), Datum());
  any_refresh_ = false;
  all_in_place_ = false;
}

const MullionBinding::Entry* MullionBinding::FindEntry(std::string_view name) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

std::optional<mullion::image::Fit> MullionBinding::ImageFit(std::string_view name) const {
  const std::optional<Place> place = Find(name);
  if (!place || place->direction == Direction::kOutput) return std::nullopt;
  return inputs_[place->index].fit;
}

Status MullionBinding::Run(const mullion::CancellationToken* cancellation,
                           mullion::Profiler* profiler) {
  MULLION_ASSIGN_OR_RETURN(const std::shared_ptr<mullion::Session> engine, session->Engine());
  if (any_refresh_) PrepareInputs();
  if (!all_in_place_) PrepareOutputs();
  MULLION_RETURN_IF_ERROR(engine->Run(input_data_, output_data_, cancellation, profiler));
  return all_in_place_ ? OkStatus() : DeliverOutputs();
}

void MullionBinding::PrepareInputs() {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (!inputs_[i].refresh) continue;
    const MullionValue& value = *inputs_[i].value;
    input_data_[i] = value.IsTensor() ? Datum::FromView(value.datum.view) : value.datum;
  }
}

void MullionBinding::PrepareOutputs() {
  for (size_t i = 0; i < outputs_.size(); ++i) {
    const Output& output = outputs_[i];
    if (output.delivery == Delivery::kInPlace) continue;
    output_data_[i] = output.pixels_from ? Datum::FromView(output.pixels_from.view()) : Datum();
  }
}

Status MullionBinding::DeliverOutputs() {
  for (size_t i = 0; i < outputs_.size(); ++i) MULLION_RETURN_IF_ERROR(Deliver(i));
  return OkStatus();
}

Status MullionBinding::Deliver(size_t index) {
  const Output& output = outputs_[index];
  const MullionFeature& feature = session->outputs[index];
  Datum& result = output_data_[index];
  switch (output.delivery) {
    case Delivery::kUnbound:
    case Delivery::kInPlace:
      return OkStatus();
    case Delivery::kCopy: {
      const TensorView& target = output.value->datum.view;
      if (!result.IsTensor() || result.view.type != target.type ||
          !(result.view.shape == target.shape)) {
        return mullion::SizeMismatch(
            "output '", feature.name, "' came out as ",
            result.IsTensor() ? mullion::Describe(result.view) : "no tensor", " but ",
            mullion::Describe(target), " is bound to it; bind a tensor of that shape or none");
      }
      mullion::CopyElements(result.view, {target.type, target.location, target.shape,
                                          const_cast<void*>(target.data)});
      return OkStatus();
    }
    case Delivery::kReplace:
      mullion::api::SetContent(*output.value, std::exchange(result, Datum()));
      return OkStatus();
    case Delivery::kImage:
      return mullion::api::OutputToImage(feature, output.options, result.view, *output.value);
  }
  return OkStatus();
}

mullion::Result<Ref<MullionValue>> MullionBinding::TakeOutput(size_t index) {
  const Output& output = outputs_[index];
  if (output.value) return output.value;
  const MullionFeature& feature = session->outputs[index];
  Datum result = std::exchange(output_data_[index], Datum());
  if (feature.kind == MULLION_FEATURE_IMAGE && result.IsTensor()) {
    return mullion::api::OutputToNewImage(feature, result.view);
  }
  return mullion::api::MakeValue(std::move(result));
}

void MullionBinding::DropOutputs() {
  if (all_in_place_) return;
  for (size_t i = 0; i < outputs_.size(); ++i) {
    if (outputs_[i].delivery != Delivery::kInPlace) output_data_[i] = Datum();
  }
}
