// SPDX-License-Identifier: MIT
#include "onnx/type_writer.h"

#include <protozero/pbf_writer.hpp>

#include "base/str_cat.h"
#include "onnx/schema.h"

namespace mullion::onnx {

namespace {

using protozero::pbf_writer;

// What is inside a message is encoded by itself and added as a whole, since the writer would drop
// an empty one, and an empty shape or dimension means something.
class TypeWriter {
 public:
  // `feature` may be null; it tells about the outermost type only.
  TypeWriter(DimensionNames& names, const FeatureInfo* feature)
      : names_(names), feature_(feature) {}

  std::string Encode(const TypeInfo& type) {
    const FeatureInfo* const feature = feature_;
    std::string bytes;
    pbf_writer message(bytes);
    switch (type.kind) {
      case ValueKind::kTensor:
        message.add_message(field::type::kTensor, EncodeTensorType(type));
        break;
      case ValueKind::kSequence:
        message.add_message(field::type::kSequence, EncodeHolder(type));
        break;
      case ValueKind::kOptional:
        message.add_message(field::type::kOptional, EncodeHolder(type));
        break;
      case ValueKind::kMap:
        message.add_message(field::type::kMap, EncodeMap(type));
        break;
      case ValueKind::kUnknown:
        break;
    }
    if (feature != nullptr && !feature->denotation.empty()) {
      message.add_string(field::type::kDenotation, feature->denotation);
    }
    return bytes;
  }

 private:
  std::string EncodeTensorType(const TypeInfo& type) {
    std::string bytes;
    pbf_writer message(bytes);
    message.add_int32(field::type::kElemType, static_cast<int32_t>(type.element_type));
    if (type.has_shape) message.add_message(field::type::kShape, EncodeShape(type.shape));
    return bytes;
  }

  std::string EncodeShape(const Shape& shape) {
    std::string bytes;
    pbf_writer message(bytes);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      message.add_message(field::type::kDim, EncodeDimension(shape[axis], axis));
    }
    return bytes;
  }

  std::string EncodeDimension(int64_t size, int axis) {
    std::string bytes;
    pbf_writer message(bytes);
    if (size >= 0) {
      message.add_int64(field::type::kDimValue, size);
    } else if (const std::string& name = names_.Get(size); !name.empty()) {
      message.add_string(field::type::kDimParam, name);
    }
    const auto index = static_cast<size_t>(axis);
    if (feature_ != nullptr && index < feature_->dim_denotations.size() &&
        !feature_->dim_denotations[index].empty()) {
      message.add_string(field::type::kDimDenotation, feature_->dim_denotations[index]);
    }
    return bytes;
  }

  std::string EncodeElement(const TypeInfo& type) {
    feature_ = nullptr;
    return type.element ? Encode(*type.element) : std::string();
  }

  std::string EncodeHolder(const TypeInfo& type) {
    std::string bytes;
    pbf_writer(bytes).add_message(field::type::kElemType, EncodeElement(type));
    return bytes;
  }

  std::string EncodeMap(const TypeInfo& type) {
    std::string bytes;
    pbf_writer message(bytes);
    message.add_int32(field::type::kKeyType, static_cast<int32_t>(type.key_type));
    message.add_message(field::type::kValueType, EncodeElement(type));
    return bytes;
  }

  DimensionNames& names_;
  const FeatureInfo* feature_;
};

std::string EncodeInfo(std::string_view name, std::string_view description,
                       const std::string& type) {
  std::string bytes;
  pbf_writer message(bytes);
  message.add_string(field::value_info::kName, name.data(), name.size());
  if (!type.empty()) message.add_message(field::value_info::kType, type);
  if (!description.empty()) {
    message.add_string(field::value_info::kDocString, description.data(), description.size());
  }
  return bytes;
}

}  // namespace

DimensionNames::DimensionNames(const Model& model) {
  for (const FeatureInfo& feature : model.inputs) Learn(feature);
  for (const FeatureInfo& feature : model.outputs) Learn(feature);
}

void DimensionNames::Learn(const FeatureInfo& feature) {
  for (int axis = 0; axis < feature.type.shape.rank(); ++axis) {
    const auto index = static_cast<size_t>(axis);
    if (index >= feature.dim_names.size() || feature.dim_names[index].empty()) continue;
    names_.emplace(feature.type.shape[axis], feature.dim_names[index]);
    taken_.insert(feature.dim_names[index]);
  }
}

const std::string& DimensionNames::Get(int64_t symbol) {
  std::string& name = names_[symbol];
  if (!name.empty() || symbol == kUnknownDim) return name;
  name = StrCat("dim_", -symbol);
  while (!taken_.insert(name).second) name += '_';
  return name;
}

std::string EncodeType(const TypeInfo& type, DimensionNames& names) {
  return TypeWriter(names, nullptr).Encode(type);
}

std::string EncodeValueInfo(std::string_view name, const TypeInfo& type, DimensionNames& names) {
  return EncodeInfo(name, "", EncodeType(type, names));
}

std::string EncodeFeature(const FeatureInfo& feature, DimensionNames& names) {
  return EncodeInfo(feature.name, feature.description,
                    TypeWriter(names, &feature).Encode(feature.type));
}

}  // namespace mullion::onnx
