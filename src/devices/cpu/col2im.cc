// SPDX-License-Identifier: MIT
#include "operators/col2im.h"

#include <algorithm>
#include <array>
#include <string>
#include <type_traits>

#include "base/str_cat.h"
#include "devices/cpu/complex_parts.h"
#include "devices/cpu/kernels/elementwise/spread_add.h"
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
  // The first place; Next() is the one that follows it.
  explicit Places(const Col2ImGeometry& geometry) : geometry_(geometry) {
    for (int i = 0; i < geometry.rank; ++i) SetPlace(i, 0);
  }

  void Next() {
    for (int i = geometry_.rank - 1; i >= 0; --i) {
      const int64_t place = ranges_[static_cast<size_t>(i)].place + 1;
      const bool carries = place == geometry_.axes[static_cast<size_t>(i)].block;
      SetPlace(i, carries ? 0 : place);
      if (!carries) return;
    }
  }

  // Adds the elements, one for each block, to an image.
  template <typename T>
  void Add(const T* x, T* y) const {
    for (int i = 0; i < geometry_.rank; ++i) {
      const Range& range = ranges_[static_cast<size_t>(i)];
      if (range.first >= range.last) return;
    }
    geometry_.rank == 1 ? AddLines(x, 0, y, 0, 1) : AddAxis(0, x, y);
  }

 private:
  struct Range {
    int64_t place, start, first, last;
  };

  void SetPlace(int i, int64_t place) {
    const Col2ImGeometry::Axis& axis = geometry_.axes[static_cast<size_t>(i)];
    Range& range = ranges_[static_cast<size_t>(i)];
    range.place = place;
    range.start = place * axis.dilation - axis.pad;
    range.first = range.start >= 0 ? 0 : (-range.start + axis.stride - 1) / axis.stride;
    const int64_t room = axis.image - 1 - range.start;
    range.last = room < 0 ? 0 : std::min(axis.blocks, room / axis.stride + 1);
  }

  // Axes from i on, of which there are two or more.
  template <typename T>
  void AddAxis(int i, const T* x, T* y) const {
    int64_t blocks = 1, pixels = 1;
    for (int j = i + 1; j < geometry_.rank; ++j) {
      blocks *= geometry_.axes[static_cast<size_t>(j)].blocks;
      pixels *= geometry_.axes[static_cast<size_t>(j)].image;
    }
    const Col2ImGeometry::Axis& axis = geometry_.axes[static_cast<size_t>(i)];
    const Range& range = ranges_[static_cast<size_t>(i)];
    x += range.first * blocks;
    y += (range.start + range.first * axis.stride) * pixels;
    const int64_t count = range.last - range.first;
    if (i + 2 == geometry_.rank) {
      AddLines(x, blocks, y, axis.stride * pixels, count);
    } else {
      for (int64_t b = 0; b < count; ++b) {
        AddAxis(i + 1, x + b * blocks, y + b * axis.stride * pixels);
      }
    }
  }

  // Lines along the last axis.
  template <typename T>
  void AddLines(const T* x, int64_t x_line, T* y, int64_t y_line, int64_t lines) const {
    const auto last = static_cast<size_t>(geometry_.rank - 1);
    const int64_t stride = geometry_.axes[last].stride;
    const Range& range = ranges_[last];
    const int64_t count = range.last - range.first;
    x += range.first;
    y += range.start + range.first * stride;
    if constexpr (std::is_same_v<T, float>) {
      SpreadAdd({x, x_line, y, y_line, lines, count, stride});
    } else {
      for (int64_t line = 0; line < lines; ++line) {
        for (int64_t i = 0; i < count; ++i) {
          T& to = y[line * y_line + i * stride];
          to = static_cast<T>(to + x[line * x_line + i]);
        }
      }
    }
  }

  const Col2ImGeometry& geometry_;
  std::array<Range, kMaxRank> ranges_;
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
        Places places(geometry);
        for (int64_t element = 0; element < geometry.block_elements; ++element) {
          places.Add(from, y + i * pixels);
          places.Next();
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
