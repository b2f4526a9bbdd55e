// SPDX-License-Identifier: MIT
#include "tests/differential/random.h"

#include <cmath>
#include <limits>
#include <numeric>

namespace mullion::differential {

namespace {

// By rank. Sizes are not all multiples of a vector's.
const std::vector<Shape> kRealisticShapes = {{},
                                             {400000},
                                             {512, 770},
                                             {4, 128, 768},
                                             {2, 64, 56, 56},
                                             {2, 16, 8, 40, 40},
                                             {2, 4, 16, 8, 20, 20}};

}  // namespace

Shape Random::AnyShape(int min_rank, int max_rank, int64_t largest, const Shape& realistic_shape) {
  if (realistic()) {
    if (realistic_shape.rank() > 0) return realistic_shape;
    const int64_t rank = typical() ? std::min(max_rank, 4) : Any(std::max(min_rank, 1), max_rank);
    return kRealisticShapes[static_cast<size_t>(std::max<int64_t>(rank, min_rank))];
  }
  Shape shape;
  const auto rank = static_cast<int>(Int(min_rank, max_rank));
  for (int i = 0; i < rank; ++i) shape.Append(Int(1, largest));
  if (rank > 0 && Chance(1.0 / 12)) shape[static_cast<int>(Int(0, rank - 1))] = 0;
  // Longer than a vector, so that both bodies and tails of loops are met.
  if (rank > 0 && Chance(0.2)) shape[rank - 1] = Int(15, 70);
  return shape;
}

Shape Random::Broadcastable(const Shape& shape) {
  Shape other;
  const auto first = Chance(0.5) ? 0 : static_cast<int>(Int(0, shape.rank()));
  for (int i = first; i < shape.rank(); ++i) other.Append(Chance(0.3) ? 1 : shape[i]);
  return other;
}

std::vector<int64_t> Random::Permutation(int count) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), int64_t{0});
  if (typical()) {  // channels last
    if (count > 2) std::rotate(order.begin() + 1, order.begin() + 2, order.end());
    if (count == 2) std::swap(order[0], order[1]);
    return order;
  }
  for (int i = count - 1; i > 0; --i) {
    std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(Any(0, i))]);
  }
  return order;
}

std::string Random::Word() {
  static const std::vector<std::string> kWords = {"",   "a",  "b",    "ab",    "ABC", "x y",
                                                  "ß",  "Éa", "zéro", "hello", "b",   "a",
                                                  "10", "-3", "cat",  "dog",   " a ", "日本"};
  return kWords[static_cast<size_t>(Any(0, std::ssize(kWords) - 1))];
}

Tensor Random::Values(ElementType type, const Shape& shape, double low, double high) {
  Tensor tensor = *Tensor::Allocate(type, shape);
  const MutableTensorView view = tensor.mutable_view();
  if (type == ElementType::kString) {
    for (std::string& text : view.span<std::string>()) text = Word();
    return tensor;
  }
  if (type == ElementType::kBool) {
    for (bool& flag : view.span<bool>()) flag = Real(0, 1) < 0.5;
    return tensor;
  }
  const bool done = DispatchType(NumericTypes{}, type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (T& value : view.span<T>()) {
      if constexpr (std::is_integral_v<T>) {
        const auto least = std::is_unsigned_v<T> ? std::max(low, 0.0) : low;
        value = static_cast<T>(Any(static_cast<int64_t>(least), static_cast<int64_t>(high)));
      } else {
        value = static_cast<T>(static_cast<ComputeType<T>>(Real(low, high)));
      }
    }
  });
  if (!done) {
    auto* const bytes = static_cast<uint8_t*>(tensor.mutable_data());
    for (size_t i = 0; i < tensor.bytes(); ++i) bytes[i] = static_cast<uint8_t>(Any(0, 255));
  }
  return tensor;
}

Tensor Random::WithSpecials(ElementType type, const Shape& shape) {
  Tensor tensor = Values(type, shape, -8, 8);
  DispatchType(FloatTypes{}, type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    static const std::vector<float> specials = {
        std::nanf(""), kInfinity, -kInfinity, 0.0f, -0.0f, 1e4f,  -1e4f, 1e-3f,
        1.0f,          -1.0f,     0.5f,       1.5f, 2.5f,  -2.5f, 90.0f, -90.0f};
    for (T& value : tensor.mutable_view().span<T>()) {
      if (Real(0, 1) >= 0.15) continue;
      const auto at = static_cast<size_t>(Any(0, std::ssize(specials) - 1));
      value = static_cast<T>(static_cast<ComputeType<T>>(specials[at]));
    }
  });
  return tensor;
}

Tensor Ints(const std::vector<int64_t>& values) {
  return Tensor::Vector<int64_t>(std::span<const int64_t>(values));
}

}  // namespace mullion::differential
