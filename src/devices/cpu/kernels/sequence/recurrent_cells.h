// SPDX-License-Identifier: MIT
// One step of a recurrent layer for one row of a batch, after the matrix products: activations,
// gates and the new state in one pass. Overloads for double work by tiles.
#ifndef MULLION_DEVICES_CPU_KERNELS_SEQUENCE_RECURRENT_CELLS_H_
#define MULLION_DEVICES_CPU_KERNELS_SEQUENCE_RECURRENT_CELLS_H_

#include <cstdint>

#include "operators/recurrent.h"

namespace mullion::cpu {

// `width` is the hidden size rounded up to 16; every row has that many elements per gate.
template <typename T>
struct CellArguments {
  const operators::RecurrentActivation* activations = nullptr;
  T clip = 0;  // bound of what enters the gates' activations, infinity for none
  int64_t width = 0;
  const T* peepholes = nullptr;  // LSTM: input, output, forget; may be null
  bool input_forget = false;     // LSTM
};

// `gates` are input, output, forget, cell.
void LstmCell(const CellArguments<float>& arguments, const float* gates, float* cell,
              float* hidden);
void LstmCell(const CellArguments<double>& arguments, const double* gates, double* cell,
              double* hidden);

// The first half of a GRU step: activates update and reset gates in place and, unless `scaled` is
// null, writes reset * hidden there.
void GruGates(const CellArguments<float>& arguments, float* gates, const float* hidden,
              float* scaled);
void GruGates(const CellArguments<double>& arguments, double* gates, const double* hidden,
              double* scaled);

// The second half: hidden = (1 - update) g(input + reset * recurrent) + update * hidden, without
// the product when `recurrent` is null.
void GruOutput(const CellArguments<float>& arguments, const float* gates, const float* input,
               const float* recurrent, float* hidden);
void GruOutput(const CellArguments<double>& arguments, const double* gates, const double* input,
               const double* recurrent, double* hidden);

// hidden = f(sums).
void RnnCell(const CellArguments<float>& arguments, const float* sums, float* hidden);
void RnnCell(const CellArguments<double>& arguments, const double* sums, double* hidden);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_SEQUENCE_RECURRENT_CELLS_H_
