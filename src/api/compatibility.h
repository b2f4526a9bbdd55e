// SPDX-License-Identifier: MIT
// Which value may be bound to which feature.
#ifndef MULLION_API_COMPATIBILITY_H_
#define MULLION_API_COMPATIBILITY_H_

#include "api/feature.h"
#include "api/value.h"
#include "base/status.h"

namespace mullion::api {

enum class Direction { kInput, kOutput };

// "input 'data' (float[1,3,224,224])", as messages about bindings begin.
std::string Describe(const MullionFeature& feature, Direction direction);

// For everything but images. kInvalidBinding when kinds or element types differ; kSizeMismatch when
// rank or a dimension does, or when an input has no content.
Status CheckCompatible(const MullionFeature& feature, Direction direction,
                       const MullionValue& value);

}  // namespace mullion::api

#endif  // MULLION_API_COMPATIBILITY_H_
