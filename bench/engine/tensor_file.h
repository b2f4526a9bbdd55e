// SPDX-License-Identifier: MIT
#ifndef MULLION_BENCH_ENGINE_TENSOR_FILE_H_
#define MULLION_BENCH_ENGINE_TENSOR_FILE_H_

#include <string>

#include "bench/engine/session.h"

namespace mullion::bench {

// A TensorProto file with its elements in raw_data or string_data, as Mullion writes them.
Content ReadTensorFile(const std::string& path);

}  // namespace mullion::bench

#endif  // MULLION_BENCH_ENGINE_TENSOR_FILE_H_
