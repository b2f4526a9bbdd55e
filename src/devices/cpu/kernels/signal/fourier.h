// SPDX-License-Identifier: MIT
// Discrete Fourier transforms of any length, of several signals side by side.
//
// Element k of signal j of a block lies at [k * lanes + j], real and imaginary parts apart: the
// innermost loops run over signals, and in all passes but the first over neighbouring elements,
// too.
//
// Lengths of the primes 2, 3, 5 and 7 are done by Stockham's algorithm, in as many passes as there
// are factors; 4 counts as one. Other lengths become a convolution with a chirp (Bluestein), done
// by transforms of such a length.
//
// A transform of complex floats works in float (errors of some 2e-7 of the largest magnitude), that
// of real floats in double: half of a real signal's spectrum are zeros and mirror images, and
// models tell zeros from noise. ONNX's own data are of the same kind. A chirp is worked out in
// double, too, as it would lose more than passes do.
#ifndef MULLION_DEVICES_CPU_KERNELS_SIGNAL_FOURIER_H_
#define MULLION_DEVICES_CPU_KERNELS_SIGNAL_FOURIER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "base/memory.h"
#include "base/status.h"
#include "devices/cpu/kernels/signal/fourier_pass.h"

namespace mullion::cpu {

// The longest transform: every index into its tables stays below 2^31.
inline constexpr int64_t kMaxFourierLength = int64_t{1} << 27;

// A transform of one length: its tables. Immutable, so thread-safe.
class FourierPlan {
 public:
  // `length` in [1, kMaxFourierLength]; `single`: in float, if it needs no chirp. Fails when there
  // is no memory.
  static Result<std::shared_ptr<const FourierPlan>> Make(int64_t length, bool single);

  int64_t length() const { return length_; }
  // Whether its numbers are floats, or else doubles.
  bool single() const { return single_; }
  // Numbers that Transform takes as work space.
  int64_t WorkElements(int64_t lanes) const {
    return lanes * (convolver_ == nullptr ? 2 * length_ : 4 * convolver_->length_);
  }
  // Transforms `lanes` signals in `data`, forward and not scaled. The result is where it says: in
  // `data` or in `work`.
  template <typename T>
  ComplexNumbers<T> Transform(ComplexNumbers<T> data, T* work, int64_t lanes) const;

 private:
  Status MakePasses();
  Status MakeChirp();
  template <typename T>
  ComplexNumbers<T> RunPasses(ComplexNumbers<T> data, ComplexNumbers<T> other, int64_t lanes) const;
  ComplexNumbers<double> Convolve(ComplexNumbers<double> data, double* work, int64_t lanes) const;

  int64_t length_ = 0;
  bool single_ = false;
  std::vector<FourierPass> passes_;
  AlignedBuffer factors_;
  // Of Bluestein's algorithm: the transform it convolves by, the chirp and its spectrum, which are
  // (real, imaginary) pairs.
  std::shared_ptr<const FourierPlan> convolver_;
  AlignedBuffer chirp_;
  AlignedBuffer chirp_spectrum_;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_SIGNAL_FOURIER_H_
