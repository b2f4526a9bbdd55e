// SPDX-License-Identifier: MIT
#include "devices/cpu/fourier_signals.h"

#include <algorithm>
#include <type_traits>

namespace mullion::cpu {

namespace {

// Elements of a signal that are moved at once: as much of all lanes as stays in the L1 cache.
constexpr int64_t kRun = 64;

int64_t NumberBytes(const FourierPlan& plan) {
  return static_cast<int64_t>(plan.single() ? sizeof(float) : sizeof(double));
}

}  // namespace

// One vector of AVX-512, or less where the work space would leave a core's L2 cache.
template <typename T>
int64_t SignalTransform<T>::Lanes() const {
  const int64_t size = NumberBytes(*plan);
  int64_t lanes = 64 / size;
  while (lanes > 1 && 4 * lanes * plan->length() * size > 512 * 1024) lanes /= 2;
  return std::min(lanes, std::max<int64_t>(count, 1));
}

template <typename T>
int64_t SignalTransform<T>::BlockBytes() const {
  const int64_t lanes = Lanes();
  return (2 * lanes * plan->length() + plan->WorkElements(lanes)) * NumberBytes(*plan);
}

template <typename T>
size_t SignalTransform<T>::ScratchBytes(int threads) const {
  return static_cast<size_t>(threads * BlockBytes());
}

template <typename T>
template <typename W>
void SignalTransform<T>::Load(int64_t first, int64_t lanes, ComplexNumbers<W> data) const {
  const int64_t length = plan->length();
  const int64_t bins = mirrored ? length / 2 + 1 : length;
  const int64_t known = std::min(from.length, bins);
  const bool complex = from.components == 2;
  for (int64_t begin = 0; begin < known; begin += kRun) {
    const int64_t end = std::min(begin + kRun, known);
    for (int64_t j = 0; j < lanes; ++j) {
      const T* x = in + from.Begin(first + j) + begin * from.stride;
      for (int64_t k = begin; k < end; ++k, x += from.stride) {
        const W factor = windowed ? static_cast<W>(window[k]) : W{1};
        data.re[k * lanes + j] = static_cast<W>(x[0]) * factor;
        data.im[k * lanes + j] = complex ? static_cast<W>(x[1]) * factor : W{0};
      }
    }
  }
  std::fill(data.re + known * lanes, data.re + bins * lanes, W{0});
  std::fill(data.im + known * lanes, data.im + bins * lanes, W{0});
  if (!mirrored) return;
  // A real signal's spectrum: what is not its own mirror image has the conjugate there.
  std::fill(data.im, data.im + lanes, W{0});
  if (length % 2 == 0) std::fill_n(data.im + length / 2 * lanes, lanes, W{0});
  for (int64_t k = bins; k < length; ++k) {
    for (int64_t j = 0; j < lanes; ++j) {
      data.re[k * lanes + j] = data.re[(length - k) * lanes + j];
      data.im[k * lanes + j] = -data.im[(length - k) * lanes + j];
    }
  }
}

template <typename T>
template <typename W>
void SignalTransform<T>::Store(int64_t first, int64_t lanes, ComplexNumbers<W> data) const {
  const W scale = inverse ? W{1} / static_cast<W>(plan->length()) : W{1};
  for (int64_t begin = 0; begin < to.length; begin += kRun) {
    const int64_t end = std::min(begin + kRun, to.length);
    for (int64_t j = 0; j < lanes; ++j) {
      T* y = out + to.Begin(first + j) + begin * to.stride;
      for (int64_t k = begin; k < end; ++k, y += to.stride) {
        y[0] = static_cast<T>(data.re[k * lanes + j] * scale);
        if (to.components == 2) y[1] = static_cast<T>(data.im[k * lanes + j] * scale);
      }
    }
  }
}

template <typename T>
template <typename W>
void SignalTransform<T>::RunIn(void* scratch, Parallel& parallel) const {
  constexpr int64_t kChunkElements = 8 * 1024;  // each costs some 10 instructions a pass
  const int64_t length = plan->length();
  const int64_t most = Lanes();
  const int64_t chunk = std::max<int64_t>(kChunkElements / (most * length), 1);
  parallel.For((count + most - 1) / most, chunk, [&](int64_t begin, int64_t end, int worker) {
    W* const block = static_cast<W*>(scratch) + worker * BlockBytes() / int64_t{sizeof(W)};
    for (int64_t b = begin; b < end; ++b) {
      const int64_t lanes = std::min(most, count - b * most);
      const ComplexNumbers<W> data = {block, block + lanes * length};
      W* const work = block + 2 * lanes * length;
      Load(b * most, lanes, data);
      if (inverse) {
        const ComplexNumbers<W> result = plan->Transform<W>({data.im, data.re}, work, lanes);
        Store<W>(b * most, lanes, {result.im, result.re});
      } else {
        Store(b * most, lanes, plan->Transform(data, work, lanes));
      }
    }
  });
}

template <typename T>
void SignalTransform<T>::Run(void* scratch, Parallel& parallel) const {
  if constexpr (std::is_same_v<T, float>) {
    if (plan->single()) return RunIn<float>(scratch, parallel);
  }
  RunIn<double>(scratch, parallel);
}

template struct SignalTransform<float>;
template struct SignalTransform<double>;

}  // namespace mullion::cpu
