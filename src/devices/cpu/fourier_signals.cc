// SPDX-License-Identifier: MIT
#include "devices/cpu/fourier_signals.h"

#include <algorithm>

namespace mullion::cpu {

// One vector of AVX-512, or less where the work space would leave a core's L2 cache.
template <typename T>
int64_t SignalTransform<T>::Lanes() const {
  constexpr int64_t kMostLanes = 64 / sizeof(double);
  constexpr int64_t kCacheElements = 512 * 1024 / sizeof(double);
  int64_t lanes = kMostLanes;
  while (lanes > 1 && 4 * lanes * plan->length() > kCacheElements) lanes /= 2;
  return std::min(lanes, std::max<int64_t>(count, 1));
}

template <typename T>
int64_t SignalTransform<T>::BlockElements() const {
  const int64_t lanes = Lanes();
  return 2 * lanes * plan->length() + plan->WorkElements(lanes);
}

template <typename T>
size_t SignalTransform<T>::ScratchBytes(int threads) const {
  return static_cast<size_t>(threads * BlockElements()) * sizeof(double);
}

template <typename T>
void SignalTransform<T>::Load(int64_t first, int64_t lanes, ComplexNumbers data) const {
  const int64_t length = plan->length();
  const int64_t bins = mirrored ? length / 2 + 1 : length;
  const int64_t known = std::min(from.length, bins);
  const bool complex = from.components == 2;
  for (int64_t j = 0; j < lanes; ++j) {
    const int64_t i = first + j;
    const T* x = in + i / from.minor * from.major_stride + i % from.minor * from.minor_stride;
    for (int64_t k = 0; k < known; ++k, x += from.stride) {
      const double factor = windowed ? static_cast<double>(window[k]) : 1.0;
      data.re[k * lanes + j] = static_cast<double>(x[0]) * factor;
      data.im[k * lanes + j] = complex ? static_cast<double>(x[1]) * factor : 0.0;
    }
  }
  std::fill(data.re + known * lanes, data.re + bins * lanes, 0.0);
  std::fill(data.im + known * lanes, data.im + bins * lanes, 0.0);
  if (!mirrored) return;
  // A real signal's spectrum: what is not its own mirror image has the conjugate there.
  std::fill(data.im, data.im + lanes, 0.0);
  if (length % 2 == 0) std::fill_n(data.im + length / 2 * lanes, lanes, 0.0);
  for (int64_t k = bins; k < length; ++k) {
    for (int64_t j = 0; j < lanes; ++j) {
      data.re[k * lanes + j] = data.re[(length - k) * lanes + j];
      data.im[k * lanes + j] = -data.im[(length - k) * lanes + j];
    }
  }
}

template <typename T>
void SignalTransform<T>::Store(int64_t first, int64_t lanes, ComplexNumbers data) const {
  const double scale = inverse ? 1.0 / static_cast<double>(plan->length()) : 1.0;
  for (int64_t j = 0; j < lanes; ++j) {
    const int64_t i = first + j;
    T* y = out + i / to.minor * to.major_stride + i % to.minor * to.minor_stride;
    for (int64_t k = 0; k < to.length; ++k, y += to.stride) {
      y[0] = static_cast<T>(data.re[k * lanes + j] * scale);
      if (to.components == 2) y[1] = static_cast<T>(data.im[k * lanes + j] * scale);
    }
  }
}

template <typename T>
void SignalTransform<T>::Run(void* scratch, Parallel& parallel) const {
  constexpr int64_t kChunkElements = 8 * 1024;  // each costs some 10 instructions a pass
  const int64_t length = plan->length();
  const int64_t most = Lanes();
  const int64_t chunk = std::max<int64_t>(kChunkElements / (most * length), 1);
  parallel.For((count + most - 1) / most, chunk, [&](int64_t begin, int64_t end, int worker) {
    double* const block = static_cast<double*>(scratch) + worker * BlockElements();
    for (int64_t b = begin; b < end; ++b) {
      const int64_t lanes = std::min(most, count - b * most);
      const ComplexNumbers data = {block, block + lanes * length};
      double* const work = block + 2 * lanes * length;
      Load(b * most, lanes, data);
      if (inverse) {
        const ComplexNumbers result = plan->Transform({data.im, data.re}, work, lanes);
        Store(b * most, lanes, {result.im, result.re});
      } else {
        Store(b * most, lanes, plan->Transform(data, work, lanes));
      }
    }
  });
}

template struct SignalTransform<float>;
template struct SignalTransform<double>;

}  // namespace mullion::cpu
