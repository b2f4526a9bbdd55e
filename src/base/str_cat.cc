// SPDX-License-Identifier: MIT
#include "base/str_cat.h"

#include <cstdio>

namespace mullion::internal {

std::string FormatDouble(double value) {
  char buffer[32];
  const int length = std::snprintf(buffer, sizeof(buffer), "%.6g", value);
  return std::string(buffer, static_cast<size_t>(length));
}

}  // namespace mullion::internal
