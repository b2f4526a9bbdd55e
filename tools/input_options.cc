// SPDX-License-Identifier: MIT
#include "tools/input_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string_view>

#include "base/str_cat.h"
#include "tools/failure.h"
#include "tools/random_values.h"

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

int64_t ParseSize(const std::string& text, const char* flag) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) {
    throw Failure(kExitWrongUse, StrCat(flag, ": '", text, "' is not a whole number of 0 or more"));
  }
  return value;
}

double ParseNumber(const std::string& text, const char* flag) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(value)) {
    throw Failure(kExitWrongUse, StrCat(flag, ": '", text, "' is not a number"));
  }
  return value;
}

// "1,3,224,224"; "" is a scalar.
Shape ParseShape(const std::string& text) {
  Shape shape;
  for (size_t begin = 0; !text.empty() && begin <= text.size();) {
    const size_t comma = std::min(text.find(',', begin), text.size());
    if (shape.rank() == kMaxRank) {
      throw Failure(kExitWrongUse, StrCat("--shape: '", text, "' has more than ", kMaxRank,
                                          " dimensions, which no tensor may have"));
    }
    shape.Append(ParseSize(text.substr(begin, comma - begin), "--shape"));
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

std::string DimName(const FeatureInfo& input, int axis) {
  const auto index = static_cast<size_t>(axis);
  return index < input.dim_names.size() ? input.dim_names[index] : "";
}

std::string Quoted(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += StrCat(list.empty() ? "'" : ", '", name, "'");
  return list;
}

// The names of all free dimensions, each once.
std::vector<std::string> FreeDimensions(const std::vector<FeatureInfo>& inputs) {
  std::vector<std::string> names;
  for (const FeatureInfo& input : inputs) {
    for (int axis = 0; axis < input.type.shape.rank(); ++axis) {
      if (input.type.shape[axis] >= 0) continue;
      const std::string name = DimName(input, axis);
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

void RequireInput(const std::vector<FeatureInfo>& inputs, const std::string& name,
                  const char* flag) {
  std::vector<std::string> names;
  for (const FeatureInfo& input : inputs) names.push_back(input.name);
  if (std::find(names.begin(), names.end(), name) != names.end()) return;
  throw Failure(kExitWrongUse,
                StrCat(flag, ": the model has no input '", name, "'; ",
                       names.empty() ? "it has none" : "its inputs are ", Quoted(names)));
}

struct NamedRange {
  std::string input;  // "" is all
  ValueRange range;
};

NamedRange ParseRange(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) {
    throw Failure(kExitWrongUse, StrCat("--range '", text, "' is not of the form [INPUT=]A:B"));
  }
  const size_t equals = text.rfind('=', colon);
  const size_t begin = equals == std::string::npos ? 0 : equals + 1;
  const ValueRange range{ParseNumber(text.substr(begin, colon - begin), "--range"),
                         ParseNumber(text.substr(colon + 1), "--range")};
  if (range.high < range.low) {
    throw Failure(kExitWrongUse, StrCat("--range '", text, "' ends below its beginning"));
  }
  return {equals == std::string::npos ? "" : text.substr(0, equals), range};
}

// A flag that names what the model has not is a slip of the user's.
void CheckNames(const std::vector<FeatureInfo>& inputs, const InputOptions& options) {
  const std::vector<std::string> dims = FreeDimensions(inputs);
  for (const std::string& text : options.dims) {
    const Assignment dim = Split(text, "--dim", "NAME=N");
    ParseSize(dim.value, "--dim");
    if (std::find(dims.begin(), dims.end(), dim.name) != dims.end()) continue;
    const std::string wanted = dim.name.empty() ? "without a name" : StrCat("'", dim.name, "'");
    throw Failure(kExitWrongUse, StrCat("--dim: no input has a free dimension ", wanted, "; there ",
                                        dims.empty() ? "is none"
                                                     : StrCat("are ", Quoted(dims),
                                                              ", which --dim NAME=N fixes")));
  }
  for (const std::string& text : options.shapes) {
    RequireInput(inputs, Split(text, "--shape", "INPUT=a,b,c").name, "--shape");
  }
  for (const std::string& text : options.fills) {
    RequireInput(inputs, Split(text, "--fill", "INPUT=V").name, "--fill");
  }
  for (const std::string& text : options.ranges) {
    const NamedRange range = ParseRange(text);
    if (!range.input.empty()) RequireInput(inputs, range.input, "--range");
  }
}

std::optional<int64_t> DimFromFlags(const std::string& name, const InputOptions& options) {
  for (const std::string& text : options.dims) {
    const Assignment dim = Split(text, "--dim", "NAME=N");
    if (dim.name == name) return ParseSize(dim.value, "--dim");
  }
  return std::nullopt;
}

// The shape of one input; what had to be assumed is added to `assumed`.
Shape ResolveShape(const FeatureInfo& input, const InputOptions& options, std::string& assumed) {
  for (const std::string& text : options.shapes) {
    const Assignment given = Split(text, "--shape", "INPUT=a,b,c");
    if (given.name == input.name) return ParseShape(given.value);
  }
  Shape shape = input.type.shape;
  const auto assume = [&](const std::string& what) {
    assumed += StrCat(assumed.empty() ? "" : ", ", what);
  };
  if (!input.type.has_shape) assume(StrCat(input.name, " a scalar"));
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] >= 0) continue;
    const std::string name = DimName(input, axis);
    if (const auto size = DimFromFlags(name, options); size.has_value()) {
      shape[axis] = *size;
      continue;
    }
    shape[axis] = SizeByName(name);
    assume(StrCat(input.name, "[", axis, "]", name.empty() ? "" : StrCat(" (", name, ")"), " = ",
                  shape[axis]));
  }
  return shape;
}

// What the values of an input mean, told by its name and type.
ValueRange UsualRange(const FeatureInfo& input) {
  const std::string name = Lower(input.name);
  if (ContainsAny(name, {"mask"})) return {1, 1};
  if (input.type.element_type == ElementType::kBool) return {0, 1};
  if (IsFloatingPoint(input.type.element_type)) return {-1, 1};
  if (ContainsAny(name, {"token_type", "segment"})) return {0, 0};
  if (input.type.element_type == ElementType::kUint8) return {0, 255};
  if (ContainsAny(name, {"token", "ids"})) return {1, 99};
  return {0, 9};
}

std::optional<ValueRange> RangeFromFlags(const std::string& input, const InputOptions& options) {
  for (const std::string& text : options.fills) {
    const Assignment fill = Split(text, "--fill", "INPUT=V");
    if (fill.name != input) continue;
    const double value = ParseNumber(fill.value, "--fill");
    return ValueRange{value, value};
  }
  std::optional<ValueRange> found;
  for (const std::string& text : options.ranges) {
    const NamedRange given = ParseRange(text);
    if (given.input == input || (given.input.empty() && !found.has_value())) found = given.range;
  }
  return found;
}

Tensor MakeInput(const FeatureInfo& input, size_t index, const Shape& shape,
                 const InputOptions& options) {
  const auto refuse = [&](const std::string& why) {
    throw Failure(kExitWrongUse, StrCat("input '", input.name, "': ", why));
  };
  if (!input.type.IsTensor()) {
    refuse(StrCat("there are no random values for ", input.type.ToString(), "; give it a file"));
  }
  auto made = Tensor::Allocate(input.type.element_type, shape);
  if (!made.ok()) refuse(made.status().message());
  Tensor tensor = *std::move(made);
  const std::optional<ValueRange> given = RangeFromFlags(input.name, options);
  const ValueRange range = given.value_or(UsualRange(input));
  if (!given.has_value() && input.type.element_type != ElementType::kBool &&
      !IsFloatingPoint(input.type.element_type) && ContainsAny(Lower(input.name), {"position"})) {
    FillWithPositions(tensor);
    return tensor;
  }
  const Status status = FillWithRandom(tensor, range, options.seed, index);
  if (!status.ok()) refuse(status.message());
  return tensor;
}

}  // namespace

void InputOptions::AddTo(CLI::App& app) {
  const auto add = [&](const char* flag, std::vector<std::string>& values, const char* what) {
    return app.add_option(flag, values, what)->allow_extra_args(false)->group("Inputs");
  };
  add("--dim", dims, "Fix a symbolic dimension; =N for all unnamed ones")->type_name("NAME=N");
  add("--shape", shapes, "The whole shape of one input")->type_name("INPUT=a,b,c");
  add("--fill", fills, "A constant for one input")->type_name("INPUT=V");
  add("--range", ranges, "The range of random values, of all inputs or of one")
      ->type_name("[INPUT=]A:B");
  app.add_option("--seed", seed, "Seed of the random values (default: 0)")
      ->type_name("N")
      ->group("Inputs");
}

std::map<size_t, Tensor> MakeInputs(const std::vector<FeatureInfo>& inputs,
                                    const std::set<std::string>& given,
                                    const InputOptions& options) {
  CheckNames(inputs, options);
  std::map<size_t, Tensor> made;
  std::string assumed;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (given.contains(inputs[i].name)) continue;
    made[i] = MakeInput(inputs[i], i, ResolveShape(inputs[i], options, assumed), options);
  }
  if (!assumed.empty()) {
    std::cerr << "note: assumed " << assumed << "; --dim NAME=N or --shape INPUT=a,b,c fixes it\n";
  }
  return made;
}

}  // namespace mullion::tools
