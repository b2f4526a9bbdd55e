// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "api/fixtures.h"
#include "api/onnx_builder.h"

namespace mullion::test {
namespace {

std::string DescribedModel() {
  return ModelBuilder()
      .Input("x", TensorType(1, {"batch", 3}), "what x is")
      .Output("y", TensorType(1, {"batch", 3}))
      .Node("Relu", {"x"}, {"y"})
      .Metadata("Key", "value")
      .Metadata("KEY", "another")
      .Build();
}

TEST(LearningModelTest, TellsWhatTheFileSays) {
  const LearningModel model = Load(DescribedModel());
  EXPECT_EQ(model.Author(), "a producer");
  EXPECT_EQ(model.Name(), "a graph");
  EXPECT_EQ(model.Domain(), "a.domain");
  EXPECT_EQ(model.Description(), "a description");
  EXPECT_EQ(model.Version(), 7);
  EXPECT_EQ(model.Metadata().at("kEY"), "value");
  EXPECT_EQ(model.Metadata().size(), 1u);
}

TEST(LearningModelTest, DescribesFeatures) {
  const LearningModel model = Load(DescribedModel());
  ASSERT_EQ(model.InputFeatures().size(), 1u);
  const LearningModelFeatureDescriptor input = model.InputFeatures()[0];
  EXPECT_EQ(input.Name(), "x");
  EXPECT_EQ(input.Description(), "what x is");
  EXPECT_EQ(input.Kind(), LearningModelFeatureKind::Tensor);
  EXPECT_TRUE(input.IsRequired());
  const auto tensor = input.as<TensorFeatureDescriptor>();
  EXPECT_EQ(tensor.TensorKind(), TensorKind::Float);
  EXPECT_EQ(tensor.Shape(), (std::vector<int64_t>{-1, 3}));
  EXPECT_EQ(tensor.DimensionName(0), "batch");
  EXPECT_EQ(tensor.DimensionName(1), "");
  EXPECT_FALSE(input.try_as<ImageFeatureDescriptor>());
  EXPECT_EQ(Failure([&] { static_cast<void>(input.as<MapFeatureDescriptor>()); }),
            "InvalidArgument: the descriptor of 'x' is of another class; ask Kind() for it");
  EXPECT_EQ(model.OutputFeatures()[0].Name(), "y");
}

TEST(LearningModelTest, DescribesNestedFeatures) {
  const LearningModel model = Load(IdentityModel(SequenceType(MapType(7, TensorType(1, {})))));
  const auto sequence = model.InputFeatures()[0].as<SequenceFeatureDescriptor>();
  const auto map = sequence.ElementDescriptor().as<MapFeatureDescriptor>();
  EXPECT_EQ(map.KeyKind(), TensorKind::Int64);
  const auto value = map.ValueDescriptor().as<TensorFeatureDescriptor>();
  EXPECT_EQ(value.TensorKind(), TensorKind::Float);
  EXPECT_TRUE(value.Shape().empty());
}

TEST(LearningModelTest, FeaturesOutliveTheModel) {
  std::vector<LearningModelFeatureDescriptor> features;
  { features = Load(DescribedModel()).InputFeatures(); }
  EXPECT_EQ(features[0].Name(), "x");
}

TEST(LearningModelTest, LoadsFromStreams) {
  const std::string bytes = DescribedModel();
  std::istringstream stream("skipped" + bytes);
  stream.seekg(7);
  EXPECT_EQ(LearningModel::LoadFromStream(stream).Name(), "a graph");

  const auto read = [&](uint64_t offset, std::span<std::byte> into) {
    std::memcpy(into.data(), bytes.data() + offset, into.size());
    return true;
  };
  EXPECT_EQ(LearningModel::LoadFromStream(bytes.size(), read).Name(), "a graph");
}

TEST(LearningModelTest, ReaderFailuresComeBack) {
  const auto refuse = [](uint64_t, std::span<std::byte>) { return false; };
  EXPECT_EQ(Failure([&] { LearningModel::LoadFromStream(10, refuse); }).substr(0, 8), "NotFound");
  const auto fail = [](uint64_t, std::span<std::byte>) -> bool {
    throw std::runtime_error("the key is wrong");
  };
  EXPECT_THROW(LearningModel::LoadFromStream(10, fail), std::runtime_error);
}

TEST(LearningModelTest, LoadsCopiesOfFilesWithOddNames) {
  const auto path = std::filesystem::temp_directory_path() / u8"mullion tëst ☃.onnx";
  std::ofstream(path, std::ios::binary) << AddModel({2});
  const LearningModel model = LearningModel::LoadCopyFromFilePath(path);
  std::filesystem::remove(path);
  const LearningModelSession session(model);
  const auto result = session.EvaluateFeatures(
      std::map<std::string, std::vector<float>>{{"x", {1, 2}}, {"y", {3, 4}}});
  EXPECT_EQ(result.Outputs().Lookup("z").as<TensorFloat>().GetAsVectorView(),
            (std::vector<float>{4, 6}));
}

TEST(LearningModelTest, ClosesButCanStillBeRead) {
  const LearningModel model = Load(DescribedModel());
  const LearningModelSession session(model);
  model.Close();
  EXPECT_EQ(model.Author(), "a producer");
  EXPECT_EQ(model.InputFeatures()[0].Name(), "x");
  EXPECT_EQ(Failure([&] { LearningModelSession{model}; }),
            "Closed: model '<memory>' was closed; load it again to make a session");
  // The session that was there goes on.
  EXPECT_EQ(session.EvaluateFeatures(std::map<std::string, std::vector<float>>{{"x", {1, -2, 3}}})
                .Outputs()
                .Lookup("y")
                .as<TensorFloat>()
                .GetAsVectorView(),
            (std::vector<float>{1, 0, 3}));
}

TEST(LearningModelTest, ClosesByItselfWhenOnlySessionsAreLeft) {
  const LearningModelSession session = Open(DescribedModel());
  EXPECT_EQ(session.Model().Name(), "a graph");
  EXPECT_EQ(Failure([&] { LearningModelSession{session.Model()}; }).substr(0, 6), "Closed");
  const LearningModel model = Load(DescribedModel());
  const LearningModelSession first(model);
  EXPECT_TRUE(LearningModelSession(first.Model()));
}

TEST(LearningModelTest, LoadsFromACompiledFileWhereItIsFresh) {
  const auto folder = std::filesystem::path(testing::TempDir());
  const auto path = folder / "mullion_compiled_model.onnx";
  const auto compiled = folder / "mullion_compiled_model.mullion";
  const auto write = [&](const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  };
  write(DescribedModel());
  LearningModel model = LearningModel::LoadFromFilePath(path);
  EXPECT_FALSE(model.IsCompiled());
  LearningModelSession::Compile(model, LearningModelDevice(LearningModelDeviceKind::Cpu), {},
                                compiled);
  model = LearningModel::LoadFromFilePath(path, compiled);
  EXPECT_TRUE(model.IsCompiled()) << model.CompiledRefusal();
  EXPECT_EQ(model.CompiledRefusal(), "");
  EXPECT_EQ(model.Author(), "a producer");
  EXPECT_EQ(model.InputFeatures()[0].Name(), "x");
  EXPECT_TRUE(LearningModelSession(model));
  EXPECT_TRUE(LearningModel::LoadFromFilePath(compiled).IsCompiled());
  write(ModelBuilder()
            .Input("x", TensorType(1, {2}))
            .Output("y", TensorType(1, {2}))
            .Node("Relu", {"x"}, {"y"})
            .Build());
  model = LearningModel::LoadFromFilePath(path, compiled);
  EXPECT_FALSE(model.IsCompiled());
  EXPECT_NE(model.CompiledRefusal().find("compiled from other contents"), std::string::npos)
      << model.CompiledRefusal();
}

}  // namespace
}  // namespace mullion::test
