// SPDX-License-Identifier: MIT
#include "tests/runtime/test_model.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "devices/cpu/cpu_device.h"

namespace mullion {

Value& TestModel::Input(const char* name, const Shape& shape, ElementType type) {
  FeatureInfo info;
  info.name = name;
  info.type = TypeInfo::Tensor(type, shape);
  model_.inputs.push_back(info);
  return graph_->AddInput(name, info.type);
}

Node& TestModel::AddNode(std::string_view name, std::vector<Value*> inputs, int outputs) {
  Node& node = graph_->AddNode("", name, 21, inputs, outputs, name);
  node.origin = {std::string(name), std::string(name), "", 21, ""};
  return node;
}

void TestModel::Output(Value& value) {
  graph_->AddOutput(value);
  FeatureInfo info;
  info.name = value.name();
  model_.outputs.push_back(info);
}

std::unique_ptr<Session> TestModel::MakeSession(int threads, bool optimize) {
  if (graph_ != nullptr) model_.graph = std::move(graph_);
  static const cpu::CpuDevice cpu;
  static const Device* const devices[] = {&cpu};
  SessionOptions options;
  options.threads = threads;
  options.optimize = optimize;
  auto session = Session::Create(model_, devices, BuiltInOperators(), options);
  EXPECT_TRUE(session.ok()) << session.status().message();
  return session.ok() ? *std::move(session) : nullptr;
}

Tensor RandomFloats(const Shape& shape, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> values(-1.0f, 1.0f);
  std::vector<float> data(static_cast<size_t>(shape.ElementCount()));
  for (float& x : data) x = values(random);
  return Tensor::FromSpan<float>(shape, std::span<const float>(data));
}

}  // namespace mullion
