// SPDX-License-Identifier: MIT
// `mullion run`: what does the model say of these inputs?
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/str_cat.h"
#include "compiled/open_model.h"
#include "tools/commands.h"
#include "tools/engine.h"
#include "tools/failure.h"
#include "tools/image_file.h"
#include "tools/input_options.h"
#include "tools/json.h"
#include "tools/labels.h"
#include "tools/literal.h"
#include "tools/npy_file.h"
#include "tools/show.h"

namespace mullion::tools {

namespace {

namespace fs = std::filesystem;

struct RunArguments {
  std::string model;
  std::string image;
  std::vector<std::string> inputs;   // NAME=FILE or NAME=VALUE
  std::vector<std::string> outputs;  // NAME=FILE
  std::string labels;
  int top = 5;
  ImageFlags image_flags;
  InputOptions input_options;
  EngineOptions engine;
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
  throw Failure(kExitWrongUse, StrCat("--input: the model has no input '", name, "'; ",
                                      names.empty() ? "it has none" : "its inputs are ", names));
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

// "dog.jpg", "in/x.npy": what a user meant as a file, though none is there.
bool LooksLikeFile(const std::string& value) {
  static constexpr std::string_view kExtensions[] = {".npy", ".pb",   ".csv",  ".png",
                                                     ".jpg", ".jpeg", ".webp", ".bmp"};
  const std::string extension = fs::path(value).extension().string();
  std::error_code error;
  return fs::exists(value, error) || std::find(std::begin(kExtensions), std::end(kExtensions),
                                               extension) != std::end(kExtensions);
}

void RequireTensor(const FeatureInfo& input, const std::string& what) {
  if (input.type.IsTensor()) return;
  throw Failure(kExitWrongUse, StrCat(what, ": the input is ", input.type.ToString(),
                                      "; give a .pb file that holds such a value"));
}

class Runner {
 public:
  explicit Runner(const RunArguments& arguments)
      : arguments_(arguments),
        model_(ValueOrThrow(OpenModelFile(arguments.model))),
        engine_(arguments.model, arguments.engine),
        binding_(engine_.MakeBinding()) {
    if (!arguments.labels.empty()) labels_ = ReadLabels(arguments.labels);
  }

  int Run() {
    CheckOutputFiles();
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
    if (const std::string flag = arguments_.image_flags.Given(); !has_picture_ && !flag.empty()) {
      throw Failure(kExitWrongUse, StrCat(flag,
                                          " is about a picture, and there is none; give one "
                                          "with --image FILE or --input NAME=FILE"));
    }
    BindRest(bound);
  }

  void BindImage(const std::string& name, const std::string& path) {
    has_picture_ = true;
    const MullionImageOptions options = arguments_.image_flags.Options();
    Bind(binding_.get(), name, ReadImage(path).get(), &options);
  }

  void BindOne(const FeatureInfo& input, const std::string& value) {
    const std::string what = StrCat("--input ", input.name);
    const std::string extension = fs::path(value).extension().string();
    std::error_code error;
    if (!fs::is_regular_file(value, error)) {
      if (LooksLikeFile(value)) {
        throw Failure(kExitWrongUse, StrCat(what, ": there is no file '", value, "'"));
      }
      RequireTensor(input, what);
      Bind(binding_.get(), input.name, ToValue(ParseLiteral(value, input.type, what)).get());
    } else if (extension == ".npy") {
      Bind(binding_.get(), input.name, ToValue(ValueOrThrow(ReadNpy(value))).get());
    } else if (extension == ".pb") {
      const TensorFileValue read = ValueOrThrow(ReadTensorFile(value, input.type.kind));
      Bind(binding_.get(), input.name, ToValue(read).get());
    } else if (extension == ".csv") {
      RequireTensor(input, what);
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
    std::string names;
    for (const auto& [index, tensor] :
         MakeInputs(model_->inputs, bound, arguments_.input_options)) {
      const std::string& name = model_->inputs[index].name;
      Bind(binding_.get(), name, ToValue(tensor).get());
      names += StrCat(names.empty() ? "'" : ", '", name, "'");
    }
    if (names.empty()) return;
    std::cerr << "note: random values for " << names << "; give them with --input NAME=FILE\n";
  }

  // Before the work is done, what cannot be written.
  void CheckOutputFiles() const {
    for (const std::string& text : arguments_.outputs) {
      const Assignment wanted = Split(text, "--output");
      OutputNumber(wanted.name);
      const std::string extension = fs::path(wanted.value).extension().string();
      if (extension != ".npy" && extension != ".pb") {
        throw Failure(kExitWrongUse,
                      StrCat("--output: '", wanted.value, "' must end in .npy or .pb"));
      }
    }
  }

  size_t OutputNumber(const std::string& name) const {
    std::string names;
    for (size_t i = 0; i < model_->outputs.size(); ++i) {
      if (model_->outputs[i].name == name) return i;
      names += StrCat(i == 0 ? "'" : ", '", model_->outputs[i].name, "'");
    }
    throw Failure(kExitWrongUse, StrCat("--output: the model has no output '", name,
                                        "'; its outputs are ", names));
  }

  void WriteFiles(const std::vector<Handle<MullionValue>>& outputs) const {
    for (const std::string& text : arguments_.outputs) {
      const Assignment wanted = Split(text, "--output");
      const size_t number = OutputNumber(wanted.name);
      if (MullionValue_Kind(outputs[number].get()) != MULLION_FEATURE_TENSOR) {
        throw Failure(kExitWrongUse, StrCat("--output: '", wanted.name, "' is ",
                                            model_->outputs[number].type.ToString(),
                                            "; only tensors can be written"));
      }
      const Tensor tensor = ToTensor(outputs[number].get());
      if (fs::path(wanted.value).extension() == ".npy") {
        ThrowIfError(WriteNpy(wanted.value, tensor.view()));
      } else {
        ThrowIfError(WriteTensorFile(wanted.value, tensor.view(), wanted.name));
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
    std::cout << json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
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

  const RunArguments& arguments_;
  std::unique_ptr<Model> model_;
  Engine engine_;
  Handle<MullionBinding> binding_;
  std::vector<std::string> labels_;
  bool has_picture_ = false;
};

int RunModel(const RunArguments& arguments) {
  if (arguments.top < 0) throw Failure(kExitWrongUse, "--top must be 0 or more");
  OpenDevice(arguments.engine);
  return Runner(arguments).Run();
}

}  // namespace

void AddRun(CLI::App& app, int& exit_code) {
  CLI::App* const command = app.add_subcommand("run", "Evaluate a model once and show its outputs");
  const auto arguments = std::make_shared<RunArguments>();
  command->add_option("MODEL", arguments->model, "An ONNX file, or a compiled one")
      ->required()
      ->type_name("");
  command
      ->add_option("--image", arguments->image,
                   "A picture (JPEG, PNG, WebP, BMP) for the one input that takes one")
      ->type_name("FILE")
      ->group("Inputs");
  command
      ->add_option("--input", arguments->inputs,
                   "A picture, .npy, .pb or .csv file, or values like 1,2,3 or [[1,2],[3,4]]; "
                   "inputs without any get random values")
      ->type_name("NAME=FILE|VALUES")
      ->allow_extra_args(false)
      ->group("Inputs");
  arguments->input_options.AddTo(*command);
  arguments->image_flags.AddTo(*command);
  command->add_option("--output", arguments->outputs, "Write an output to a .npy or .pb file")
      ->type_name("NAME=FILE")
      ->allow_extra_args(false)
      ->group("Outputs");
  command
      ->add_option("--labels", arguments->labels,
                   "Names of the classes: one a line, \"INDEX,NAME\" a line, or JSON")
      ->type_name("FILE")
      ->group("Outputs");
  command->add_option("--top", arguments->top, "How many classes to show (default: 5)")
      ->type_name("K")
      ->group("Outputs");
  command->add_flag("--json", arguments->json, "Print one JSON object")->group("Outputs");
  arguments->engine.AddThreads(*command);
  arguments->engine.AddDevice(*command);
  arguments->engine.AddPrecision(*command);
  command->footer(
      "\nExamples:\n"
      "  mullion run model.onnx --image cat.jpg --labels labels.txt\n"
      "  mullion run model.onnx --image cat.jpg --pixel-format rgb --scale 1/255 \\\n"
      "      --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225\n"
      "  mullion run model.onnx --input x=values.npy --output y=result.npy\n"
      "  mullion run model.onnx --dim batch=2 --seed 1 --json\n"
      "\nJSON: model, device, outputs (name, type, shape, top: the K largest elements as index,\n"
      "label, value), ms.");
  command->callback([arguments, &exit_code] { exit_code = RunModel(*arguments); });
}

}  // namespace mullion::tools
