// SPDX-License-Identifier: MIT
#ifndef MULLION_ONNX_WRITE_FILE_H_
#define MULLION_ONNX_WRITE_FILE_H_

#include <filesystem>
#include <string_view>

#include "base/status.h"

namespace mullion::onnx {

// Writes the whole file, in place of one that is there. An error names the path.
Status WriteFile(const std::filesystem::path& path, std::string_view bytes);

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_WRITE_FILE_H_
