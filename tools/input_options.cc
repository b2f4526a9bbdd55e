// SPDX-License-Identifier: MIT
#include "tools/input_options.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <random>
#include <string_view>

#include "base/element_traits.h"
#include "base/str_cat.h"
#include "tools/failure.h"

namespace mullion::tools {

namespace {

// "NAME=REST"; the name may be empty.
struct Assignment {
  std::string name;
  std::string value;
};

Assignment Split(const std::string& text, const char* flag, const char* form) {
  const size_t equals = text.rfind('=');
  if (equals == std::string::npos) {
    throw Failure(kExitWrongUse, StrCat(flag, " '", text, "' is not of the form ", form));
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

int64_t ParseInteger(const std::string& text, const char* flag) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Failure(kExitWrongUse, StrCat(flag, ": '", text, "' is not a whole number"));
  }
  return value;
}

double ParseNumber(const std::string& text, const char* flag) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') {
    throw Failure(kExitWrongUse, StrCat(flag, ": '", text, "' is not a number"));
  }
  return value;
}

Shape ParseShape(const std::string& text, const char* flag) {
  Shape shape;
  for (size_t begin = 0; begin < text.size();) {
    const size_t comma = std::min(text.find(',', begin), text.size());
    const int64_t dim = ParseInteger(text.substr(begin, comma - begin), flag);
    if (dim < 0 || shape.rank() == kMaxRank) {
      throw Failure(kExitWrongUse, StrCat(flag, ": '", text, "' is not a shape"));
    }
    shape.Append(dim);
    begin = comma + 1;
  }
  return shape;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

bool ContainsAny(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

bool IsAny(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

// The size that a free dimension of that name gets when no flag fixes it.
int64_t SizeByName(const std::string& dim_name) {
  const std::string name = Lower(dim_name);
  if (ContainsAny(name, {"past", "cache"})) return 8;
  if (ContainsAny(name, {"total"})) return 24;
  if (ContainsAny(name, {"batch"}) || IsAny(name, {"n", "b"})) return 1;
  if (ContainsAny(name, {"seq", "len", "token", "time", "frames"}) ||
      IsAny(name, {"t", "l", "s"})) {
    return 16;
  }
  if (ContainsAny(name, {"height", "width"}) || IsAny(name, {"h", "w"})) return 224;
  if (ContainsAny(name, {"chan"}) || name == "c") return 3;
  return 1;
}

std::optional<int64_t> DimFromFlags(const std::string& name, const InputOptions& options) {
  for (const std::string& text : options.dims) {
    const Assignment dim = Split(text, "--dim", "NAME=N");
    if (dim.name == name) return ParseInteger(dim.value, "--dim");
  }
  return std::nullopt;
}

bool HasInput(const std::vector<FeatureInfo>& inputs, const std::string& name) {
  return std::any_of(inputs.begin(), inputs.end(),
                     [&](const FeatureInfo& input) { return input.name == name; });
}

void RequireInput(const std::vector<FeatureInfo>& inputs, const std::string& name,
                  const char* flag) {
  if (HasInput(inputs, name)) return;
  std::string names;
  for (const FeatureInfo& input : inputs) {
    names += StrCat(names.empty() ? "" : ", ", "'", input.name, "'");
  }
  throw Failure(kExitWrongUse,
                StrCat(flag, ": the model has no input '", name, "'; its inputs are ", names));
}

// Low and high of the random values of an input.
struct Range {
  double low;
  double high;
};

std::optional<Range> RangeFromFlags(const std::string& input, const InputOptions& options) {
  std::optional<Range> found;
  for (const std::string& text : options.ranges) {
    const size_t colon = text.rfind(':');
    const size_t equals = text.rfind('=', colon);
    if (colon == std::string::npos) {
      throw Failure(kExitWrongUse, StrCat("--range '", text, "' is not of the form [INPUT=]A:B"));
    }
    const size_t begin = equals == std::string::npos ? 0 : equals + 1;
    const Range range{ParseNumber(text.substr(begin, colon - begin), "--range"),
                      ParseNumber(text.substr(colon + 1), "--range")};
    if (equals == std::string::npos) {
      if (!found.has_value()) found = range;
    } else if (text.substr(0, equals) == input) {
      found = range;
    }
  }
  return found;
}

// What integers of an input mean, told by its name.
Range IntegerRange(const FeatureInfo& input) {
  const std::string name = Lower(input.name);
  if (ContainsAny(name, {"mask"})) return {1, 1};
  if (input.type.element_type == ElementType::kUint8) return {0, 255};
  if (ContainsAny(name, {"input_ids", "token", "ids"})) return {1, 99};
  return {0, 9};
}

template <typename T>
void Fill(Tensor& tensor, double low, double high, bool whole, std::mt19937_64& random) {
  T* const data = static_cast<T*>(tensor.mutable_data());
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const double unit = static_cast<double>(random() >> 11) * 0x1.0p-53;  // [0, 1)
    const double value =
        whole ? std::floor(low + unit * (high - low + 1)) : low + unit * (high - low);
    data[i] = static_cast<T>(static_cast<ComputeType<T>>(value));
  }
}

}  // namespace

void InputOptions::AddTo(CLI::App& app) {
  app.add_option("--dim", dims, "Fix a symbolic dimension: NAME=N (=N for all unnamed ones)");
  app.add_option("--shape", shapes, "The whole shape of one input: INPUT=a,b,c");
  app.add_option("--fill", fills, "A constant for one input: INPUT=V");
  app.add_option("--range", ranges, "The range of random values: A:B, or INPUT=A:B for one input");
  app.add_option("--seed", seed, "Seed of the random values")->capture_default_str();
}

std::vector<Shape> ResolveShapes(const std::vector<FeatureInfo>& inputs,
                                 const InputOptions& options) {
  std::vector<Shape> shapes;
  std::string assumed;
  for (const FeatureInfo& input : inputs) {
    Shape shape = input.type.shape;
    for (int axis = 0; axis < shape.rank(); ++axis) {
      if (shape[axis] >= 0) continue;
      const auto index = static_cast<size_t>(axis);
      const std::string name = index < input.dim_names.size() ? input.dim_names[index] : "";
      if (const auto size = DimFromFlags(name, options); size.has_value()) {
        shape[axis] = *size;
        continue;
      }
      shape[axis] = SizeByName(name);
      assumed += StrCat(assumed.empty() ? "" : ", ", input.name, "[", axis, "]",
                        name.empty() ? "" : StrCat(" (", name, ")"), " = ", shape[axis]);
    }
    shapes.push_back(shape);
  }
  bool noted = !assumed.empty();
  for (const std::string& text : options.shapes) {
    const Assignment given = Split(text, "--shape", "INPUT=a,b,c");
    RequireInput(inputs, given.name, "--shape");
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i].name == given.name) shapes[i] = ParseShape(given.value, "--shape");
    }
    noted = noted && inputs.size() > options.shapes.size();
  }
  if (noted) std::cerr << "note: assumed " << assumed << "; --dim NAME=N fixes a size\n";
  return shapes;
}

Tensor MakeInput(const FeatureInfo& input, size_t index, const Shape& shape,
                 const InputOptions& options) {
  Tensor tensor = ValueOrThrow(Tensor::Allocate(input.type.element_type, shape));
  const bool whole = !IsFloatingPoint(input.type.element_type);
  Range range = whole ? IntegerRange(input) : Range{-1, 1};
  if (const auto given = RangeFromFlags(input.name, options); given.has_value()) range = *given;
  for (const std::string& text : options.fills) {
    const Assignment fill = Split(text, "--fill", "INPUT=V");
    if (fill.name != input.name) continue;
    range.low = range.high = ParseNumber(fill.value, "--fill");
  }
  std::seed_seq seed{options.seed, static_cast<uint64_t>(index)};
  std::mt19937_64 random(seed);
  const bool filled = DispatchType(NumericTypes{}, tensor.type(), [&](auto tag) {
    Fill<typename decltype(tag)::type>(tensor, range.low, range.high, whole, random);
  });
  if (!filled && tensor.type() == ElementType::kBool) {
    auto* const data = static_cast<bool*>(tensor.mutable_data());
    for (int64_t i = 0; i < tensor.count(); ++i) data[i] = range.low == 1 || (random() & 1) != 0;
  } else if (!filled && tensor.type() != ElementType::kString) {
    throw Failure(kExitWrongUse,
                  StrCat("input '", input.name, "' is ", input.type.ToString(),
                         ", for which there are no random values; give it with --input"));
  }
  return tensor;
}

}  // namespace mullion::tools
