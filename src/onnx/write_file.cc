// SPDX-License-Identifier: MIT
#include "onnx/write_file.h"

#include <fstream>

#include "base/str_cat.h"

namespace mullion::onnx {

Status WriteFile(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  stream.close();
  if (stream) return OkStatus();
  return InvalidArgument("cannot write '", path.string(),
                         "'; check that its folder exists, may be written and has room");
}

}  // namespace mullion::onnx
