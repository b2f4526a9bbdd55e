// SPDX-License-Identifier: MIT
#include "onnx/tensor_writer.h"

#include "base/str_cat.h"
#include "onnx/read_context.h"
#include "onnx/schema.h"

namespace mullion::onnx {

namespace {

using protozero::pbf_writer;

// A protobuf message ends at 2 GiB; what is not tensors has to fit as well.
constexpr size_t kMaxBytes = (size_t{1} << 31) - (size_t{16} << 20);

Status CheckRoom(const TensorView& tensor, std::string_view name, size_t so_far) {
  size_t needed = tensor.bytes();
  if (tensor.type == ElementType::kString) {
    for (const std::string& text : tensor.span<std::string>()) needed += text.size();
  }
  if (so_far <= kMaxBytes && needed <= kMaxBytes - so_far) return OkStatus();
  return Unsupported("the tensor ", Quoted(name),
                     " makes the model larger than the 2 GiB "
                     "that an ONNX file can hold; split the model");
}

void WriteFields(const TensorView& tensor, std::string_view name, pbf_writer& message) {
  for (const int64_t dim : tensor.shape.dims()) message.add_int64(field::tensor::kDims, dim);
  message.add_int32(field::tensor::kDataType, static_cast<int32_t>(tensor.type));
  if (!name.empty()) AddBytes(message, field::tensor::kName, name);
  if (tensor.type == ElementType::kString) {
    for (const std::string& text : tensor.span<std::string>()) {
      AddBytes(message, field::tensor::kStringData, text);
    }
  } else if (tensor.count() > 0) {
    AddBytes(message, field::tensor::kRawData,
             {static_cast<const char*>(tensor.data), tensor.bytes()});
  }
}

}  // namespace

Status WriteTensor(const TensorView& tensor, std::string_view name, uint32_t number,
                   const std::string& bytes, pbf_writer& message) {
  MULLION_RETURN_IF_ERROR(CheckRoom(tensor, name, bytes.size()));
  pbf_writer inner(message, number);
  WriteFields(tensor, name, inner);
  return OkStatus();
}

void WriteKeptTensor(ElementType type, const Shape& shape, std::string_view name, uint64_t kept,
                     uint32_t number, pbf_writer& message) {
  pbf_writer inner(message, number);
  for (const int64_t dim : shape.dims()) inner.add_int64(field::tensor::kDims, dim);
  inner.add_int32(field::tensor::kDataType, static_cast<int32_t>(type));
  AddBytes(inner, field::tensor::kName, name);
  {
    pbf_writer entry(inner, field::tensor::kExternalData);
    AddBytes(entry, field::entry::kKey, kKeptEntry);
    AddBytes(entry, field::entry::kValue, StrCat(kept));
  }
  inner.add_int64(field::tensor::kDataLocation, kDataLocationExternal);
}

Result<std::string> EncodeTensor(const TensorView& tensor, std::string_view name) {
  MULLION_RETURN_IF_ERROR(CheckRoom(tensor, name, 0));
  std::string bytes;
  pbf_writer message(bytes);
  WriteFields(tensor, name, message);
  return bytes;
}

}  // namespace mullion::onnx
