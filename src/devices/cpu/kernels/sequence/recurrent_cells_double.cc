// SPDX-License-Identifier: MIT
// The cells in plain code, for double.
#include <algorithm>
#include <cmath>

#include "devices/cpu/kernels/sequence/recurrent_cells.h"

namespace mullion::cpu {

namespace {

using operators::RecurrentActivation;
using Kind = RecurrentActivation::Kind;

double Clip(double x, double bound) { return std::max(std::min(x, bound), -bound); }

double Activate(const RecurrentActivation& activation, double x) {
  const double alpha = activation.alpha;
  const double beta = activation.beta;
  switch (activation.kind) {
    case Kind::kAffine:
      return alpha * x + beta;
    case Kind::kRelu:
      return std::max(x, 0.0);
    case Kind::kLeakyRelu:
      return x < 0 ? alpha * x : x;
    case Kind::kThresholdedRelu:
      return x > alpha ? x : 0.0;
    case Kind::kTanh:
      return std::tanh(x);
    case Kind::kScaledTanh:
      return alpha * std::tanh(beta * x);
    case Kind::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Kind::kHardSigmoid:
      return std::max(std::min(alpha * x + beta, 1.0), 0.0);
    case Kind::kElu:
      return x < 0 ? alpha * std::expm1(x) : x;
    case Kind::kSoftsign:
      return x / (1 + std::abs(x));
    case Kind::kSoftplus:
      return std::log1p(std::exp(-std::abs(x))) + std::max(x, 0.0);
  }
  return x;
}

}  // namespace

void LstmCell(const CellArguments<double>& a, const double* gates, double* cell, double* hidden) {
  for (int64_t i = 0; i < a.width; ++i) {
    double input = gates[i];
    double output = gates[a.width + i];
    double forget = gates[2 * a.width + i];
    const double fresh = Activate(a.activations[1], Clip(gates[3 * a.width + i], a.clip));
    if (a.peepholes != nullptr) {
      input += a.peepholes[i] * cell[i];
      forget += a.peepholes[2 * a.width + i] * cell[i];
    }
    input = Activate(a.activations[0], Clip(input, a.clip));
    forget = a.input_forget ? 1 - input : Activate(a.activations[0], Clip(forget, a.clip));
    cell[i] = forget * cell[i] + input * fresh;
    if (a.peepholes != nullptr) output += a.peepholes[a.width + i] * cell[i];
    output = Activate(a.activations[0], Clip(output, a.clip));
    hidden[i] = output * Activate(a.activations[2], cell[i]);
  }
}

void GruGates(const CellArguments<double>& a, double* gates, const double* hidden, double* scaled) {
  for (int64_t i = 0; i < 2 * a.width; ++i) {
    gates[i] = Activate(a.activations[0], Clip(gates[i], a.clip));
  }
  if (scaled == nullptr) return;
  for (int64_t i = 0; i < a.width; ++i) scaled[i] = gates[a.width + i] * hidden[i];
}

void GruOutput(const CellArguments<double>& a, const double* gates, const double* input,
               const double* recurrent, double* hidden) {
  for (int64_t i = 0; i < a.width; ++i) {
    double x = input[i];
    if (recurrent != nullptr) x += gates[a.width + i] * recurrent[i];
    const double fresh = Activate(a.activations[1], Clip(x, a.clip));
    hidden[i] = fresh + gates[i] * (hidden[i] - fresh);
  }
}

void RnnCell(const CellArguments<double>& a, const double* sums, double* hidden) {
  for (int64_t i = 0; i < a.width; ++i) {
    hidden[i] = Activate(a.activations[0], Clip(sums[i], a.clip));
  }
}

}  // namespace mullion::cpu
