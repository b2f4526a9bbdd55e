// SPDX-License-Identifier: MIT
// Fourier transforms of many signals that lie in a tensor with any strides.
#ifndef MULLION_DEVICES_CPU_FOURIER_SIGNALS_H_
#define MULLION_DEVICES_CPU_FOURIER_SIGNALS_H_

#include <cstdint>

#include "base/parallel.h"
#include "devices/cpu/kernels/signal/fourier.h"

namespace mullion::cpu {

// Element k of signal i begins at (i / minor) * major_stride + (i % minor) * minor_stride +
// k * stride; it has 1 (real) or 2 (complex) components.
struct SignalPlaces {
  int64_t minor = 1;
  int64_t major_stride = 0;
  int64_t minor_stride = 0;
  int64_t stride = 1;
  int64_t components = 1;
  int64_t length = 0;  // elements there are

  int64_t Begin(int64_t i) const { return i / minor * major_stride + i % minor * minor_stride; }
};

// The transform of `count` signals (T is float or double): elements that `from` lacks are zero,
// those that `to` lacks are not stored.
template <typename T>
struct SignalTransform {
  const FourierPlan* plan = nullptr;
  int64_t count = 0;
  const T* in = nullptr;
  SignalPlaces from;
  T* out = nullptr;
  SignalPlaces to;
  bool windowed = false;
  const T* window = nullptr;  // if windowed: a factor for each element of `from`
  bool inverse = false;       // and then scaled by 1 / length
  bool mirrored = false;      // `from` holds the first half of a spectrum, the rest is its mirror

  // Bytes of work space for as many threads.
  size_t ScratchBytes(int threads) const;
  void Run(void* scratch, Parallel& parallel) const;

 private:
  int64_t Lanes() const;
  int64_t BlockBytes() const;
  // W: what the plan works in.
  template <typename W>
  void Load(int64_t first, int64_t lanes, ComplexNumbers<W> data) const;
  template <typename W>
  void Store(int64_t first, int64_t lanes, ComplexNumbers<W> data) const;
  template <typename W>
  void RunIn(void* scratch, Parallel& parallel) const;
};

extern template struct SignalTransform<float>;
extern template struct SignalTransform<double>;

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_FOURIER_SIGNALS_H_
