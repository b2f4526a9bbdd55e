// SPDX-License-Identifier: MIT
// JSON, compiled once (in json.cc) instead of in each subcommand that writes some.
#ifndef MULLION_TOOLS_JSON_H_
#define MULLION_TOOLS_JSON_H_

#include <nlohmann/json.hpp>

extern template class nlohmann::basic_json<nlohmann::ordered_map>;

#endif  // MULLION_TOOLS_JSON_H_
