// SPDX-License-Identifier: MIT
// A model that a test writes node by node and runs on the CPU.
#ifndef MULLION_TESTS_RUNTIME_TEST_MODEL_H_
#define MULLION_TESTS_RUNTIME_TEST_MODEL_H_

#include <memory>
#include <string_view>
#include <vector>

#include "runtime/session.h"

namespace mullion {

class TestModel {
 public:
  Value& Input(const char* name, const Shape& shape, ElementType type = ElementType::kFloat);
  Value& Constant(Tensor tensor) { return graph_->AddConstant("", std::move(tensor)); }
  // A node of ai.onnx, opset 21.
  Node& AddNode(std::string_view name, std::vector<Value*> inputs, int outputs = 1);
  Value& Add(std::string_view name, std::vector<Value*> inputs) {
    return *AddNode(name, std::move(inputs)).output(0);
  }
  void Output(Value& value);

  // Null after a failure, which it reports. Nothing may be added afterwards.
  std::unique_ptr<Session> MakeSession(int threads = 1, bool optimize = true);

 private:
  Model model_;
  std::unique_ptr<Graph> graph_ = std::make_unique<Graph>();
};

// Floats from [-1, 1).
Tensor RandomFloats(const Shape& shape, uint32_t seed);

}  // namespace mullion

#endif  // MULLION_TESTS_RUNTIME_TEST_MODEL_H_
