// SPDX-License-Identifier: MIT
#ifndef MULLION_LEARNING_MODEL_BINDING_H_
#define MULLION_LEARNING_MODEL_BINDING_H_

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "mullion/bind_value.h"
#include "mullion/handle.h"
#include "mullion/image_binding_options.h"
#include "mullion/learning_model_session.h"

namespace mullion {

// What goes into and comes out of evaluations of one session. A handle; not for two threads at
// once: make one per thread.
class LearningModelBinding final {
 public:
  // ErrorCode::Closed when the session is closed.
  explicit LearningModelBinding(const LearningModelSession& session) {
    MullionBinding* binding = nullptr;
    detail::Check(MullionBinding_Create(session.get(), &binding));
    handle_ = detail::BindingHandle::Adopt(binding);
  }

  // Binds a value to an input, or a place for results to an output. Inputs are looked up before
  // outputs, and an exact name before one that differs in case only. Binding a name again replaces
  // what was there. The binding holds on to the value.
  //
  // Tensors are read and written in place at every evaluation. Images are converted now: bind again
  // when their pixels change. An image fits image features, and float, float16 and uint8 tensors of
  // rank 4 with 1 or 3 channels; a sequence of images fits a batch.
  //
  // ErrorCode::InvalidBinding for an unknown name or a wrong kind, ErrorCode::SizeMismatch for a
  // wrong rank, dimension or image size.
  void Bind(const std::string& name, const ILearningModelFeatureValue& value) const {
    detail::Check(MullionBinding_Bind(get(), name.c_str(), value.get(), nullptr));
  }
  void Bind(const std::string& name, const ILearningModelFeatureValue& image,
            const ImageBindingOptions& options) const {
    const MullionImageOptions c_options = options.ToC();
    detail::Check(MullionBinding_Bind(get(), name.c_str(), image.get(), &c_options));
  }
  // Binds a copy of a number, a string, a container of them (row-major, for the input's shape with
  // at most one free dimension), a map, or a container of maps, tensors or images.
  // A std::span of numbers that can be written may be bound to an output: it is written in place.
  template <typename T>
  requires(!detail::FeatureValueLike<T>) void Bind(const std::string& name, const T& object) const {
    int is_output = 0;
    const MullionFeature* const feature = MullionBinding_Feature(get(), name.c_str(), &is_output);
    if (is_output != 0) {
      Bind(name, Destination(feature, object));
    } else {
      Bind(name, detail::ToValue(feature, object));
    }
  }

  void Clear() const { MullionBinding_Clear(get()); }
  size_t Size() const { return MullionBinding_Count(get()); }
  // Names count as they were spelt when they were bound.
  bool HasKey(const std::string& name) const {
    for (const std::string& bound : Names()) {
      if (bound == name) return true;
    }
    return false;
  }
  // The very value that was bound. ErrorCode::OutOfRange.
  ILearningModelFeatureValue Lookup(const std::string& name) const {
    MullionValue* value = nullptr;
    detail::Check(MullionBinding_Lookup(get(), name.c_str(), &value));
    return ILearningModelFeatureValue(detail::ValueHandle::Adopt(value));
  }
  // In the order of binding.
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (size_t i = 0; i < Size(); ++i) names.emplace_back(MullionBinding_Name(get(), i));
    return names;
  }
  // How the image bound to the input `name` was fitted; of a batch, its first one.
  // ErrorCode::OutOfRange when no image is bound there.
  ImageMapping MappingOf(const std::string& name) const {
    MullionImageMapping mapping;
    detail::Check(MullionBinding_ImageMapping(get(), name.c_str(), &mapping));
    const auto bounds = [](const uint32_t* b) { return BitmapBounds{b[0], b[1], b[2], b[3]}; };
    return {bounds(mapping.source), bounds(mapping.target)};
  }

  MullionBinding* get() const { return handle_.get(); }

 private:
  template <typename T>
  static ILearningModelFeatureValue Destination(const MullionFeature* feature, const T& object) {
    if constexpr (requires { []<typename E>(std::span<E>) {}(object); }) {
      using Element = typename T::element_type;
      if constexpr (std::is_arithmetic_v<Element> && !std::is_const_v<Element>) {
        using Tensor = typename detail::TensorOf<typename detail::ElementOf<Element>::type>::type;
        const auto shape = detail::ShapeFor(detail::Content(feature), object.size());
        auto* const memory = reinterpret_cast<typename Tensor::storage_type*>(object.data());
        return Tensor::CreateFromBuffer(shape, {memory, object.size()});
      }
    }
    static_cast<void>(object);
    throw Error(ErrorCode::InvalidBinding, std::string("a copy cannot be bound to the output '") +
                                               MullionFeature_Name(feature) +
                                               "'; bind a value or a std::span to write to");
  }

  detail::BindingHandle handle_;
};

inline LearningModelEvaluationResult LearningModelSession::Evaluate(
    const LearningModelBinding& binding, const std::string& correlation_id,
    const EvaluationCancellation& cancellation) const {
  MullionResult* result = nullptr;
  detail::Check(MullionSession_Evaluate(get(), binding.get(), correlation_id.c_str(),
                                        cancellation.get(), &result));
  return LearningModelEvaluationResult(detail::ResultHandle::Adopt(result));
}

inline std::future<LearningModelEvaluationResult> LearningModelSession::EvaluateAsync(
    const LearningModelBinding& binding, const std::string& correlation_id,
    const EvaluationCancellation& cancellation) const {
  return std::async(std::launch::async, [session = *this, binding, correlation_id, cancellation] {
    return session.Evaluate(binding, correlation_id, cancellation);
  });
}

template <typename Features>
LearningModelEvaluationResult LearningModelSession::EvaluateFeatures(
    const Features& features, const std::string& correlation_id) const {
  const LearningModelBinding binding(*this);
  for (const auto& [name, value] : features) binding.Bind(name, value);
  return Evaluate(binding, correlation_id);
}

inline void LearningModelSession::Run(const LearningModelBinding& binding,
                                      const EvaluationCancellation& cancellation) const {
  detail::Check(MullionSession_Run(get(), binding.get(), cancellation.get()));
}

inline std::vector<ProfileEvent> LearningModelSession::Profile(
    const LearningModelBinding& binding) const {
  MullionProfile* made = nullptr;
  detail::Check(MullionSession_Profile(get(), binding.get(), &made));
  const std::unique_ptr<MullionProfile, void (*)(MullionProfile*)> profile(made,
                                                                           MullionProfile_Release);
  std::vector<ProfileEvent> events;
  for (size_t i = 0; i < MullionProfile_Count(made); ++i) {
    events.push_back({MullionProfile_Node(made, i), MullionProfile_Operator(made, i),
                      std::chrono::nanoseconds(MullionProfile_StartNanoseconds(made, i)),
                      std::chrono::nanoseconds(MullionProfile_Nanoseconds(made, i)),
                      MullionProfile_Bytes(made, i), MullionProfile_Thread(made, i)});
  }
  return events;
}

}  // namespace mullion

#endif  // MULLION_LEARNING_MODEL_BINDING_H_
