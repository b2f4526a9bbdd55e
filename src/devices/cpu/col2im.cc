// SPDX-License-Identifier: MIT
#include "operators/col2im.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/str_cat.h"
#include "devices/cpu/complex_parts.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

using operators::Col2ImGeometry;
// Texts are put one behind the other where blocks overlap, as `+` does.
using Types = TypeList<float, double, int32_t, int64_t, uint8_t, int8_t, std::string>;

// Complex numbers are their two parts, of one axis more.
void AddParts(Col2ImGeometry& geometry) {
  geometry.axes[static_cast<size_t>(geometry.rank++)] = {2, 1, 2, 1, 1, 0};
  geometry.blocks *= 2;
  geometry.output.Append(2);
}

// Where the elements of one place within the blocks go: of the blocks along each axis those from
// `first` to `last` lie in the image, and block 0 would be at `start`.
class Places {
 public:
  Places(const Col2ImGeometry& geometry, int64_t element) : geometry_(geometry) {
    for (int i = geometry.rank - 1; i >= 0; --i) {
      const Col2ImGeometry::Axis& axis = geometry.axes[static_cast<size_t>(i)];
      Range& range = ranges_[static_cast<size_t>(i)];
      range.start = element % axis.block * axis.dilation - axis.pad;
      element /= axis.block;
      range.first = range.start >= 0 ? 0 : (-range.start + axis.stride - 1) / axis.stride;
      const int64_t room = axis.image - 1 - range.start;
      range.last = room < 0 ? 0 : std::min(axis.blocks, room / axis.stride + 1);
      empty_ = empty_ || range.first >= range.last;
    }
  }

  // Adds the elements, one for each block, to an image.
  template <typename T>
  void Add(const T* x, T* y) const {
    if (!empty_) AddAxis(0, x, y);
  }

 private:
  struct Range {
    int64_t start, first, last;
  };

  template <typename T>
  void AddAxis(int i, const T* x, T* y) const {
    const Col2ImGeometry::Axis& axis = geometry_.axes[static_cast<size_t>(i)];
    const Range& range = ranges_[static_cast<size_t>(i)];
    if (i + 1 < geometry_.rank) {
      int64_t blocks = 1, pixels = 1;
      for (int j = i + 1; j < geometry_.rank; ++j) {
        blocks *= geometry_.axes[static_cast<size_t>(j)].blocks;
        pixels *= geometry_.axes[static_cast<size_t>(j)].image;
      }
      for (int64_t b = range.first; b < range.last; ++b) {
        AddAxis(i + 1, x + b * blocks, y + (range.start + b * axis.stride) * pixels);
      }
      return;
    }
    const auto add = [&](int64_t stride) {
      T* __restrict to = y + range.start + range.first * stride;
      const T* __restrict from = x + range.first;
      for (int64_t b = 0; b < range.last - range.first; ++b) {
        to[b * stride] = static_cast<T>(to[b * stride] + from[b]);
      }
    };
    // The usual strides by themselves, for better loops.
    axis.stride == 1 ? add(1) : axis.stride == 2 ? add(2) : add(axis.stride);
  }

  const Col2ImGeometry& geometry_;
  std::array<Range, kMaxRank> ranges_;
  bool empty_ = false;
};

class Col2Im final : public Executable {
 public:
  explicit Col2Im(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    const TensorView& columns = context.Input(0);
    const Result<IntList> image = ReadIntList(context.Input(1), "input 1 'image_shape'");
    const Result<IntList> block = ReadIntList(context.Input(2), "input 2 'block_shape'");
    if (!image.ok()) return context.Error(image.status().message());
    if (!block.ok()) return context.Error(block.status().message());
    auto geometry = Col2ImGeometry::Make(context.node(), columns.shape, *image, *block);
    if (!geometry.ok()) return context.Error(geometry.status().message());
    const bool parted = PartsOf(columns.type) > 1;
    if (parted && geometry->output.rank() == kMaxRank) {
      return context.Error("images of complex numbers may have ", kMaxRank - 3,
                           " axes, but input 1 'image_shape' has ", geometry->rank);
    }
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, geometry->output));
    if (output.count() == 0) return OkStatus();
    if (parted) AddParts(*geometry);
    DispatchType(Types{}, TypeOfParts(columns.type), [&](auto tag) {
      using T = typename decltype(tag)::type;
      AddUp(*geometry, columns.as<T>(), output.as<T>(), context.parallel());
    });
    return OkStatus();
  }

 private:
  // Every channel of every image is one piece of work: blocks overlap within it only.
  template <typename T>
  static void AddUp(const Col2ImGeometry& geometry, const T* x, T* y, Parallel& parallel) {
    const Shape& output = geometry.output;
    const int64_t pixels = output.Product(2, output.rank());
    parallel.For(output[0] * output[1], 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        std::fill_n(y + i * pixels, pixels, T());
        const T* from = x + i * geometry.block_elements * geometry.blocks;
        for (int64_t element = 0; element < geometry.block_elements; ++element) {
          Places(geometry, element).Add(from, y + i * pixels);
          from += geometry.blocks;
        }
      }
    });
  }
};

}  // namespace

void RegisterCol2im(KernelRegistry& registry) {
  registry.Add({.name = "Col2Im",
                .since = 18,
                .types = Types::kSet | kComplexTypes,
                .make = MakeKernel<Col2Im>});
}

}  // namespace mullion::cpu
