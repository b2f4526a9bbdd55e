// SPDX-License-Identifier: MIT
#include "onnx/tensor_payload.h"

#include <cstring>
#include <utility>

#include "base/str_cat.h"
#include "onnx/limits.h"
#include "onnx/schema.h"

namespace mullion::onnx {

namespace {

// Where TensorProto keeps the elements of each type.
uint32_t DataField(ElementType type) {
  switch (type) {
    case ElementType::kFloat:
    case ElementType::kComplex64:
      return field::tensor::kFloatData;
    case ElementType::kDouble:
    case ElementType::kComplex128:
      return field::tensor::kDoubleData;
    case ElementType::kInt64:
      return field::tensor::kInt64Data;
    case ElementType::kUint32:
    case ElementType::kUint64:
      return field::tensor::kUint64Data;
    case ElementType::kString:
      return field::tensor::kStringData;
    default:
      return field::tensor::kInt32Data;
  }
}

// Entries that `count` elements take: complex numbers take two, types of 4 and 2 bits share one
// (a packed byte each).
int64_t EntryCount(ElementType type, int64_t count) {
  if (type == ElementType::kComplex64 || type == ElementType::kComplex128) return 2 * count;
  if (IsSubByte(type)) return static_cast<int64_t>(ByteSize(type, count));
  return count;
}

size_t EntryWidth(ElementType type) {
  switch (type) {
    case ElementType::kComplex64:
      return 4;
    case ElementType::kComplex128:
      return 8;
    default:
      return IsSubByte(type) ? 1 : static_cast<size_t>(ElementBits(type)) / 8;
  }
}

Status WrongCount(const TensorRecord& record, int64_t entries, int64_t needed) {
  return InvalidModel("it has ", entries, " data entries but ", Describe(record.type, record.shape),
                      " needs ", needed, "; the file is damaged, export it again");
}

// Bytes of the typed data, and whether some stand in a field of another type.
struct Survey {
  uint64_t bytes = 0;
  uint64_t strays = 0;
};

Result<Survey> SurveyData(const TensorRecord& record, const ReadContext& context) {
  const uint32_t wanted = DataField(record.type);
  Survey survey;
  WireReader fields(record.message);
  while (fields.Next()) {
    const char* const begin = fields.where();
    switch (fields.number()) {
      case field::tensor::kFloatData:
      case field::tensor::kInt32Data:
      case field::tensor::kStringData:
      case field::tensor::kInt64Data:
      case field::tensor::kDoubleData:
      case field::tensor::kUint64Data:
        (fields.number() == wanted ? survey.bytes : survey.strays) +=
            static_cast<uint64_t>(fields.after() - begin);
        break;
      default:
        break;
    }
  }
  MULLION_RETURN_IF_ERROR(context.Finish(fields));
  return survey;
}

Result<Tensor> ReadStrings(const TensorRecord& record, Tensor tensor, const ReadContext& context) {
  auto* const strings = static_cast<std::string*>(tensor.mutable_data());
  int64_t entries = 0;
  WireReader fields(record.message);
  while (fields.Next()) {
    if (fields.number() != field::tensor::kStringData) continue;
    if (entries < record.count) strings[entries] = fields.Bytes();
    ++entries;
  }
  MULLION_RETURN_IF_ERROR(context.Finish(fields));
  if (entries != record.count) return WrongCount(record, entries, record.count);
  return tensor;
}

Result<Tensor> ReadNumbers(const TensorRecord& record, Tensor tensor, const ReadContext& context) {
  const uint32_t wanted = DataField(record.type);
  const bool floating = wanted == field::tensor::kFloatData || wanted == field::tensor::kDoubleData;
  const size_t width = EntryWidth(record.type);
  const int64_t needed = EntryCount(record.type, record.count);
  auto* const memory = static_cast<char*>(tensor.mutable_data());
  int64_t entries = 0;
  const auto take_int = [&](int64_t value) {
    if (record.type == ElementType::kBool) value = value != 0 ? 1 : 0;
    if (entries < needed) std::memcpy(memory + static_cast<size_t>(entries) * width, &value, width);
    ++entries;
  };
  const auto take_run = [&](std::string_view run) {
    const auto more = static_cast<int64_t>(run.size() / width);
    if (!run.empty() && more <= needed - entries) {
      std::memcpy(memory + static_cast<size_t>(entries) * width, run.data(), run.size());
    }
    entries += more;
  };
  WireReader fields(record.message);
  while (fields.Next() && entries <= needed) {
    if (fields.number() != wanted) continue;
    if (floating) {
      take_run(fields.FixedRun(width));
    } else {
      fields.ForEachInt(take_int);
    }
  }
  MULLION_RETURN_IF_ERROR(context.Finish(fields));
  if (entries != needed) return WrongCount(record, entries, needed);
  return tensor;
}

}  // namespace

Result<Tensor> ReadTypedData(const TensorRecord& record, ReadContext& context) {
  MULLION_ASSIGN_OR_RETURN(const Survey survey, SurveyData(record, context));
  const int64_t needed = EntryCount(record.type, record.count);
  if (survey.bytes == 0 && survey.strays > 0) {
    return InvalidModel("its data are stored as another type than ", ElementTypeName(record.type),
                        "; the file is damaged, export it again");
  }
  // Every entry takes a byte at least, so memory is only taken for what the file can fill.
  if (static_cast<uint64_t>(needed) > survey.bytes) {
    return InvalidModel("it has ", survey.bytes, " bytes of data, too few for ",
                        Describe(record.type, record.shape),
                        "; the file is damaged, export it again");
  }
  MULLION_RETURN_IF_ERROR(
      context.budget.Charge(ByteSize(record.type, record.count) + survey.bytes));
  MULLION_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Allocate(record.type, record.shape));
  return record.type == ElementType::kString ? ReadStrings(record, std::move(tensor), context)
                                             : ReadNumbers(record, std::move(tensor), context);
}

}  // namespace mullion::onnx
