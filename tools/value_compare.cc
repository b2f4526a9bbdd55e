// SPDX-License-Identifier: MIT
#include "tools/value_compare.h"

#include <algorithm>
#include <cstring>

#include "base/str_cat.h"
#include "tools/engine.h"

namespace mullion::tools {

namespace {

Comparison Failed(const std::string& detail) {
  Comparison result;
  result.ok = false;
  result.detail = detail;
  return result;
}

Handle<MullionValue> ItemOf(const MullionValue* value, size_t index) {
  MullionValue* item = nullptr;
  Check(MullionValue_Item(value, index, &item));
  return Handle<MullionValue>(item);
}

Comparison CompareSequences(const MullionValue* actual, const TensorFileValue& expected,
                            const Tolerance& tolerance) {
  if (MullionValue_Kind(actual) != MULLION_FEATURE_SEQUENCE) return Failed("it is no sequence");
  const size_t count = MullionValue_ItemCount(actual);
  if (count != expected.items.size()) {
    return Failed(
        StrCat("it has ", count, " items where ", expected.items.size(), " are expected"));
  }
  Comparison all;
  for (size_t i = 0; i < count && all.ok; ++i) {
    const Comparison one = CompareValues(ItemOf(actual, i).get(), expected.items[i], tolerance);
    all.max_abs = std::max(all.max_abs, one.max_abs);
    all.max_rel = std::max(all.max_rel, one.max_rel);
    if (!one.ok) {
      all.ok = false;
      all.detail = StrCat("item ", i, ": ", one.detail);
    }
  }
  return all;
}

}  // namespace

Comparison CompareValues(const MullionValue* actual, const TensorFileValue& expected,
                         const Tolerance& tolerance) {
  if (expected.kind == ValueKind::kSequence) {
    return CompareSequences(actual, expected, tolerance);
  }
  if (expected.kind == ValueKind::kOptional) {
    const bool empty = MullionValue_Kind(actual) == MULLION_FEATURE_OPTIONAL;
    if (expected.items.empty()) return empty ? Comparison() : Failed("it is not empty");
    if (empty) return Failed("it is empty");
    return CompareValues(actual, expected.items[0], tolerance);
  }
  const MullionFeatureKind kind = MullionValue_Kind(actual);
  if (kind != MULLION_FEATURE_TENSOR) return Failed("it is no tensor");
  return CompareTensors(ToTensor(actual).view(), expected.tensor.view(), tolerance);
}

Comparison CompareZipMap(const MullionValue* actual, const Tensor& expected,
                         const Tolerance& tolerance) {
  if (MullionValue_Kind(actual) != MULLION_FEATURE_SEQUENCE) return Failed("it is no sequence");
  const auto rows = static_cast<int64_t>(MullionValue_ItemCount(actual));
  Tensor joined;
  for (int64_t row = 0; row < rows; ++row) {
    const Handle<MullionValue> map = ItemOf(actual, static_cast<size_t>(row));
    MullionValue* raw = nullptr;
    Check(MullionValue_MapValues(map.get(), &raw));
    const Handle<MullionValue> held(raw);
    const Tensor values = ToTensor(raw);
    if (!joined) {
      auto made = Tensor::Allocate(values.type(), Shape{rows, values.count()});
      if (!made.ok()) return Failed(made.status().message());
      joined = *made;
    }
    if (values.count() != joined.shape()[1]) return Failed("its maps have different sizes");
    std::memcpy(
        static_cast<char*>(joined.mutable_data()) + static_cast<size_t>(row) * values.bytes(),
        values.data(), values.bytes());
  }
  if (!joined) return Failed("it is empty");
  return CompareTensors(joined.view(), expected.view(), tolerance);
}

ValueKind KindOf(const MullionFeature* feature) {
  switch (MullionFeature_Kind(feature)) {
    case MULLION_FEATURE_SEQUENCE:
      return ValueKind::kSequence;
    case MULLION_FEATURE_MAP:
      return ValueKind::kMap;
    case MULLION_FEATURE_OPTIONAL:
      return ValueKind::kOptional;
    default:
      return ValueKind::kTensor;
  }
}

}  // namespace mullion::tools
