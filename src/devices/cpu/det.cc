// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <utility>

#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

// By Gaussian elimination with partial pivoting; the matrix is lost.
double Determinant(double* matrix, int64_t n) {
  double determinant = 1;
  for (int64_t k = 0; k < n; ++k) {
    int64_t pivot = k;
    for (int64_t row = k + 1; row < n; ++row) {
      if (std::abs(matrix[row * n + k]) > std::abs(matrix[pivot * n + k])) pivot = row;
    }
    if (matrix[pivot * n + k] == 0) return 0;
    if (pivot != k) {
      std::swap_ranges(matrix + k * n, matrix + (k + 1) * n, matrix + pivot * n);
      determinant = -determinant;
    }
    determinant *= matrix[k * n + k];
    for (int64_t row = k + 1; row < n; ++row) {
      const double factor = matrix[row * n + k] / matrix[k * n + k];
      for (int64_t column = k + 1; column < n; ++column) {
        matrix[row * n + column] -= factor * matrix[k * n + column];
      }
    }
  }
  return determinant;
}

template <typename T>
class Det final : public Executable {
 public:
  explicit Det(const Node& /*node*/) {}

  Status Bind(BindContext& context) const override {
    // One matrix for each thread.
    const int64_t n = context.input(0)->shape.Back(0);
    context.RequestScratch(static_cast<size_t>(n * n * context.threads()) * sizeof(double));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    Shape shape = input.shape;
    const int64_t n = shape.Back(0);
    if (shape.Back(1) != n) return context.Error("input 0 must hold square matrices");
    shape.Remove(shape.rank() - 1);
    shape.Remove(shape.rank() - 1);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
    context.parallel().For(output.count(), 1, [&](int64_t begin, int64_t end, int worker) {
      double* const matrix = static_cast<double*>(context.scratch()) + worker * n * n;
      for (int64_t i = begin; i < end; ++i) {
        std::copy_n(input.as<T>() + i * n * n, n * n, matrix);
        output.as<T>()[i] = static_cast<T>(Determinant(matrix, n));
      }
    });
    return OkStatus();
  }
};

}  // namespace

void RegisterDet(KernelRegistry& registry) {
  registry.Add({.name = "Det", .types = types::kFloat, .make = MakeKernel<Det<float>>});
  registry.Add(
      {.name = "Det", .types = SetOf(ElementType::kDouble), .make = MakeKernel<Det<double>>});
}

}  // namespace mullion::cpu
