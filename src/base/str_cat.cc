// SPDX-License-Identifier: MIT
#include "base/str_cat.h"

#include <cstdio>

namespace mullion::internal {

std::string JoinPieceList(const char* kinds, va_list pieces) {
  std::string out;
  for (; *kinds != '\0'; ++kinds) {
    char number[32];
    switch (*kinds) {
      case kPieceKind<const char*>:
        out += va_arg(pieces, const char*);
        break;
      case kPieceKind<const std::string*>:
        out += *va_arg(pieces, const std::string*);
        break;
      case kPieceKind<const std::string_view*>:
        out += *va_arg(pieces, const std::string_view*);
        break;
      case kPieceKind<char>:
        out += static_cast<char>(va_arg(pieces, int));
        break;
      case kPieceKind<bool>:
        out += va_arg(pieces, int) != 0 ? "true" : "false";
        break;
      case kPieceKind<int64_t>:
        out += std::to_string(va_arg(pieces, int64_t));
        break;
      case kPieceKind<uint64_t>:
        out += std::to_string(va_arg(pieces, uint64_t));
        break;
      case kPieceKind<double>:
        std::snprintf(number, sizeof(number), "%.6g", va_arg(pieces, double));
        out += number;
        break;
    }
  }
  return out;
}

std::string JoinPieces(const char* kinds, ...) {
  va_list pieces;
  va_start(pieces, kinds);
  std::string out = JoinPieceList(kinds, pieces);
  va_end(pieces);
  return out;
}

}  // namespace mullion::internal
