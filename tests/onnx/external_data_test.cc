// SPDX-License-Identifier: MIT
#include "onnx/external_data.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "tests/onnx/proto_builder.h"
#include "tests/onnx/temporary_folder.h"

namespace mullion {
namespace {

using namespace proto;  // NOLINT(build/namespaces)
using Entries = std::vector<std::pair<std::string, std::string>>;

Message ModelWith(const Entries& entries) {
  return ModelOf(Chain({MakeNode("Add", {"x", "w"}, {"y"})}, {ExternalTensor("w", {2}, entries)}));
}

Tensor WeightOf(const Model& model) { return model.graph->nodes().front()->input(1)->constant; }

TEST(ExternalData, IsReadFromTheModelsFolder) {
  const TemporaryFolder folder;
  folder.Write("sub/w.bin", std::string(8, '\0') + Raw({1, 2}) + "tail");
  const auto path = folder.Write(
      "m.onnx",
      ModelWith(
          {{"location", "sub/w.bin"}, {"offset", "8"}, {"length", "8"}, {"checksum", "whatever"}})
          .bytes);
  for (const bool copy : {false, true}) {
    ReadOptions options;
    options.copy_data = copy;
    const auto model = ReadModelFile(path, options);
    ASSERT_TRUE(model.ok()) << model.status().message();
    EXPECT_EQ(WeightOf(**model).span<float>()[1], 2.0f);
  }
}

TEST(ExternalData, LengthMayBeLeftOut) {
  const TemporaryFolder folder;
  folder.Write("w.bin", Raw({1, 2, 3}));
  const auto model = ReadModelFile(
      folder.Write("m.onnx", ModelWith({{"location", "w.bin"}, {"offset", "4"}}).bytes));
  ASSERT_TRUE(model.ok()) << model.status().message();
  EXPECT_EQ(WeightOf(**model).span<float>()[0], 2.0f);
}

TEST(ExternalData, ComesFromAReaderOfTheCaller) {
  const std::vector<float> values{3, 4};
  ReadOptions options;
  options.external_data_reader = [&](const std::string& location) -> Result<OwnedBytes> {
    if (location != "w.bin") return NotFound("no such blob");
    return OwnedBytes{{reinterpret_cast<const uint8_t*>(values.data()), 8}, nullptr};
  };
  const auto model = Read(ModelWith({{"location", "w.bin"}}), options);
  ASSERT_TRUE(model.ok()) << model.status().message();
  EXPECT_EQ(WeightOf(**model).span<float>()[1], 4.0f);
  EXPECT_NE(WeightOf(**model).data(), values.data()) << "without an owner the data are copied";
  EXPECT_EQ(ErrorOf(ModelWith({{"location", "v.bin"}}), options),
            "model 'm.onnx': initializer 'w': no such blob");
}

TEST(ExternalData, StaysBeneathTheFolder) {
  const TemporaryFolder folder;
  folder.Write("secret.bin", Raw({1, 2}));
  folder.Write("inside/w.bin", Raw({1, 2}));
  const auto inside = folder.path() / "inside";
  std::filesystem::create_symlink(folder.path() / "secret.bin", inside / "link.bin");
  std::filesystem::create_directory_symlink(folder.path(), inside / "up");
  std::filesystem::create_symlink(inside / "w.bin", inside / "good.bin");
  ReadOptions options;
  options.external_data_folder = inside;
  EXPECT_EQ(ErrorOf(ModelWith({{"location", "good.bin"}}), options), "");

  const std::string escapes[] = {"../secret.bin",
                                 "sub/../../secret.bin",
                                 (folder.path() / "secret.bin").string(),
                                 "link.bin",
                                 "up/secret.bin",
                                 "",
                                 std::string("w.bin\0x", 7)};
  for (const std::string& location : escapes) {
    const std::string error = ErrorOf(ModelWith({{"location", location}}), options);
    EXPECT_EQ(error.find("model 'm.onnx': initializer 'w': the file "), 0u) << error;
    EXPECT_NE(error.find("leaves the model's folder; only files beneath it are read"),
              std::string::npos)
        << error;
  }
}

TEST(ExternalData, RefusesWhatIsNotThere) {
  const TemporaryFolder folder;
  folder.Write("w.bin", Raw({1, 2}));
  ReadOptions options;
  options.external_data_folder = folder.path();
  const std::string start = "model 'm.onnx': initializer 'w': ";
  EXPECT_EQ(ErrorOf(ModelWith({{"location", "w.bin"}, {"offset", "4"}}), options),
            start +
                "its external data are bytes 4 to 4 + 8 of 'w.bin', which has only 8; the file "
                "is cut short, fetch it again");
  EXPECT_EQ(
      ErrorOf(ModelWith({{"location", "w.bin"}, {"offset", "18446744073709551612"}}), options),
      start +
          "its external data are bytes 18446744073709551612 to 18446744073709551612 + 8 of "
          "'w.bin', which has only 8; the file is cut short, fetch it again");
  EXPECT_EQ(ErrorOf(ModelWith({{"location", "w.bin"}, {"length", "4"}}), options),
            start + "its external data have 4 bytes but it needs 8; export the model again");
  EXPECT_EQ(ErrorOf(ModelWith({{"location", "w.bin"}, {"offset", "-4"}}), options),
            start +
                "the offset of its external data is '-4', which is no number of bytes; "
                "export the model again");
  const std::string missing = ErrorOf(ModelWith({{"location", "v.bin"}}), options);
  EXPECT_NE(missing.find("v.bin': No such file or directory"), std::string::npos) << missing;
  EXPECT_EQ(ErrorOf(ModelWith({{"location", "w.bin"}})),
            start +
                "its data are in the file 'w.bin', but a model from memory has no folder; give "
                "an external data folder or reader, or open the model by its path");
}

}  // namespace
}  // namespace mullion
