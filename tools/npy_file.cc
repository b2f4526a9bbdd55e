// SPDX-License-Identifier: MIT
#include "tools/npy_file.h"

#include <array>
#include <cstring>
#include <fstream>
#include <optional>
#include <string_view>
#include <vector>

#include "base/str_cat.h"

namespace mullion::tools {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

struct TypeCode {
  std::string_view code;
  ElementType type;
};
constexpr auto kTypes = std::to_array<TypeCode>({
    {"|b1", ElementType::kBool},
    {"|i1", ElementType::kInt8},
    {"|u1", ElementType::kUint8},
    {"<i2", ElementType::kInt16},
    {"<u2", ElementType::kUint16},
    {"<i4", ElementType::kInt32},
    {"<u4", ElementType::kUint32},
    {"<i8", ElementType::kInt64},
    {"<u8", ElementType::kUint64},
    {"<f2", ElementType::kFloat16},
    {"<f4", ElementType::kFloat},
    {"<f8", ElementType::kDouble},
    {"<c8", ElementType::kComplex64},
    {"<c16", ElementType::kComplex128},
});

Status Bad(const std::filesystem::path& path, std::string_view why) {
  return InvalidBinding(
      StrCat("cannot read '", path.string(), "': ", why, "; save it again with numpy.save"));
}

// The text between the quotes that follow `key`.
std::optional<std::string> QuotedAfter(const std::string& header, std::string_view key) {
  const size_t at = header.find(key);
  if (at == std::string::npos) return std::nullopt;
  const size_t open = header.find('\'', at + key.size());
  const size_t close = open == std::string::npos ? open : header.find('\'', open + 1);
  if (close == std::string::npos) return std::nullopt;
  return header.substr(open + 1, close - open - 1);
}

std::optional<Shape> ShapeOf(const std::string& header) {
  const size_t at = header.find("'shape'");
  const size_t open = at == std::string::npos ? at : header.find('(', at);
  const size_t close = open == std::string::npos ? open : header.find(')', open);
  if (close == std::string::npos) return std::nullopt;
  Shape shape;
  for (size_t i = open + 1; i < close;) {
    const size_t digit = header.find_first_of("0123456789", i);
    if (digit == std::string::npos || digit >= close) break;
    if (shape.rank() == kMaxRank) return std::nullopt;
    char* end = nullptr;
    shape.Append(std::strtoll(header.c_str() + digit, &end, 10));
    i = static_cast<size_t>(end - header.c_str());
  }
  return shape;
}

// Column-major elements into row-major order.
void Turn(const char* from, Tensor& to, size_t element_bytes) {
  const Shape& shape = to.shape();
  std::array<int64_t, kMaxRank> strides{};
  int64_t stride = 1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    strides[static_cast<size_t>(axis)] = stride;
    stride *= shape[axis];
  }
  std::array<int64_t, kMaxRank> index{};
  char* out = static_cast<char*>(to.mutable_data());
  for (int64_t i = 0; i < to.count(); ++i, out += element_bytes) {
    int64_t at = 0;
    for (int axis = 0; axis < shape.rank(); ++axis) {
      at += index[static_cast<size_t>(axis)] * strides[static_cast<size_t>(axis)];
    }
    std::memcpy(out, from + static_cast<size_t>(at) * element_bytes, element_bytes);
    for (int axis = shape.rank(); axis-- > 0;) {
      if (++index[static_cast<size_t>(axis)] < shape[axis]) break;
      index[static_cast<size_t>(axis)] = 0;
    }
  }
}

}  // namespace

Result<Tensor> ReadNpy(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return NotFound(StrCat("cannot open '", path.string(), "'; check the file name"));
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (bytes.size() < 10 || !std::string_view(bytes).starts_with(kMagic)) {
    return Bad(path, "it is not a .npy file");
  }
  // Version 1 has a header length of two bytes, later ones of four.
  const bool wide = bytes[6] != 1;
  const size_t start = wide ? 12 : 10;
  size_t length = 0;
  for (size_t i = start; i-- > 8;) {
    if (i < bytes.size()) length = length * 256 + static_cast<uint8_t>(bytes[i]);
  }
  if (length > bytes.size() || start + length > bytes.size()) return Bad(path, "it is cut short");
  const std::string header = bytes.substr(start, length);
  const auto code = QuotedAfter(header, "'descr':");
  const auto shape = ShapeOf(header);
  if (!code.has_value() || code->empty() || !shape.has_value()) {
    return Bad(path, "its header is damaged");
  }
  ElementType type = ElementType::kUndefined;
  for (const TypeCode& known : kTypes) {
    if (known.code == *code || (known.code[0] == '|' && known.code.substr(1) == code->substr(1))) {
      type = known.type;
    }
  }
  if (type == ElementType::kUndefined) return Bad(path, StrCat("its type is '", *code, "'"));
  const auto count = shape->CheckedElementCount();
  const size_t available = bytes.size() - start - length;
  if (!count.has_value() || static_cast<uint64_t>(*count) > available ||
      ByteSize(type, *count) > available) {
    return Bad(path, StrCat("it holds less than ", Describe(type, *shape)));
  }
  MULLION_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Allocate(type, *shape));
  const char* const data = bytes.data() + start + length;
  if (header.find("'fortran_order': True") != std::string::npos) {
    Turn(data, tensor, ByteSize(type, 1));
  } else {
    std::memcpy(tensor.mutable_data(), data, tensor.bytes());
  }
  if (type == ElementType::kBool) {
    auto* const bytes_of_bools = static_cast<uint8_t*>(tensor.mutable_data());
    for (int64_t i = 0; i < *count; ++i) bytes_of_bools[i] = bytes_of_bools[i] != 0 ? 1 : 0;
  }
  return tensor;
}

Status WriteNpy(const std::filesystem::path& path, const TensorView& tensor) {
  std::string_view code;
  for (const TypeCode& known : kTypes) {
    if (known.type == tensor.type) code = known.code;
  }
  if (code.empty()) {
    return Unsupported(StrCat("a tensor of ", ElementTypeName(tensor.type),
                              " cannot be written as .npy; write a .pb file instead"));
  }
  std::string header = StrCat("{'descr': '", code, "', 'fortran_order': False, 'shape': (");
  for (int axis = 0; axis < tensor.shape.rank(); ++axis) header += StrCat(tensor.shape[axis], ",");
  header += "), }";
  // The data begins at a multiple of 64 bytes.
  header.append(63 - (header.size() + 10) % 64, ' ');
  header += '\n';
  std::ofstream file(path, std::ios::binary);
  file << kMagic << '\x01' << '\x00' << static_cast<char>(header.size() % 256)
       << static_cast<char>(header.size() / 256) << header;
  file.write(tensor.as<char>(), static_cast<std::streamsize>(tensor.bytes()));
  file.close();
  if (!file)
    return InvalidArgument(StrCat("cannot write '", path.string(),
                                  "'; check that its folder exists, may be written and has room"));
  return OkStatus();
}

}  // namespace mullion::tools
