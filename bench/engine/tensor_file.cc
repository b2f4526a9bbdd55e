// SPDX-License-Identifier: MIT
#include "bench/engine/tensor_file.h"

#include <fstream>
#include <iterator>
#include <stdexcept>

namespace mullion::bench {

namespace {

// Fields of a protobuf message, one after the other.
class Fields {
 public:
  explicit Fields(std::string bytes) : bytes_(std::move(bytes)) {}

  bool Next() {
    if (at_ == bytes_.size()) return false;
    const uint64_t tag = Varint();
    text.clear();
    number = static_cast<int>(tag >> 3);
    if ((tag & 7) == 0) {
      integer = Varint();
    } else if ((tag & 7) == 2) {
      const uint64_t size = Varint();
      if (size > bytes_.size() - at_) throw std::runtime_error("a tensor file is cut short");
      text = bytes_.substr(at_, size);
      at_ += size;
    } else {
      throw std::runtime_error("a tensor file has an unexpected field");
    }
    return true;
  }

  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == bytes_.size()) break;
      const auto byte = static_cast<uint8_t>(bytes_[at_++]);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw std::runtime_error("a tensor file is cut short");
  }
  bool AtEnd() const { return at_ == bytes_.size(); }

  int number = 0;
  uint64_t integer = 0;  // of the current field, or its text
  std::string text;

 private:
  std::string bytes_;
  size_t at_ = 0;
};

// Writers pack repeated integers into one field, or do not.
void AddDims(const Fields& field, std::vector<int64_t>& dims) {
  if (field.text.empty()) return dims.push_back(static_cast<int64_t>(field.integer));
  Fields packed(field.text);
  while (!packed.AtEnd()) dims.push_back(static_cast<int64_t>(packed.Varint()));
}

}  // namespace

Content ReadTensorFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path);
  Content content;
  Fields fields(std::string(std::istreambuf_iterator<char>(file), {}));
  while (fields.Next()) {
    switch (fields.number) {
      case 1:
        AddDims(fields, content.dims);
        break;
      case 2:
        content.type = static_cast<int>(fields.integer);
        break;
      case 6:
        content.strings.push_back(std::move(fields.text));
        break;
      case 9:
        content.bytes.assign(fields.text.begin(), fields.text.end());
        break;
      default:
        break;
    }
  }
  return content;
}

}  // namespace mullion::bench
