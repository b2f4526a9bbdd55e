// SPDX-License-Identifier: MIT
// NumPy's .npy files (format versions 1 to 3): the array file that everybody has.
#ifndef MULLION_TOOLS_NPY_FILE_H_
#define MULLION_TOOLS_NPY_FILE_H_

#include <filesystem>
#include <string>

#include "base/status.h"
#include "base/tensor.h"

namespace mullion::tools {

// Little-endian numbers and booleans; Fortran order is turned. The error names the file.
Result<Tensor> ReadNpy(const std::filesystem::path& path);
// Types that NumPy has not (bfloat16, float8, strings, packed types) are refused.
Status WriteNpy(const std::filesystem::path& path, const TensorView& tensor);

}  // namespace mullion::tools

#endif  // MULLION_TOOLS_NPY_FILE_H_
