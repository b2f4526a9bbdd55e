// SPDX-License-Identifier: MIT
#ifndef MULLION_BASE_VERSION_H_
#define MULLION_BASE_VERSION_H_

namespace mullion {

inline constexpr const char kVersion[] = "0.1.0";

}  // namespace mullion

#endif  // MULLION_BASE_VERSION_H_
