// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/matrix/number_product.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "devices/cpu/kernels/matrix/number_product.cc"
#include "devices/cpu/kernels/simd/simd.h"

#ifndef MULLION_DEVICES_CPU_KERNELS_NUMBER_PRODUCT_ONCE_
#define MULLION_DEVICES_CPU_KERNELS_NUMBER_PRODUCT_ONCE_
namespace mullion::cpu {
namespace {

// Twelve sums, three vectors of the right operand and one of the left fill the 16 registers that
// there are without AVX-512; a multiply-add takes four cycles, and at most two are begun in one.
constexpr int kProductTileRows = 4;
constexpr int kProductTileVectors = 3;
// Depth of a panel of columns that lie side by side: 12 KiB of the level 1 cache at most.
constexpr int64_t kPanelDepth = 64;

// Elements are T in name only: what is added and multiplied is of the type that the caller knows.
template <typename T>
struct ProductPanel {
  const T* lefts[kProductTileRows];  // a row each, its first value
  int64_t left_k;
  const T* right;
  int64_t right_k;
  int64_t depth;
  T* out;
  int64_t out_stride;
};

}  // namespace
}  // namespace mullion::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace mullion::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class V>
HWY_INLINE V MultiplyAdd(V a, V b, V sum) {
  if constexpr (hwy::IsFloat<hn::TFromV<V>>()) {
    return hn::MulAdd(a, b, sum);
  } else {
    return hn::Add(hn::Mul(a, b), sum);
  }
}

// Adds the products of a panel to a tile of the output. T is double or an unsigned integer, which
// wraps around.
template <typename T, typename Stored>
HWY_NOINLINE void TakePanel(const ProductPanel<Stored>& panel) {
  const hn::ScalableTag<T> d;
  constexpr auto kLanes = static_cast<int64_t>(hn::MaxLanes(hn::ScalableTag<T>()));
  hn::Vec<decltype(d)> sums[kProductTileRows][kProductTileVectors];
  T* const out = reinterpret_cast<T*>(panel.out);
#pragma GCC unroll 4
  for (int i = 0; i < kProductTileRows; ++i) {
#pragma GCC unroll 3
    for (int j = 0; j < kProductTileVectors; ++j) {
      sums[i][j] = hn::LoadU(d, out + i * panel.out_stride + j * kLanes);
    }
  }
  const T* right = reinterpret_cast<const T*>(panel.right);
  for (int64_t k = 0; k < panel.depth; ++k, right += panel.right_k) {
#pragma GCC unroll 4
    for (int i = 0; i < kProductTileRows; ++i) {
      const auto a = hn::Set(d, reinterpret_cast<const T*>(panel.lefts[i])[k * panel.left_k]);
#pragma GCC unroll 3
      for (int j = 0; j < kProductTileVectors; ++j) {
        sums[i][j] = MultiplyAdd(a, hn::LoadU(d, right + j * kLanes), sums[i][j]);
      }
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < kProductTileRows; ++i) {
#pragma GCC unroll 3
    for (int j = 0; j < kProductTileVectors; ++j) {
      hn::StoreU(sums[i][j], d, out + i * panel.out_stride + j * kLanes);
    }
  }
}

#if !HWY_HAVE_FLOAT64  // wasm
template <>
void TakePanel<double>(const ProductPanel<uint64_t>& panel) {
  const auto columns =
      static_cast<int64_t>(hn::Lanes(hn::ScalableTag<uint64_t>())) * kProductTileVectors;
  for (int i = 0; i < kProductTileRows; ++i) {
    double* const out = reinterpret_cast<double*>(panel.out) + i * panel.out_stride;
    for (int64_t k = 0; k < panel.depth; ++k) {
      const double a = reinterpret_cast<const double*>(panel.lefts[i])[k * panel.left_k];
      const double* const right = reinterpret_cast<const double*>(panel.right) + k * panel.right_k;
      for (int64_t j = 0; j < columns; ++j) out[j] += a * right[j];
    }
  }
}
#endif

void TakePanel32(ElementType /*type*/, const ProductPanel<uint32_t>& panel) {
  TakePanel<uint32_t>(panel);
}
void TakePanel64(ElementType type, const ProductPanel<uint64_t>& panel) {
  type == ElementType::kDouble ? TakePanel<double>(panel) : TakePanel<uint64_t>(panel);
}
int64_t ProductLanes(size_t bytes) {
  return static_cast<int64_t>(bytes == 4 ? hn::Lanes(hn::ScalableTag<uint32_t>())
                                         : hn::Lanes(hn::ScalableTag<uint64_t>()));
}

}  // namespace HWY_NAMESPACE
}  // namespace mullion::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mullion::cpu {

namespace {

// Rows up to which the right operand is read where it lies, if it can be.
constexpr int64_t kFewProductRows = 7;
constexpr int64_t kProductChunkRows = 64;       // a panel is copied once for so many
constexpr int64_t kProductLeastWork = 250'000;  // multiply-adds of a chunk

template <typename T>
class NumberProduct {
 public:
  NumberProduct(ElementType type, const ProductStrides& s, const void* left, const void* right,
                void* out)
      : type_(type),
        s_(s),
        width_(kProductTileVectors * MULLION_SIMD_CALL(ProductLanes)(sizeof(T))),
        left_(static_cast<const T*>(left)),
        right_(static_cast<const T*>(right)),
        out_(static_cast<T*>(out)) {}

  // Rows [begin, end), a panel of columns after the other.
  void Run(int64_t begin, int64_t end) const {
    std::fill_n(out_ + begin * s_.columns, (end - begin) * s_.columns, T{0});
    for (int64_t column = 0; column < s_.columns; column += width_) {
      const int64_t count = std::min(width_, s_.columns - column);
      for (int64_t first = 0; first < s_.depth; first += kPanelDepth) {
        RunPanel(begin, end, column, count, first);
      }
    }
  }

 private:
  static constexpr int64_t kMaxWidth = kProductTileVectors * 64 / static_cast<int64_t>(sizeof(T));

  void RunPanel(int64_t begin, int64_t end, int64_t column, int64_t count, int64_t first) const {
    alignas(64) T side_by_side[kPanelDepth * kMaxWidth];
    ProductPanel<T> panel;
    panel.left_k = s_.left_k;
    panel.right = right_ + first * s_.right_k + column * s_.right_column;
    panel.right_k = s_.right_k;
    panel.depth = std::min(kPanelDepth, s_.depth - first);
    if (s_.right_column != 1 || count < width_ || end - begin > kFewProductRows) {
      Copy(panel, count, side_by_side);
      panel.right = side_by_side;
      panel.right_k = width_;
    }
    for (int64_t row = begin; row < end; row += kProductTileRows) {
      const int64_t rows = std::min<int64_t>(kProductTileRows, end - row);
      const T* const left = left_ + row * s_.left_row + first * s_.left_k;
      for (int64_t i = 0; i < kProductTileRows; ++i) {
        panel.lefts[i] = left + std::min(i, rows - 1) * s_.left_row;
      }
      panel.out = out_ + row * s_.columns + column;
      panel.out_stride = s_.columns;
      if (rows == kProductTileRows && count == width_) {
        Take(panel);
      } else {
        TakeApart(panel, rows, count);
      }
    }
  }

  // Pads columns with zeros.
  void Copy(const ProductPanel<T>& panel, int64_t count, T* to) const {
    if (count < width_) std::fill_n(to, panel.depth * width_, T{0});
    if (s_.right_column == 1) {
      for (int64_t k = 0; k < panel.depth; ++k) {
        std::memcpy(to + k * width_, panel.right + k * s_.right_k,
                    static_cast<size_t>(count) * sizeof(T));
      }
      return;
    }
    for (int64_t i = 0; i < count; ++i) {
      const T* const column = panel.right + i * s_.right_column;
      for (int64_t k = 0; k < panel.depth; ++k) to[k * width_ + i] = column[k * s_.right_k];
    }
  }

  // A tile that is not whole, in memory apart. Missing rows are copies of the last.
  void TakeApart(ProductPanel<T> panel, int64_t rows, int64_t count) const {
    alignas(64) T tile[kProductTileRows * kMaxWidth] = {};
    const auto bytes = static_cast<size_t>(count) * sizeof(T);
    T* const out = panel.out;
    for (int64_t i = 0; i < rows; ++i) std::memcpy(tile + i * width_, out + i * s_.columns, bytes);
    panel.out = tile;
    panel.out_stride = width_;
    Take(panel);
    for (int64_t i = 0; i < rows; ++i) std::memcpy(out + i * s_.columns, tile + i * width_, bytes);
  }

  void Take(const ProductPanel<T>& panel) const {
    if constexpr (sizeof(T) == 4) {
      MULLION_SIMD_CALL(TakePanel32)(type_, panel);
    } else {
      MULLION_SIMD_CALL(TakePanel64)(type_, panel);
    }
  }

  const ElementType type_;
  const ProductStrides& s_;
  const int64_t width_;  // of a panel
  const T* const left_;
  const T* const right_;
  T* const out_;
};

}  // namespace

void MultiplyNumbers(ElementType type, const ProductStrides& s, const void* left, const void* right,
                     void* out, Parallel& parallel) {
  const int64_t work = std::max<int64_t>(s.depth * s.columns, 1);
  parallel.For(s.rows, std::max(kProductLeastWork / work, kProductChunkRows),
               [&](int64_t begin, int64_t end, int /*worker*/) {
                 if (ElementBits(type) == 32) {
                   NumberProduct<uint32_t>(type, s, left, right, out).Run(begin, end);
                 } else {
                   NumberProduct<uint64_t>(type, s, left, right, out).Run(begin, end);
                 }
               });
}

}  // namespace mullion::cpu
#endif
