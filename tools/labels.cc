// SPDX-License-Identifier: MIT
#include "tools/labels.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>

#include "base/platform.h"
#include "base/str_cat.h"
#include "tools/failure.h"
#include "tools/json.h"

namespace mullion::tools {

namespace {

// No model has more classes than this; it bounds what an index in a file may make us hold.
constexpr size_t kMostLabels = 10'000'000;

struct Line {
  std::optional<size_t> index;
  std::string text;
};

Line Parse(std::string line) {
  if (!line.empty() && line.back() == '\r') line.pop_back();
  size_t index = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), index);
  const auto used = static_cast<size_t>(end - line.data());
  if (error != std::errc() || used >= line.size() ||
      (line[used] != ',' && line[used] != ' ' && line[used] != '\t' && line[used] != ':')) {
    return {std::nullopt, line};
  }
  size_t begin = used + 1;
  while (begin < line.size() && line[begin] == ' ') ++begin;
  return {index, line.substr(begin)};
}

void Put(std::vector<std::string>& labels, size_t index, std::string text) {
  if (index >= kMostLabels) return;
  if (labels.size() <= index) labels.resize(index + 1);
  labels[index] = std::move(text);
}

std::vector<std::string> FromJson(const std::string& text, const std::string& path) {
  const auto json = nlohmann::ordered_json::parse(text, nullptr, false);
  std::vector<std::string> labels;
  if (json.is_array()) {
    for (const auto& item : json) {
      labels.push_back(item.is_string() ? item.get<std::string>() : item.dump());
    }
    return labels;
  }
  if (json.is_object()) {
    for (const auto& [key, item] : json.items()) {
      const Line line = Parse(key + ",");
      if (line.index.has_value()) {
        Put(labels, *line.index, item.is_string() ? item.get<std::string>() : item.dump());
      }
    }
    return labels;
  }
  throw Failure(kExitWrongUse, StrCat("the labels '", path, "' are no JSON array or object"));
}

}  // namespace

std::vector<std::string> ReadLabels(const std::string& path) {
  const auto file = ValueOrThrow(MapFile(path));
  const std::string text(reinterpret_cast<const char*>(file->data()), file->size());
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && (text[first] == '[' || text[first] == '{')) {
    return FromJson(text, path);
  }
  std::vector<Line> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty()) lines.push_back(Parse(line));
  }
  // Numbers count as indices only if every line has one; "7 Up" may be a label.
  const bool numbered = std::all_of(lines.begin(), lines.end(),
                                    [](const Line& line) { return line.index.has_value(); });
  std::vector<std::string> labels;
  if (numbered) {
    for (Line& line : lines) Put(labels, *line.index, std::move(line.text));
    return labels;
  }
  std::istringstream again(text);
  for (std::string line; std::getline(again, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) labels.push_back(line);
  }
  return labels;
}

}  // namespace mullion::tools
