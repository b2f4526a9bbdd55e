// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "compiled/compile_model.h"
#include "compiled/content_hash.h"
#include "compiled/file_format.h"
#include "compiled/open_model.h"
#include "devices/cpu/cpu_device.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "onnx/writer.h"
#include "tests/onnx/temporary_folder.h"

namespace mullion {
namespace {

namespace fs = std::filesystem;

constexpr int kOpset = 13;
const cpu::CpuDevice kCpu;
const Device* const kDevices[] = {&kCpu};

FeatureInfo Feature(const char* name, ElementType type, const Shape& shape) {
  FeatureInfo info;
  info.name = name;
  info.type = TypeInfo::Tensor(type, shape);
  return info;
}

Tensor Ramp(const Shape& shape, float step) {
  std::vector<float> values(static_cast<size_t>(shape.ElementCount()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = step * static_cast<float>(i % 17) - 0.5f;
  return Tensor::FromSpan<float>(shape, std::span<const float>(values));
}

Value& AddNode(Graph& graph, const char* name, std::vector<Value*> inputs) {
  Node& node = graph.AddNode("", name, kOpset, inputs, 1, std::string(name) + "_out");
  node.origin = {std::string("my ") + name, name, "", kOpset, ""};
  return *node.output(0);
}

// Packed weights (a convolution with BatchNormalization, a product), a table that stays as it is, a
// constant that two nodes share, and bodies of an If that reach out of themselves.
Model MakeModel(float step = 0.1f) {
  Model model;
  model.ir_version = 8;
  model.producer_name = "test";
  model.opsets = {{"", kOpset}};
  model.metadata = {{"author", "nobody"}};
  model.graph = std::make_unique<Graph>();
  Graph& graph = *model.graph;
  model.inputs = {Feature("image", ElementType::kFloat, Shape{1, 3, 8, 8}),
                  Feature("index", ElementType::kInt64, Shape{2}),
                  Feature("which", ElementType::kBool, Shape{})};
  for (const FeatureInfo& input : model.inputs) graph.AddInput(input.name, input.type);
  Value& image = *graph.inputs()[0];
  Value& weights = graph.AddConstant("w", Ramp(Shape{4, 3, 3, 3}, step));
  Value& one = graph.AddConstant("one", Ramp(Shape{4}, 0.0f));
  Value& convolved = AddNode(graph, "Conv", {&image, &weights});
  Value& positive = graph.AddConstant("var", Ramp(Shape{4}, 1.0f));
  positive.constant = Tensor::FromSpan<float>(Shape{4}, std::vector<float>{1, 2, 3, 4});
  Value& normal = AddNode(graph, "BatchNormalization", {&convolved, &one, &one, &one, &positive});
  Value& relu = AddNode(graph, "Relu", {&normal});
  Value& flat = AddNode(graph, "Flatten", {&relu});
  Value& matrix = graph.AddConstant("m", Ramp(Shape{144, 40}, 0.01f));
  Value& product = AddNode(graph, "MatMul", {&flat, &matrix});
  Value& table = graph.AddConstant("table", Ramp(Shape{600, 40}, 0.02f));
  Value& rows = AddNode(graph, "Gather", {&table, graph.inputs()[1]});
  Value& sum = AddNode(graph, "Add", {&product, &rows});
  Node& choice = graph.AddNode("", "If", kOpset, std::vector<Value*>{graph.inputs()[2]}, 1, "y");
  choice.origin = {"choice", "If", "", kOpset, ""};
  for (const char* const branch : {"then_branch", "else_branch"}) {
    auto body = std::make_shared<Graph>(&graph);
    Value& inner = body->AddConstant("inner", Ramp(Shape{40, 40}, branch[0] == 't' ? 0.1f : 0.3f));
    body->AddOutput(AddNode(*body, "MatMul", {&sum, &inner}));
    choice.SetAttribute(branch, body);
  }
  graph.AddOutput(*choice.output(0));
  model.outputs = {Feature("y", ElementType::kFloat, Shape{2, 40})};
  return model;
}

Result<std::unique_ptr<Session>> MakeSession(const Model& model) {
  SessionOptions options;
  options.threads = 1;
  return Session::Create(model, kDevices, BuiltInOperators(), options);
}

Result<std::vector<float>> Evaluate(const Model& model, bool which = true) {
  MULLION_ASSIGN_OR_RETURN(const auto session, MakeSession(model));
  const std::vector<int64_t> index{599, 3};
  const Datum inputs[] = {Datum::FromTensor(Ramp(Shape{1, 3, 8, 8}, 0.2f)),
                          Datum::FromTensor(Tensor::Vector<int64_t>(index)),
                          Datum::FromTensor(Tensor::Scalar<bool>(which))};
  std::vector<Datum> outputs(1);
  MULLION_RETURN_IF_ERROR(session->Run(inputs, outputs));
  const auto values = outputs[0].view.span<float>();
  return std::vector<float>(values.begin(), values.end());
}

class CompiledModel : public testing::Test {
 protected:
  void SetUp() override {
    original_ = folder_.path() / "model.onnx";
    compiled_ = folder_.path() / "model.mullion";
    Write(MakeModel());
    const auto model = ReadModelFile(original_);
    ASSERT_TRUE(model.ok()) << model.status().message();
    ASSERT_TRUE(Compile(**model).ok());
  }
  void Write(const Model& model) {
    const Status status = WriteModelFile(model, original_);
    ASSERT_TRUE(status.ok()) << status.message();
  }
  Status Compile(const Model& model) {
    return CompileModel(model, kDevices, BuiltInOperators(), {}, compiled_);
  }
  std::string Bytes() const {
    std::ifstream stream(compiled_, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  static Result<std::unique_ptr<Model>> Open(const std::string& bytes) {
    return OpenModel({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, nullptr);
  }

  const TemporaryFolder folder_;
  fs::path original_;
  fs::path compiled_;
};

TEST_F(CompiledModel, GivesTheSameBits) {
  const auto original = ReadModelFile(original_);
  const auto compiled = OpenModelFile(compiled_);
  ASSERT_TRUE(compiled.ok()) << compiled.status().message();
  EXPECT_TRUE((*compiled)->compiled);
  EXPECT_EQ((*compiled)->producer_name, "test");
  EXPECT_EQ((*compiled)->opsets.size(), 1u);
  EXPECT_EQ((*compiled)->metadata, (*original)->metadata);
  for (const bool which : {false, true}) {
    const auto expected = Evaluate(**original, which);
    const auto actual = Evaluate(**compiled, which);
    ASSERT_TRUE(expected.ok() && actual.ok()) << actual.status().message();
    EXPECT_EQ(*actual, *expected);
  }
  const auto copied = Open(Bytes());
  ASSERT_TRUE(copied.ok()) << copied.status().message();
  EXPECT_EQ(*Evaluate(**copied), *Evaluate(**original));
}

TEST_F(CompiledModel, NodesKeepTheirNames) {
  const auto names = [](const Model& model) {
    std::string text;
    const auto session = MakeSession(model);
    for (const NodePlacement& placement : (*session)->Placement()) text += placement.node + "\n";
    return text;
  };
  EXPECT_EQ(names(**OpenModelFile(compiled_)), names(**ReadModelFile(original_)));
}

TEST_F(CompiledModel, IsNotCompiledAgain) {
  const auto compiled = OpenModelFile(compiled_);
  ASSERT_TRUE(compiled.ok());
  const Status status = Compile(**compiled);
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_NE(status.message().find("compiled already"), std::string::npos) << status.message();
}

TEST_F(CompiledModel, IsUsedWhileTheOriginalStaysTheSame) {
  std::string refusal;
  auto model = OpenCompiledModel(original_, compiled_, refusal);
  ASSERT_TRUE(model.ok());
  EXPECT_TRUE((*model)->compiled);
  EXPECT_EQ(refusal, "");
  // The same contents at another time and place are the same model.
  fs::create_directories(folder_.path() / "copy");
  fs::copy_file(original_, folder_.path() / "copy/model.onnx");
  model = OpenCompiledModel(folder_.path() / "copy/model.onnx", compiled_, refusal);
  ASSERT_TRUE(model.ok());
  EXPECT_TRUE((*model)->compiled) << refusal;
  // Other contents of the same size are not.
  Write(MakeModel(0.2f));
  model = OpenCompiledModel(original_, compiled_, refusal);
  ASSERT_TRUE(model.ok());
  EXPECT_FALSE((*model)->compiled);
  EXPECT_NE(refusal.find("it was compiled from other contents than the model"), std::string::npos)
      << refusal;
  EXPECT_EQ(*Evaluate(**model), *Evaluate(MakeModel(0.2f)));
}

TEST_F(CompiledModel, OfAnotherKindIsRefusedAndTheOriginalUsed) {
  const auto refused = [&](const fs::path& compiled, const char* why) {
    std::string refusal;
    const auto model = OpenCompiledModel(original_, compiled, refusal);
    ASSERT_TRUE(model.ok());
    EXPECT_FALSE((*model)->compiled);
    EXPECT_NE(refusal.find(why), std::string::npos) << refusal;
    EXPECT_NE(refusal.find(compiled.string()), std::string::npos) << refusal;
  };
  refused(folder_.path() / "nowhere", "cannot open");
  refused(original_, "this is no compiled model");
  std::string bytes = Bytes();
  bytes[offsetof(compiled::Header, version)] ^= 4;
  refused(folder_.Write("version", bytes),
          "in format 6 but this version of the library has format");
  refused(folder_.Write("short", Bytes().substr(0, 5000)), "it has 5000 bytes of");
  const cpu::Isa level = cpu::CurrentIsa();
  if (level != cpu::Isa::kScalar) {
    cpu::SetIsaForTest(cpu::Isa::kScalar);
    refused(compiled_, "but scalar is in use");
    cpu::SetIsaForTest(level);
  }
}

TEST_F(CompiledModel, NoticesEveryCutAndEveryFlip) {
  const std::string whole = Bytes();
  for (size_t size = 8; size < whole.size(); size += size < 9000 ? 7 : 4099) {
    EXPECT_FALSE(Open(whole.substr(0, size)).ok()) << size;
  }
  for (size_t at = 0; at < whole.size(); at += at < 9000 ? 3 : 1009) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
    EXPECT_FALSE(Open(flipped).ok()) << at;
  }
}

// As one would who means harm: with the right checksums.
void Seal(std::string& bytes) {
  compiled::Header header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  SerialParallel serial;
  const auto* const data = reinterpret_cast<const uint8_t*>(bytes.data());
  header.file_bytes = bytes.size();
  header.head_hash = compiled::HashOf(data + sizeof(header), header.tensors_begin - sizeof(header),
                                      nullptr, serial);
  header.tensor_hash = compiled::HashOf(data + header.tensors_begin,
                                        bytes.size() - header.tensors_begin, nullptr, serial);
  std::memcpy(bytes.data(), &header, sizeof(header));
}

TEST_F(CompiledModel, SurvivesWhatItsChecksumsHide) {
  const std::string whole = Bytes();
  compiled::Header header;
  std::memcpy(&header, whole.data(), sizeof(header));
  int accepted = 0;
  for (size_t at = sizeof(header); at < sizeof(header) + header.head_bytes; ++at) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << at % 8));
    Seal(bytes);
    const auto model = Open(bytes);
    if (!model.ok()) continue;
    accepted += MakeSession(**model).ok() ? 1 : 0;
  }
  EXPECT_GT(accepted, 0) << "names may change";
  // Tensors that lie past the end of a file that was cut.
  for (size_t size = header.tensors_begin; size < whole.size(); size += 4096) {
    std::string bytes = whole.substr(0, size);
    Seal(bytes);
    EXPECT_FALSE(Open(bytes).ok()) << size;
  }
}

// A file may be made on one processor and opened on another.
TEST(ContentHash, IsTheSameAtEveryInstructionLevel) {
  SerialParallel parallel;
  for (const size_t size : {size_t{0}, size_t{1000}, size_t{1} << 20, (size_t{7} << 19) + 3}) {
    std::vector<uint8_t> bytes(size);
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * i >> 7);
    cpu::SetIsaForTest(cpu::AvailableIsas().front());
    const compiled::ContentHash wanted = compiled::HashOf(bytes.data(), size, nullptr, parallel);
    for (const cpu::Isa isa : cpu::AvailableIsas()) {
      cpu::SetIsaForTest(isa);
      EXPECT_EQ(compiled::HashOf(bytes.data(), size, nullptr, parallel), wanted)
          << size << " bytes, " << cpu::IsaName(isa);
    }
  }
  cpu::SetIsaForTest(cpu::AvailableIsas().back());
}

}  // namespace
}  // namespace mullion
