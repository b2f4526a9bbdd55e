// SPDX-License-Identifier: MIT
#include "tools/json.h"

template class nlohmann::basic_json<nlohmann::ordered_map>;
