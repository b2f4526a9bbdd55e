// SPDX-License-Identifier: MIT
#include "onnx/sparse_tensor.h"

#include <cstring>
#include <optional>
#include <utility>

#include "base/str_cat.h"
#include "onnx/schema.h"
#include "onnx/tensor_reader.h"

namespace mullion::onnx {

namespace {

struct SparseRecord {
  std::string_view values;
  std::string_view indices;
  Shape shape;
};

Result<SparseRecord> ReadSparseRecord(std::string_view bytes, const ReadContext& context) {
  SparseRecord record;
  bool fits = true;
  WireReader fields(bytes);
  while (fields.Next()) {
    switch (fields.number()) {
      case field::sparse_tensor::kValues:
        record.values = fields.Bytes();
        break;
      case field::sparse_tensor::kIndices:
        record.indices = fields.Bytes();
        break;
      case field::sparse_tensor::kDims:
        fields.ForEachInt([&](int64_t dim) {
          fits = fits && dim >= 0 && record.shape.rank() < kMaxRank;
          if (fits) record.shape.Append(dim);
        });
        break;
      default:
        break;
    }
  }
  MULLION_RETURN_IF_ERROR(context.Finish(fields));
  if (fits) return record;
  return InvalidModel("the sparse tensor has negative dimensions or more than ", kMaxRank,
                      "; the file is damaged, export it again");
}

// Indices are flat positions, int64[n], or coordinates, int64[n, rank].
Status CheckIndices(const Tensor& indices, int64_t entries, int rank) {
  const Shape& shape = indices.shape();
  const bool flat = shape == Shape{entries};
  const bool coordinates = shape == Shape{entries, rank};
  if (indices.type() == ElementType::kInt64 && (flat || coordinates)) return OkStatus();
  return InvalidModel("the sparse tensor has ", entries, " values of rank ", rank, " but indices ",
                      Describe(indices.view()), "; the file is damaged, export it again");
}

// The flat position of entry `i`, or -1 when it lies outside.
int64_t PositionOf(const Tensor& indices, int64_t i, const Shape& shape) {
  const auto numbers = indices.span<int64_t>();
  if (indices.shape().rank() == 1) {
    const int64_t position = numbers[static_cast<size_t>(i)];
    return position < shape.ElementCount() ? position : -1;
  }
  int64_t position = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const int64_t index = numbers[static_cast<size_t>(i * shape.rank() + axis)];
    if (index < 0 || index >= shape[axis]) return -1;
    position = position * shape[axis] + index;
  }
  return position;
}

Result<Tensor> Spread(const Tensor& values, const Tensor& indices, const Shape& shape,
                      ReadContext& context) {
  const std::optional<int64_t> count = CountInMemory(values.type(), shape);
  if (!count.has_value()) {
    return InvalidModel("the sparse tensor ", shape.ToString(),
                        " has more elements than memory can hold; the file is damaged, "
                        "export it again");
  }
  const size_t bytes = ByteSize(values.type(), *count);
  MULLION_RETURN_IF_ERROR(context.budget.Charge(bytes));
  MULLION_ASSIGN_OR_RETURN(Tensor dense, Tensor::Allocate(values.type(), shape));
  auto* const to = static_cast<char*>(dense.mutable_data());
  const auto* const from = static_cast<const char*>(values.data());
  const auto width = static_cast<size_t>(ElementBits(values.type())) / 8;
  std::memset(to, 0, bytes);
  for (int64_t i = 0; i < values.count(); ++i) {
    const int64_t position = PositionOf(indices, i, shape);
    if (position < 0) {
      return InvalidModel("index ", i, " of the sparse tensor lies outside its shape ",
                          shape.ToString(), "; the file is damaged, export it again");
    }
    std::memcpy(to + static_cast<size_t>(position) * width, from + static_cast<size_t>(i) * width,
                width);
  }
  return dense;
}

}  // namespace

Result<SparseTensor> ReadSparseTensor(std::string_view bytes, ReadContext& context) {
  MULLION_ASSIGN_OR_RETURN(const SparseRecord record, ReadSparseRecord(bytes, context));
  MULLION_ASSIGN_OR_RETURN(const TensorRecord values_record,
                           ReadTensorRecord(record.values, context));
  if (values_record.type == ElementType::kString || IsSubByte(values_record.type)) {
    return Unsupported("it is a sparse tensor of ", ElementTypeName(values_record.type),
                       "; sparse tensors of whole-byte numbers are supported");
  }
  MULLION_ASSIGN_OR_RETURN(const Tensor values, ReadTensor(values_record, context));
  MULLION_ASSIGN_OR_RETURN(const Tensor indices, ReadTensor(record.indices, context));
  MULLION_RETURN_IF_ERROR(CheckIndices(indices, values.count(), record.shape.rank()));
  MULLION_ASSIGN_OR_RETURN(Tensor dense, Spread(values, indices, record.shape, context));
  return SparseTensor{values_record.name, std::move(dense)};
}

}  // namespace mullion::onnx
