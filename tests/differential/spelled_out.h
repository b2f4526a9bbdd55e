// SPDX-License-Identifier: MIT
// What a twin is written in.
#ifndef MULLION_TESTS_DIFFERENTIAL_SPELLED_OUT_H_
#define MULLION_TESTS_DIFFERENTIAL_SPELLED_OUT_H_

#include <vector>

#include "tests/differential/case.h"

namespace mullion::differential {

// Nodes of ai.onnx with one output, in the twin that was begun; numbers are of type `type`.
struct Words {
  Case& c;
  ElementType type = ElementType::kFloat;

  Value* operator()(std::string_view name, std::vector<Value*> inputs,
                    Attributes attributes = {}) const {
    return c.Add(name, "", std::move(inputs), std::move(attributes)).output(0);
  }
  Value* Number(double value) const {
    return c.TwinConstant(type == ElementType::kDouble ? Tensor::Scalar(value)
                                                       : Tensor::Scalar(static_cast<float>(value)));
  }
  Value* Cast(Value* value) const { return Cast(value, type); }
  Value* Cast(Value* value, ElementType to) const {
    return (*this)("Cast", {value}, {{"to", static_cast<int64_t>(to)}});
  }
  Value* Ints(const std::vector<int64_t>& values) const {
    return c.TwinConstant(differential::Ints(values));
  }
};

}  // namespace mullion::differential

#endif  // MULLION_TESTS_DIFFERENTIAL_SPELLED_OUT_H_
