// SPDX-License-Identifier: MIT
#ifndef MULLION_TESTS_API_COUNT_ALLOCATIONS_H_
#define MULLION_TESTS_API_COUNT_ALLOCATIONS_H_

#include <cstdint>

namespace mullion::test {

// How often operator new was called so far, by the program or by the library.
int64_t CountAllocations();

}  // namespace mullion::test

#endif  // MULLION_TESTS_API_COUNT_ALLOCATIONS_H_
