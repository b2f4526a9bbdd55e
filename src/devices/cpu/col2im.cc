// SPDX-License-Identifier: MIT
#include "operators/col2im.h"

#include <algorithm>

#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

using operators::Col2ImGeometry;
using Types = TypeList<float, double, int32_t, int64_t, uint8_t, int8_t>;

// The element of the image that block element `element` of block `block` goes to, or -1 in the
// padding.
int64_t Target(const Col2ImGeometry& geometry, int64_t element, int64_t block) {
  int64_t offset = 0;
  int64_t stride = 1;
  for (int i = geometry.rank - 1; i >= 0; --i) {
    const Col2ImGeometry::Axis& axis = geometry.axes[static_cast<size_t>(i)];
    const int64_t position =
        block % axis.blocks * axis.stride + element % axis.block * axis.dilation - axis.pad;
    if (position < 0 || position >= axis.image) return -1;
    block /= axis.blocks;
    element /= axis.block;
    offset += position * stride;
    stride *= axis.image;
  }
  return offset;
}

class Col2Im final : public Executable {
 public:
  explicit Col2Im(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    const TensorView& columns = context.Input(0);
    const Result<IntList> image = ReadIntList(context.Input(1), "input 1 'image_shape'");
    const Result<IntList> block = ReadIntList(context.Input(2), "input 2 'block_shape'");
    if (!image.ok()) return context.Error(image.status().message());
    if (!block.ok()) return context.Error(block.status().message());
    const auto geometry = Col2ImGeometry::Make(context.node(), columns.shape, *image, *block);
    if (!geometry.ok()) return context.Error(geometry.status().message());
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, geometry->output));
    if (output.count() == 0) return OkStatus();
    DispatchType(Types{}, columns.type, [&](auto tag) {
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
        std::fill_n(y + i * pixels, pixels, T{0});
        const T* from = x + i * geometry.block_elements * geometry.blocks;
        for (int64_t element = 0; element < geometry.block_elements; ++element) {
          for (int64_t block = 0; block < geometry.blocks; ++block, ++from) {
            const int64_t to = Target(geometry, element, block);
            if (to >= 0) y[i * pixels + to] = static_cast<T>(y[i * pixels + to] + *from);
          }
        }
      }
    });
  }
};

}  // namespace

void RegisterCol2im(KernelRegistry& registry) {
  registry.Add({.name = "Col2Im", .since = 18, .types = Types::kSet, .make = MakeKernel<Col2Im>});
}

}  // namespace mullion::cpu
