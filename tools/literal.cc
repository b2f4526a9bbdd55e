// SPDX-License-Identifier: MIT
#include "tools/literal.h"

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

#include "base/element_traits.h"
#include "base/str_cat.h"
#include "tools/failure.h"

namespace mullion::tools {

namespace {

// Who is blamed for a bad tensor: what begins the message, and the exit code.
struct Source {
  std::string what;
  int exit_code = kExitWrongUse;
};

[[noreturn]] void Refuse(const Source& source, const std::string& why) {
  throw Failure(source.exit_code, StrCat(source.what, ": ", why));
}

// The words of a literal and the shape that its brackets say.
struct Words {
  std::vector<std::string> words;
  bool bracketed = false;
  Shape shape;
};

// Counts items at each depth of brackets; lists of one depth must be of one length.
Words Split(const std::string& text, const Source& source) {
  Words result;
  std::vector<int64_t> counts;
  std::vector<int64_t> lengths;
  std::string word;
  const auto end_word = [&] {
    if (word.empty()) return;
    result.words.push_back(word);
    word.clear();
    if (!counts.empty()) ++counts.back();
  };
  for (const char c : text) {
    if (c == '[') {
      result.bracketed = true;
      if (counts.size() == static_cast<size_t>(kMaxRank)) Refuse(source, "it is nested too deeply");
      counts.push_back(0);
      if (lengths.size() < counts.size()) lengths.push_back(-1);
    } else if (c == ']') {
      end_word();
      if (counts.empty()) Refuse(source, "a ']' has no '['");
      int64_t& length = lengths[counts.size() - 1];
      if (length >= 0 && length != counts.back()) Refuse(source, "its rows have different lengths");
      length = counts.back();
      counts.pop_back();
      if (!counts.empty()) ++counts.back();
    } else if (c == ',' || c == ' ' || c == ';' || c == '\t') {
      end_word();
    } else {
      word += c;
    }
  }
  end_word();
  if (!counts.empty()) Refuse(source, "a '[' is not closed");
  for (const int64_t length : lengths) result.shape.Append(length);
  return result;
}

// The declared shape with one free dimension worked out, or a vector, for `count` elements.
Shape FitShape(const TypeInfo& type, int64_t count, const Source& source) {
  if (!type.has_shape) return count == 1 ? Shape{} : Shape{count};
  Shape shape = type.shape;
  int free_axis = -1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] >= 0) continue;
    if (free_axis < 0) free_axis = axis;
    shape[axis] = 1;
  }
  const int64_t known = shape.CheckedElementCount().value_or(0);
  if (free_axis >= 0 && known > 0) shape[free_axis] = count / known;
  if (shape.CheckedElementCount() != count) {
    Refuse(source, StrCat("it has ", count, " values, which do not make ", type.ToString()));
  }
  return shape;
}

template <typename T>
T ParseWord(const std::string& word, ElementType element, const Source& source) {
  if constexpr (std::is_same_v<T, bool>) {
    if (word == "true" || word == "1") return true;
    if (word == "false" || word == "0") return false;
  } else if constexpr (std::is_integral_v<T>) {
    T value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error == std::errc() && end == word.data() + word.size()) return value;
  } else {
    char* end = nullptr;
    const double value = std::strtod(word.c_str(), &end);
    if (*end == '\0') return static_cast<T>(static_cast<ComputeType<T>>(value));
  }
  Refuse(source, StrCat("'", word, "' is no ", ElementTypeName(element)));
}

Tensor MakeTensor(const std::vector<std::string>& words, ElementType element, const Shape& shape,
                  const Source& source) {
  Tensor tensor = ValueOrThrow(Tensor::Allocate(element, shape));
  if (element == ElementType::kString) {
    std::copy(words.begin(), words.end(), static_cast<std::string*>(tensor.mutable_data()));
    return tensor;
  }
  using Types = TypeList<float, double, Float16, Bfloat16, int8_t, int16_t, int32_t, int64_t,
                         uint8_t, uint16_t, uint32_t, uint64_t, bool>;
  const bool known = DispatchType(Types{}, element, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* const data = static_cast<T*>(tensor.mutable_data());
    for (size_t i = 0; i < words.size(); ++i) data[i] = ParseWord<T>(words[i], element, source);
  });
  if (!known) {
    Refuse(source, StrCat("values of ", ElementTypeName(element), " cannot be typed; give a file"));
  }
  return tensor;
}

bool IsHeading(const std::vector<std::string>& row, const TypeInfo& type) {
  if (type.element_type == ElementType::kString) return false;
  char* end = nullptr;
  std::strtod(row[0].c_str(), &end);
  return *end != '\0';
}

}  // namespace

Tensor ParseLiteral(const std::string& text, const TypeInfo& type, const std::string& what) {
  const Source source{what, kExitWrongUse};
  const Words words = Split(text, source);
  const auto count = static_cast<int64_t>(words.words.size());
  Shape shape = words.shape;
  if (!words.bracketed) {
    shape = FitShape(type, count, source);
  } else if (shape.ElementCount() != count) {
    Refuse(source, "its rows have different lengths");
  }
  return MakeTensor(words.words, type.element_type, shape, source);
}

Tensor ReadCsv(const std::string& path, const TypeInfo& type, const std::string& what) {
  std::ifstream file(path);
  if (!file) throw Failure(kExitWrongUse, StrCat(what, ": cannot open '", path, "'"));
  const Source source{StrCat(what, ": '", path, "'"), kExitRefused};
  std::vector<std::string> words;
  int64_t rows = 0;
  int64_t columns = -1;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const std::vector<std::string> row = Split(line, source).words;
    if (row.empty() || (rows == 0 && IsHeading(row, type))) continue;
    if (columns >= 0 && columns != static_cast<int64_t>(row.size())) {
      Refuse(source, StrCat("it has rows of ", columns, " and of ", row.size(), " values"));
    }
    columns = static_cast<int64_t>(row.size());
    words.insert(words.end(), row.begin(), row.end());
    ++rows;
  }
  if (words.empty()) Refuse(source, "there are no values in it");
  Shape shape{rows, columns};
  if (type.has_shape && type.shape.rank() != 2) {
    shape = FitShape(type, static_cast<int64_t>(words.size()), source);
  }
  return MakeTensor(words, type.element_type, shape, source);
}

}  // namespace mullion::tools
