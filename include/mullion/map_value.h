// SPDX-License-Identifier: MIT
#ifndef MULLION_MAP_VALUE_H_
#define MULLION_MAP_VALUE_H_

#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "mullion/tensor.h"
#include "mullion/tensor_string.h"

namespace mullion {

namespace detail {

// The tensor class for elements of type T.
template <typename T>
struct TensorOf;
template <>
struct TensorOf<float> {
  using type = TensorFloat;
};
template <>
struct TensorOf<double> {
  using type = TensorDouble;
};
template <>
struct TensorOf<bool> {
  using type = TensorBoolean;
};
template <>
struct TensorOf<int8_t> {
  using type = TensorInt8Bit;
};
template <>
struct TensorOf<uint8_t> {
  using type = TensorUInt8Bit;
};
template <>
struct TensorOf<int16_t> {
  using type = TensorInt16Bit;
};
template <>
struct TensorOf<uint16_t> {
  using type = TensorUInt16Bit;
};
template <>
struct TensorOf<int32_t> {
  using type = TensorInt32Bit;
};
template <>
struct TensorOf<uint32_t> {
  using type = TensorUInt32Bit;
};
template <>
struct TensorOf<int64_t> {
  using type = TensorInt64Bit;
};
template <>
struct TensorOf<uint64_t> {
  using type = TensorUInt64Bit;
};
template <>
struct TensorOf<std::string> {
  using type = TensorString;
};

}  // namespace detail

// A map from int64 or string to numbers or strings, as classifiers give it and vectorizers take it.
class MapValue final : public ILearningModelFeatureValue {
 public:
  using ILearningModelFeatureValue::ILearningModelFeatureValue;

  // From one-dimensional tensors of the same length, whose memory it shares.
  // ErrorCode::InvalidArgument.
  static MapValue Create(const ITensor& keys, const ITensor& values) {
    MullionValue* value = nullptr;
    detail::Check(MullionValue_CreateMap(keys.get(), values.get(), &value));
    return MapValue(detail::ValueHandle::Adopt(value));
  }
  // From a std::map, std::unordered_map or the like of int64_t or std::string to a type that a
  // tensor can have.
  template <typename MapLike>
  static MapValue CreateFromMap(const MapLike& map) {
    using Key = typename MapLike::key_type;
    using Mapped = typename MapLike::mapped_type;
    static_assert(std::is_same_v<Key, int64_t> || std::is_same_v<Key, std::string>,
                  "a map's keys are int64_t or std::string");
    std::vector<Key> keys;
    std::vector<Mapped> values;
    for (const auto& [key, value] : map) {
      keys.push_back(key);
      values.push_back(value);
    }
    return Create(detail::TensorOf<Key>::type::CreateFromIterable({-1}, keys),
                  detail::TensorOf<Mapped>::type::CreateFromIterable({-1}, values));
  }

  // Keys and values, one-dimensional, in the same order.
  ITensor Keys() const { return Part(MullionValue_MapKeys); }
  ITensor Values() const { return Part(MullionValue_MapValues); }
  size_t Size() const { return static_cast<size_t>(Keys().ElementCount()); }
  // A copy. ErrorCode::InvalidArgument when keys or values are of other types.
  template <typename Key, typename Mapped>
  std::map<Key, Mapped> GetAsMap() const {
    const auto keys = Keys().as<typename detail::TensorOf<Key>::type>().GetAsVectorView();
    const auto values = Values().as<typename detail::TensorOf<Mapped>::type>().GetAsVectorView();
    std::map<Key, Mapped> map;
    for (size_t i = 0; i < keys.size(); ++i) map.emplace(keys[i], values[i]);
    return map;
  }

  static constexpr char kDescription[] = "a map";
  static bool IsInstance(const MullionValue* value) {
    return MullionValue_Kind(value) == MULLION_FEATURE_MAP;
  }

 private:
  ITensor Part(MullionStatus* (*get_part)(const MullionValue*, MullionValue**)) const {
    MullionValue* part = nullptr;
    detail::Check(get_part(get(), &part));
    return ITensor(detail::ValueHandle::Adopt(part));
  }
};

}  // namespace mullion

#endif  // MULLION_MAP_VALUE_H_
