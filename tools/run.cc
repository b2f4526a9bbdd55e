// SPDX-License-Identifier: MIT
// `mullion run`: what does the model say of these inputs?
#include <chrono>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/str_cat.h"
#include "onnx/reader.h"
#include "tools/commands.h"
#include "tools/engine.h"
#include "tools/failure.h"
#include "tools/image_file.h"
#include "tools/input_options.h"
#include "tools/labels.h"
#include "tools/literal.h"
#include "tools/npy_file.h"
#include "tools/show.h"

namespace mullion::tools {

namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string model;
  std::string image;
  std::vector<std::string> inputs;   // NAME=FILE or NAME=VALUE
  std::vector<std::string> outputs;  // NAME=FILE
  std::string labels;
  int top = 5;
  ImageFlags image_flags;
  InputOptions input_options;
  EngineOptions engine;
  std::string precision = "fp32";
  bool json = false;
};

struct Assignment {
  std::string name;
  std::string value;
};

Assignment Split(const std::string& text, const char* flag) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw Failure(kExitWrongUse, StrCat(flag, " '", text, "' is not of the form NAME=",
                                        flag == std::string("--output") ? "FILE" : "FILE|VALUE"));
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

const FeatureInfo& FindInput(const Model& model, const std::string& name) {
  std::string names;
  for (const FeatureInfo& input : model.inputs) {
    if (input.name == name) return input;
    names += StrCat(names.empty() ? "'" : ", '", input.name, "'");
  }
  throw Failure(kExitWrongUse,
                StrCat("--input: the model has no input '", name, "'; its inputs are ", names));
}

// Whether a picture can be bound: an image feature, or a tensor of rank 4 with 1 or 3 channels.
bool TakesImage(const FeatureInfo& input) {
  if (input.denotation == "IMAGE") return true;
  const Shape& shape = input.type.shape;
  if (!input.type.IsTensor() || !input.type.has_shape || shape.rank() != 4) return false;
  const auto is_channels = [](int64_t dim) { return dim == 1 || dim == 3; };
  return is_channels(shape[1]) || is_channels(shape[3]);
}

const FeatureInfo& ImageInput(const Model& model) {
  const FeatureInfo* found = nullptr;
  for (const FeatureInfo& input : model.inputs) {
    if (!TakesImage(input)) continue;
    if (found != nullptr) {
      throw Failure(kExitWrongUse,
                    "--image: several inputs take a picture; name one with --input NAME=FILE");
    }
    found = &input;
  }
  if (found == nullptr) {
    throw Failure(kExitWrongUse,
                  "--image: no input takes a picture (rank 4 with 1 or 3 channels); see mullion "
                  "info");
  }
  return *found;
}

class Runner {
 public:
  explicit Runner(const Arguments& arguments)
      : arguments_(arguments),
        model_(ValueOrThrow(ReadModelFile(arguments.model))),
        engine_(arguments.model, arguments.engine),
        binding_(engine_.MakeBinding()) {
    if (!arguments.labels.empty()) labels_ = ReadLabels(arguments.labels);
  }

  int Run() {
    BindInputs();
    const auto start = std::chrono::steady_clock::now();
    const auto outputs = engine_.Evaluate(binding_.get());
    const std::chrono::duration<double, std::milli> elapsed =
        std::chrono::steady_clock::now() - start;
    WriteFiles(outputs);
    if (arguments_.json) {
      PrintJson(outputs, elapsed.count());
    } else {
      PrintText(outputs, elapsed.count());
    }
    return kExitDone;
  }

 private:
  void BindInputs() {
    std::set<std::string> bound;
    if (!arguments_.image.empty()) {
      const FeatureInfo& input = ImageInput(*model_);
      BindImage(input.name, arguments_.image);
      bound.insert(input.name);
    }
    for (const std::string& text : arguments_.inputs) {
      const Assignment given = Split(text, "--input");
      const FeatureInfo& input = FindInput(*model_, given.name);
      BindOne(input, given.value);
      bound.insert(input.name);
    }
    BindRest(bound);
  }

  void BindImage(const std::string& name, const std::string& path) {
    const MullionImageOptions options = arguments_.image_flags.Options();
    Bind(binding_.get(), name, ReadImage(path).get(), &options);
  }

  void BindOne(const FeatureInfo& input, const std::string& value) {
    const std::string what = StrCat("--input ", input.name);
    const std::string extension = fs::path(value).extension().string();
    std::error_code error;
    if (!fs::is_regular_file(value, error)) {
      if (extension == ".npy" || extension == ".pb" || extension == ".csv" || extension == ".png" ||
          extension == ".jpg" || extension == ".jpeg") {
        throw Failure(kExitWrongUse, StrCat(what, ": there is no file '", value, "'"));
      }
      Bind(binding_.get(), input.name, ToValue(ParseLiteral(value, input.type, what)).get());
    } else if (extension == ".npy") {
      Bind(binding_.get(), input.name, ToValue(ValueOrThrow(ReadNpy(value))).get());
    } else if (extension == ".pb") {
      const TensorFileValue read = ValueOrThrow(ReadTensorFile(value, input.type.kind));
      Bind(binding_.get(), input.name, ToValue(read).get());
    } else if (extension == ".csv") {
      Bind(binding_.get(), input.name, ToValue(ReadCsv(value, input.type, what)).get());
    } else if (IsImageFile(value)) {
      BindImage(input.name, value);
    } else {
      throw Failure(kExitWrongUse,
                    StrCat(what, ": '", value,
                           "' is no picture, .npy, .pb or .csv file; convert it to one of these"));
    }
  }

  // What was not given gets random values, and says so.
  void BindRest(const std::set<std::string>& bound) {
    std::vector<FeatureInfo> rest;
    std::vector<size_t> numbers;
    for (size_t i = 0; i < model_->inputs.size(); ++i) {
      if (bound.contains(model_->inputs[i].name)) continue;
      rest.push_back(model_->inputs[i]);
      numbers.push_back(i);
    }
    if (rest.empty()) return;
    const std::vector<Shape> shapes = ResolveShapes(rest, arguments_.input_options);
    std::string names;
    for (size_t i = 0; i < rest.size(); ++i) {
      const Tensor tensor = MakeInput(rest[i], numbers[i], shapes[i], arguments_.input_options);
      Bind(binding_.get(), rest[i].name, ToValue(tensor).get());
      names += StrCat(names.empty() ? "'" : ", '", rest[i].name, "'");
    }
    std::cerr << "note: random values for " << names << "; give them with --input NAME=FILE\n";
  }

  void WriteFiles(const std::vector<Handle<MullionValue>>& outputs) const {
    for (const std::string& text : arguments_.outputs) {
      const Assignment wanted = Split(text, "--output");
      size_t index = 0;
      while (index < outputs.size() && engine_.OutputName(index) != wanted.name) ++index;
      if (index == outputs.size()) {
        throw Failure(kExitWrongUse, StrCat("--output: the model has no output '", wanted.name,
                                            "'; see mullion info"));
      }
      if (MullionValue_Kind(outputs[index].get()) != MULLION_FEATURE_TENSOR) {
        throw Failure(kExitWrongUse,
                      StrCat("--output: '", wanted.name, "' is no tensor, so no file of it"));
      }
      const Tensor tensor = ToTensor(outputs[index].get());
      const std::string extension = fs::path(wanted.value).extension().string();
      if (extension == ".npy") {
        ThrowIfError(WriteNpy(wanted.value, tensor.view()));
      } else if (extension == ".pb") {
        ThrowIfError(WriteTensorFile(wanted.value, tensor.view(), wanted.name));
      } else {
        throw Failure(kExitWrongUse,
                      StrCat("--output: '", wanted.value, "' must end in .npy or .pb"));
      }
    }
  }

  void PrintText(const std::vector<Handle<MullionValue>>& outputs, double ms) const {
    for (size_t i = 0; i < outputs.size(); ++i) {
      ShowValue(engine_.OutputName(i), outputs[i].get(), arguments_.top, labels_);
    }
    std::cout << std::fixed << std::setprecision(2) << ms << " ms on the CPU\n";
  }

  void PrintJson(const std::vector<Handle<MullionValue>>& outputs, double ms) const {
    nlohmann::ordered_json json{{"model", arguments_.model}, {"device", "cpu"}};
    json["outputs"] = nlohmann::ordered_json::array();
    for (size_t i = 0; i < outputs.size(); ++i) {
      json["outputs"].push_back(OutputJson(engine_.OutputName(i), outputs[i].get()));
    }
    json["ms"] = ms;
    std::cout << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  }

  nlohmann::ordered_json OutputJson(const std::string& name, const MullionValue* value) const {
    nlohmann::ordered_json json{{"name", name}};
    if (MullionValue_Kind(value) != MULLION_FEATURE_TENSOR) {
      const bool sequence = MullionValue_Kind(value) == MULLION_FEATURE_SEQUENCE;
      json["type"] = sequence ? "sequence" : "other";
      json["shape"] = nlohmann::ordered_json::array();
      if (sequence) json["shape"].push_back(MullionValue_ItemCount(value));
      json["top"] = nlohmann::ordered_json::array();
      return json;
    }
    const Tensor tensor = ToTensor(value);
    json["type"] = ElementTypeName(tensor.type());
    json["shape"] = std::vector<int64_t>(tensor.shape().begin(), tensor.shape().end());
    json["top"] = nlohmann::ordered_json::array();
    if (tensor.type() == ElementType::kString) {
      const auto strings = tensor.span<std::string>();
      const auto most = std::min<size_t>(strings.size(), static_cast<size_t>(arguments_.top));
      for (size_t i = 0; i < most; ++i) {
        json["top"].push_back({{"index", i}, {"label", strings[i]}, {"value", strings[i]}});
      }
      return json;
    }
    for (const Ranked& row : LargestOf(tensor.view(), arguments_.top, labels_)) {
      json["top"].push_back({{"index", row.index}, {"label", row.label}, {"value", row.value}});
    }
    return json;
  }

  const Arguments& arguments_;
  std::unique_ptr<Model> model_;
  Engine engine_;
  Handle<MullionBinding> binding_;
  std::vector<std::string> labels_;
};

int Run(const Arguments& arguments) {
  if (arguments.top < 0) throw Failure(kExitWrongUse, "--top must be 0 or more");
  if (arguments.precision == "fp16") {
    throw Failure(kExitRefused,
                  "--precision fp16: this build computes in fp32 only; leave the flag out");
  }
  if (arguments.precision != "fp32") {
    throw Failure(kExitWrongUse,
                  StrCat("--precision '", arguments.precision, "' is not fp32 or fp16"));
  }
  return Runner(arguments).Run();
}

}  // namespace

void AddRun(CLI::App& app, int& exit_code) {
  CLI::App* const command = app.add_subcommand("run", "Evaluate a model once and show its outputs");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("MODEL", arguments->model, "An ONNX file")->required();
  command->add_option("--image", arguments->image,
                      "A picture (JPEG, PNG, WebP, BMP) for the one input that takes one");
  command->add_option("--input", arguments->inputs,
                      "NAME=FILE (a picture, .npy, .pb, .csv) or NAME=VALUE (like 1,2,3)");
  command->add_option("--output", arguments->outputs, "Write an output: NAME=FILE (.npy or .pb)");
  command->add_option("--labels", arguments->labels, "Names of the classes, one a line, or JSON");
  command->add_option("--top", arguments->top, "How many classes to show")->capture_default_str();
  arguments->image_flags.AddTo(*command);
  arguments->input_options.AddTo(*command);
  command->add_option("--threads", arguments->engine.threads, "Threads (0: all)");
  command->add_option("--device", arguments->engine.device, "Device")->capture_default_str();
  command->add_option("--precision", arguments->precision, "fp32 (fp16 is not in this build)")
      ->capture_default_str();
  command->add_flag("--json", arguments->json, "Print one JSON object");
  command->callback([arguments, &exit_code] { exit_code = Run(*arguments); });
}

}  // namespace mullion::tools
