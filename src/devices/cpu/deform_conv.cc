// SPDX-License-Identifier: MIT
// DeformConv: samples are gathered into columns, a block of output pixels at a time, and multiplied
// by the weights.
#include "operators/deform_conv.h"

#include <algorithm>
#include <cmath>

#include "devices/cpu/axis_loops.h"
#include "devices/cpu/kernels/dense.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

using operators::DeformConvGeometry;

// Output pixels whose columns are in memory at a time.
constexpr int64_t kBlock = 512;

int64_t OutputPixels(const DeformConvGeometry& geometry) {
  return geometry.output.Product(2, geometry.output.rank());
}

DenseShape ProductOf(const DeformConvGeometry& geometry, int64_t depth, int64_t pixels) {
  DenseShape shape;
  shape.rows = geometry.output[1] / geometry.groups;
  shape.depth = depth;
  shape.columns = pixels;
  shape.left_stride = depth;
  shape.right_stride = pixels;
  shape.out_stride = OutputPixels(geometry);
  return shape;
}

// rows[m] of `out`, `out_stride` apart, = weights x columns.
void Multiply(const DenseShape& shape, const float* weights, const float* columns, float* out,
              void* scratch, Parallel& parallel) {
  MultiplyDense(
      shape,
      [&](int64_t) {
        return DenseOperands{weights, columns, out, Epilogue()};
      },
      scratch, parallel);
}
void Multiply(const DenseShape& shape, const double* weights, const double* columns, double* out,
              void* /*scratch*/, Parallel& parallel) {
  parallel.For(shape.rows, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t m = begin; m < end; ++m) {
      double* const to = out + m * shape.out_stride;
      std::fill_n(to, shape.columns, 0.0);
      for (int64_t k = 0; k < shape.depth; ++k) {
        const double weight = weights[m * shape.left_stride + k];
        const double* const from = columns + k * shape.right_stride;
        for (int64_t n = 0; n < shape.columns; ++n) to[n] += weight * from[n];
      }
    }
  });
}

template <typename T>
class DeformConv final : public Executable {
 public:
  explicit DeformConv(const Node& node) : node_(node) {}

  Status Bind(BindContext& context) const override {
    const auto shape = [&](int i) {
      return context.input(i) == nullptr ? nullptr : &context.input(i)->shape;
    };
    const auto geometry = DeformConvGeometry::Make(node_, *shape(0), *shape(1), shape(2), shape(4));
    if (!geometry.ok()) {
      return node_.Error(StatusCode::kInvalidModel, geometry.status().message());
    }
    const int64_t depth = shape(1)->Product(1, shape(1)->rank());
    size_t bytes = ColumnBytes(depth) + CornerBytes(*geometry);
    if constexpr (std::is_same_v<T, float>) {
      // The last block is narrower than the others.
      const int64_t pixels = OutputPixels(*geometry);
      size_t most = 0;
      for (const int64_t width : {std::min(kBlock, pixels), pixels % kBlock}) {
        if (width == 0) continue;
        most = std::max(most,
                        DenseScratchBytes(ProductOf(*geometry, depth, width), context.threads()));
      }
      bytes += most;
    }
    context.RequestScratch(bytes);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& image = context.Input(0);
    const TensorView& weights = context.Input(1);
    const bool has_mask = context.HasInput(4);
    const auto geometry =
        DeformConvGeometry::Make(node_, image.shape, weights.shape, &context.Input(2).shape,
                                 has_mask ? &context.Input(4).shape : nullptr);
    if (!geometry.ok()) return context.Error(geometry.status().message());
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, geometry->output));
    if (output.count() == 0) return OkStatus();
    const int64_t pixels = OutputPixels(*geometry);
    for (int64_t n = 0; n < image.shape[0]; ++n) {
      for (int64_t group = 0; group < geometry->groups; ++group) {
        for (int64_t first = 0; first < pixels; first += kBlock) {
          Block(context, *geometry, n, group, first, std::min(kBlock, pixels - first), output);
        }
      }
    }
    if (context.HasInput(3)) AddBias(context, *geometry, output);
    return OkStatus();
  }

 private:
  static size_t ColumnBytes(int64_t depth) {
    return static_cast<size_t>(depth * kBlock) * sizeof(T);
  }

  // Where samples are taken: for each kernel position the corners around the point that each output
  // pixel looks at, corner by corner, and what they weigh. Corners outside the image weigh nothing.
  struct Corners {
    int64_t* offsets;
    T* weights;
  };
  static int64_t CornerCount(const DeformConvGeometry& geometry) {
    return geometry.taps * (int64_t{1} << geometry.rank) * kBlock;
  }
  static size_t CornerBytes(const DeformConvGeometry& geometry) {
    return static_cast<size_t>(CornerCount(geometry)) * (sizeof(int64_t) + sizeof(T));
  }

  // Output pixels [first, first + count) of one group of one image.
  void Block(RunContext& context, const DeformConvGeometry& geometry, int64_t n, int64_t group,
             int64_t first, int64_t count, const MutableTensorView& output) const {
    const TensorView& weights = context.Input(1);
    const int64_t channels = weights.shape[1];
    const int64_t depth = channels * geometry.taps;
    T* const columns = static_cast<T*>(context.scratch());
    char* const behind = static_cast<char*>(context.scratch()) + ColumnBytes(depth);
    Corners corners;
    corners.offsets = reinterpret_cast<int64_t*>(behind);
    corners.weights = reinterpret_cast<T*>(corners.offsets + CornerCount(geometry));
    // The channels of a group are those of one or more groups of offsets.
    const int64_t shared = context.Input(0).shape[1] / geometry.offset_groups;
    const int64_t chunk = std::max<int64_t>(kParallelElements / (count * 8), 1);
    for (int64_t from = group * channels; from < (group + 1) * channels;) {
      const int64_t offset_group = from / shared;
      const int64_t to = std::min((group + 1) * channels, (offset_group + 1) * shared);
      context.parallel().For(geometry.taps, chunk, [&](int64_t begin, int64_t end, int) {
        for (int64_t tap = begin; tap < end; ++tap) {
          FindCorners(context, geometry, n * geometry.offset_groups + offset_group, tap, first,
                      count, corners);
        }
      });
      const int64_t samples = (to - from) * geometry.taps;
      T* const out = columns + (from - group * channels) * geometry.taps * count;
      context.parallel().For(samples, chunk, [&](int64_t begin, int64_t end, int) {
        for (int64_t k = begin; k < end; ++k) {
          const int64_t plane = n * context.Input(0).shape[1] + from + k / geometry.taps;
          Gather(context.Input(0), geometry, plane, k % geometry.taps, count, corners,
                 out + k * count);
        }
      });
      from = to;
    }
    const int64_t rows = geometry.output[1] / geometry.groups;
    const int64_t pixels = OutputPixels(geometry);
    Multiply(ProductOf(geometry, depth, count), weights.as<T>() + group * rows * depth, columns,
             output.as<T>() + (n * geometry.output[1] + group * rows) * pixels + first,
             behind + CornerBytes(geometry), context.parallel());
  }

  // The corners of one kernel position for some output pixels. `row` is the offset group's number
  // over all images.
  static void FindCorners(RunContext& context, const DeformConvGeometry& geometry, int64_t row,
                          int64_t tap, int64_t first, int64_t count, const Corners& corners) {
    const int64_t pixels = OutputPixels(geometry);
    const int64_t plane = row * geometry.taps + tap;
    const T* const offsets = context.Input(2).as<T>() + plane * geometry.rank * pixels;
    const T* const mask = context.HasInput(4) ? context.Input(4).as<T>() + plane * pixels : nullptr;
    const int64_t place = (tap << geometry.rank) * kBlock;
    for (int64_t p = first; p < first + count; ++p) {
      T point[DeformConvGeometry::kMaxSpatialRank];
      int64_t position = p;
      int64_t kernel_position = tap;
      for (int i = geometry.rank - 1; i >= 0; --i) {
        const auto& axis = geometry.axes[static_cast<size_t>(i)];
        const int64_t at = position % axis.output * axis.stride - axis.pad +
                           kernel_position % axis.kernel * axis.dilation;
        point[i] = static_cast<T>(at) + offsets[i * pixels + p];
        position /= axis.output;
        kernel_position /= axis.kernel;
      }
      PlaceCorners(geometry, point, mask == nullptr ? T{1} : mask[p],
                   corners.offsets + place + p - first, corners.weights + place + p - first);
    }
  }

  // The 2^rank neighbours of a point, kBlock apart.
  static void PlaceCorners(const DeformConvGeometry& geometry, const T* point, T mask,
                           int64_t* offsets, T* weights) {
    int64_t low[DeformConvGeometry::kMaxSpatialRank];
    T fraction[DeformConvGeometry::kMaxSpatialRank];
    bool near = true;
    for (int i = 0; i < geometry.rank; ++i) {
      const T size = static_cast<T>(geometry.axes[static_cast<size_t>(i)].input);
      near = near && point[i] > -1 && point[i] < size;  // not NaN either
      const T floor = near ? std::floor(point[i]) : T{0};
      low[i] = static_cast<int64_t>(floor);
      fraction[i] = point[i] - floor;
    }
    for (int corner = 0; corner < (1 << geometry.rank); ++corner) {
      T weight = mask;
      int64_t offset = 0;
      bool inside = near;
      for (int i = 0; i < geometry.rank; ++i) {
        const int64_t size = geometry.axes[static_cast<size_t>(i)].input;
        const bool high = ((corner >> i) & 1) != 0;
        const int64_t position = low[i] + (high ? 1 : 0);
        inside = inside && position >= 0 && position < size;
        weight *= high ? fraction[i] : 1 - fraction[i];
        offset = offset * size + position;
      }
      offsets[corner * kBlock] = inside ? offset : 0;
      weights[corner * kBlock] = inside ? weight : T{0};
    }
  }

  // Samples of one channel at one kernel position.
  static void Gather(const TensorView& image, const DeformConvGeometry& geometry, int64_t plane,
                     int64_t tap, int64_t count, const Corners& corners, T* to) {
    const T* const x = image.as<T>() + plane * image.shape.Product(2, image.shape.rank());
    const int64_t place = (tap << geometry.rank) * kBlock;
    const int64_t* const offsets = corners.offsets + place;
    const T* const weights = corners.weights + place;
    if (geometry.rank == 2) {
      AddCorners<4>(x, offsets, weights, 4, count, to);
    } else {
      AddCorners<0>(x, offsets, weights, 1 << geometry.rank, count, to);
    }
  }

  // kCorners: `corners`, where the compiler is to know it.
  template <int kCorners>
  static void AddCorners(const T* x, const int64_t* offsets, const T* weights, int corners,
                         int64_t count, T* to) {
    for (int64_t p = 0; p < count; ++p) {
      T sum = 0;
#pragma GCC unroll 4
      for (int corner = 0; corner < (kCorners > 0 ? kCorners : corners); ++corner) {
        const T weight = weights[corner * kBlock + p];
        // What weighs nothing may be infinite.
        sum += weight != 0 ? weight * x[offsets[corner * kBlock + p]] : T{0};
      }
      to[p] = sum;
    }
  }

  static void AddBias(RunContext& context, const DeformConvGeometry& geometry,
                      const MutableTensorView& output) {
    const T* const bias = context.Input(3).as<T>();
    const int64_t channels = geometry.output[1];
    const int64_t pixels = OutputPixels(geometry);
    const int64_t chunk = std::max<int64_t>(kParallelElements / pixels, 1);
    context.parallel().For(geometry.output[0] * channels, chunk,
                           [&](int64_t begin, int64_t end, int) {
                             for (int64_t i = begin; i < end; ++i) {
                               T* const y = output.as<T>() + i * pixels;
                               for (int64_t p = 0; p < pixels; ++p) y[p] += bias[i % channels];
                             }
                           });
  }

  const Node& node_;
};

}  // namespace

void RegisterDeformConv(KernelRegistry& registry) {
  registry.Add(
      {.name = "DeformConv", .types = types::kFloat, .make = MakeKernel<DeformConv<float>>});
  registry.Add({.name = "DeformConv",
                .types = SetOf(ElementType::kDouble),
                .make = MakeKernel<DeformConv<double>>});
}

}  // namespace mullion::cpu
