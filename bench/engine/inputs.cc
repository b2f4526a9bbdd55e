// SPDX-License-Identifier: MIT
#include "bench/engine/inputs.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <initializer_list>
#include <numeric>
#include <random>
#include <stdexcept>

#include "bench/engine/tensor_file.h"

namespace mullion::bench {

namespace {

// ONNX's numbers of element types.
enum Type { kFloat = 1, kUint8 = 2, kInt8 = 3, kBool = 9, kHalf = 10, kDouble = 11 };

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool HasAny(const std::string& text, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const char* word) { return text.find(word) != std::string::npos; });
}

bool IsAny(const std::string& text, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* word) { return text == word; });
}

int64_t SizeByName(const std::string& dim_name) {
  const std::string name = Lower(dim_name);
  if (HasAny(name, {"past", "cache"})) return 8;
  if (HasAny(name, {"total", "+"})) return 24;
  if (HasAny(name, {"batch", "num_sent"}) || IsAny(name, {"n", "b"})) return 1;
  if (HasAny(name, {"seq", "len", "token", "time", "frames"}) || IsAny(name, {"t", "l", "s"})) {
    return 16;
  }
  if (HasAny(name, {"height", "width"}) || IsAny(name, {"h", "w"})) return 224;
  if (HasAny(name, {"chan"}) || name == "c") return 3;
  return 1;
}

std::vector<int64_t> ShapeOf(const Feature& input, const InputFlags& flags) {
  if (const auto given = flags.shapes.find(input.name); given != flags.shapes.end()) {
    return given->second;
  }
  std::vector<int64_t> dims = input.dims;
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    if (dims[axis] >= 0) continue;
    const auto given = flags.dims.find(input.dim_names[axis]);
    dims[axis] = given != flags.dims.end() ? given->second : SizeByName(input.dim_names[axis]);
  }
  return dims;
}

struct Range {
  double low;
  double high;
};

Range RangeOf(const Feature& input, const InputFlags& flags) {
  if (const auto fill = flags.fills.find(input.name); fill != flags.fills.end()) {
    return {fill->second, fill->second};
  }
  for (const std::string& name : {input.name, std::string()}) {
    const auto given = flags.ranges.find(name);
    if (given != flags.ranges.end()) return {given->second.first, given->second.second};
  }
  const std::string name = Lower(input.name);
  if (HasAny(name, {"mask"})) return {1, 1};
  if (HasAny(name, {"use_cache"})) return {0, 0};
  if (input.type == kBool) return {0, 1};
  if (IsAny(std::to_string(input.type), {"1", "10", "11"})) return {-1, 1};
  if (HasAny(name, {"token_type", "segment"})) return {0, 0};
  if (HasAny(name, {"ids", "token", "indices"})) return {1, 99};
  if (input.type == kUint8) return {0, 255};
  if (input.type == kInt8) return {-128, 127};
  return {0, 9};
}

// Rounded to nearest even; values that a half holds as a normal number or 0.
uint16_t ToHalf(float value) {
  uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  const uint32_t sign = bits >> 16 & 0x8000;
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude < 0x38800000) return static_cast<uint16_t>(sign);
  const uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return static_cast<uint16_t>(sign | (rounded - 0x38000000) >> 13);
}

template <typename T, typename Make>
void Fill(Content& content, size_t count, Make make) {
  content.bytes.resize(count * sizeof(T));
  for (size_t i = 0; i < count; ++i) {
    const T value = static_cast<T>(make(i));
    std::memcpy(content.bytes.data() + i * sizeof(T), &value, sizeof(T));
  }
}

// Calls fill.operator()<T>() for the integer type of that number.
template <typename Call>
void ForInteger(int type, Call call) {
  switch (type) {
    case 2:
      return call(uint8_t{});
    case 3:
      return call(int8_t{});
    case 4:
      return call(uint16_t{});
    case 5:
      return call(int16_t{});
    case 6:
      return call(int32_t{});
    case 7:
      return call(int64_t{});
    case 9:
      return call(uint8_t{});
    case 12:
      return call(uint32_t{});
    case 13:
      return call(uint64_t{});
    default:
      throw std::runtime_error("no random values of ONNX's type " + std::to_string(type));
  }
}

Content MakeInput(const Feature& input, uint64_t stream, const InputFlags& flags) {
  Content content{input.type, ShapeOf(input, flags), {}, {}};
  const auto count =
      static_cast<size_t>(std::accumulate(content.dims.begin(), content.dims.end(), int64_t{1},
                                          [](int64_t a, int64_t b) { return a * b; }));
  std::mt19937_64 random(stream);
  const auto unit = [&] { return static_cast<double>(random() >> 11) * 0x1.0p-53; };
  const Range range = RangeOf(input, flags);
  const auto real = [&](size_t) { return range.low + (range.high - range.low) * unit(); };
  if (input.type == kFloat) {
    Fill<float>(content, count, real);
  } else if (input.type == kDouble) {
    Fill<double>(content, count, real);
  } else if (input.type == kHalf) {
    Fill<uint16_t>(content, count, [&](size_t i) { return ToHalf(static_cast<float>(real(i))); });
  } else {
    const bool position = HasAny(Lower(input.name), {"position"}) &&
                          !flags.fills.contains(input.name) && !flags.ranges.contains(input.name);
    const auto length = static_cast<size_t>(content.dims.empty() ? 1 : content.dims.back());
    const double low = std::ceil(range.low);
    const double values = std::floor(range.high) - low + 1;
    ForInteger(input.type, [&](auto tag) {
      Fill<decltype(tag)>(content, count, [&](size_t i) {
        return position ? static_cast<double>(i % length) : low + std::floor(unit() * values);
      });
    });
  }
  return content;
}

}  // namespace

std::vector<Content> MakeInputs(const std::vector<Feature>& inputs, const InputFlags& flags) {
  std::vector<Content> contents;
  for (const Feature& input : inputs) {
    const std::string file = flags.data + "/input_" + std::to_string(contents.size()) + ".pb";
    contents.push_back(flags.data.empty() ? MakeInput(input, contents.size(), flags)
                                          : ReadTensorFile(file));
  }
  return contents;
}

}  // namespace mullion::bench
