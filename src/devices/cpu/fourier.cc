// SPDX-License-Identifier: MIT
// DFT and STFT.
#include "operators/fourier.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <type_traits>

#include "base/memory.h"
#include "base/str_cat.h"
#include "devices/cpu/fourier_signals.h"
#include "devices/cpu/registry.h"
#include "operators/int_list.h"

namespace mullion::cpu {

namespace {

// The plan used last, so that another batch size costs no new one. Thread-safe.
class LastPlan {
 public:
  Result<std::shared_ptr<const FourierPlan>> Get(int64_t length, bool single) const {
    if (length > kMaxFourierLength) {
      return InvalidModel("a transform of length ", length, " is beyond the longest of ",
                          kMaxFourierLength);
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    if (plan_ == nullptr || plan_->length() != length || single_ != single) {
      MULLION_ASSIGN_OR_RETURN(plan_, FourierPlan::Make(length, single));
      single_ = single;
    }
    return plan_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const FourierPlan> plan_;
  mutable bool single_ = false;  // asked for, even if it has a chirp
};

// What is known of an evaluation before the tensors are: of each input its shape, if it is there,
// and the value of those that are one integer.
struct Arguments {
  std::array<const Shape*, 4> shapes{};
  std::array<std::optional<int64_t>, 4> ints;
};

template <typename T>
struct Prepared final : BoundState {
  SignalTransform<T> transform;
  std::shared_ptr<const FourierPlan> plan;
  Shape output;
};

// What DFT and STFT share: a transform is prepared at binding when all integers are constant, or
// else in each run.
template <typename T>
class FourierKernel : public Executable {
 public:
  explicit FourierKernel(const Node& node) {
    for (int i = 1; i < std::min(node.input_count(), 4); ++i) {
      const Value* const value = node.input(i);
      if (value == nullptr || !Contains(types::kIndices, value->type.element_type)) continue;
      if (value->IsConstant() && value->constant.count() == 1) {
        ints_[static_cast<size_t>(i)] = IntAt(value->constant.view(), 0);
      } else {
        changing_.push_back(i);
      }
    }
  }

  Status Bind(BindContext& context) const override {
    if (!changing_.empty()) return OkStatus();
    Arguments arguments;
    arguments.ints = ints_;
    for (int i = 0; i < std::min(context.input_count(), 4); ++i) {
      if (context.input(i) == nullptr) continue;
      arguments.shapes[static_cast<size_t>(i)] = &context.input(i)->shape;
    }
    auto prepared = Prepare(context.node(), arguments);
    if (!prepared.ok()) {
      return context.node().Error(prepared.status().code(), prepared.status().message());
    }
    if ((*prepared)->plan != nullptr) {
      context.RequestScratch((*prepared)->transform.ScratchBytes(context.threads()));
    }
    context.SetState(*std::move(prepared));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const auto* const bound = context.state<Prepared<T>>();
    if (bound != nullptr) return RunPrepared(context, *bound, context.scratch());
    Arguments arguments;
    arguments.ints = ints_;
    for (int i = 0; i < std::min(context.input_count(), 4); ++i) {
      if (context.HasInput(i)) arguments.shapes[static_cast<size_t>(i)] = &context.Input(i).shape;
    }
    for (const int i : changing_) {
      if (context.Input(i).count() != 1) {
        return context.Error("input ", i, " must have one element");
      }
      arguments.ints[static_cast<size_t>(i)] = IntAt(context.Input(i), 0);
    }
    const auto prepared = Prepare(context.node(), arguments);
    if (!prepared.ok()) return context.Error(prepared.status().message());
    if ((*prepared)->plan == nullptr) return RunPrepared(context, **prepared, nullptr);
    const AlignedBuffer scratch(
        AllocateAligned((*prepared)->transform.ScratchBytes(context.parallel().threads())));
    if (scratch == nullptr) return OutOfMemory("no memory for the work space of a transform");
    return RunPrepared(context, **prepared, scratch.get());
  }

 protected:
  // Sets all of `transform` but the plan and the pointers.
  struct Work {
    int64_t length;  // of the transform
    Shape output;
  };
  virtual Result<Work> Describe(const Node& node, const Arguments& arguments,
                                SignalTransform<T>& transform) const = 0;

 private:
  Result<std::unique_ptr<Prepared<T>>> Prepare(const Node& node, const Arguments& arguments) const {
    auto prepared = std::make_unique<Prepared<T>>();
    MULLION_ASSIGN_OR_RETURN(const Work work, Describe(node, arguments, prepared->transform));
    prepared->output = work.output;
    const std::optional<int64_t> elements = work.output.CheckedElementCount();
    if (!elements.has_value()) {
      return InvalidModel("an output of ", work.output.ToString(), " is too large");
    }
    if (*elements == 0 || work.length == 0) return prepared;
    const bool single = std::is_same_v<T, float> && prepared->transform.from.components == 2;
    MULLION_ASSIGN_OR_RETURN(prepared->plan, plans_.Get(work.length, single));
    prepared->transform.plan = prepared->plan.get();
    return prepared;
  }

  Status RunPrepared(RunContext& context, const Prepared<T>& prepared, void* scratch) const {
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, prepared.output));
    if (prepared.plan == nullptr) {  // sums of nothing
      std::fill_n(output.as<T>(), output.count(), T{0});
      return OkStatus();
    }
    SignalTransform<T> transform = prepared.transform;
    transform.in = context.Input(0).as<T>();
    transform.out = output.as<T>();
    if (transform.windowed) transform.window = context.Input(2).as<T>();
    transform.Run(scratch, context.parallel());
    return OkStatus();
  }

  std::array<std::optional<int64_t>, 4> ints_;
  std::vector<int> changing_;  // integer inputs that are known only in a run
  LastPlan plans_;
};

// Signals along `axis` of a tensor whose last axis are components.
SignalPlaces PlacesAlong(const Shape& shape, int axis) {
  SignalPlaces places;
  places.components = shape.Back(0);
  places.minor_stride = places.components;
  places.minor = shape.Product(axis + 1, shape.rank() - 1);
  places.stride = places.minor * places.components;
  places.length = shape[axis];
  places.major_stride = places.length * places.stride;
  return places;
}

template <typename T>
class Dft final : public FourierKernel<T> {
 public:
  using FourierKernel<T>::FourierKernel;

 private:
  using typename FourierKernel<T>::Work;
  Result<Work> Describe(const Node& node, const Arguments& arguments,
                        SignalTransform<T>& transform) const override {
    const Shape& input = *arguments.shapes[0];
    MULLION_ASSIGN_OR_RETURN(
        const operators::DftGeometry geometry,
        operators::DftGeometryOf(node, input, arguments.ints[1], arguments.ints[2].value_or(-2)));
    transform.from = PlacesAlong(input, geometry.axis);
    transform.to = PlacesAlong(geometry.output, geometry.axis);
    transform.count = input.Product(0, geometry.axis) * transform.from.minor;
    transform.inverse = geometry.inverse;
    transform.mirrored = geometry.inverse && geometry.onesided;
    return Work{geometry.length, geometry.output};
  }
};

template <typename T>
class Stft final : public FourierKernel<T> {
 public:
  using FourierKernel<T>::FourierKernel;

 private:
  using typename FourierKernel<T>::Work;
  Result<Work> Describe(const Node& node, const Arguments& arguments,
                        SignalTransform<T>& transform) const override {
    const Shape& signal = *arguments.shapes[0];
    const Shape* const window = arguments.shapes[2];
    std::optional<int64_t> window_length;
    if (window != nullptr) window_length = window->ElementCount();
    MULLION_ASSIGN_OR_RETURN(const operators::StftGeometry geometry,
                             operators::StftGeometryOf(node, signal, arguments.ints[1].value_or(0),
                                                       window_length, arguments.ints[3]));
    const int64_t frames = geometry.output[1];
    SignalPlaces& from = transform.from;
    from.components = geometry.components;
    from.stride = geometry.components;
    from.minor = frames;
    from.minor_stride = geometry.step * geometry.components;
    from.major_stride = signal[1] * geometry.components;
    from.length = geometry.length;
    transform.to = PlacesAlong(geometry.output, 2);
    transform.count = signal[0] * frames;
    transform.windowed = window != nullptr;
    return Work{geometry.length, geometry.output};
  }
};

template <template <typename> class Kernel>
void Register(KernelRegistry& registry, std::string_view name) {
  registry.Add({.name = name, .types = types::kFloat, .make = MakeKernel<Kernel<float>>});
  registry.Add(
      {.name = name, .types = SetOf(ElementType::kDouble), .make = MakeKernel<Kernel<double>>});
}

}  // namespace

void RegisterFourier(KernelRegistry& registry) {
  Register<Dft>(registry, "DFT");
  Register<Stft>(registry, "STFT");
}

}  // namespace mullion::cpu
