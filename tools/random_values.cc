// SPDX-License-Identifier: MIT
#include "tools/random_values.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <type_traits>

#include "base/element_traits.h"
#include "base/str_cat.h"

namespace mullion::tools {

namespace {

// [0, 1), in steps of 2^-53.
double Unit(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1.0p-53; }

// A whole number of [low, high], both whole.
double Whole(double low, double high, std::mt19937_64& random) {
  return std::min(high, std::floor(low + Unit(random) * (high - low + 1)));
}

// Whether all of [low, high] can be cast to T. The largest value of a 64-bit type is not a double;
// the one above it is.
template <typename T>
bool Holds(double low, double high) {
  return low >= static_cast<double>(std::numeric_limits<T>::min()) &&
         high < static_cast<double>(std::numeric_limits<T>::max()) + 1 && low <= high;
}

template <typename T>
Status Fill(Tensor& tensor, const ValueRange& range, std::mt19937_64& random) {
  T* const data = static_cast<T*>(tensor.mutable_data());
  const int64_t count = tensor.count();
  if constexpr (std::is_integral_v<T>) {
    const double low = std::ceil(range.low);
    const double high = std::floor(range.high);
    if (!Holds<T>(low, high)) {
      return InvalidArgument(StrCat("there is no ", ElementTypeName(tensor.type()), " from ",
                                    range.low, " to ", range.high, "; change --range or --fill"));
    }
    for (int64_t i = 0; i < count; ++i) data[i] = static_cast<T>(Whole(low, high, random));
  } else {
    for (int64_t i = 0; i < count; ++i) {
      const double value = range.low + Unit(random) * (range.high - range.low);
      data[i] = static_cast<T>(static_cast<ComputeType<T>>(value));
    }
  }
  return OkStatus();
}

}  // namespace

Status FillWithRandom(Tensor& tensor, const ValueRange& range, uint64_t seed, uint64_t stream) {
  std::seed_seq numbers{seed >> 32, seed & 0xffffffff, stream};
  std::mt19937_64 random(numbers);
  if (tensor.type() == ElementType::kString) return OkStatus();
  if (tensor.type() == ElementType::kBool) {
    auto* const data = static_cast<bool*>(tensor.mutable_data());
    for (int64_t i = 0; i < tensor.count(); ++i) {
      data[i] = Whole(range.low, range.high, random) != 0;
    }
    return OkStatus();
  }
  Status status = Unsupported(
      StrCat("there are no random values of ", ElementTypeName(tensor.type()), "; give it a file"));
  DispatchType(NumericTypes{}, tensor.type(), [&](auto tag) {
    status = Fill<typename decltype(tag)::type>(tensor, range, random);
  });
  return status;
}

void FillWithPositions(Tensor& tensor) {
  const int64_t length = tensor.shape().rank() == 0 ? 1 : tensor.shape().Back(0);
  DispatchType(IntegerTypes{}, tensor.type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* const data = static_cast<T*>(tensor.mutable_data());
    for (int64_t i = 0; i < tensor.count(); ++i) data[i] = static_cast<T>(i % length);
  });
}

}  // namespace mullion::tools
