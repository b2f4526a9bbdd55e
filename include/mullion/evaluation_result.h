// SPDX-License-Identifier: MIT
#ifndef MULLION_EVALUATION_RESULT_H_
#define MULLION_EVALUATION_RESULT_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "mullion/feature_value.h"
#include "mullion/handle.h"

namespace mullion {

// The outputs of an evaluation by name. Thread-safe; keeps the values alive.
class EvaluationOutputs final {
 public:
  using value_type = std::pair<std::string, ILearningModelFeatureValue>;

  explicit EvaluationOutputs(detail::ResultHandle result) : handle_(std::move(result)) {}

  size_t Size() const { return MullionResult_OutputCount(handle_.get()); }
  bool HasKey(std::string_view name) const { return Find(name).has_value(); }
  // Names must be spelt as the model spells them. ErrorCode::OutOfRange.
  ILearningModelFeatureValue Lookup(std::string_view name) const {
    const std::optional<size_t> index = Find(name);
    if (index) return ValueAt(*index);
    throw Error(ErrorCode::OutOfRange, "there is no output '" + std::string(name) +
                                           "'; spell it as the model's OutputFeatures() do");
  }
  // The output number `index` in the model's order. ErrorCode::OutOfRange.
  ILearningModelFeatureValue ValueAt(size_t index) const {
    MullionValue* value = nullptr;
    detail::Check(MullionResult_Output(handle_.get(), index, &value));
    return ILearningModelFeatureValue(detail::ValueHandle::Adopt(value));
  }
  std::string NameAt(size_t index) const { return MullionResult_OutputName(handle_.get(), index); }

  // Goes through pairs of name and value, in the model's order.
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = EvaluationOutputs::value_type;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = value_type;

    Iterator(const EvaluationOutputs* outputs, size_t index) : outputs_(outputs), index_(index) {}
    value_type operator*() const { return {outputs_->NameAt(index_), outputs_->ValueAt(index_)}; }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    Iterator operator++(int) { return Iterator(outputs_, index_++); }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.index_ == b.index_; }

   private:
    const EvaluationOutputs* outputs_;
    size_t index_;
  };
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, Size()}; }

 private:
  std::optional<size_t> Find(std::string_view name) const {
    for (size_t i = 0; i < Size(); ++i) {
      if (name == MullionResult_OutputName(handle_.get(), i)) return i;
    }
    return std::nullopt;
  }

  detail::ResultHandle handle_;
};

// What an evaluation gave. A handle; thread-safe; stays valid when session and model are closed.
class LearningModelEvaluationResult final {
 public:
  explicit LearningModelEvaluationResult(detail::ResultHandle result)
      : handle_(std::move(result)) {}

  std::string CorrelationId() const { return MullionResult_CorrelationId(get()); }
  // 0 and true: evaluations that fail throw instead.
  int32_t ErrorStatus() const { return 0; }
  bool Succeeded() const { return true; }
  EvaluationOutputs Outputs() const { return EvaluationOutputs(handle_); }

  MullionResult* get() const { return handle_.get(); }

 private:
  detail::ResultHandle handle_;
};

}  // namespace mullion

#endif  // MULLION_EVALUATION_RESULT_H_
