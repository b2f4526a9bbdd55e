// SPDX-License-Identifier: MIT
// Every model and tensor file of the conformance suites, and every real model: they read, and what
// is written of them reads back equal. Skipped where the data are not.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "onnx/reader.h"
#include "onnx/tensor_file.h"
#include "onnx/writer.h"
#include "tests/onnx/graph_equality.h"

namespace mullion {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> FilesBelow(const fs::path& folder, const std::string& extension) {
  std::vector<fs::path> files;
  std::error_code missing;
  for (fs::recursive_directory_iterator it(folder, missing), end; it != end; ++it) {
    if (it->path().extension() == extension) files.push_back(it->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

const fs::path kConformance = MULLION_CONFORMANCE_DIR;
const fs::path kModels = fs::path(MULLION_SHARED_DIR) / "models";
// Debian's package libonnx-testdata.
const fs::path kDebian = "/usr/share/libonnx-testdata/data";

class Corpus : public testing::TestWithParam<fs::path> {
 protected:
  void SetUp() override {
    if (!fs::exists(GetParam())) GTEST_SKIP() << GetParam() << " does not exist";
  }
};

void ExpectRoundTrip(const Model& model, const fs::path& path) {
  const Result<std::string> bytes = WriteModel(model);
  ASSERT_TRUE(bytes.ok()) << path << ": " << bytes.status().message();
  const auto again =
      ReadModel({reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size()}, nullptr);
  ASSERT_TRUE(again.ok()) << path << ": " << again.status().message();
  EXPECT_EQ(FirstDifference(model, **again), "") << path;
}

TEST_P(Corpus, ModelsReadAndWrite) {
  int count = 0;
  for (const fs::path& path : FilesBelow(GetParam(), ".onnx")) {
    const auto model = ReadModelFile(path);
    ASSERT_TRUE(model.ok()) << model.status().message();
    const Status valid = (*model)->graph->Validate();
    EXPECT_TRUE(valid.ok()) << path << ": " << valid.message();
    ExpectRoundTrip(**model, path);
    ++count;
  }
  EXPECT_GT(count, 0) << "no models below " << GetParam();
}

// What file `index` holds: the suites number inputs without those that have an initializer.
ValueKind KindOf(const std::vector<FeatureInfo>& features, size_t index) {
  return index < features.size() ? features[index].type.kind : ValueKind::kTensor;
}

TEST_P(Corpus, TensorFilesRead) {
  for (const fs::path& path : FilesBelow(GetParam(), ".pb")) {
    const auto model = ReadModelFile(path.parent_path().parent_path() / "model.onnx");
    if (!model.ok()) continue;
    const std::string name = path.stem().string();
    const size_t index = std::stoul(name.substr(name.find('_') + 1));
    const bool input = name.rfind("input", 0) == 0;
    const ValueKind kind = KindOf(input ? (*model)->inputs : (*model)->outputs, index);
    const auto value = ReadTensorFile(path, kind);
    ASSERT_TRUE(value.ok()) << value.status().message();
    EXPECT_EQ(value->kind, kind) << path;
    EXPECT_EQ(static_cast<bool>(value->tensor), kind == ValueKind::kTensor) << path;
  }
}

std::string FolderName(const testing::TestParamInfo<fs::path>& info) {
  static const char* const kNames[] = {"conformance", "real_models", "debian"};
  return kNames[info.index];
}

INSTANTIATE_TEST_SUITE_P(Onnx, Corpus, testing::Values(kConformance, kModels, kDebian), FolderName);

}  // namespace
}  // namespace mullion
