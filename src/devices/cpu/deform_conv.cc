// SPDX-License-Identifier: MIT
// DeformConv: samples are gathered into columns, a block of output pixels at a time, and multiplied
// by the weights. The image is turned to channels-last first, so that a sample of all channels is a
// few weighted rows: what is looked up and worked out for a point serves them all.
#include "operators/deform_conv.h"

#include <algorithm>

#include "devices/cpu/axis_loops.h"
#include "devices/cpu/kernels/matrix/dense.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/strided_copy.h"

namespace mullion::cpu {

namespace {

using operators::DeformConvGeometry;

// Output pixels whose columns are in memory at a time.
constexpr int64_t kBlock = 512;

int64_t OutputPixels(const DeformConvGeometry& geometry) {
  return geometry.output.Product(2, geometry.output.rank());
}

int64_t InputPixels(const DeformConvGeometry& geometry) {
  int64_t pixels = 1;
  for (int i = 0; i < geometry.rank; ++i) pixels *= geometry.axes[static_cast<size_t>(i)].input;
  return pixels;
}

// [rows][depth] x [pixels][depth] of one group.
DenseShape ProductOf(const DeformConvGeometry& geometry, int64_t depth, int64_t pixels) {
  DenseShape shape;
  shape.rows = geometry.output[1] / geometry.groups;
  shape.depth = depth;
  shape.columns = pixels;
  shape.left_stride = depth;
  shape.right_stride = depth;
  shape.right_transposed = true;
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
      for (int64_t n = 0; n < shape.columns; ++n) {
        double sum = 0;
        for (int64_t k = 0; k < shape.depth; ++k) {
          sum += weights[m * shape.depth + k] * columns[n * shape.depth + k];
        }
        out[m * shape.out_stride + n] = sum;
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
    size_t bytes = Plan(*geometry, (*shape(0))[1], depth).bytes;
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
    const auto made =
        DeformConvGeometry::Make(node_, image.shape, weights.shape, &context.Input(2).shape,
                                 has_mask ? &context.Input(4).shape : nullptr);
    if (!made.ok()) return context.Error(made.status().message());
    const DeformConvGeometry& geometry = *made;
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, geometry.output));
    if (output.count() == 0) return OkStatus();
    const int64_t channels = image.shape[1];
    const int64_t depth = weights.shape[1] * geometry.taps;
    const Memory memory(static_cast<char*>(context.scratch()), Plan(geometry, channels, depth));
    std::fill_n(memory.zeros, channels, T{0});
    // [m][channel][tap] to [m][tap][channel].
    TurnAll<T>(weights.as<T>(), weights.shape[0], weights.shape[1], geometry.taps, memory.weights,
               context.parallel());
    const int64_t pixels = OutputPixels(geometry);
    const int64_t image_pixels = InputPixels(geometry);
    for (int64_t n = 0; n < image.shape[0]; ++n) {
      TurnAll<T>(image.as<T>() + n * channels * image_pixels, 1, channels, image_pixels,
                 memory.image, context.parallel());
      for (int64_t group = 0; group < geometry.groups; ++group) {
        for (int64_t first = 0; first < pixels; first += kBlock) {
          Block(context, geometry, memory, n, group, first, std::min(kBlock, pixels - first),
                output);
        }
      }
    }
    if (context.HasInput(3)) AddBias(context, geometry, output);
    return OkStatus();
  }

 private:
  // What lies where in scratch memory, in bytes.
  struct Places {
    size_t offsets, corner_weights, columns, weights, image, zeros, bytes;
  };
  static Places Plan(const DeformConvGeometry& geometry, int64_t channels, int64_t depth) {
    Places places{};
    const auto take = [&](int64_t count, size_t size) {
      const size_t at = places.bytes;
      places.bytes += (static_cast<size_t>(count) * size + kMemoryAlignment - 1) /
                      kMemoryAlignment * kMemoryAlignment;
      return at;
    };
    const int64_t corners = geometry.taps * (int64_t{1} << geometry.rank) * kBlock;
    places.offsets = take(corners, sizeof(int64_t));
    places.corner_weights = take(corners, sizeof(T));
    places.columns = take(depth * kBlock, sizeof(T));
    places.weights = take(geometry.output[1] * depth, sizeof(T));
    places.image = take(channels * InputPixels(geometry), sizeof(T));
    places.zeros = take(channels, sizeof(T));
    return places;
  }
  struct Memory {
    Memory(char* scratch, const Places& places)
        : offsets(reinterpret_cast<int64_t*>(scratch + places.offsets)),
          corner_weights(reinterpret_cast<T*>(scratch + places.corner_weights)),
          columns(reinterpret_cast<T*>(scratch + places.columns)),
          weights(reinterpret_cast<T*>(scratch + places.weights)),
          image(reinterpret_cast<T*>(scratch + places.image)),
          zeros(reinterpret_cast<T*>(scratch + places.zeros)),
          behind(scratch + places.bytes) {}
    // Where samples are taken: for each kernel position the corners around the point that each
    // output pixel looks at, corner by corner: pixels of the image, and what they weigh. Those
    // outside the image weigh nothing, and have no pixel (-1).
    int64_t* offsets;
    T* corner_weights;
    T* columns;  // [pixel][tap][channel of the group]
    T* weights;
    T* image;  // [pixel][channel]
    T* zeros;  // stands for a pixel that is none
    char* behind;
  };

  // `count` matrices of rows x columns, each transposed.
  template <typename E>
  static void TurnAll(const E* from, int64_t count, int64_t rows, int64_t columns, E* to,
                      Parallel& parallel) {
    StridedCopy copy(kElementTypeOf<E>);
    copy.AddAxis(count, rows * columns, rows * columns);
    copy.AddAxis(columns, 1, rows);
    copy.AddAxis(rows, columns, 1);
    copy.Run(from, 0, to, 0, parallel);
  }

  // Output pixels [first, first + count) of one group of one image.
  void Block(RunContext& context, const DeformConvGeometry& geometry, const Memory& memory,
             int64_t n, int64_t group, int64_t first, int64_t count,
             const MutableTensorView& output) const {
    const int64_t all_channels = context.Input(0).shape[1];
    const int64_t channels = context.Input(1).shape[1];
    const int64_t depth = channels * geometry.taps;
    // The channels of a group are those of one or more groups of offsets.
    const int64_t shared = all_channels / geometry.offset_groups;
    const int64_t begin_channel = group * channels;
    for (int64_t from = begin_channel; from < begin_channel + channels;) {
      const int64_t offset_group = from / shared;
      const int64_t to = std::min(begin_channel + channels, (offset_group + 1) * shared);
      context.parallel().For(geometry.taps, std::max<int64_t>(kParallelElements / (count * 32), 1),
                             [&](int64_t begin, int64_t end, int) {
                               for (int64_t tap = begin; tap < end; ++tap) {
                                 FindCorners(context, geometry, memory,
                                             n * geometry.offset_groups + offset_group, tap, first,
                                             count);
                               }
                             });
      const int64_t work = geometry.taps * (to - from) << geometry.rank;
      context.parallel().For(count, std::max<int64_t>(kParallelElements / work, 1),
                             [&](int64_t begin, int64_t end, int) {
                               for (int64_t p = begin; p < end; ++p) {
                                 Gather(geometry, memory, all_channels, from, to - from, p,
                                        memory.columns + p * depth + from - begin_channel,
                                        channels);
                               }
                             });
      from = to;
    }
    const int64_t rows = geometry.output[1] / geometry.groups;
    const int64_t pixels = OutputPixels(geometry);
    Multiply(ProductOf(geometry, depth, count), memory.weights + group * rows * depth,
             memory.columns,
             output.as<T>() + (n * geometry.output[1] + group * rows) * pixels + first,
             memory.behind, context.parallel());
  }

  // The corners of one kernel position for some output pixels. `row` is the offset group's number
  // over all images.
  static void FindCorners(RunContext& context, const DeformConvGeometry& geometry,
                          const Memory& memory, int64_t row, int64_t tap, int64_t first,
                          int64_t count) {
    const int64_t pixels = OutputPixels(geometry);
    const int64_t plane = row * geometry.taps + tap;
    const T* const offsets = context.Input(2).as<T>() + plane * geometry.rank * pixels;
    const T* const mask = context.HasInput(4) ? context.Input(4).as<T>() + plane * pixels : nullptr;
    const int64_t place = (tap << geometry.rank) * kBlock;
    // The output pixel along each axis, and where its window's tap begins without the offset.
    int64_t position[DeformConvGeometry::kMaxSpatialRank];
    int64_t start[DeformConvGeometry::kMaxSpatialRank];
    int64_t rest = first;
    int64_t kernel_rest = tap;
    for (int i = geometry.rank - 1; i >= 0; --i) {
      const auto& axis = geometry.axes[static_cast<size_t>(i)];
      position[i] = rest % axis.output;
      start[i] = kernel_rest % axis.kernel * axis.dilation - axis.pad;
      rest /= axis.output;
      kernel_rest /= axis.kernel;
    }
    for (int64_t p = first; p < first + count; ++p) {
      T point[DeformConvGeometry::kMaxSpatialRank];
      for (int i = 0; i < geometry.rank; ++i) {
        const int64_t at = position[i] * geometry.axes[static_cast<size_t>(i)].stride + start[i];
        point[i] = static_cast<T>(at) + offsets[i * pixels + p];
      }
      PlaceCorners(geometry, point, mask == nullptr ? T{1} : mask[p],
                   memory.offsets + place + p - first, memory.corner_weights + place + p - first);
      for (int i = geometry.rank - 1; i >= 0; --i) {
        if (++position[i] < geometry.axes[static_cast<size_t>(i)].output) break;
        position[i] = 0;
      }
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
      low[i] = near ? static_cast<int64_t>(point[i] + 1) - 1 : 0;
      fraction[i] = near ? point[i] - static_cast<T>(low[i]) : T{0};
      if (fraction[i] < 0) {  // the sum was rounded up
        --low[i];
        fraction[i] += 1;
      }
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
      // What weighs nothing may be infinite: it is not read.
      inside = inside && weight != 0;
      offsets[corner * kBlock] = inside ? offset : -1;
      weights[corner * kBlock] = inside ? weight : T{0};
    }
  }

  // `count` channels of one output pixel at all kernel positions, which are `step` apart in `to`.
  static void Gather(const DeformConvGeometry& geometry, const Memory& memory, int64_t channels,
                     int64_t first_channel, int64_t count, int64_t pixel, T* to, int64_t step) {
    const int corners = 1 << geometry.rank;
    const int64_t* offset = memory.offsets + pixel;
    const T* weight = memory.corner_weights + pixel;
    const auto row = [&](int64_t at) {
      return (at < 0 ? memory.zeros : memory.image + at * channels) + first_channel;
    };
    for (int64_t tap = 0; tap < geometry.taps; ++tap, to += step) {
      for (int corner = 0; corner < corners; corner += 2) {
        const T* const a = row(offset[0]);
        const T* const b = row(offset[kBlock]);
        const T u = weight[0];
        const T v = weight[kBlock];
        if (corner == 0) {
          for (int64_t c = 0; c < count; ++c) to[c] = u * a[c] + v * b[c];
        } else {
          for (int64_t c = 0; c < count; ++c) to[c] += u * a[c] + v * b[c];
        }
        offset += 2 * kBlock;
        weight += 2 * kBlock;
      }
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
