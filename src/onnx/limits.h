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

// Subgraphs within subgraphs and local functions within functions, together. Each level takes about
// 2 KiB of stack, and worker threads may have as little as 512 KiB.
inline constexpr int kMaxGraphDepth = 64;

// Types within types (a sequence of maps of ...) and values within values of a tensor file.
inline constexpr int kMaxTypeDepth = 16;

// Elements of one tensor: more than any address space holds, and small enough that a byte size
// still fits 64 bits.
inline constexpr int64_t kMaxElements = int64_t{1} << 48;

// Attributes are looked up one after the other, and so are opset imports.
inline constexpr size_t kMaxAttributes = 256;
inline constexpr size_t kMaxOpsetImports = 256;

// Memory that reading may take besides the file itself: decoded tensors, copies, nodes, values.
// Honest files need up to 32 bytes for each of theirs (a string tensor of empty strings), a little
// more for graphs of tiny nodes.
inline constexpr uint64_t kMemoryPerByte = 64;
inline constexpr uint64_t kMemoryAlways = uint64_t{256} << 20;

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_LIMITS_H_
