// SPDX-License-Identifier: MIT
// Making sessions: options, devices, broken models, and what is said about them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "api/fixtures.h"
#include "api/onnx_builder.h"
#include "mullion/image_codecs.h"

namespace mullion::test {
namespace {

std::vector<int64_t> OutputShape(const LearningModelSession& session, ArrayView<int64_t> shape) {
  LearningModelBinding binding(session);
  binding.Bind("x", TensorFloat::Create(shape));
  binding.Bind("y", TensorFloat::Create(shape));
  return session.Evaluate(binding).Outputs().Lookup("z").as<ITensor>().Shape();
}

TEST(SessionOptionsTest, BatchSizeOverrideFixesTheFreeBatch) {
  const LearningModel model = Load(AddModel({"batch", 2}));
  LearningModelSessionOptions options;
  EXPECT_EQ(options.BatchSizeOverride(), 0u);
  options.BatchSizeOverride(3);
  const LearningModelDevice cpu(LearningModelDeviceKind::Cpu);
  const LearningModelSession session(model, cpu, options);
  EXPECT_EQ(OutputShape(session, {3, 2}), (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(Failure([&] {
              OutputShape(session, {2, 2});
            }),
            "SizeMismatch: input 'x' (float[3,2]) cannot take float[2,2]; rank and dimensions must "
            "be equal where they are not free");
  options.BatchSizeOverride(0);
  EXPECT_EQ(OutputShape(LearningModelSession(model, cpu, options), {2, 2}),
            (std::vector<int64_t>{2, 2}));
  // The model's own description stays.
  EXPECT_EQ(model.InputFeatures()[0].as<TensorFeatureDescriptor>().Shape()[0], -1);
}

TEST(SessionOptionsTest, TheDenotationSaysWhichIsTheBatch) {
  LearningModelSessionOptions options;
  options.BatchSizeOverride(4);
  const LearningModelSession session(Load(AddModel({"time", {"n", "DATA_BATCH"}})),
                                     LearningModelDevice(LearningModelDeviceKind::Cpu), options);
  EXPECT_EQ(OutputShape(session, {7, 4}), (std::vector<int64_t>{7, 4}));
  EXPECT_EQ(Failure([&] { OutputShape(session, {7, 5}); }).substr(0, 12), "SizeMismatch");
}

// Its first Gemm has enough columns for half precision, where the processor has that.
TEST(SessionOptionsTest, PrecisionIsTheCallersChoiceAndTold) {
  const LearningModel model = LearningModel::LoadFromFilePath(DigitsModel());
  const LearningModelDevice cpu(LearningModelDeviceKind::Cpu);
  LearningModelSessionOptions options;
  EXPECT_EQ(options.Precision(), ProductPrecision::Float32);
  EXPECT_EQ(LearningModelSession(model, cpu, options).Precision(), ProductPrecision::Float32);
  options.Precision(ProductPrecision::Float16);
  const LearningModelSession session(model, cpu, options);
  const bool able = std::string(MullionCpuLevel()) == "avx512fp16";
  EXPECT_EQ(session.Precision(), able ? ProductPrecision::Float16 : ProductPrecision::Float32);
  for (int digit = 0; digit < 10; ++digit) {
    LearningModelBinding binding(session);
    binding.Bind("image", SoftwareBitmap::LoadFromFile(DigitsImage(digit)));
    const auto result = session.Evaluate(binding);
    const auto probabilities = result.Outputs().Lookup("probabilities").as<TensorFloat>().data();
    EXPECT_GT(probabilities[static_cast<size_t>(digit)], 0.5f);
  }
  options.Precision(static_cast<ProductPrecision>(7));
  EXPECT_EQ(Failure([&] { LearningModelSession(model, cpu, options); }),
            "InvalidArgument: a session cannot have the precision 7; ask for "
            "MULLION_PRECISION_FP32 (0) or _FP16 (1)");
}

TEST(SessionOptionsTest, NamedDimensionsAreFixed) {
  const LearningModel model = Load(AddModel({"rows", "columns"}));
  LearningModelSessionOptions options;
  options.OverrideNamedDimension("columns", 5);
  options.OverrideNamedDimension("no such name", 9);
  const LearningModelSession session(model, LearningModelDevice(LearningModelDeviceKind::Cpu),
                                     options);
  EXPECT_EQ(OutputShape(session, {2, 5}), (std::vector<int64_t>{2, 5}));
  EXPECT_EQ(Failure([&] { OutputShape(session, {2, 4}); }).substr(0, 12), "SizeMismatch");
}

TEST(SessionOptionsTest, ClosesTheModelOnRequest) {
  const LearningModel model = Load(AddModel({2}));
  LearningModelSessionOptions options;
  options.CloseModelOnSessionCreation(true);
  const LearningModelDevice cpu(LearningModelDeviceKind::Cpu);
  const LearningModelSession session(model, cpu, options);
  EXPECT_EQ(OutputShape(session, {2}), std::vector<int64_t>{2});
  EXPECT_EQ(Failure([&] { LearningModelSession(model, cpu, options); }).substr(0, 6), "Closed");
}

TEST(SessionOptionsTest, ThreadsAreBounded) {
  const LearningModel model = Load(AddModel({2}));
  LearningModelSessionOptions options;
  options.Threads(3);
  const LearningModelDevice cpu(LearningModelDeviceKind::Cpu);
  EXPECT_EQ(LearningModelSession(model, cpu, options).Threads(), 3u);
  options.Threads(1000000);
  EXPECT_EQ(Failure([&] { LearningModelSession(model, cpu, options); }),
            "InvalidArgument: a session cannot have 1000000 threads; ask for 0 (all processors) to "
            "1024");
}

TEST(SessionTest, TellsModelDeviceAndPlacement) {
  const LearningModelSession session = Open(AddModel({2}));
  EXPECT_EQ(session.Model().Name(), "a graph");
  EXPECT_EQ(session.Device().Name(), "cpu");
  ASSERT_EQ(session.Placement().size(), 1u);
  EXPECT_EQ(session.Placement()[0].first, "node 'node0' (Add, opset 17)");
  EXPECT_EQ(session.Placement()[0].second, "cpu");
}

TEST(SessionTest, ProfilesEveryStep) {
  const LearningModelSession session = Open(AddModel({1000}));
  LearningModelBinding binding(session);
  binding.Bind("x", TensorFloat::Create({1000}));
  binding.Bind("y", TensorFloat::Create({1000}));
  const std::vector<ProfileEvent> events = session.Profile(binding);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].Node, "node 'node0' (Add, opset 17)");
  EXPECT_EQ(events[0].Bytes, 12000);
  EXPECT_GE(events[0].Start.count(), 0);
  EXPECT_GE(events[0].Duration.count(), 0);
}

TEST(DeviceTest, MissingDevicesAreNotReplaced) {
  for (const auto kind :
       {LearningModelDeviceKind::DirectX, LearningModelDeviceKind::DirectXHighPerformance,
        LearningModelDeviceKind::DirectXMinPower}) {
    EXPECT_EQ(Failure([&] { LearningModelDevice{kind}; }),
              "NotFound: there is no GPU device in this build of the library; use the device kind "
              "CPU or DEFAULT");
  }
  EXPECT_EQ(Failure([] { LearningModelDevice{static_cast<LearningModelDeviceKind>(9)}; }),
            "InvalidArgument: device kind 9 does not exist; use a value of MullionDeviceKind (0 to "
            "4)");
  EXPECT_EQ(LearningModelDevice(LearningModelDeviceKind::Default).Name(), "cpu");
  EXPECT_FALSE(LearningModelDevice::CpuLevel().empty());
}

TEST(LoadTest, MissingFilesAreNamed) {
  const std::string message = Failure([] { LearningModel::LoadFromFilePath("no such file.onnx"); });
  EXPECT_EQ(message.substr(0, 8), "NotFound");
  EXPECT_NE(message.find("no such file.onnx"), std::string::npos) << message;
}

TEST(LoadTest, BrokenFilesAreNamed) {
  const auto path = std::filesystem::temp_directory_path() / "mullion_api_broken.onnx";
  for (const std::string& bytes :
       {std::string(), std::string("this is no model"), AddModel({2}).substr(0, 40)}) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    const std::string message = Failure([&] { LearningModel::LoadFromFilePath(path); });
    EXPECT_EQ(message.substr(0, 12), "InvalidModel") << message;
    EXPECT_NE(message.find("mullion_api_broken.onnx"), std::string::npos) << message;
  }
  std::filesystem::remove(path);
}

TEST(SessionTest, FailuresNameModelNodeAndOperator) {
  const auto path = std::filesystem::temp_directory_path() / "mullion_api_unknown.onnx";
  const Message type = TensorType(1, {2});
  std::ofstream(path, std::ios::binary)
      << ModelBuilder().Input("x", type).Output("y", type).Node("Frobnicate", {"x"}, {"y"}).Build();
  const LearningModel model = LearningModel::LoadFromFilePath(path);
  const std::string message = Failure([&] { LearningModelSession{model}; });
  std::filesystem::remove(path);
  for (const char* part : {"mullion_api_unknown.onnx", "node0", "Frobnicate", "17"}) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  }
  EXPECT_EQ(message.substr(0, 11), "Unsupported") << message;
}

TEST(SessionTest, EvaluationFailuresNameTheNode) {
  // Indices are known at run time only.
  const LearningModelSession session = Open(ModelBuilder()
                                                .Input("x", TensorType(1, {3}))
                                                .Input("i", TensorType(7, {1}))
                                                .Output("y", TensorType(1, {1}))
                                                .Node("Gather", {"x", "i"}, {"y"})
                                                .Build());
  LearningModelBinding binding(session);
  binding.Bind("x", std::vector<float>{1, 2, 3});
  binding.Bind("i", int64_t{7});
  const std::string message = Failure([&] { session.Evaluate(binding); });
  EXPECT_EQ(message.substr(0, 10), "Evaluation") << message;
  EXPECT_NE(message.find("node0"), std::string::npos) << message;
  // The session survives.
  binding.Bind("i", int64_t{2});
  EXPECT_EQ(session.Evaluate(binding).Outputs().ValueAt(0).as<TensorFloat>().data()[0], 3.0f);
}

TEST(VersionTest, IsTheProjects) { EXPECT_STREQ(MullionVersion(), MULLION_PROJECT_VERSION); }

}  // namespace
}  // namespace mullion::test
