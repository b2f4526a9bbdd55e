// SPDX-License-Identifier: MIT
// The cells for double: a tile of a row at a time, so that activations are vectors.
#include <algorithm>
#include <cstddef>

#include "devices/cpu/kernels/elementwise/double_function.h"
#include "devices/cpu/kernels/elementwise/number_unary.h"
#include "devices/cpu/kernels/sequence/recurrent_cells.h"

namespace mullion::cpu {

namespace {

using operators::RecurrentActivation;
using Kind = RecurrentActivation::Kind;
using Op = operators::ElementwiseOp;

constexpr int64_t kCellTile = 64;

// Calls body(i) for i from 0 to n, a multiple of 16, as rows are: nothing is left over by vectors.
template <typename Body>
[[gnu::always_inline]] inline void ForGates(int64_t n, Body body) {
  const auto whole = static_cast<size_t>(n) & ~size_t{15};
#pragma GCC ivdep
  for (size_t i = 0; i < whole; ++i) body(i);
}

Op OpOf(Kind kind) {
  switch (kind) {
    case Kind::kRelu:
      return Op::kRelu;
    case Kind::kLeakyRelu:
      return Op::kLeakyRelu;
    case Kind::kThresholdedRelu:
      return Op::kThresholdedRelu;
    case Kind::kSigmoid:
      return Op::kSigmoid;
    case Kind::kHardSigmoid:
      return Op::kHardSigmoid;
    case Kind::kElu:
      return Op::kElu;
    case Kind::kSoftsign:
      return Op::kSoftsign;
    case Kind::kSoftplus:
      return Op::kSoftplus;
    default:
      return Op::kTanh;
  }
}

// y = activation(x); x and y may be the same.
void Activate(const RecurrentActivation& activation, const double* x, double* y, int64_t n) {
  const double alpha = activation.alpha;
  const double beta = activation.beta;
  if (activation.kind == Kind::kAffine) {
    return ForGates(n, [=](size_t i) { y[i] = alpha * x[i] + beta; });
  }
  const bool scaled = activation.kind == Kind::kScaledTanh;
  if (scaled) ForGates(n, [=](size_t i) { y[i] = beta * x[i]; });
  DoubleUnary({OpOf(activation.kind), activation.alpha, activation.beta}, scaled ? y : x, y,
              static_cast<size_t>(n));
  if (scaled) ForGates(n, [=](size_t i) { y[i] *= alpha; });
}

// y = activation(what is left of x between -clip and clip); x and y may be the same.
void ActivateClipped(const RecurrentActivation& activation, double clip, const double* x, double* y,
                     int64_t n) {
  DoubleClip(x, y, static_cast<size_t>(n), -clip, clip);
  Activate(activation, y, y, n);
}

// y = x + weights * state, or x where there are no weights.
void AddProduct(const double* x, const double* weights, const double* state, double* y, int64_t n) {
  if (weights == nullptr) {
    std::copy_n(x, n, y);
  } else {
    ForGates(n, [=](size_t i) { y[i] = x[i] + weights[i] * state[i]; });
  }
}

// Calls body(first, count) for each tile of a row.
template <typename Body>
void ForTiles(int64_t width, Body body) {
  for (int64_t i = 0; i < width; i += kCellTile) body(i, std::min(kCellTile, width - i));
}

}  // namespace

void LstmCell(const CellArguments<double>& a, const double* gates, double* cell, double* hidden) {
  ForTiles(a.width, [&](int64_t first, int64_t n) {
    double input[kCellTile];
    double output[kCellTile];
    double forget[kCellTile];
    double fresh[kCellTile];
    double* const state = cell + first;
    const auto gate = [&](int64_t which, double* y) {
      AddProduct(gates + which * a.width + first,
                 a.peepholes == nullptr ? nullptr : a.peepholes + which * a.width + first, state, y,
                 n);
      ActivateClipped(a.activations[0], a.clip, y, y, n);
    };
    gate(0, input);
    if (a.input_forget) {
      ForGates(n, [&](size_t i) { forget[i] = 1 - input[i]; });
    } else {
      gate(2, forget);
    }
    ActivateClipped(a.activations[1], a.clip, gates + 3 * a.width + first, fresh, n);
    ForGates(n, [&](size_t i) { state[i] = forget[i] * state[i] + input[i] * fresh[i]; });
    gate(1, output);  // which sees the new state
    Activate(a.activations[2], state, fresh, n);
    double* const out = hidden + first;
    ForGates(n, [&](size_t i) { out[i] = output[i] * fresh[i]; });
  });
}

void GruGates(const CellArguments<double>& a, double* gates, const double* hidden, double* scaled) {
  ActivateClipped(a.activations[0], a.clip, gates, gates, 2 * a.width);
  if (scaled == nullptr) return;
  const double* const reset = gates + a.width;
  ForGates(a.width, [=](size_t i) { scaled[i] = reset[i] * hidden[i]; });
}

void GruOutput(const CellArguments<double>& a, const double* gates, const double* input,
               const double* recurrent, double* hidden) {
  ForTiles(a.width, [&](int64_t first, int64_t n) {
    double fresh[kCellTile];
    AddProduct(input + first, recurrent == nullptr ? nullptr : recurrent + first,
               gates + a.width + first, fresh, n);
    ActivateClipped(a.activations[1], a.clip, fresh, fresh, n);
    const double* const update = gates + first;
    double* const state = hidden + first;
    ForGates(n, [&](size_t i) { state[i] = fresh[i] + update[i] * (state[i] - fresh[i]); });
  });
}

void RnnCell(const CellArguments<double>& a, const double* sums, double* hidden) {
  ActivateClipped(a.activations[0], a.clip, sums, hidden, a.width);
}

}  // namespace mullion::cpu
