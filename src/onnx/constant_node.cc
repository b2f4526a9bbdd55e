// SPDX-License-Identifier: MIT
#include "onnx/constant_node.h"

#include <string>
#include <utility>
#include <variant>

#include "base/str_cat.h"
#include "onnx/read_context.h"

namespace mullion::onnx {

namespace {

// The tensor that a value stands for, or none when its kind makes no constant.
struct TensorOf {
  Tensor operator()(Tensor& tensor) const { return std::move(tensor); }
  Tensor operator()(float value) const { return Tensor::Scalar(value); }
  Tensor operator()(int64_t value) const { return Tensor::Scalar(value); }
  Tensor operator()(const std::string& value) const { return Tensor::Scalar(value); }
  template <typename T>
  Tensor operator()(const std::vector<T>& values) const {
    if constexpr (kElementTypeOf<T> != ElementType::kUndefined) {
      return Tensor::Vector(std::span<const T>(values));
    }
    return Tensor();
  }
  template <typename T>
  Tensor operator()(const T& /*graph or type*/) const {
    return Tensor();
  }
};

}  // namespace

Result<Tensor> ConstantTensor(std::vector<Attribute> attributes) {
  if (attributes.size() != 1) {
    return InvalidModel("it has ", attributes.size(),
                        " attributes, but a constant has exactly one value; export the "
                        "model again");
  }
  Tensor tensor = std::visit(TensorOf(), attributes.front().value);
  if (tensor) return tensor;
  return InvalidModel("its attribute ", Quoted(attributes.front().name), " (",
                      AttributeKindName(attributes.front().value),
                      ") is no constant; tensors, numbers and strings are");
}

}  // namespace mullion::onnx
