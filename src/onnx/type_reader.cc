// SPDX-License-Identifier: MIT
#include "onnx/type_reader.h"

#include <memory>
#include <utility>

#include "base/str_cat.h"
#include "onnx/limits.h"
#include "onnx/schema.h"

namespace mullion::onnx {

namespace {

struct Dimension {
  int64_t size = kUnknownDim;
  std::string_view name;
  std::string_view denotation;
};

Result<Dimension> ReadDimension(std::string_view bytes, ReadContext& context) {
  Dimension dimension;
  WireReader fields(bytes);
  while (fields.Next()) {
    switch (fields.number()) {
      case field::type::kDimValue:
        dimension.size = fields.Int();
        break;
      case field::type::kDimParam:
        dimension.name = fields.Name();
        break;
      case field::type::kDimDenotation:
        dimension.denotation = fields.Name();
        break;
      default:
        break;
    }
  }
  MULLION_RETURN_IF_ERROR(context.Finish(fields));
  // Some exporters write -1 for "unknown".
  if (dimension.size < kUnknownDim) {
    return InvalidModel("its type has the negative dimension ", dimension.size,
                        "; the file is damaged, export it again");
  }
  if (!dimension.name.empty()) dimension.size = context.symbols.Get(dimension.name);
  return dimension;
}

class TypeReader {
 public:
  // `feature` may be null; it is told about the outermost type only.
  TypeReader(ReadContext& context, FeatureInfo* feature) : context_(context), feature_(feature) {}

  Status Read(std::string_view bytes, int depth, TypeInfo& type) {
    if (depth > kMaxTypeDepth) {
      return InvalidModel("its type is nested more than ", kMaxTypeDepth,
                          " deep; the file is damaged, export it again");
    }
    WireReader fields(bytes);
    Status status;
    while (status.ok() && fields.Next()) {
      switch (fields.number()) {
        case field::type::kTensor:
        case field::type::kSparseTensor:
          status = ReadTensor(fields.Bytes(), depth, type);
          break;
        case field::type::kSequence:
          status = ReadHolder(fields.Bytes(), ValueKind::kSequence, depth, type);
          break;
        case field::type::kOptional:
          status = ReadHolder(fields.Bytes(), ValueKind::kOptional, depth, type);
          break;
        case field::type::kMap:
          status = ReadMap(fields.Bytes(), depth, type);
          break;
        case field::type::kDenotation: {
          const std::string_view denotation = fields.Name();
          if (depth == 0 && feature_ != nullptr) feature_->denotation = denotation;
          break;
        }
        default:
          break;
      }
    }
    MULLION_RETURN_IF_ERROR(status);
    return context_.Finish(fields);
  }

 private:
  Status ReadTensor(std::string_view bytes, int depth, TypeInfo& type) {
    type = TypeInfo();
    WireReader fields(bytes);
    Status status;
    while (status.ok() && fields.Next()) {
      if (fields.number() == field::type::kElemType) {
        type.element_type = ElementTypeFromNumber(fields.Int());
      } else if (fields.number() == field::type::kShape) {
        status = ReadShape(fields.Bytes(), depth, type);
      }
    }
    MULLION_RETURN_IF_ERROR(status);
    if (type.element_type != ElementType::kUndefined) type.kind = ValueKind::kTensor;
    return context_.Finish(fields);
  }

  Status ReadShape(std::string_view bytes, int depth, TypeInfo& type) {
    type.has_shape = true;
    type.shape = Shape();
    const bool told = depth == 0 && feature_ != nullptr;
    if (told) {
      feature_->dim_names.clear();
      feature_->dim_denotations.clear();
    }
    WireReader fields(bytes);
    while (fields.Next()) {
      if (fields.number() != field::type::kDim) continue;
      MULLION_ASSIGN_OR_RETURN(const Dimension dimension, ReadDimension(fields.Bytes(), context_));
      if (type.shape.rank() == kMaxRank) {
        return Unsupported("its type has more than ", kMaxRank, " dimensions; tensors of up to ",
                           kMaxRank, " are supported");
      }
      type.shape.Append(dimension.size);
      if (!told) continue;
      feature_->dim_names.emplace_back(dimension.name);
      feature_->dim_denotations.emplace_back(dimension.denotation);
    }
    return context_.Finish(fields);
  }

  Status ReadHolder(std::string_view bytes, ValueKind kind, int depth, TypeInfo& type) {
    type = TypeInfo();
    type.kind = kind;
    TypeInfo element;
    WireReader fields(bytes);
    while (fields.Next()) {
      if (fields.number() != field::type::kElemType) continue;
      MULLION_RETURN_IF_ERROR(Read(fields.Bytes(), depth + 1, element));
    }
    type.element = std::make_shared<const TypeInfo>(std::move(element));
    return context_.Finish(fields);
  }

  Status ReadMap(std::string_view bytes, int depth, TypeInfo& type) {
    type = TypeInfo();
    type.kind = ValueKind::kMap;
    TypeInfo element;
    WireReader fields(bytes);
    while (fields.Next()) {
      if (fields.number() == field::type::kKeyType) {
        type.key_type = ElementTypeFromNumber(fields.Int());
      } else if (fields.number() == field::type::kValueType) {
        MULLION_RETURN_IF_ERROR(Read(fields.Bytes(), depth + 1, element));
      }
    }
    type.element = std::make_shared<const TypeInfo>(std::move(element));
    return context_.Finish(fields);
  }

  ReadContext& context_;
  FeatureInfo* feature_;
};

}  // namespace

ElementType ElementTypeFromNumber(int64_t number) {
  return number > 0 && number < kElementTypeCount ? static_cast<ElementType>(number)
                                                  : ElementType::kUndefined;
}

Result<TypeInfo> ReadType(std::string_view bytes, ReadContext& context) {
  TypeInfo type;
  MULLION_RETURN_IF_ERROR(TypeReader(context, nullptr).Read(bytes, 0, type));
  return type;
}

Result<ValueInfoRecord> ReadValueInfo(std::string_view bytes, const ReadContext& context) {
  ValueInfoRecord record;
  WireReader fields(bytes);
  while (fields.Next()) {
    switch (fields.number()) {
      case field::value_info::kName:
        record.name = fields.Name();
        break;
      case field::value_info::kType:
        record.type = fields.Bytes();
        break;
      case field::value_info::kDocString:
        record.description = fields.Bytes();
        break;
      default:
        break;
    }
  }
  MULLION_RETURN_IF_ERROR(context.Finish(fields));
  return record;
}

Result<FeatureInfo> ReadFeature(const ValueInfoRecord& record, ReadContext& context) {
  FeatureInfo feature;
  feature.name = record.name;
  feature.description = record.description;
  const Status status = TypeReader(context, &feature).Read(record.type, 0, feature.type);
  if (!status.ok()) return status;
  const auto rank = static_cast<size_t>(feature.type.shape.rank());
  feature.dim_names.resize(rank);
  feature.dim_denotations.resize(rank);
  return feature;
}

}  // namespace mullion::onnx
