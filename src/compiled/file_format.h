// SPDX-License-Identifier: MIT
// A compiled model's file:
//
//   header    72 bytes
//   head      a protobuf message (field::head): what the file was made for and from, where the
//             tensors are, and the optimized graph as an ONNX model with some conventions
//   tensors   each at a page of its own, so that packed weights are used where they lie
//
// Numbers of the header are little-endian. Every byte is covered by a checksum.
//
// Conventions of the ONNX model: a node's domain is "domain@opset", as nodes of one domain may
// follow different opsets; the attribute "@origin" says what it was in the user's model; constants
// whose contents are among the tensors have an external data entry "kept" with their number.
#ifndef MULLION_COMPILED_FILE_FORMAT_H_
#define MULLION_COMPILED_FILE_FORMAT_H_

#include <cstddef>
#include <cstdint>

#include "compiled/content_hash.h"

namespace mullion::compiled {

inline constexpr char kMagic[8] = {'M', 'u', 'l', 'l', 'i', 'o', 'n', '\x1a'};

// Raised whenever a file of before would be understood otherwise: by a change of this format, of an
// internal operator's attributes, or of packed weights whose format keeps its name.
inline constexpr uint64_t kFormatVersion = 2;

// Pages of the system are at most so large on x86, Arm and Apple machines but for a few Arm
// servers, which need no alignment either: a cache line is all that kernels ask for.
inline constexpr uint64_t kTensorAlignment = 4096;

struct Header {
  char magic[8];
  uint64_t version;
  uint64_t file_bytes;
  uint64_t head_bytes;
  uint64_t tensors_begin;   // between the head and this there are zeros
  ContentHash head_hash;    // from the end of the header to `tensors_begin`
  ContentHash tensor_hash;  // from there to the end
};
static_assert(sizeof(Header) == 72);

namespace field {

namespace head {
enum : uint32_t { kLibrary = 1, kLevel = 2, kFile = 3, kTensor = 4, kModel = 5 };
}  // namespace head

namespace file {  // one that the model was read from, as Model::files has them
enum : uint32_t { kName = 1, kBytes = 2, kIdentity = 3, kHashHigh = 4, kHashLow = 5 };
}  // namespace file

namespace tensor {
enum : uint32_t {
  kConstant = 1,  // its number
  kFormat = 2,    // of packed weights; empty for the contents themselves
  kOffset = 3,
  kBytes = 4,
};
}  // namespace tensor

}  // namespace field

inline constexpr char kOriginAttribute[] = "@origin";

}  // namespace mullion::compiled

#endif  // MULLION_COMPILED_FILE_FORMAT_H_
