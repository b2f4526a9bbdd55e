// SPDX-License-Identifier: MIT
#include "devices/cpu/kernels/signal/fourier.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <type_traits>

#include "base/str_cat.h"

namespace mullion::cpu {

namespace {

// exp(-2 pi i k / n), 0 <= k < n, from an angle of at most pi / 4, where sine and cosine are good
// to the last bit: eighths of the circle are counted in integers.
std::complex<double> Root(int64_t k, int64_t n) {
  constexpr double kPi = 3.14159265358979323846;
  const int64_t eighth = 8 * k / n;
  const int64_t quarter = (eighth + 1) / 2;  // the nearest multiple of pi / 2
  const double angle =
      2 * kPi * (static_cast<double>(4 * k - quarter * n) / 4) / static_cast<double>(n);
  const std::complex<double> root(std::cos(angle), -std::sin(angle));
  switch (quarter % 4) {
    case 0:
      return root;
    case 1:
      return {root.imag(), -root.real()};
    case 2:
      return -root;
    default:
      return {-root.imag(), root.real()};
  }
}

// The smallest number of the primes 2, 3 and 5 that is at least n.
int64_t NextSmooth(int64_t n) {
  int64_t best = 1;
  while (best < n) best *= 2;
  for (int64_t fives = 1; fives < best; fives *= 5) {
    for (int64_t odd = fives; odd < best; odd *= 3) {
      int64_t number = odd;
      while (number < n) number *= 2;
      best = std::min(best, number);
    }
  }
  return best;
}

Result<AlignedBuffer> AllocateNumbers(int64_t count) {
  const size_t bytes = static_cast<size_t>(count) * sizeof(double);
  AlignedBuffer buffer(AllocateAligned(bytes));
  if (buffer != nullptr) return buffer;
  return OutOfMemory("no memory for the tables of a Fourier transform (", bytes, " bytes)");
}

template <typename T>
void StorePair(std::complex<double> number, T* to) {
  to[0] = static_cast<T>(number.real());
  to[1] = static_cast<T>(number.imag());
}

// Row k of `to` is row k of `from` times factor k; rows have `lanes` elements. May be in place.
void ScaleRows(int64_t rows, int64_t lanes, const double* factors, ComplexNumbers<double> from,
               ComplexNumbers<double> to) {
  for (int64_t k = 0; k < rows; ++k) {
    const double re = factors[2 * k];
    const double im = factors[2 * k + 1];
    for (int64_t i = k * lanes; i < (k + 1) * lanes; ++i) {
      const double x = from.re[i];
      const double y = from.im[i];
      to.re[i] = x * re - y * im;
      to.im[i] = x * im + y * re;
    }
  }
}

}  // namespace

Result<std::shared_ptr<const FourierPlan>> FourierPlan::Make(int64_t length, bool single) {
  auto plan = std::make_shared<FourierPlan>();
  plan->length_ = length;
  int64_t rest = length;
  for (const int radix : {4, 2, 3, 5, 7}) {
    for (; rest % radix == 0; rest /= radix) plan->passes_.push_back({radix, 0, 0, 0});
  }
  plan->single_ = single && rest == 1;
  MULLION_RETURN_IF_ERROR(rest == 1 ? plan->MakePasses() : plan->MakeChirp());
  return std::shared_ptr<const FourierPlan>(std::move(plan));
}

Status FourierPlan::MakePasses() {
  // Pass by pass `count` shrinks from the length to 1, `stride` grows from 1 to the length.
  int64_t factors = 0;
  int64_t count = length_;
  for (FourierPass& pass : passes_) {
    pass.stride = length_ / count;
    count /= pass.radix;
    pass.count = count;
    pass.factors = factors;
    factors += 2 * count * (pass.radix - 1);
  }
  MULLION_ASSIGN_OR_RETURN(factors_, AllocateNumbers(factors));
  int64_t at = 0;
  for (const FourierPass& pass : passes_) {
    for (int64_t p = 0; p < pass.count; ++p) {
      for (int k = 1; k < pass.radix; ++k, at += 2) {
        const std::complex<double> root = Root(p * k, pass.count * pass.radix);
        if (single_) {
          StorePair(root, static_cast<float*>(factors_.get()) + at);
        } else {
          StorePair(root, static_cast<double*>(factors_.get()) + at);
        }
      }
    }
  }
  return OkStatus();
}

// With j k = (j^2 + k^2 - (k - j)^2) / 2, a transform is a convolution with the conjugate of
// c[j] = exp(-pi i j^2 / n): y[k] = c[k] * sum over j of (x[j] c[j]) conj(c[k - j]).
Status FourierPlan::MakeChirp() {
  passes_.clear();
  const int64_t size = NextSmooth(2 * length_ - 1);
  MULLION_ASSIGN_OR_RETURN(convolver_, FourierPlan::Make(size, false));
  MULLION_ASSIGN_OR_RETURN(chirp_, AllocateNumbers(2 * length_));
  MULLION_ASSIGN_OR_RETURN(chirp_spectrum_, AllocateNumbers(2 * size));

  // The spectrum is scaled for the transform back.
  MULLION_ASSIGN_OR_RETURN(const AlignedBuffer memory, AllocateNumbers(4 * size));
  auto* const re = static_cast<double*>(memory.get());
  auto* const im = re + size;
  std::fill(re, re + 2 * size, 0.0);
  double* const chirp = static_cast<double*>(chirp_.get());
  for (int64_t j = 0; j < length_; ++j) {
    const std::complex<double> root = Root(j * j % (2 * length_), 2 * length_);
    StorePair(root, chirp + 2 * j);
    re[j] = re[(size - j) % size] = root.real();
    im[j] = im[(size - j) % size] = -root.imag();
  }
  const ComplexNumbers<double> spectrum =
      convolver_->RunPasses<double>({re, im}, {im + size, im + 2 * size}, 1);
  double* const to = static_cast<double*>(chirp_spectrum_.get());
  const double scale = 1.0 / static_cast<double>(size);
  for (int64_t k = 0; k < size; ++k) {
    StorePair({spectrum.re[k] * scale, spectrum.im[k] * scale}, to + 2 * k);
  }
  return OkStatus();
}

template <typename T>
ComplexNumbers<T> FourierPlan::RunPasses(ComplexNumbers<T> data, ComplexNumbers<T> other,
                                         int64_t lanes) const {
  const T* const factors = static_cast<const T*>(factors_.get());
  for (const FourierPass& pass : passes_) {
    RunFourierPass(pass, lanes, factors + pass.factors, data, other);
    std::swap(data, other);
  }
  return data;
}

template <typename T>
ComplexNumbers<T> FourierPlan::Transform(ComplexNumbers<T> data, T* work, int64_t lanes) const {
  if constexpr (std::is_same_v<T, double>) {
    if (convolver_ != nullptr) return Convolve(data, work, lanes);
  }
  return RunPasses<T>(data, {work, work + length_ * lanes}, lanes);
}

template ComplexNumbers<float> FourierPlan::Transform(ComplexNumbers<float>, float*, int64_t) const;
template ComplexNumbers<double> FourierPlan::Transform(ComplexNumbers<double>, double*,
                                                       int64_t) const;

ComplexNumbers<double> FourierPlan::Convolve(ComplexNumbers<double> data, double* work,
                                             int64_t lanes) const {
  const int64_t size = convolver_->length_;
  const ComplexNumbers<double> padded = {work, work + size * lanes};
  const ComplexNumbers<double> other = {work + 2 * size * lanes, work + 3 * size * lanes};
  const double* const chirp = static_cast<const double*>(chirp_.get());
  ScaleRows(length_, lanes, chirp, data, padded);
  std::fill(padded.re + length_ * lanes, padded.re + size * lanes, 0.0);
  std::fill(padded.im + length_ * lanes, padded.im + size * lanes, 0.0);
  const ComplexNumbers<double> spectrum = convolver_->RunPasses(padded, other, lanes);
  ScaleRows(size, lanes, static_cast<const double*>(chirp_spectrum_.get()), spectrum, spectrum);
  // The transform back is the one forward with real and imaginary parts exchanged, before and
  // after.
  const ComplexNumbers<double> spare = spectrum.re == padded.re ? other : padded;
  const ComplexNumbers<double> back =
      convolver_->RunPasses<double>({spectrum.im, spectrum.re}, {spare.im, spare.re}, lanes);
  ScaleRows(length_, lanes, chirp, ComplexNumbers<double>{back.im, back.re}, data);
  return data;
}

}  // namespace mullion::cpu
