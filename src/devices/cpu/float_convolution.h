// SPDX-License-Identifier: MIT
// What Conv and ConvTranspose of float have in common: packed weights, the epilogue, and
// channels-first images, which are brought into channels-last order and back.
#ifndef MULLION_DEVICES_CPU_FLOAT_CONVOLUTION_H_
#define MULLION_DEVICES_CPU_FLOAT_CONVOLUTION_H_

#include <memory>
#include <string>

#include "device/kernel.h"
#include "device/weight_store.h"
#include "devices/cpu/kernels/convolution/convolution.h"
#include "operators/channel_layout.h"
#include "operators/pool.h"

namespace mullion::cpu {

class FloatConvolution : public Executable {
 public:
  explicit FloatConvolution(const Node& node);

  // Packs constant weights. Once, before anything else.
  Status Prepare(WeightStore& weights);
  bool Holds(int i) const override { return i == 1 && packed_ != nullptr; }
  bool TellShape(std::span<const Shape* const> inputs, Shape& output) const override;
  Status Bind(BindContext& context) const override;
  Status Run(RunContext& context) const override;

 protected:
  const Node& node() const { return node_; }
  // Of what the convolution makes, by maxima; its spatial_rank is 0 where that is given out. Plans
  // make what the pool gives.
  const operators::PoolParameters& pool() const { return pool_; }

  // Sizes of the image as far as they are known at load, and whether axes are among them.
  Shape KnownImage() const;
  bool HasFixedAxes() const;

  // Sizes for an image in the node's layout. Called at load with sizes of the image that are not
  // known: then only what hangs on the others needs to be right.
  virtual Result<ConvolutionShape> ShapeOf(const Shape& image, const Shape& weights) const = 0;
  // The same without a look at the node, where weights are constant: false where it has to be
  // asked.
  virtual bool TellSizes(const Shape& /*image*/, ConvolutionShape& /*shape*/) const {
    return false;
  }
  virtual std::unique_ptr<ConvolutionPlan> MakePlan(const ConvolutionShape& shape) const = 0;
  // Names everything that packed weights depend on besides the weights.
  virtual std::string Format(const ConvolutionShape& shape) const = 0;
  virtual size_t PackedFloats(const ConvolutionShape& shape) const = 0;
  // `weights` has the rows of the weights' first axis.
  virtual void Pack(const WeightRows& weights, const ConvolutionShape& shape,
                    float* packed) const = 0;

 private:
  struct Bound;

  const Node& node_;
  const operators::ChannelLayout layout_;  // of the output
  const operators::ChannelLayout image_layout_;
  // Of a wider tensor that is written to (operators/whole_output.h): all its channels, or 0.
  const int64_t whole_channels_;
  const int64_t first_channel_;
  // Whether the residual may be overwritten: it is not the image, too.
  const bool owns_residual_;
  Activation activation_;
  operators::PoolParameters pool_;
  std::shared_ptr<const void> packed_;  // null when weights are not constant
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_FLOAT_CONVOLUTION_H_
