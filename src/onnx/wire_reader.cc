// SPDX-License-Identifier: MIT
#include "onnx/wire_reader.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <protozero/varint.hpp>

#include "onnx/limits.h"

namespace mullion::onnx {

bool WireReader::Fail(const char* reason) {
  if (damage_ == nullptr) damage_ = reason;
  bytes_ = {};
  varint_ = 0;
  return false;
}

namespace {

// Reads a number at `data` and steps behind it; false when it is cut off or has more than the ten
// bytes that 64 bits take. Looked at first, so that protozero has no reason to throw: a build
// without exceptions would abort.
bool ReadVarint(const char*& data, const char* end, uint64_t& value) {
  const ptrdiff_t longest = std::min<ptrdiff_t>(end - data, protozero::max_varint_length);
  const char* const stop = data + longest;
  if (std::none_of(data, stop, [](char c) { return (c & 0x80) == 0; })) return false;
  value = protozero::decode_varint(&data, end);
  return true;
}

}  // namespace

bool WireReader::ReadNumber(uint64_t& value) {
  return ReadVarint(data_, end_, value) || Fail("a number is cut off or too long");
}

bool WireReader::Next() {
  if (damage_ != nullptr || data_ == end_) return false;
  where_ = data_;
  uint64_t key = 0;
  if (!ReadNumber(key)) return false;
  if (key >> 3 == 0 || key >> 32 != 0) return Fail("stands an impossible field number");
  number_ = static_cast<uint32_t>(key >> 3);
  wire_ = static_cast<Wire>(key & 7);
  return ReadValue();
}

bool WireReader::ReadValue() {
  uint64_t length = 0;
  switch (wire_) {
    case Wire::kVarint:
      return ReadNumber(varint_);
    case Wire::kFixed64:
      length = 8;
      break;
    case Wire::kFixed32:
      length = 4;
      break;
    case Wire::kBytes:
      if (!ReadNumber(length)) return false;
      break;
    default:
      return Fail("stands an unknown kind of field");
  }
  if (length > static_cast<uint64_t>(end_ - data_)) {
    return Fail("a field runs past the end of its message");
  }
  bytes_ = std::string_view(data_, static_cast<size_t>(length));
  data_ += length;
  return true;
}

bool WireReader::Expect(Wire wire) {
  return wire_ == wire || Fail("a field has another encoding than ONNX gives it");
}

int64_t WireReader::Int() { return Expect(Wire::kVarint) ? static_cast<int64_t>(varint_) : 0; }

float WireReader::Float() {
  float value = 0;
  if (Expect(Wire::kFixed32)) std::memcpy(&value, bytes_.data(), sizeof(value));
  return value;
}

double WireReader::Double() {
  double value = 0;
  if (Expect(Wire::kFixed64)) std::memcpy(&value, bytes_.data(), sizeof(value));
  return value;
}

std::string_view WireReader::Bytes() { return Expect(Wire::kBytes) ? bytes_ : std::string_view(); }

std::string_view WireReader::Name() {
  const std::string_view name = Bytes();
  if (name.size() <= kMaxNameLength) return name;
  Fail("stands a name of more than 65535 bytes");
  return {};
}

void WireReader::ForEachInt(FunctionRef<void(int64_t)> take) {
  if (wire_ != Wire::kBytes) {
    const int64_t value = Int();
    if (damage_ == nullptr) take(value);
    return;
  }
  const char* run = bytes_.data();
  const char* const run_end = run + bytes_.size();
  uint64_t value = 0;
  while (run != run_end) {
    if (!ReadVarint(run, run_end, value)) {
      Fail("a number is cut off or too long");
      return;
    }
    take(static_cast<int64_t>(value));
  }
}

std::string_view WireReader::FixedRun(size_t width) {
  if (wire_ == Wire::kBytes) {
    if (bytes_.size() % width != 0) Fail("a run of numbers is cut off");
    return bytes_;
  }
  return Expect(width == 4 ? Wire::kFixed32 : Wire::kFixed64) ? bytes_ : std::string_view();
}

}  // namespace mullion::onnx
