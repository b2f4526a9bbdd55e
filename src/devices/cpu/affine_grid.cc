// SPDX-License-Identifier: MIT
#include "operators/affine_grid.h"

#include <algorithm>

#include "devices/cpu/axis_loops.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

template <typename T>
class AffineGrid final : public Executable {
 public:
  explicit AffineGrid(const Node& node)
      : align_corners_(node.IntAttribute("align_corners", 0) != 0) {}

  Status Run(RunContext& context) const override {
    const TensorView& theta = context.Input(0);
    const Result<IntList> size = ReadIntList(context.Input(1), "input 1 'size'");
    if (!size.ok()) return context.Error(size.status().message());
    const Result<Shape> shape = operators::AffineGridShape(theta.shape, *size);
    if (!shape.ok()) return context.Error(shape.status().message());
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, *shape));
    if (output.count() == 0) return OkStatus();
    const int rank = shape->rank() - 2;
    const int64_t points = shape->Product(1, rank + 1);
    context.parallel().For(
        (*shape)[0] * points, kParallelElements, [&](int64_t begin, int64_t end, int) {
          for (int64_t i = begin; i < end;) {
            // As far as the row of the grid reaches.
            const int64_t column = i % (*shape)[rank];
            const int64_t count = std::min((*shape)[rank] - column, end - i);
            const T* const matrix = theta.as<T>() + i / points * rank * (rank + 1);
            Points(*shape, i % points, count, matrix, output.as<T>() + i * rank);
            i += count;
          }
        });
    return OkStatus();
  }

 private:
  // Element `index` of an axis of `size` elements that spans [-1, 1].
  T Coordinate(int64_t index, int64_t size) const {
    const T x = static_cast<T>(index);
    const T length = static_cast<T>(size);
    if (!align_corners_) return (2 * x + 1) / length - 1;
    return size == 1 ? T{-1} : 2 * x / (length - 1) - 1;
  }

  // matrix * (x, y, 1), or (x, y, z, 1): the last axis of the grid comes first. `count` points of a
  // row.
  void Points(const Shape& grid, int64_t index, int64_t count, const T* matrix, T* out) const {
    const int rank = grid.rank() - 2;
    const int64_t first = index % grid[rank];
    T point[4];
    for (int k = 0; k < rank; ++k) {
      const int64_t size = grid[rank - k];
      point[k] = Coordinate(index % size, size);
      index /= size;
    }
    point[rank] = 1;
    for (int64_t i = 0; i < count; ++i, out += rank) {
      point[0] = Coordinate(first + i, grid[rank]);
      for (int row = 0; row < rank; ++row) {
        T sum = 0;
        for (int k = 0; k <= rank; ++k) sum += matrix[row * (rank + 1) + k] * point[k];
        out[row] = sum;
      }
    }
  }

  bool align_corners_;
};

}  // namespace

void RegisterAffineGrid(KernelRegistry& registry) {
  registry.Add(
      {.name = "AffineGrid", .types = types::kFloat, .make = MakeKernel<AffineGrid<float>>});
  registry.Add({.name = "AffineGrid",
                .types = SetOf(ElementType::kDouble),
                .make = MakeKernel<AffineGrid<double>>});
}

}  // namespace mullion::cpu
