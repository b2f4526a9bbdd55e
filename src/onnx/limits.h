// SPDX-License-Identifier: MIT
// Bounds on what a file may claim. They are far above what any real model has; a file that passes
// one is damaged or hostile.
#ifndef MULLION_ONNX_LIMITS_H_
#define MULLION_ONNX_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace mullion::onnx {

// Names of values, nodes, operators, domains and attributes.
inline constexpr size_t kMaxNameLength = 65535;

// Subgraphs within subgraphs and local functions within functions, together. Each level takes 5 KiB
// of stack (g++ 12, -O3), and threads may have as little as 512 KiB. Real models stay below ten.
inline constexpr int kMaxGraphDepth = 32;

// Types within types (a sequence of maps of ...) and values within values of a tensor file.
inline constexpr int kMaxTypeDepth = 16;

// Elements of one tensor: more than any address space holds, and small enough that a byte size
// still fits 64 bits. Where addresses have 32, see CountInMemory.
inline constexpr int64_t kMaxElements = int64_t{1} << 48;

// Attributes are looked up one after the other, and so are opset imports.
inline constexpr size_t kMaxAttributes = 256;
inline constexpr size_t kMaxOpsetImports = 256;

// Looking at bytes costs time even where it takes no memory, and an inlined function looks at the
// same ones at every call: so many bytes looked at count as one of memory.
inline constexpr uint64_t kBytesPerLook = 8;

// Memory that reading may take besides the file itself: decoded tensors, copies, nodes, values.
// Honest files need up to 32 bytes for each of theirs (a string tensor of empty strings), a little
// more for graphs of tiny nodes.
inline constexpr uint64_t kMemoryPerByte = 64;
inline constexpr uint64_t kMemoryAlways = uint64_t{256} << 20;

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_LIMITS_H_
