// SPDX-License-Identifier: MIT
#ifndef MULLION_SEQUENCE_VALUE_H_
#define MULLION_SEQUENCE_VALUE_H_

#include <cstddef>
#include <ranges>
#include <vector>

#include "mullion/feature_value.h"

namespace mullion {

// Tensors, maps or sequences of one type in a row, or the images of a batch.
class SequenceValue final : public ILearningModelFeatureValue {
 public:
  using ILearningModelFeatureValue::ILearningModelFeatureValue;

  // An empty one; of tensors of `element`, where that is known. Bound to an output it gets the
  // result as its new content.
  static SequenceValue Create(TensorKind element = TensorKind::Undefined) {
    return Make(element, {});
  }
  // `items` can be gone through and gives values. They share their memory with the sequence.
  // ErrorCode::InvalidArgument when they are not all of one type.
  template <std::ranges::input_range Range>
  static SequenceValue CreateFromIterable(Range&& items) {
    std::vector<ILearningModelFeatureValue> held;
    for (auto&& item : items) held.push_back(item);
    return Make(TensorKind::Undefined, held);
  }

  size_t Size() const { return MullionValue_ItemCount(get()); }
  // ErrorCode::OutOfRange.
  ILearningModelFeatureValue GetAt(size_t index) const {
    MullionValue* item = nullptr;
    detail::Check(MullionValue_Item(get(), index, &item));
    return ILearningModelFeatureValue(detail::ValueHandle::Adopt(item));
  }
  // All items, for going through them.
  std::vector<ILearningModelFeatureValue> Items() const {
    std::vector<ILearningModelFeatureValue> items;
    for (size_t i = 0; i < Size(); ++i) items.push_back(GetAt(i));
    return items;
  }

  static constexpr char kDescription[] = "a sequence";
  static bool IsInstance(const MullionValue* value) {
    return MullionValue_Kind(value) == MULLION_FEATURE_SEQUENCE;
  }

 private:
  static SequenceValue Make(TensorKind element,
                            const std::vector<ILearningModelFeatureValue>& items) {
    std::vector<MullionValue*> values;
    for (const ILearningModelFeatureValue& item : items) values.push_back(item.get());
    MullionValue* value = nullptr;
    detail::Check(MullionValue_CreateSequence(static_cast<MullionTensorKind>(element),
                                              values.data(), values.size(), &value));
    return SequenceValue(detail::ValueHandle::Adopt(value));
  }
};

}  // namespace mullion

#endif  // MULLION_SEQUENCE_VALUE_H_
