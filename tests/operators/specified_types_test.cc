// SPDX-License-Identifier: MIT
// Every element type that ONNX allows in any version of any operator is taken and runs, in a small
// case of the operator: a walk through specified_types.txt with the cases of smallest_cases.txt.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "base/element_traits.h"
#include "base/packed.h"
#include "base/str_cat.h"
#include "devices/cpu/cpu_device.h"
#include "graph/model.h"
#include "runtime/session.h"

namespace mullion {
namespace {

using Words = std::vector<std::string>;

Words Split(const std::string& text, char at) {
  Words parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, at);) parts.push_back(part);
  return parts;
}

Words SplitAtSpaces(const std::string& text) {
  Words parts;
  std::istringstream stream(text);
  for (std::string part; stream >> part;) parts.push_back(part);
  return parts;
}

Words LinesOf(const char* file) {
  Words lines;
  std::ifstream stream(std::string(MULLION_OPERATOR_TESTS) + "/" + file);
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty() && line[0] != '#') lines.push_back(line);
  }
  return lines;
}

// One version of an operator, from specified_types.txt.
struct Version {
  std::string name;  // with its domain before a colon where that is not ai.onnx
  int opset = 0;
  Words inputs, outputs;               // letters or types
  std::map<std::string, Words> types;  // of each letter
};

std::string WithoutMark(std::string type) {
  while (!type.empty() && (type.back() == '?' || type.back() == '*')) type.pop_back();
  return type;
}

std::vector<Version> ReadVersions() {
  std::map<std::string, Words> sets;
  std::vector<Version> versions;
  for (const std::string& line : LinesOf("specified_types.txt")) {
    Words words = SplitAtSpaces(line);
    if (words[0] == "set") {
      sets[words[1]] = Words(words.begin() + 2, words.end());
      continue;
    }
    Version version;
    version.name = words[0];
    version.opset = std::stoi(words[1]);
    int part = 0;  // inputs, outputs, letters
    for (size_t i = 3; i < words.size(); ++i) {
      if (words[i] == "->" || words[i] == ";") {
        ++part;
      } else if (part < 2) {
        (part == 0 ? version.inputs : version.outputs).push_back(words[i]);
      } else {
        const size_t equals = words[i].find('=');
        std::string set = words[i].substr(equals + 1);
        if (set.rfind("seq:", 0) == 0) set = set.substr(4);
        version.types[words[i].substr(0, equals)] = sets[set];
      }
    }
    versions.push_back(std::move(version));
  }
  return versions;
}

struct Form {
  int since = 1;
  bool none = false;
  Words inputs, attributes;
  std::map<std::string, std::string> bases;
  std::map<std::string, std::string> tied;  // letters that are of the type of another
  Words refused;                            // types that make no sense here
};

std::map<std::string, std::vector<Form>> ReadForms() {
  std::map<std::string, std::vector<Form>> forms;
  for (const std::string& line : LinesOf("smallest_cases.txt")) {
    const Words parts = Split(line, '|');
    const Words head = SplitAtSpaces(parts[0]);
    Form form;
    form.since = std::stoi(head[1]);
    form.none = head.size() > 2;
    if (parts.size() > 1) form.inputs = SplitAtSpaces(parts[1]);
    if (parts.size() > 2) form.attributes = SplitAtSpaces(parts[2]);
    if (parts.size() > 3) {
      for (const std::string& word : SplitAtSpaces(parts[3])) {
        const Words sides = Split(word, '=');
        if (word[0] == '!') {
          form.refused.push_back(word.substr(1));
        } else if (sides[1][0] == '@') {
          form.tied[sides[0]] = sides[1].substr(1);
        } else {
          form.bases[sides[0]] = sides[1];
        }
      }
    }
    for (const std::string& name : Split(head[0], ',')) forms[name].push_back(form);
  }
  return forms;
}

const Form* FormOf(const std::vector<Form>& forms, int opset) {
  const Form* best = nullptr;
  for (const Form& form : forms) {
    if (form.since <= opset && (best == nullptr || form.since >= best->since)) best = &form;
  }
  return best == nullptr && !forms.empty() ? &forms.front() : best;
}

Tensor Filled(ElementType type, const Shape& shape, const std::vector<double>& values) {
  Tensor tensor = *Tensor::Allocate(type, shape);
  const MutableTensorView view = tensor.mutable_view();
  const auto value = [&](size_t i) { return i < values.size() ? values[i] : double(i % 4); };
  if (type == ElementType::kString) {
    for (std::string& text : view.span<std::string>()) text = "1";
  } else if (type == ElementType::kBool) {
    size_t i = 0;
    for (bool& flag : view.span<bool>()) flag = value(i++) != 0;
  } else if (!DispatchType(NumericTypes{}, type, [&](auto tag) {
               using T = typename decltype(tag)::type;
               size_t i = 0;
               for (T& x : view.span<T>()) {
                 x = static_cast<T>(static_cast<ComputeType<T>>(value(i++)));
               }
             })) {
    const bool zero = IsSubByte(type) || value(0) == 0;
    std::memset(tensor.mutable_data(), zero ? 0 : 0x38, tensor.bytes());
  }
  return tensor;
}

// "2,3=1,0" for shape and content.
Tensor Given(ElementType type, const std::string& text) {
  const size_t equals = text.find('=');
  Shape shape;
  const std::string sizes = text.substr(0, equals);
  if (sizes != "()") {
    for (const std::string& size : Split(sizes, ',')) shape.Append(std::stoi(size));
  }
  std::vector<double> values;
  if (equals != std::string::npos) {
    for (const std::string& value : Split(text.substr(equals + 1), ',')) {
      values.push_back(std::stod(value));
    }
  }
  return Filled(type, shape, values);
}

// Which type each letter stands for.
using Assignment = std::map<std::string, std::string>;

ElementType Resolve(const Assignment& assignment, const std::string& name) {
  const auto letter = assignment.find(name);
  return ElementTypeFromName(letter == assignment.end() ? name : letter->second);
}

AttributeValue ParseAttribute(const std::string& text, const Assignment& assignment) {
  if (text[0] == '@') {
    const size_t bracket = text.find('[');
    const ElementType type = Resolve(assignment, text.substr(1, bracket - 1));
    if (bracket == std::string::npos) return static_cast<int64_t>(type);
    std::vector<double> values;
    for (const std::string& value :
         Split(text.substr(bracket + 1, text.size() - bracket - 2), ',')) {
      values.push_back(std::stod(value));
    }
    return Filled(type, {std::ssize(values)}, values);
  }
  if (text[0] == '\'') {
    std::string word = text.substr(1, text.size() - 2);
    if (word[0] == '@') {
      word = ElementTypeName(Resolve(assignment, word.substr(1)));
      for (char& c : word) c = static_cast<char>(std::toupper(c));
    }
    return word;
  }
  const bool real = text.find('.') != std::string::npos;
  if (text[0] != '[') {
    if (real) return std::stof(text);
    return int64_t{std::stoll(text)};
  }
  std::vector<int64_t> ints;
  std::vector<float> floats;
  Words words;
  for (const std::string& item : Split(text.substr(1, text.size() - 2), ',')) {
    if (item[0] == '\'') {
      words.push_back(item.substr(1, item.size() - 2));
    } else if (real) {
      floats.push_back(std::stof(item));
    } else {
      ints.push_back(std::stoll(item));
    }
  }
  if (!words.empty()) return words;
  if (real) return floats;
  return ints;
}

// What goes wrong when the case is made and run; empty when nothing does.
std::string Trouble(const Version& version, const Form& form, const Assignment& assignment) {
  Model model;
  model.path = "case.onnx";
  model.graph = std::make_unique<Graph>();
  Graph& graph = *model.graph;
  std::vector<Datum> fed;
  const auto feed = [&](Tensor tensor) {
    FeatureInfo info;
    info.name = StrCat("x", fed.size());
    info.type = TypeInfo::Tensor(tensor.type(), tensor.shape());
    Value* const value = &graph.AddInput(info.name, info.type);
    model.inputs.push_back(std::move(info));
    fed.push_back(Datum::FromTensor(std::move(tensor)));
    return value;
  };
  const size_t colon = version.name.find(':');
  const bool plain = colon == std::string::npos;
  const std::string domain = plain ? "" : version.name.substr(0, colon);
  const std::string name = plain ? version.name : version.name.substr(colon + 1);
  std::vector<Value*> inputs;
  for (size_t i = 0; i < form.inputs.size(); ++i) {
    if (i >= version.inputs.size() && version.inputs.back().back() != '*') break;  // newer ones
    const std::string letter = WithoutMark(version.inputs[std::min(i, version.inputs.size() - 1)]);
    const ElementType type = Resolve(assignment, letter);
    const bool constant = form.inputs[i][0] == '!';
    if (constant) {
      inputs.push_back(&graph.AddConstant("c", Given(type, form.inputs[i].substr(1))));
    } else if (form.inputs[i] == "seq") {
      Value* const items[] = {feed(Filled(type, {2}, {})), feed(Filled(type, {2}, {}))};
      Node& made = graph.AddNode("", "SequenceConstruct", 11, items, 1, "items");
      inputs.push_back(made.output(0));
    } else {
      inputs.push_back(form.inputs[i] == "_" ? nullptr : feed(Given(type, form.inputs[i])));
    }
  }
  int outputs = 0;
  for (const std::string& type : version.outputs) {
    if (type.back() == '?' && outputs > 0) break;
    outputs += type.back() == '*' ? 2 : 1;
  }
  Node& node = graph.AddNode(domain, name, version.opset, inputs, outputs, "y");
  node.origin = {name, name, domain, version.opset, ""};
  for (const std::string& attribute : form.attributes) {
    const size_t equals = attribute.find('=');
    node.SetAttribute(attribute.substr(0, equals),
                      ParseAttribute(attribute.substr(equals + 1), assignment));
  }
  for (int i = 0; i < outputs; ++i) {
    graph.AddOutput(*node.output(i));
    FeatureInfo info;
    info.name = node.output(i)->name();
    model.outputs.push_back(std::move(info));
  }
  static const cpu::CpuDevice cpu;
  static const Device* const devices[] = {&cpu};
  SessionOptions options;
  options.threads = 1;
  const auto session = Session::Create(model, devices, BuiltInOperators(), options);
  if (!session.ok()) return session.status().message();
  std::vector<Datum> results(static_cast<size_t>(outputs));
  const Status status = (*session)->Run(fed, results);
  if (!status.ok()) return status.message();
  for (size_t i = 0; i < results.size(); ++i) {
    const std::string letter = version.outputs[std::min(i, version.outputs.size() - 1)];
    const ElementType expected = Resolve(assignment, WithoutMark(letter));
    const ElementType actual = results[i].view.type;
    if (expected != ElementType::kUndefined && actual != ElementType::kUndefined &&
        actual != expected) {
      return StrCat("output ", i, " is of ", ElementTypeName(actual), ", not ",
                    ElementTypeName(expected));
    }
  }
  return "";
}

bool Holds(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Letters that an input or an attribute of the case has: the others follow from these.
bool IsFree(const Version& version, const Form& form, const std::string& letter) {
  for (size_t i = 0; i < version.inputs.size() && i < form.inputs.size(); ++i) {
    if (WithoutMark(version.inputs[i]) == letter) return true;
  }
  for (const std::string& attribute : form.attributes) {
    const size_t at = attribute.find("@" + letter);
    if (at == std::string::npos) continue;
    const size_t end = at + 1 + letter.size();
    if (end == attribute.size() || !std::isalnum(attribute[end])) return true;
  }
  return false;
}

TEST(SpecifiedTypes, AllAreTakenAndRun) {
  const auto forms = ReadForms();
  int versions = 0, cases = 0, failures = 0;
  for (const Version& version : ReadVersions()) {
    const auto found = forms.find(version.name);
    if (found == forms.end()) {
      ADD_FAILURE() << version.name << " has no case in smallest_cases.txt";
      continue;
    }
    const Form& form = *FormOf(found->second, version.opset);
    if (form.none) continue;
    ++versions;
    Assignment bases;
    for (const auto& [letter, types] : version.types) {
      if (!IsFree(version, form, letter)) continue;
      const auto base = form.bases.find(letter);
      bases[letter] = base != form.bases.end() && Holds(types, base->second) ? base->second
                      : Holds(types, "float")                                ? "float"
                      : Holds(types, "int64")                                ? "int64"
                                                                             : types.front();
    }
    std::vector<Assignment> assignments;
    for (const auto& [letter, base] : bases) {
      for (const std::string& type : version.types.at(letter)) {
        if (Holds(form.refused, type) || form.tied.count(letter) > 0) continue;
        Assignment assignment = bases;
        assignment[letter] = type;
        for (const auto& [follower, leader] : form.tied) {
          if (leader == letter) assignment[follower] = type;
        }
        assignments.push_back(assignment);
        // And all letters that may be of the type.
        Assignment together = assignment;
        for (const auto& [other, types] : version.types) {
          if (bases.count(other) > 0 && Holds(types, type)) together[other] = type;
        }
        if (form.inputs.size() > 1 && together != assignment) assignments.push_back(together);
      }
    }
    for (const Assignment& assignment : assignments) {
      ++cases;
      const std::string trouble = Trouble(version, form, assignment);
      if (trouble.empty()) continue;
      ++failures;
      std::string letters;
      for (const auto& [letter, type] : assignment) letters += StrCat(" ", letter, "=", type);
      ADD_FAILURE() << version.name << "-" << version.opset << " with" << letters << ": "
                    << trouble;
    }
  }
  std::printf("%d versions, %d cases, %d failures\n", versions, cases, failures);
}

}  // namespace
}  // namespace mullion
