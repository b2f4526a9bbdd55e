// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/platform.h"

namespace mullion {
namespace {

namespace fs = std::filesystem;

// A file of its own for each test, gone at its end.
class MappedFileTest : public testing::Test {
 protected:
  MappedFileTest()
      : path_(fs::temp_directory_path() /
              (std::string("mullion_mapped_") +
               testing::UnitTest::GetInstance()->current_test_info()->name())) {}
  ~MappedFileTest() override { std::remove(path_.string().c_str()); }

  void Write(const std::string& text) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << text;
  }
  static std::string ReadPart(const MappedFile& file, size_t offset, size_t length) {
    std::string part(length, '?');
    file.Read(offset, length, part.data());
    return part;
  }

  const fs::path path_;
};

TEST_F(MappedFileTest, ReadsParts) {
  const std::string text = std::string(10000, 'a') + "middle" + std::string(10000, 'z');
  Write(text);
  const auto file = MapFile(path_);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(ReadPart(**file, 9999, 8), "amiddlez");
  EXPECT_EQ(ReadPart(**file, 0, text.size()), text);
  EXPECT_EQ(ReadPart(**file, text.size(), 0), "");
}

TEST_F(MappedFileTest, ReadsWhatItWasOpenedWith) {
  Write("the old model");
  const auto file = MapFile(path_);
  ASSERT_TRUE(file.ok());
  std::remove(path_.string().c_str());
  EXPECT_EQ(ReadPart(**file, 4, 9), "old model");
  Write("the new model");
  EXPECT_EQ(ReadPart(**file, 4, 9), "old model");
}

TEST_F(MappedFileTest, ReadsFromAnotherFolder) {
  Write("model");
  const fs::path before = fs::current_path();
  fs::current_path(path_.parent_path());
  const auto file = MapFile(path_.filename());
  fs::current_path(before);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(ReadPart(**file, 0, 5), "model");
}

}  // namespace
}  // namespace mullion
