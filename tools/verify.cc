// SPDX-License-Identifier: MIT
// `mullion verify`: does a model give what its test data expect?
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/str_cat.h"
#include "tools/commands.h"
#include "tools/engine.h"
#include "tools/failure.h"
#include "tools/test_data.h"
#include "tools/value_compare.h"

namespace mullion::tools {

namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string model;
  std::string data;
  Tolerance tolerance;
  EngineOptions engine;
  bool json = false;
};

struct OutputResult {
  std::string set;
  std::string name;
  Comparison comparison;
};

// Numbered files belong to inputs without initializer, in order.
void BindInputs(const Engine& engine, const TestDataSet& set, MullionBinding* binding) {
  for (const auto& [index, path] : set.inputs) {
    if (index >= engine.input_count()) {
      throw Failure(kExitWrongUse, StrCat("'", path.string(), "' belongs to input ", index,
                                          ", but the model has ", engine.input_count()));
    }
    const ValueKind kind = KindOf(MullionModel_Input(engine.model(), index));
    const TensorFileValue value = ValueOrThrow(ReadTensorFile(path, kind));
    Bind(binding, engine.InputName(index), ToValue(value).get());
  }
}

void VerifySet(const Engine& engine, const TestDataSet& set, const Tolerance& tolerance,
               std::vector<OutputResult>& results) {
  const Handle<MullionBinding> binding = engine.MakeBinding();
  BindInputs(engine, set, binding.get());
  const auto outputs = engine.Evaluate(binding.get());
  const std::string name = set.folder.filename().string();
  for (const auto& [index, path] : set.outputs) {
    if (index >= outputs.size()) continue;
    const ValueKind kind = KindOf(MullionModel_Output(engine.model(), index));
    const TensorFileValue expected = ValueOrThrow(ReadTensorFile(path, kind));
    results.push_back(
        {name, engine.OutputName(index), CompareValues(outputs[index].get(), expected, tolerance)});
  }
  for (const auto& [index, path] : set.zip_maps) {
    if (index >= outputs.size()) continue;
    const TensorFileValue expected = ValueOrThrow(ReadTensorFile(path, ValueKind::kTensor));
    results.push_back({name, engine.OutputName(index),
                       CompareZipMap(outputs[index].get(), expected.tensor, tolerance)});
  }
}

void Print(const std::vector<OutputResult>& results, int passed, int failed, bool json) {
  if (json) {
    nlohmann::ordered_json object{{"passed", passed}, {"failed", failed}};
    object["outputs"] = nlohmann::ordered_json::array();
    for (const OutputResult& result : results) {
      object["outputs"].push_back({{"set", result.set},
                                   {"name", result.name},
                                   {"max_abs", result.comparison.max_abs},
                                   {"max_rel", result.comparison.max_rel},
                                   {"ok", result.comparison.ok}});
    }
    std::cout << object.dump(2) << "\n";
    return;
  }
  for (const OutputResult& result : results) {
    const Comparison& comparison = result.comparison;
    std::cout << (comparison.ok ? "ok     " : "FAILED ") << result.set << ' ' << result.name
              << ": largest difference " << StrCat(comparison.max_abs);
    if (!comparison.ok) std::cout << "; " << comparison.detail;
    std::cout << "\n";
  }
  std::cout << passed << " passed, " << failed << " failed\n";
}

int Run(const Arguments& arguments) {
  const Engine engine(arguments.model, arguments.engine);
  const fs::path folder =
      arguments.data.empty() ? fs::path(arguments.model).parent_path() : fs::path(arguments.data);
  const auto sets = FindTestData(folder.empty() ? fs::path(".") : folder);
  if (sets.empty()) {
    throw Failure(kExitWrongUse, StrCat("there is no test_data_set_* in '", folder.string(),
                                        "'; say with --data where the test data are"));
  }
  std::vector<OutputResult> results;
  for (const TestDataSet& set : sets) VerifySet(engine, set, arguments.tolerance, results);
  int failed = 0;
  for (const OutputResult& result : results) failed += result.comparison.ok ? 0 : 1;
  const int passed = static_cast<int>(results.size()) - failed;
  Print(results, passed, failed, arguments.json);
  return failed == 0 && passed > 0 ? kExitDone : kExitNo;
}

}  // namespace

void AddVerify(CLI::App& app, int& exit_code) {
  CLI::App* const command =
      app.add_subcommand("verify", "Compare a model's outputs with expected ones");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("MODEL", arguments->model, "An ONNX file")->required();
  command->add_option("--data", arguments->data,
                      "Folder with test_data_set_*/{input,output}_N.pb (default: the model's)");
  command->add_option("--rtol", arguments->tolerance.rtol, "Relative tolerance")
      ->capture_default_str();
  command->add_option("--atol", arguments->tolerance.atol, "Absolute tolerance")
      ->capture_default_str();
  command
      ->add_option("--atol-range", arguments->tolerance.atol_range,
                   "Absolute tolerance as a share of the expected output's range")
      ->capture_default_str();
  command->add_option("--threads", arguments->engine.threads, "Threads (0: all)");
  command->add_option("--device", arguments->engine.device, "Device")->capture_default_str();
  command->add_flag("--json", arguments->json, "Print one JSON object");
  command->callback([arguments, &exit_code] { exit_code = Run(*arguments); });
}

}  // namespace mullion::tools
