// SPDX-License-Identifier: MIT
#ifndef MULLION_TENSOR_STRING_H_
#define MULLION_TENSOR_STRING_H_

#include <cstdint>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mullion/tensor.h"

namespace mullion {

// A tensor of UTF-8 strings, which may hold zero bytes.
class TensorString final : public ITensor {
 public:
  using value_type = std::string;
  using ITensor::ITensor;

  // A placeholder for an output, and empty strings: see TensorFloat.
  static TensorString Create() {
    return TensorString(detail::CreatePlaceholder(mullion::TensorKind::String));
  }
  static TensorString Create(ArrayView<int64_t> shape) {
    return TensorString(detail::CreateTensor(mullion::TensorKind::String, shape, nullptr, 0));
  }
  // Copies. One dimension may be -1: it follows from the number of strings.
  static TensorString CreateFromArray(ArrayView<int64_t> shape, ArrayView<std::string> data) {
    return CreateFromIterable(shape, data);
  }
  static TensorString CreateFromShapeArrayAndDataArray(ArrayView<int64_t> shape,
                                                       ArrayView<std::string> data) {
    return CreateFromIterable(shape, data);
  }
  // The same from anything that can be gone through twice and gives strings.
  template <std::ranges::forward_range Range>
  static TensorString CreateFromIterable(ArrayView<int64_t> shape, Range&& range) {
    const auto count = static_cast<size_t>(std::ranges::distance(range));
    TensorString tensor = Create(ArrayView<int64_t>(detail::SolveShape(shape, count)));
    int64_t index = 0;
    for (const std::string_view text : range) tensor.SetAt(index++, text);
    return tensor;
  }

  // Element `index` in row-major order. Valid until it is written or the tensor goes.
  // ErrorCode::OutOfRange.
  std::string_view GetAt(int64_t index) const {
    const char* const text = MullionValue_String(get(), index);
    if (text == nullptr) {
      throw Error(ErrorCode::OutOfRange, "there is no string " + std::to_string(index) +
                                             " in a tensor of " + std::to_string(ElementCount()));
    }
    return {text, MullionValue_StringSize(get(), index)};
  }
  void SetAt(int64_t index, std::string_view text) const {
    detail::Check(MullionValue_SetString(get(), index, text.data(), text.size()));
  }
  // A copy of the strings.
  std::vector<std::string> GetAsVectorView() const {
    std::vector<std::string> strings;
    for (int64_t i = 0; i < ElementCount(); ++i) strings.emplace_back(GetAt(i));
    return strings;
  }

  static constexpr char kDescription[] = "a tensor of string";
  static bool IsInstance(const MullionValue* value) {
    return MullionValue_TensorKind(value) == MULLION_TENSOR_STRING;
  }
};

}  // namespace mullion

#endif  // MULLION_TENSOR_STRING_H_
