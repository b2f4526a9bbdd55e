// SPDX-License-Identifier: MIT
// Walks the fields of one protobuf message in place.
//
// Goals: no copies, no exceptions, lengths of 64 bits, and damage that sticks: once
// a field is broken Next() ends the loop, accessors give empty values, and damage() tells why.
#ifndef MULLION_ONNX_WIRE_READER_H_
#define MULLION_ONNX_WIRE_READER_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/function_ref.h"

namespace mullion::onnx {

class WireReader {
 public:
  explicit WireReader(std::string_view bytes)
      : data_(bytes.data()), end_(bytes.data() + bytes.size()), where_(bytes.data()) {}

  // Steps to the next field, the first at first; false at the end of the message and on damage.
  //
  //   WireReader fields(bytes);
  //   while (fields.Next()) {
  //     if (fields.number() == field::node::kName) name = fields.Name();
  //   }
  //   return context.Finish(fields);
  bool Next();
  uint32_t number() const { return number_; }

  // The value of the current field. A field encoded otherwise is damage.
  int64_t Int();             // all integers, bools and enums
  float Float();             // 32-bit
  double Double();           // 64-bit
  std::string_view Bytes();  // strings, bytes and messages
  std::string_view Name();   // the same, refused when longer than any sensible name

  // Repeated numbers: one, or a packed run of them.
  void ForEachInt(FunctionRef<void(int64_t)> take);
  // Little-endian words of `width` bytes (4 or 8), one or a packed run of them.
  std::string_view FixedRun(size_t width);

  // Null while all is well; else the end of a sentence: "a field runs past the end of its message".
  const char* damage() const { return damage_; }
  // Where the current field begins.
  const char* where() const { return where_; }
  // The first byte after it.
  const char* after() const { return data_; }

 private:
  enum class Wire : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

  bool Fail(const char* reason);
  bool Expect(Wire wire);
  bool ReadNumber(uint64_t& value);
  bool ReadValue();

  const char* data_;
  const char* end_;
  const char* where_;
  const char* damage_ = nullptr;
  uint32_t number_ = 0;
  Wire wire_ = Wire::kVarint;
  uint64_t varint_ = 0;
  std::string_view bytes_;  // of kBytes and the fixed words
};

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_WIRE_READER_H_
