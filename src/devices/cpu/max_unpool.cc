// SPDX-License-Identifier: MIT
#include "operators/max_unpool.h"

#include <cstring>

#include "base/str_cat.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

using operators::PoolParameters;

using operators::WindowAxis;

// Where an element of one image lies in another of the same rank, origin on origin.
class Places {
 public:
  Places(const Shape& image, const Shape& output)
      : image_(image), output_(output), count_(image.ElementCount()), same_(image == output) {}

  // -1 when there is no such place.
  int64_t Of(int64_t index) const {
    if (index < 0 || index >= count_) return -1;
    if (same_) return index;
    int64_t place = 0;
    int64_t step = 1;
    for (int axis = image_.rank() - 1; axis >= 0; --axis) {
      const int64_t at = index % image_[axis];
      if (at >= output_[axis]) return -1;
      index /= image_[axis];
      place += at * step;
      step *= output_[axis];
    }
    return place;
  }

 private:
  const Shape& image_;
  const Shape& output_;
  int64_t count_;
  bool same_;
};

// Elements are moved by their size. An index without a place is remembered in `bad`.
template <typename T>
void Scatter(const T* x, const int64_t* indices, int64_t count, const Places& places, T* y,
             int64_t& bad) {
  for (int64_t i = 0; i < count; ++i) {
    const int64_t to = places.Of(indices[i]);
    if (to < 0) {
      bad = i;
    } else {
      y[to] = x[i];
    }
  }
}

// Indices count in the output, also in one of given shape, as MaxPool made them from an input of
// that shape. The standard's example of `output_shape` counts in the smaller inferred shape
// instead, which no MaxPool does (onnx/onnx issue 2398); so indices that cannot have come from an
// image of the given shape are taken that way.
class MaxUnpool final : public Executable {
 public:
  explicit MaxUnpool(const PoolParameters& parameters) : parameters_(parameters) {}

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const TensorView& indices = context.Input(1);
    if (!(indices.shape == input.shape)) {
      return context.Error("input 1 is ", Describe(indices),
                           " but must have the shape of input 0, ", Describe(input));
    }
    IntList sizes;
    if (context.HasInput(2)) {
      const Result<IntList> read = ReadIntList(context.Input(2), "input 2 'output_shape'");
      if (!read.ok()) return context.Error(read.status().message());
      sizes = *read;
    }
    const Result<Shape> shape =
        operators::MaxUnpoolShape(parameters_, input.shape, context.HasInput(2) ? &sizes : nullptr);
    if (!shape.ok()) return context.Error(shape.status().message());
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, *shape));
    std::memset(output.data, 0, output.bytes());
    const auto* const at = indices.as<int64_t>();
    if (sizes.size() == 0 || AreInTheirWindows(input.shape, *shape, at)) {
      return Fill(context, input, at, *shape, output);
    }
    const Result<Shape> inferred = operators::MaxUnpoolShape(parameters_, input.shape, nullptr);
    if (!inferred.ok()) return context.Error(inferred.status().message());
    return Fill(context, input, at, *inferred, output);
  }

 private:
  // Whether a MaxPool of an image of this shape can have made these indices.
  bool AreInTheirWindows(const Shape& input, const Shape& image, const int64_t* indices) const {
    Shape at = Shape::Filled(input.rank(), 0);
    const int64_t count = input.ElementCount();
    if (image.ElementCount() == 0) return count == 0;
    for (int64_t i = 0; i < count; ++i) {
      int64_t rest = indices[i];
      for (int axis = input.rank() - 1; axis >= 2; --axis) {
        const WindowAxis& window = parameters_.windows[static_cast<size_t>(axis - 2)];
        const int64_t tap = rest % image[axis] - window.Start(at[axis]);
        if (tap < 0 || tap > (window.kernel - 1) * window.dilation) return false;
        rest /= image[axis];
      }
      if (rest != at[0] * input[1] + at[1]) return false;
      for (int axis = input.rank() - 1; axis >= 0 && ++at[axis] == input[axis]; --axis) {
        at[axis] = 0;
      }
    }
    return true;
  }

  // Indices count in an image of shape `image`, which lies at the origin of the output.
  static Status Fill(RunContext& context, const TensorView& input, const int64_t* indices,
                     const Shape& image, const MutableTensorView& output) {
    // On one thread: two elements may name the same place, and the last one wins.
    int64_t bad = -1;
    const Places places(image, output.shape);
    if (input.type == ElementType::kDouble) {
      Scatter(input.as<uint64_t>(), indices, input.count(), places, output.as<uint64_t>(), bad);
    } else {
      Scatter(input.as<uint32_t>(), indices, input.count(), places, output.as<uint32_t>(), bad);
    }
    if (bad < 0) return OkStatus();
    return context.Error("element ", bad, " of input 1 is ", indices[bad], ", outside the output ",
                         output.shape.ToString());
  }

  PoolParameters parameters_;
};

Result<std::unique_ptr<Executable>> Make(const Node& node, WeightStore& /*weights*/) {
  MULLION_ASSIGN_OR_RETURN(const PoolParameters parameters, PoolParameters::FromNode(node));
  return std::unique_ptr<Executable>(std::make_unique<MaxUnpool>(parameters));
}

}  // namespace

void RegisterMaxUnpool(KernelRegistry& registry) {
  registry.Add({.name = "MaxUnpool", .types = types::kFloatDouble, .make = Make});
}

}  // namespace mullion::cpu
