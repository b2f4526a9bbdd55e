// SPDX-License-Identifier: MIT
// What is bound to a session's inputs and outputs, kept in the form that an evaluation takes:
// one Datum per feature in the model's order, so that a run looks up and allocates nothing.
#ifndef MULLION_API_BINDING_H_
#define MULLION_API_BINDING_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/compatibility.h"
#include "api/image_options.h"
#include "api/session.h"
#include "api/value.h"
#include "base/cancellation.h"
#include "image/fit.h"
#include "runtime/profiler.h"

struct MullionBinding final : mullion::api::RefCounted {
 public:
  explicit MullionBinding(MullionSession* of);

  mullion::Status Bind(std::string_view name, MullionValue* value,
                       const MullionImageOptions* options);
  void Clear();

  struct Place {
    mullion::api::Direction direction;
    size_t index;
  };
  // Inputs before outputs, exact spelling before any other.
  std::optional<Place> Find(std::string_view name) const;

  // What was bound, in the order of binding and as it was spelt.
  struct Entry {
    std::string name;
    Place place;
    mullion::api::Ref<MullionValue> value;
  };
  std::span<const Entry> entries() const { return entries_; }
  const Entry* FindEntry(std::string_view name) const;
  // How the image of an input was fitted.
  std::optional<mullion::image::Fit> ImageFit(std::string_view name) const;

  // Evaluates. Afterwards TakeOutput gives each output once.
  mullion::Status Run(const mullion::CancellationToken* cancellation, mullion::Profiler* profiler);
  // The bound value of an output, or a fresh one with what the last Run gave.
  mullion::Result<mullion::api::Ref<MullionValue>> TakeOutput(size_t index);
  // Lets go of what the last Run gave and nobody took.
  void DropOutputs();

  const mullion::api::Ref<MullionSession> session;

 private:
  struct Input {
    mullion::api::Ref<MullionValue> value;
    mullion::Tensor converted;  // of an image
    std::optional<mullion::image::Fit> fit;
    bool refresh = false;  // the value's content may have been replaced since it was bound
  };
  // How an output gets into what is bound to it.
  enum class Delivery {
    kUnbound,
    kInPlace,  // the engine writes the tensor's memory
    kCopy,     // the tensor's memory is read by an input of the same evaluation: copied afterwards
    kReplace,  // placeholders, sequences, maps: they take over the result
    kImage,    // converted to pixels
  };
  struct Output {
    mullion::api::Ref<MullionValue> value;
    mullion::api::ImageOptions options;
    mullion::Tensor pixels_from;  // memory for an image's tensor, when its shape is fixed
    Delivery delivery = Delivery::kUnbound;
  };

  mullion::Status BindInput(size_t index, MullionValue* value, const MullionImageOptions* options);
  mullion::Status BindOutput(size_t index, MullionValue* value, const MullionImageOptions* options);
  void Remember(std::string_view name, Place place, MullionValue* value);
  void FindOverlaps();
  void PrepareInputs();
  void PrepareOutputs();
  mullion::Status DeliverOutputs();
  mullion::Status Deliver(size_t index);

  std::vector<Entry> entries_;
  std::vector<Input> inputs_;
  std::vector<Output> outputs_;
  std::vector<mullion::Datum> input_data_;
  std::vector<mullion::Datum> output_data_;
  bool any_refresh_ = false;
  bool all_in_place_ = false;
};

#endif  // MULLION_API_BINDING_H_
