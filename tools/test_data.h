// SPDX-License-Identifier: MIT
// ONNX's test data folders: `test_data_set_N/{input,output}_K.pb`.
#ifndef MULLION_TOOLS_TEST_DATA_H_
#define MULLION_TOOLS_TEST_DATA_H_

#include <filesystem>
#include <map>
#include <vector>

namespace mullion::tools {

struct TestDataSet {
  std::filesystem::path folder;
  std::map<size_t, std::filesystem::path> inputs;    // by number
  std::map<size_t, std::filesystem::path> outputs;   // by number
  std::map<size_t, std::filesystem::path> zip_maps;  // output_N.zipmap.pb
};

// Every test_data_set_* beneath `folder`, in order of name. Other files are ignored.
std::vector<TestDataSet> FindTestData(const std::filesystem::path& folder);

}  // namespace mullion::tools

#endif  // MULLION_TOOLS_TEST_DATA_H_
