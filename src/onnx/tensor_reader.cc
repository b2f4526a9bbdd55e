// SPDX-License-Identifier: MIT
#include "onnx/tensor_reader.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "base/str_cat.h"
#include "onnx/limits.h"
#include "onnx/schema.h"
#include "onnx/tensor_payload.h"
#include "onnx/type_reader.h"

namespace mullion::onnx {

namespace {

// Tensors of at least this many bytes stay where they are until somebody looks at them.
constexpr size_t kDeferFrom = size_t{64} << 10;

// The alignment that reading elements of this type asks for.
size_t AlignmentOf(ElementType type) {
  return std::clamp<size_t>(static_cast<size_t>(ElementBits(type)) / 8, 1, alignof(int64_t));
}

// A byte other than 0 and 1 read as a C++ bool is undefined behaviour.
bool NeedsCleaning(const TensorRecord& record, std::string_view bytes) {
  return record.type == ElementType::kBool &&
         std::any_of(bytes.begin(), bytes.end(), [](char c) { return (c & ~1) != 0; });
}

Result<Tensor> CopyBytes(const TensorRecord& record, const SharedBytes& data,
                         ReadContext& context) {
  MULLION_RETURN_IF_ERROR(context.budget.Charge(data.bytes.size()));
  MULLION_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Allocate(record.type, record.shape));
  if (data.bytes.empty()) return tensor;
  auto* const memory = static_cast<char*>(tensor.mutable_data());
  if (record.type == ElementType::kBool) {
    std::transform(data.bytes.begin(), data.bytes.end(), memory,
                   [](char c) { return static_cast<char>(c != 0); });
  } else {
    std::memcpy(memory, data.bytes.data(), data.bytes.size());
  }
  return tensor;
}

// A tensor's bytes in the file, which need not be aligned there.
class StoredContents final : public TensorSource {
 public:
  StoredContents(SharedBytes data, bool aligned) : data_(std::move(data)), aligned_(aligned) {}

  const void* Memory() const override { return aligned_ ? data_.bytes.data() : nullptr; }
  // What is in a file is better read, a part at a time.
  const void* Bytes() const override {
    return data_.mapping == nullptr ? data_.bytes.data() : nullptr;
  }
  void Fill(size_t begin, size_t bytes, void* memory) const override {
    if (data_.mapping != nullptr) {
      data_.mapping->Read(Offset() + begin, bytes, memory);
    } else {
      std::memcpy(memory, data_.bytes.data() + begin, bytes);
    }
  }
  void Forget(size_t begin, size_t bytes) const override {
    if (data_.mapping != nullptr) data_.mapping->Release(Offset() + begin, bytes);
  }
  std::string Identity() const override {
    if (data_.mapping == nullptr || data_.mapping->identity() == 0) return {};
    return StrCat("file ", data_.mapping->identity(), " from ", Offset());
  }

 private:
  // In the mapped file.
  size_t Offset() const {
    const auto* const file = reinterpret_cast<const char*>(data_.mapping->data());
    return static_cast<size_t>(data_.bytes.data() - file);
  }

  SharedBytes data_;
  bool aligned_;
};

// `data` has as many bytes as the shape needs.
Result<Tensor> ViewBytes(const TensorRecord& record, const SharedBytes& data,
                         ReadContext& context) {
  MULLION_RETURN_IF_ERROR(context.budget.Charge(data.bytes.size() / kBytesPerLook));
  const auto address = reinterpret_cast<uintptr_t>(data.bytes.data());
  const bool aligned = address % AlignmentOf(record.type) == 0;
  if (data.owner == nullptr || data.bytes.empty() || NeedsCleaning(record, data.bytes)) {
    return CopyBytes(record, data, context);
  }
  if (data.bytes.size() >= kDeferFrom) {
    if (!aligned) MULLION_RETURN_IF_ERROR(context.budget.Charge(data.bytes.size()));
    return Tensor::Deferred(record.type, record.shape,
                            std::make_shared<StoredContents>(data, aligned));
  }
  if (!aligned) return CopyBytes(record, data, context);
  return Tensor::Wrap(record.type, record.shape, data.bytes.data(), data.owner);
}

Result<Tensor> ReadRawData(const TensorRecord& record, ReadContext& context) {
  const size_t needed = ByteSize(record.type, record.count);
  if (record.raw.size() != needed) {
    return InvalidModel("it has ", record.raw.size(), " bytes of raw data but ",
                        Describe(record.type, record.shape), " needs ", needed,
                        "; the file is damaged, export it again");
  }
  return ViewBytes(record, {record.raw, context.source.owner, context.source.mapping}, context);
}

// Contents of a type that must be looked at are never kept.
Result<Tensor> ReadKeptTensor(const TensorRecord& record, const ExternalLocation& location,
                              ReadContext& context) {
  if (record.type == ElementType::kBool || record.type == ElementType::kString) {
    return InvalidModel("a compiled model keeps no tensor of ", ElementTypeName(record.type),
                        "; compile it again");
  }
  MULLION_ASSIGN_OR_RETURN(
      auto source, context.external->FindKept(*location.kept, ByteSize(record.type, record.count)));
  return Tensor::Deferred(record.type, record.shape, std::move(source));
}

Result<Tensor> ReadExternalData(const TensorRecord& record, ReadContext& context) {
  if (context.external == nullptr) {
    return InvalidModel("its data are in another file, which is not allowed here");
  }
  if (record.external->kept.has_value()) return ReadKeptTensor(record, *record.external, context);
  MULLION_ASSIGN_OR_RETURN(
      const SharedBytes data,
      context.external->Find(*record.external, ByteSize(record.type, record.count),
                             context.budget));
  return ViewBytes(record, data, context);
}

Status AppendDimension(int64_t dim, Shape& shape) {
  if (dim < 0) {
    return InvalidModel("it has the negative dimension ", dim,
                        "; the file is damaged, export it again");
  }
  if (shape.rank() == kMaxRank) {
    return Unsupported("it has more than ", kMaxRank, " dimensions; tensors of up to ", kMaxRank,
                       " are supported");
  }
  shape.Append(dim);
  return OkStatus();
}

Status ReadLocationEntry(std::string_view bytes, const ReadContext& context,
                         ExternalLocation& location) {
  std::string_view key;
  std::string_view value;
  WireReader fields(bytes);
  while (fields.Next()) {
    if (fields.number() == field::entry::kKey) key = fields.Name();
    if (fields.number() == field::entry::kValue) value = fields.Name();
  }
  MULLION_RETURN_IF_ERROR(context.Finish(fields));
  return SetLocationEntry(key, value, location);
}

Status CheckRecord(int64_t type_number, TensorRecord& record) {
  record.type = ElementTypeFromNumber(type_number);
  if (record.type == ElementType::kUndefined) {
    return Unsupported("its element type is number ", type_number,
                       ", which this version does not know; types 1 to ", kElementTypeCount - 1,
                       " are supported");
  }
  const std::optional<int64_t> count = CountInMemory(record.type, record.shape);
  if (!count.has_value()) {
    return InvalidModel("its shape ", record.shape.ToString(),
                        " has more elements than memory can hold; the file is damaged, "
                        "export it again");
  }
  record.count = *count;
  if (record.type == ElementType::kString && (!record.raw.empty() || record.external.has_value())) {
    return InvalidModel(
        "its strings are stored as raw bytes, which ONNX does not allow; export the model again");
  }
  return OkStatus();
}

}  // namespace

std::optional<int64_t> CountInMemory(ElementType type, const Shape& shape) {
  const std::optional<int64_t> count = shape.CheckedElementCount();
  // ByteSize counts in bits first.
  const uint64_t bits = type == ElementType::kString ? 8 * sizeof(std::string)
                                                     : static_cast<uint64_t>(ElementBits(type));
  const uint64_t most = std::min<uint64_t>(kMaxElements, (SIZE_MAX - 7) / bits);
  return count.has_value() && static_cast<uint64_t>(*count) <= most ? count : std::nullopt;
}

std::string_view TensorName(std::string_view bytes) {
  std::string_view name;
  WireReader fields(bytes);
  while (fields.Next()) {
    if (fields.number() == field::tensor::kName) name = fields.Name();
  }
  return name;
}

Result<TensorRecord> ReadTensorRecord(std::string_view bytes, const ReadContext& context) {
  TensorRecord record;
  record.message = bytes;
  int64_t type_number = 0;
  bool external = false;
  ExternalLocation location;
  Status status;
  WireReader fields(bytes);
  while (status.ok() && fields.Next()) {
    switch (fields.number()) {
      case field::tensor::kDims:
        fields.ForEachInt([&](int64_t dim) {
          if (status.ok()) status = AppendDimension(dim, record.shape);
        });
        break;
      case field::tensor::kDataType:
        type_number = fields.Int();
        break;
      case field::tensor::kName:
        record.name = fields.Name();
        break;
      case field::tensor::kRawData:
        record.raw = fields.Bytes();
        break;
      case field::tensor::kExternalData:
        status = ReadLocationEntry(fields.Bytes(), context, location);
        break;
      case field::tensor::kDataLocation:
        external = fields.Int() == kDataLocationExternal;
        break;
      case field::tensor::kSegment:
        status = Unsupported("it is stored in segments, which no exporter writes; export it whole");
        break;
      default:
        break;
    }
  }
  MULLION_RETURN_IF_ERROR(status);
  MULLION_RETURN_IF_ERROR(context.Finish(fields));
  if (external) record.external = std::move(location);
  MULLION_RETURN_IF_ERROR(CheckRecord(type_number, record));
  return record;
}

Result<Tensor> ReadTensor(const TensorRecord& record, ReadContext& context) {
  if (record.external.has_value()) return ReadExternalData(record, context);
  // Without elements there may be no data field at all.
  if (!record.raw.empty() || record.count == 0) return ReadRawData(record, context);
  return ReadTypedData(record, context);
}

Result<Tensor> ReadTensor(std::string_view bytes, ReadContext& context) {
  MULLION_ASSIGN_OR_RETURN(const TensorRecord record, ReadTensorRecord(bytes, context));
  return ReadTensor(record, context);
}

}  // namespace mullion::onnx
