// SPDX-License-Identifier: MIT
#include "tools/test_data.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace mullion::tools {

namespace {

namespace fs = std::filesystem;

// The K of "prefixKsuffix".
std::optional<size_t> NumberIn(std::string_view name, std::string_view prefix,
                               std::string_view suffix) {
  if (!name.starts_with(prefix) || !name.ends_with(suffix) ||
      name.size() <= prefix.size() + suffix.size()) {
    return std::nullopt;
  }
  name = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
  size_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

TestDataSet ReadFolder(const fs::path& folder) {
  TestDataSet set;
  set.folder = folder;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (const auto input = NumberIn(name, "input_", ".pb")) set.inputs[*input] = entry.path();
    if (const auto output = NumberIn(name, "output_", ".pb")) set.outputs[*output] = entry.path();
    if (const auto zip = NumberIn(name, "output_", ".zipmap.pb")) set.zip_maps[*zip] = entry.path();
  }
  return set;
}

}  // namespace

std::vector<TestDataSet> FindTestData(const fs::path& folder) {
  std::vector<TestDataSet> sets;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (entry.is_directory() && entry.path().filename().string().starts_with("test_data_set_")) {
      sets.push_back(ReadFolder(entry.path()));
    }
  }
  std::sort(sets.begin(), sets.end(),
            [](const TestDataSet& a, const TestDataSet& b) { return a.folder < b.folder; });
  return sets;
}

}  // namespace mullion::tools
