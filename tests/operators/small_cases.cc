// SPDX-License-Identifier: MIT
#include "tests/operators/small_cases.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <sstream>

#include "base/str_cat.h"
#include "devices/cpu/cpu_device.h"
#include "devices/cpu/kernels/elementwise/convert.h"
#include "graph/model.h"
#include "runtime/session.h"

namespace mullion {
namespace {

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

std::string WithoutMark(std::string type) {
  while (!type.empty() && (type.back() == '?' || type.back() == '*')) type.pop_back();
  return type;
}

std::vector<OperatorVersion> ReadVersions() {
  std::map<std::string, Words> sets;
  std::vector<OperatorVersion> versions;
  for (const std::string& line : LinesOf("specified_types.txt")) {
    Words words = SplitAtSpaces(line);
    if (words[0] == "set") {
      sets[words[1]] = Words(words.begin() + 2, words.end());
      continue;
    }
    OperatorVersion version;
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

std::map<std::string, std::vector<SmallCase>> ReadForms() {
  std::map<std::string, std::vector<SmallCase>> forms;
  for (const std::string& line : LinesOf("smallest_cases.txt")) {
    const Words parts = Split(line, '|');
    const Words head = SplitAtSpaces(parts[0]);
    SmallCase form;
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

// The newest ones that the opset knows, or the first; there may be several of one opset.
std::vector<SmallCase> FormsOf(const std::vector<SmallCase>& forms, int opset) {
  int since = forms.front().since;
  for (const SmallCase& form : forms) {
    if (form.since <= opset) since = std::max(since, form.since);
  }
  std::vector<SmallCase> chosen;
  for (const SmallCase& form : forms) {
    if (form.since == since) chosen.push_back(form);
  }
  return chosen;
}

// The nearest that a type has for the numbers of cases: 0 to 3, and whole.
double Within(ElementType range, double value) {
  if (range == ElementType::kBool) return value == 0 ? 0 : 1;
  if (range == ElementType::kInt2) return std::min(value, 1.0);
  if (range == ElementType::kFloat8E8M0) return value > 1 ? 2 : 1;  // powers of two
  return value;
}

Tensor Filled(ElementType type, const Shape& shape, const std::vector<double>& values,
              ElementType range) {
  Tensor tensor = *Tensor::Allocate(type, shape);
  const MutableTensorView view = tensor.mutable_view();
  std::vector<double> all(static_cast<size_t>(tensor.count()));
  for (size_t i = 0; i < all.size(); ++i) {
    all[i] = Within(range, i < values.size() ? values[i] : static_cast<double>(i % 4));
  }
  if (type == ElementType::kString) {
    for (size_t i = 0; i < all.size(); ++i) {
      view.span<std::string>()[i] = StrCat(static_cast<int64_t>(all[i]));
    }
  } else if (type == ElementType::kComplex64) {
    std::copy(all.begin(), all.end(), view.as<std::complex<float>>());
  } else if (type == ElementType::kComplex128) {
    std::copy(all.begin(), all.end(), view.as<std::complex<double>>());
  } else {
    cpu::ConvertElements(ElementType::kDouble, all.data(), type, view.data, all.size());
  }
  return tensor;
}

// "2,3=1,0" for shape and content.
Tensor Given(ElementType type, const std::string& text, ElementType range) {
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
  return Filled(type, shape, values, range);
}

AttributeValue ParseAttribute(const std::string& text, const Assignment& assignment,
                              const Assignment& range) {
  if (text[0] == '@') {
    const size_t bracket = text.find('[');
    const ElementType type = Resolve(assignment, text.substr(1, bracket - 1));
    if (bracket == std::string::npos) return static_cast<int64_t>(type);
    std::vector<double> values;
    for (const std::string& value :
         Split(text.substr(bracket + 1, text.size() - bracket - 2), ',')) {
      values.push_back(std::stod(value));
    }
    return Filled(type, {std::ssize(values)}, values, Resolve(range, text.substr(1, bracket - 1)));
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

// The model of a case, and what it is fed.
struct CaseModel {
  CaseModel(const TypedCase& typed, const Assignment& assignment, const CaseInputs& given);

  Model model;
  std::vector<Datum> fed;

 private:
  Value* Feed(Tensor tensor);
  // `given` is the input's word in smallest_cases.txt.
  Value* Input(const std::string& given, ElementType type, ElementType range,
               const std::function<void(Tensor&)>& touch);
};

Value* CaseModel::Feed(Tensor tensor) {
  FeatureInfo info;
  info.name = StrCat("x", fed.size());
  info.type = TypeInfo::Tensor(tensor.type(), tensor.shape());
  Value* const value = &model.graph->AddInput(info.name, info.type);
  model.inputs.push_back(std::move(info));
  fed.push_back(Datum::FromTensor(std::move(tensor)));
  return value;
}

Value* CaseModel::Input(const std::string& given, ElementType type, ElementType range,
                        const std::function<void(Tensor&)>& touch) {
  if (given == "_") return nullptr;
  if (given == "seq") {
    Value* items[2];
    for (Value*& item : items) {
      Tensor tensor = Filled(type, {2}, {}, range);
      touch(tensor);
      item = Feed(std::move(tensor));
    }
    return model.graph->AddNode("", "SequenceConstruct", 11, items, 1, "items").output(0);
  }
  const bool constant = given[0] == '!';
  Tensor tensor = Given(type, given.substr(constant ? 1 : 0), range);
  touch(tensor);
  if (constant) return &model.graph->AddConstant("c", std::move(tensor));
  return Feed(std::move(tensor));
}

CaseModel::CaseModel(const TypedCase& typed, const Assignment& assignment,
                     const CaseInputs& given) {
  const OperatorVersion& version = typed.version;
  const SmallCase& form = typed.form;
  const Assignment& range = given.range.empty() ? assignment : given.range;
  model.path = "case.onnx";
  model.graph = std::make_unique<Graph>();
  const size_t colon = version.name.find(':');
  const bool plain = colon == std::string::npos;
  const std::string domain = plain ? "" : version.name.substr(0, colon);
  const std::string name = plain ? version.name : version.name.substr(colon + 1);
  std::vector<Value*> inputs;
  for (size_t i = 0; i < form.inputs.size(); ++i) {
    if (i >= version.inputs.size() && version.inputs.back().back() != '*') break;  // newer ones
    const std::string letter = version.InputLetter(i);
    inputs.push_back(Input(form.inputs[i], Resolve(assignment, letter), Resolve(range, letter),
                           [&](Tensor& tensor) {
                             if (given.touch) given.touch(i, tensor);
                           }));
  }
  int outputs = 0;
  for (const std::string& type : version.outputs) {
    if (type.back() == '?' && outputs > 0) break;
    outputs += type.back() == '*' ? 2 : 1;
  }
  Node& node = model.graph->AddNode(domain, name, version.opset, inputs, outputs, "y");
  node.origin = {name, name, domain, version.opset, ""};
  for (const std::string& attribute : form.attributes) {
    const size_t equals = attribute.find('=');
    node.SetAttribute(attribute.substr(0, equals),
                      ParseAttribute(attribute.substr(equals + 1), assignment, range));
  }
  for (int i = 0; i < outputs; ++i) {
    model.graph->AddOutput(*node.output(i));
    FeatureInfo info;
    info.name = node.output(i)->name();
    model.outputs.push_back(std::move(info));
  }
}

void Collect(const Datum& datum, std::vector<Tensor>& tensors) {
  if (datum.IsTensor()) tensors.push_back(*datum.OwnedTensor());
  if (datum.sequence == nullptr) return;
  for (const Datum& item : datum.sequence->items) Collect(item, tensors);
}

// Letters that an input or an attribute of the case has: the others follow from these.
bool IsFree(const OperatorVersion& version, const SmallCase& form, const std::string& letter) {
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

void AssignTypes(TypedCase& typed) {
  const auto& [version, form, usual, assignments] = typed;
  for (const auto& [letter, types] : version.types) {
    if (!IsFree(version, form, letter)) continue;
    const auto base = form.bases.find(letter);
    typed.usual[letter] = base != form.bases.end() && Holds(types, base->second) ? base->second
                          : Holds(types, "float")                                ? "float"
                          : Holds(types, "int64")                                ? "int64"
                                                                                 : types.front();
  }
  for (const auto& [letter, base] : usual) {
    for (const std::string& type : version.types.at(letter)) {
      if (Holds(form.refused, type) || form.tied.count(letter) > 0) continue;
      Assignment assignment = usual;
      assignment[letter] = type;
      for (const auto& [follower, leader] : form.tied) {
        if (leader == letter) assignment[follower] = type;
      }
      typed.assignments.push_back(assignment);
      // And all letters that may be of the type.
      Assignment together = assignment;
      for (const auto& [other, types] : version.types) {
        if (usual.count(other) > 0 && Holds(types, type)) together[other] = type;
      }
      if (form.inputs.size() > 1 && together != assignment) typed.assignments.push_back(together);
    }
  }
}

}  // namespace

std::string OperatorVersion::InputLetter(size_t i) const {
  return WithoutMark(inputs[std::min(i, inputs.size() - 1)]);
}

std::string OperatorVersion::OutputLetter(size_t i) const {
  return WithoutMark(outputs[std::min(i, outputs.size() - 1)]);
}

bool SmallCase::Anything(size_t input) const {
  return inputs[input] != "_" && inputs[input].find('=') == std::string::npos;
}

std::vector<TypedCase> ReadTypedCases(Words* missing) {
  const auto forms = ReadForms();
  std::vector<TypedCase> cases;
  for (const OperatorVersion& version : ReadVersions()) {
    const auto found = forms.find(version.name);
    if (found == forms.end()) {
      missing->push_back(version.name);
      continue;
    }
    for (const SmallCase& form : FormsOf(found->second, version.opset)) {
      if (form.none) continue;
      TypedCase typed;
      typed.version = version;
      typed.form = form;
      AssignTypes(typed);
      cases.push_back(std::move(typed));
    }
  }
  return cases;
}

bool Holds(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

ElementType Resolve(const Assignment& assignment, const std::string& name) {
  const auto letter = assignment.find(name);
  return ElementTypeFromName(letter == assignment.end() ? name : letter->second);
}

std::string Describe(const TypedCase& typed, const Assignment& assignment) {
  std::string text = StrCat(typed.version.name, "-", typed.version.opset, " with");
  for (const auto& [letter, type] : assignment) text += StrCat(" ", letter, "=", type);
  return text;
}

CaseResult RunCase(const TypedCase& typed, const Assignment& assignment, const CaseInputs& inputs) {
  CaseModel made(typed, assignment, inputs);
  static const cpu::CpuDevice cpu;
  static const Device* const devices[] = {&cpu};
  SessionOptions options;
  options.threads = 1;
  CaseResult result;
  const auto session = Session::Create(made.model, devices, BuiltInOperators(), options);
  if (!session.ok()) {
    result.trouble = session.status().message();
    return result;
  }
  std::vector<Datum> outputs(made.model.outputs.size());
  const Status status = (*session)->Run(made.fed, outputs);
  if (!status.ok()) result.trouble = status.message();
  for (const Datum& output : outputs) Collect(output, result.outputs);
  return result;
}

std::vector<double> Numbers(const Tensor& tensor) {
  std::vector<double> numbers(static_cast<size_t>(tensor.count()));
  if (tensor.type() == ElementType::kString) {
    for (size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = std::strtod(tensor.span<std::string>()[i].c_str(), nullptr);
    }
  } else if (tensor.type() == ElementType::kComplex64) {
    for (size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = tensor.span<std::complex<float>>()[i].real();
    }
  } else if (tensor.type() == ElementType::kComplex128) {
    for (size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = tensor.span<std::complex<double>>()[i].real();
    }
  } else {
    cpu::ConvertElements(tensor.type(), tensor.data(), ElementType::kDouble, numbers.data(),
                         numbers.size());
  }
  return numbers;
}

}  // namespace mullion
