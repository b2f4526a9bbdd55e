// SPDX-License-Identifier: MIT
// Random choices and values that are the same on every machine for the same seed.
#ifndef MULLION_TESTS_DIFFERENTIAL_RANDOM_H_
#define MULLION_TESTS_DIFFERENTIAL_RANDOM_H_

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include "base/tensor.h"

namespace mullion::differential {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  int64_t Int(int64_t low, int64_t high) {  // both included
    return low + static_cast<int64_t>(engine_() % static_cast<uint64_t>(high - low + 1));
  }
  double Real(double low, double high) {
    return low + (high - low) * static_cast<double>(engine_() >> 11) * 0x1p-53;
  }
  bool Chance(double probability) { return Real(0, 1) < probability; }
  template <typename T>
  T Pick(std::initializer_list<T> choices) {
    return choices.begin()[Int(0, static_cast<int64_t>(choices.size()) - 1)];
  }
  template <typename T>
  const T& Pick(const std::vector<T>& choices) {
    return choices[static_cast<size_t>(Int(0, static_cast<int64_t>(choices.size()) - 1))];
  }

  // Dimensions of 1 to `largest`; one shape in twelve has a dimension of 0.
  Shape AnyShape(int min_rank, int max_rank, int64_t largest = 6);
  // A shape that broadcasts with `shape`: fewer leading dimensions, some dimensions 1.
  Shape Broadcastable(const Shape& shape);
  std::vector<int64_t> Permutation(int count);
  // An axis of a tensor of this rank, counted from either end.
  int64_t Axis(int rank) { return Int(-rank, rank - 1); }

  // Uniform values: numbers in [low, high] (unsigned ones not below 0), strings of a few letters,
  // booleans of either kind. Packed and 8-bit floats are random bits.
  Tensor Values(ElementType type, const Shape& shape, double low = -4, double high = 4);
  // Floating-point values with a few NaN, infinities, zeros of both signs and huge and tiny ones.
  Tensor WithSpecials(ElementType type, const Shape& shape);
  std::string Word();

 private:
  std::mt19937_64 engine_;
};

Tensor Ints(const std::vector<int64_t>& values);  // int64 of rank 1

}  // namespace mullion::differential

#endif  // MULLION_TESTS_DIFFERENTIAL_RANDOM_H_
