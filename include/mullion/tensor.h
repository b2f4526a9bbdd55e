// SPDX-License-Identifier: MIT
// Tensors of numbers: TensorFloat, TensorInt64Bit and the like.
#ifndef MULLION_TENSOR_H_
#define MULLION_TENSOR_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <ranges>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "mullion/array_view.h"
#include "mullion/feature_value.h"

namespace mullion {

// A tensor of any element type.
class ITensor : public ILearningModelFeatureValue {
 public:
  using ILearningModelFeatureValue::ILearningModelFeatureValue;

  mullion::TensorKind TensorKind() const {
    return static_cast<mullion::TensorKind>(MullionValue_TensorKind(get()));
  }
  // The dimensions, outermost first; none for a scalar, and for a placeholder without content.
  std::vector<int64_t> Shape() const {
    const int64_t* const shape = MullionValue_Shape(get());
    return {shape, shape + MullionValue_Rank(get())};
  }
  // The number of elements: the product of the dimensions; 0 for a placeholder without content.
  int64_t ElementCount() const { return MullionValue_ElementCount(get()); }

  static constexpr char kDescription[] = "a tensor";
  static bool IsInstance(const MullionValue* value) {
    return MullionValue_Kind(value) == MULLION_FEATURE_TENSOR;
  }
};

namespace detail {

// `shape` with its -1, of which there may be one, solved from the number of elements.
inline std::vector<int64_t> SolveShape(ArrayView<int64_t> shape, size_t count) {
  std::vector<int64_t> solved(shape.begin(), shape.end());
  int64_t* free = nullptr;
  size_t product = 1;
  for (int64_t& dim : solved) {
    if (dim == -1 && free == nullptr) {
      free = &dim;
      continue;
    }
    if (dim < 0) {
      throw Error(ErrorCode::InvalidArgument,
                  "a tensor's shape may have one dimension of -1 and no other negative one");
    }
    if (dim != 0 && product > SIZE_MAX / static_cast<size_t>(dim)) {
      throw Error(ErrorCode::InvalidArgument, "a tensor's shape has too many elements to count");
    }
    product *= static_cast<size_t>(dim);
  }
  if (free != nullptr) *free = product == 0 ? 0 : static_cast<int64_t>(count / product);
  if (free != nullptr) product *= static_cast<size_t>(*free);
  if (product != count) {
    throw Error(ErrorCode::InvalidArgument, "a tensor's shape and its data do not agree: " +
                                                std::to_string(count) + " elements were given");
  }
  return solved;
}

inline ValueHandle CreateTensor(mullion::TensorKind kind, ArrayView<int64_t> shape,
                                const void* data, size_t bytes) {
  MullionValue* value = nullptr;
  Check(MullionValue_CreateTensor(static_cast<MullionTensorKind>(kind), shape.data(), shape.size(),
                                  data, bytes, &value));
  return ValueHandle::Adopt(value);
}

// `owner` is kept until nobody needs the memory any more.
inline ValueHandle WrapTensor(mullion::TensorKind kind, ArrayView<int64_t> shape, void* data,
                              size_t bytes, std::shared_ptr<const void> owner) {
  MullionValue* value = nullptr;
  const auto c_kind = static_cast<MullionTensorKind>(kind);
  if (owner == nullptr) {
    Check(MullionValue_WrapTensor(c_kind, shape.data(), shape.size(), data, bytes, nullptr, nullptr,
                                  &value));
    return ValueHandle::Adopt(value);
  }
  auto kept = std::make_unique<std::shared_ptr<const void>>(std::move(owner));
  Check(MullionValue_WrapTensor(
      c_kind, shape.data(), shape.size(), data, bytes,
      [](void* context) { delete static_cast<std::shared_ptr<const void>*>(context); }, kept.get(),
      &value));
  kept.release();
  return ValueHandle::Adopt(value);
}

inline ValueHandle CreatePlaceholder(mullion::TensorKind kind) {
  MullionValue* value = nullptr;
  Check(MullionValue_CreatePlaceholder(static_cast<MullionTensorKind>(kind), &value));
  return ValueHandle::Adopt(value);
}

// How elements are stored: as themselves, but float16 as its bits and bool as a byte.
template <mullion::TensorKind kKind, typename Element>
using StorageOf =
    std::conditional_t<kKind == mullion::TensorKind::Float16, uint16_t,
                       std::conditional_t<kKind == mullion::TensorKind::Boolean, uint8_t, Element>>;

inline void Store(ArrayView<float> from, uint16_t* to) {
  MullionFloat16_FromFloat(from.data(), to, from.size());
}
template <typename Element, typename Storage>
void Store(ArrayView<Element> from, Storage* to) {
  std::copy(from.begin(), from.end(), to);
}
inline void Load(std::span<const uint16_t> from, float* to) {
  MullionFloat16_ToFloat(from.data(), to, from.size());
}

// What all tensors of numbers have. `Element` is what is given and taken.
template <typename Derived, typename Element, mullion::TensorKind kKind>
class NumericTensor : public ITensor {
 public:
  using value_type = Element;
  using storage_type = StorageOf<kKind, Element>;
  using ITensor::ITensor;

  // A tensor without shape and memory, to be bound to an output. Every evaluation gives it the
  // result as its new content; data() of before becomes invalid. Afterwards it may be bound to an
  // input as well.
  static Derived Create() { return Derived(CreatePlaceholder(kKind)); }
  // Zeros. Dimensions of 0 are allowed here and below.
  static Derived Create(ArrayView<int64_t> shape) {
    return Derived(CreateTensor(kKind, shape, nullptr, 0));
  }
  // Copies `data`, row-major. One dimension may be -1: it follows from the number of elements.
  // ErrorCode::InvalidArgument when shape and data do not agree.
  static Derived CreateFromArray(ArrayView<int64_t> shape, ArrayView<Element> data) {
    const std::vector<int64_t> solved = SolveShape(shape, data.size());
    if constexpr (std::is_same_v<Element, storage_type>) {
      if (!data.empty()) {
        return Derived(CreateTensor(kKind, solved, data.data(), data.size() * sizeof(Element)));
      }
    }
    Derived tensor = Create(ArrayView<int64_t>(solved));
    Store(data, tensor.data().data());
    return tensor;
  }
  static Derived CreateFromShapeArrayAndDataArray(ArrayView<int64_t> shape,
                                                  ArrayView<Element> data) {
    return CreateFromArray(shape, data);
  }
  // The same from anything that can be gone through: a list, a view, a std::vector<bool>.
  template <std::ranges::input_range Range>
  static Derived CreateFromIterable(ArrayView<int64_t> shape, Range&& range) {
    std::vector<storage_type> elements;
    for (auto&& element : range) {
      storage_type& stored = elements.emplace_back();
      const Element converted = static_cast<Element>(element);
      Store(ArrayView<Element>(&converted, 1), &stored);
    }
    const std::vector<int64_t> solved = SolveShape(shape, elements.size());
    if (elements.empty()) return Create(ArrayView<int64_t>(solved));
    return Derived(
        CreateTensor(kKind, solved, elements.data(), elements.size() * sizeof(storage_type)));
  }
  // Uses `memory` in place, without a copy. It stays valid as long as the tensor or a binding of it
  // lives; `owner`, when given, is kept until then. Elements must be aligned to their size; 64
  // bytes are fastest. Booleans must be 0 or 1.
  static Derived CreateFromBuffer(ArrayView<int64_t> shape, std::span<storage_type> memory,
                                  std::shared_ptr<const void> owner = nullptr) {
    return Derived(WrapTensor(kKind, shape, memory.data(), memory.size_bytes(), std::move(owner)));
  }

  // The elements where they are, to read or to write: float16 as bits, bool as bytes of 0 or 1.
  // Valid as long as the tensor.
  std::span<storage_type> data() const {
    return {static_cast<storage_type*>(MullionValue_Data(get())),
            static_cast<size_t>(ElementCount())};
  }
  // A copy of the elements.
  std::vector<Element> GetAsVectorView() const {
    const std::span<const storage_type> stored = data();
    if constexpr (kKind == mullion::TensorKind::Float16) {
      std::vector<Element> elements(stored.size());
      Load(stored, elements.data());
      return elements;
    } else {
      return std::vector<Element>(stored.begin(), stored.end());
    }
  }

  static bool IsInstance(const MullionValue* value) {
    return MullionValue_TensorKind(value) == static_cast<MullionTensorKind>(kKind);
  }
};

}  // namespace detail

class TensorFloat final
    : public detail::NumericTensor<TensorFloat, float, mullion::TensorKind::Float> {
 public:
  using NumericTensor::NumericTensor;
  static constexpr char kDescription[] = "a tensor of float";
};

// Elements are given and taken as float and stored in 16 bits, rounded to nearest even.
class TensorFloat16Bit final
    : public detail::NumericTensor<TensorFloat16Bit, float, mullion::TensorKind::Float16> {
 public:
  using NumericTensor::NumericTensor;
  static constexpr char kDescription[] = "a tensor of float16";
};

class TensorDouble final
    : public detail::NumericTensor<TensorDouble, double, mullion::TensorKind::Double> {
 public:
  using NumericTensor::NumericTensor;
  static constexpr char kDescription[] = "a tensor of double";
};

class TensorBoolean final
    : public detail::NumericTensor<TensorBoolean, bool, mullion::TensorKind::Boolean> {
 public:
  using NumericTensor::NumericTensor;
  static constexpr char kDescription[] = "a tensor of bool";
};

class TensorInt8Bit final
    : public detail::NumericTensor<TensorInt8Bit, int8_t, mullion::TensorKind::Int8> {
 public:
  using NumericTensor::NumericTensor;
  static constexpr char kDescription[] = "a tensor of int8";
};

class TensorUInt8Bit final
    : public detail::NumericTensor<TensorUInt8Bit, uint8_t, mullion::TensorKind::UInt8> {
 public:
  using NumericTensor::NumericTensor;
  static constexpr char kDescription[] = "a tensor of uint8";
};

class TensorInt16Bit final
    : public detail::NumericTensor<TensorInt16Bit, int16_t, mullion::TensorKind::Int16> {
 public:
  using NumericTensor::NumericTensor;
  static constexpr char kDescription[] = "a tensor of int16";
};

class TensorUInt16Bit final
    : public detail::NumericTensor<TensorUInt16Bit, uint16_t, mullion::TensorKind::UInt16> {
 public:
  using NumericTensor::NumericTensor;
  static constexpr char kDescription[] = "a tensor of uint16";
};

class TensorInt32Bit final
    : public detail::NumericTensor<TensorInt32Bit, int32_t, mullion::TensorKind::Int32> {
 public:
  using NumericTensor::NumericTensor;
  static constexpr char kDescription[] = "a tensor of int32";
};

class TensorUInt32Bit final
    : public detail::NumericTensor<TensorUInt32Bit, uint32_t, mullion::TensorKind::UInt32> {
 public:
  using NumericTensor::NumericTensor;
  static constexpr char kDescription[] = "a tensor of uint32";
};

class TensorInt64Bit final
    : public detail::NumericTensor<TensorInt64Bit, int64_t, mullion::TensorKind::Int64> {
 public:
  using NumericTensor::NumericTensor;
  static constexpr char kDescription[] = "a tensor of int64";
};

class TensorUInt64Bit final
    : public detail::NumericTensor<TensorUInt64Bit, uint64_t, mullion::TensorKind::UInt64> {
 public:
  using NumericTensor::NumericTensor;
  static constexpr char kDescription[] = "a tensor of uint64";
};

// A tensor of any element type but string as plain bytes: for bfloat16, float8, complex and the
// kinds below 8 bits, whose elements are packed, the first in the low bits.
class TensorValue final : public ITensor {
 public:
  using ITensor::ITensor;

  // Zeros.
  static TensorValue Create(mullion::TensorKind kind, ArrayView<int64_t> shape) {
    return TensorValue(detail::CreateTensor(kind, shape, nullptr, 0));
  }
  // A placeholder: see TensorFloat::Create().
  static TensorValue Create(mullion::TensorKind kind) {
    return TensorValue(detail::CreatePlaceholder(kind));
  }
  // Copies. The shape must be concrete, and `bytes` as many as it needs.
  static TensorValue CreateFromBytes(mullion::TensorKind kind, ArrayView<int64_t> shape,
                                     std::span<const std::byte> bytes) {
    return TensorValue(
        detail::CreateTensor(kind, shape, bytes.empty() ? nullptr : bytes.data(), bytes.size()));
  }
  // Uses the memory in place: see TensorFloat::CreateFromBuffer.
  static TensorValue CreateFromBuffer(mullion::TensorKind kind, ArrayView<int64_t> shape,
                                      std::span<std::byte> memory,
                                      std::shared_ptr<const void> owner = nullptr) {
    return TensorValue(
        detail::WrapTensor(kind, shape, memory.data(), memory.size(), std::move(owner)));
  }

  // The bytes where they are; none for strings. Valid as long as the tensor.
  std::span<std::byte> data() const {
    return {static_cast<std::byte*>(MullionValue_Data(get())), MullionValue_ByteSize(get())};
  }
};

}  // namespace mullion

#endif  // MULLION_TENSOR_H_
