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
// Everything is worked out in double, whatever the tensors hold: a spectrum has small values next
// to large ones, and models tell zeros from noise.
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
  // `length` in [1, kMaxFourierLength]. Fails when there is no memory.
  static Result<std::shared_ptr<const FourierPlan>> Make(int64_t length);

  int64_t length() const { return length_; }
  // Numbers that Transform takes as work space.
  int64_t WorkElements(int64_t lanes) const {
    return lanes * (convolver_ == nullptr ? 2 * length_ : 4 * convolver_->length_);
  }
  // Transforms `lanes` signals in `data`, forward and not scaled. The result is where it says: in
  // `data` or in `work`.
  ComplexNumbers Transform(ComplexNumbers data, double* work, int64_t lanes) const;

 private:
  Status MakePasses();
  Status MakeChirp();
  ComplexNumbers RunPasses(ComplexNumbers data, ComplexNumbers other, int64_t lanes) const;

  int64_t length_ = 0;
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
