// SPDX-License-Identifier: MIT
// Random choices and values that are the same on every machine for the same seed.
//
// The makers of cases serve two masters. A test of results wants small sizes and every choice;
// bench/operators wants sizes of real use, which makers name beside the range of the small ones,
// and first of all the typical choice.
#ifndef MULLION_TESTS_DIFFERENTIAL_RANDOM_H_
#define MULLION_TESTS_DIFFERENTIAL_RANDOM_H_

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "base/tensor.h"

namespace mullion::differential {

enum class Manner : uint8_t {
  kSmall,      // random choices, small sizes
  kRealistic,  // random choices, sizes of real use
  kTypical,    // sizes of real use and the usual choices: the first, the largest, the likelier
};

class Random {
 public:
  // A typical choice of types takes `type` where it is among the choices.
  explicit Random(uint64_t seed, Manner manner = Manner::kSmall,
                  ElementType type = ElementType::kFloat)
      : engine_(seed), manner_(manner), type_(type) {}

  bool realistic() const { return manner_ != Manner::kSmall; }
  bool typical() const { return manner_ == Manner::kTypical; }

  // Both ends are included. Any() is for contents, and is never a choice.
  int64_t Any(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine_() % static_cast<uint64_t>(high - low + 1));
  }
  int64_t Int(int64_t low, int64_t high) { return typical() ? high : Any(low, high); }
  int64_t Int(int64_t low, int64_t high, int64_t realistic_size) {
    return realistic() ? realistic_size : Any(low, high);
  }
  double Real(double low, double high) {
    return low + (high - low) * static_cast<double>(engine_() >> 11) * 0x1p-53;
  }
  bool Chance(double probability) {
    return typical() ? probability >= 0.5 : Real(0, 1) < probability;
  }
  template <typename T>
  T Pick(std::initializer_list<T> choices) {
    return Pick(std::vector<T>(choices));
  }
  template <typename T>
  T Pick(const std::vector<T>& choices) {
    if constexpr (std::is_same_v<T, ElementType>) {
      if (typical() && std::count(choices.begin(), choices.end(), type_) > 0) return type_;
    }
    return typical() ? choices[0] : choices[static_cast<size_t>(Any(0, std::ssize(choices) - 1))];
  }
  int64_t PickSize(std::initializer_list<int64_t> small, int64_t realistic_size) {
    return realistic() ? realistic_size : Pick(small);
  }

  // Dimensions of 1 to `largest`; one shape in twelve has a dimension of 0. A realistic one has
  // some 400,000 elements, or is the one given.
  Shape AnyShape(int min_rank, int max_rank, int64_t largest = 6,
                 const Shape& realistic_shape = {});
  // A shape that broadcasts with `shape`: fewer leading dimensions, some dimensions 1.
  Shape Broadcastable(const Shape& shape);
  std::vector<int64_t> Permutation(int count);
  // An axis of a tensor of this rank, counted from either end.
  int64_t Axis(int rank) { return typical() ? -1 : Any(-rank, rank - 1); }

  // Uniform values: numbers in [low, high] (unsigned ones not below 0), strings of a few letters,
  // booleans of either kind. Packed and 8-bit floats are random bits.
  Tensor Values(ElementType type, const Shape& shape, double low = -4, double high = 4);
  // Floating-point values with a few NaN, infinities, zeros of both signs and huge and tiny ones.
  Tensor WithSpecials(ElementType type, const Shape& shape);
  std::string Word();

 private:
  std::mt19937_64 engine_;
  Manner manner_;
  ElementType type_;
};

Tensor Ints(const std::vector<int64_t>& values);  // int64 of rank 1

}  // namespace mullion::differential

#endif  // MULLION_TESTS_DIFFERENTIAL_RANDOM_H_
