// SPDX-License-Identifier: MIT
#include "tools/literal.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

#include "base/element_traits.h"
#include "base/str_cat.h"
#include "tools/failure.h"

namespace mullion::tools {

namespace {

// The words of a literal and the shape that its brackets say.
struct Words {
  std::vector<std::string> words;
  bool bracketed = false;
  Shape shape;
};

[[noreturn]] void Refuse(const std::string& what, const std::string& why) {
  throw Failure(kExitWrongUse, StrCat(what, ": ", why));
}

// Counts items at each depth of brackets; lists of one depth must be of one length.
Words Split(const std::string& text, const std::string& what) {
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
      if (counts.size() == static_cast<size_t>(kMaxRank)) Refuse(what, "it is nested too deeply");
      counts.push_back(0);
      if (lengths.size() < counts.size()) lengths.push_back(-1);
    } else if (c == ']') {
      end_word();
      if (counts.empty()) Refuse(what, "a ']' has no '['");
      int64_t& length = lengths[counts.size() - 1];
      if (length >= 0 && length != counts.back()) Refuse(what, "its rows have different lengths");
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
  if (!counts.empty()) Refuse(what, "a '[' is not closed");
  for (const int64_t length : lengths) result.shape.Append(length);
  return result;
}

// The declared shape with one free dimension worked out, or a vector, for `count` elements.
Shape FitShape(const TypeInfo& type, int64_t count, const std::string& what) {
  if (!type.has_shape) return count == 1 ? Shape{} : Shape{count};
  Shape shape = type.shape;
  int free_axis = -1;
  int64_t known = 1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] >= 0) {
      known *= shape[axis];
    } else if (free_axis < 0) {
      free_axis = axis;
    } else {
      shape[axis] = 1;
    }
  }
  if (free_axis >= 0) shape[free_axis] = known > 0 ? count / known : 0;
  if (shape.ElementCount() != count) {
    Refuse(what, StrCat("it has ", count, " values, which do not make ", type.ToString()));
  }
  return shape;
}

template <typename T>
T ParseWord(const std::string& word, const std::string& what) {
  char* end = nullptr;
  if constexpr (std::is_same_v<T, bool>) {
    if (word == "true") return true;
    if (word == "false") return false;
    return std::strtoll(word.c_str(), &end, 10) != 0;
  } else if constexpr (std::is_integral_v<T>) {
    const long long value = std::strtoll(word.c_str(), &end, 10);
    if (*end != '\0') Refuse(what, StrCat("'", word, "' is not a whole number"));
    return static_cast<T>(value);
  } else {
    const double value = std::strtod(word.c_str(), &end);
    if (*end != '\0') Refuse(what, StrCat("'", word, "' is not a number"));
    return static_cast<T>(static_cast<ComputeType<T>>(value));
  }
}

Tensor MakeTensor(const std::vector<std::string>& words, ElementType element, const Shape& shape,
                  const std::string& what) {
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
    for (size_t i = 0; i < words.size(); ++i) data[i] = ParseWord<T>(words[i], what);
  });
  if (!known) {
    Refuse(what, StrCat("values of ", ElementTypeName(element), " cannot be typed; give a file"));
  }
  return tensor;
}

}  // namespace

Tensor ParseLiteral(const std::string& text, const TypeInfo& type, const std::string& what) {
  const Words words = Split(text, what);
  const auto count = static_cast<int64_t>(words.words.size());
  Shape shape = words.shape;
  if (!words.bracketed) {
    shape = FitShape(type, count, what);
  } else if (shape.ElementCount() != count) {
    Refuse(what, "its rows have different lengths");
  }
  return MakeTensor(words.words, type.element_type, shape, what);
}

Tensor ReadCsv(const std::string& path, const TypeInfo& type, const std::string& what) {
  std::ifstream file(path);
  if (!file) throw Failure(kExitWrongUse, StrCat(what, ": cannot open '", path, "'"));
  std::vector<std::string> words;
  int64_t rows = 0;
  int64_t columns = -1;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const std::vector<std::string> row = Split(line, what).words;
    if (row.empty()) continue;
    char* end = nullptr;
    const double first = std::strtod(row[0].c_str(), &end);
    static_cast<void>(first);
    if (rows == 0 && words.empty() && *end != '\0' && type.element_type != ElementType::kString) {
      continue;  // a heading
    }
    if (columns >= 0 && columns != static_cast<int64_t>(row.size())) {
      Refuse(what, StrCat("'", path, "' has rows of ", columns, " and of ", row.size(), " values"));
    }
    columns = static_cast<int64_t>(row.size());
    words.insert(words.end(), row.begin(), row.end());
    ++rows;
  }
  Shape shape{rows, std::max<int64_t>(columns, 0)};
  if (type.has_shape && type.shape.rank() != 2) {
    shape = FitShape(type, static_cast<int64_t>(words.size()), what);
  }
  return MakeTensor(words, type.element_type, shape, what);
}

}  // namespace mullion::tools
