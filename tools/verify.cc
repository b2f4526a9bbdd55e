// SPDX-License-Identifier: MIT
// `mullion verify`: does a model give what its test data expect?
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/str_cat.h"
#include "compiled/open_model.h"
#include "tools/commands.h"
#include "tools/engine.h"
#include "tools/failure.h"
#include "tools/input_options.h"
#include "tools/json.h"
#include "tools/test_data.h"
#include "tools/value_compare.h"

namespace mullion::tools {

namespace {

namespace fs = std::filesystem;

struct VerifyArguments {
  std::string model;
  std::string data;
  Tolerance tolerance;
  InputOptions inputs;
  EngineOptions engine;
  bool json = false;
};

struct OutputResult {
  std::string set;
  std::string name;
  Comparison comparison;
};

// Numbered files belong to inputs without initializer, in order; inputs without a file get values
// as `run` makes them.
void BindInputs(const Engine& engine, const TestDataSet& set, const VerifyArguments& arguments,
                MullionBinding* binding) {
  std::set<std::string> given;
  for (const auto& [index, path] : set.inputs) {
    if (index >= engine.input_count()) continue;
    const ValueKind kind = KindOf(MullionModel_Input(engine.model(), index));
    const TensorFileValue value = ValueOrThrow(ReadTensorFile(path, kind));
    Bind(binding, engine.InputName(index), ToValue(value).get());
    given.insert(engine.InputName(index));
  }
  const std::unique_ptr<Model> model = ValueOrThrow(OpenModelFile(arguments.model));
  for (const auto& [index, tensor] : MakeInputs(model->inputs, given, arguments.inputs)) {
    Bind(binding, model->inputs[index].name, ToValue(tensor).get());
  }
}

void VerifySet(const Engine& engine, const TestDataSet& set, const VerifyArguments& arguments,
               std::vector<OutputResult>& results) {
  const Tolerance& tolerance = arguments.tolerance;
  const Handle<MullionBinding> binding = engine.MakeBinding();
  BindInputs(engine, set, arguments, binding.get());
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
    std::cout << object.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace)
              << "\n";
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

int RunVerify(const VerifyArguments& arguments) {
  const Tolerance& tolerance = arguments.tolerance;
  if (!(tolerance.rtol >= 0 && tolerance.atol >= 0 && tolerance.atol_range >= 0)) {
    throw Failure(kExitWrongUse, "a tolerance must be 0 or more");
  }
  const Engine engine(arguments.model, arguments.engine);
  const fs::path folder =
      arguments.data.empty() ? fs::path(arguments.model).parent_path() : fs::path(arguments.data);
  const auto sets = FindTestData(folder.empty() ? fs::path(".") : folder);
  if (sets.empty()) {
    throw Failure(kExitWrongUse, StrCat("there is no test_data_set_* in '", folder.string(),
                                        "'; say with --data where the test data are"));
  }
  std::vector<OutputResult> results;
  for (const TestDataSet& set : sets) VerifySet(engine, set, arguments, results);
  if (results.empty()) {
    throw Failure(kExitWrongUse, StrCat("no test_data_set_* in '", folder.string(),
                                        "' has an output_N.pb of this model's"));
  }
  int failed = 0;
  for (const OutputResult& result : results) failed += result.comparison.ok ? 0 : 1;
  const int passed = static_cast<int>(results.size()) - failed;
  Print(results, passed, failed, arguments.json);
  return failed == 0 ? kExitDone : kExitNo;
}

}  // namespace

void AddVerify(CLI::App& app, int& exit_code) {
  CLI::App* const command =
      app.add_subcommand("verify", "Compare a model's outputs with expected ones");
  const auto arguments = std::make_shared<VerifyArguments>();
  command->add_option("MODEL", arguments->model, "An ONNX file, or a compiled one")
      ->required()
      ->type_name("");
  command
      ->add_option("--data", arguments->data,
                   "Folder with test_data_set_*/{input,output}_N.pb (default: the model's)")
      ->type_name("DIR");
  command->add_option("--rtol", arguments->tolerance.rtol, "Relative tolerance (default: 1e-3)")
      ->type_name("X");
  command->add_option("--atol", arguments->tolerance.atol, "Absolute tolerance (default: 1e-7)")
      ->type_name("X");
  command
      ->add_option("--atol-range", arguments->tolerance.atol_range,
                   "Absolute tolerance as a share of the expected output's range (default: 0)")
      ->type_name("X");
  arguments->inputs.AddTo(*command);
  arguments->engine.AddThreads(*command);
  arguments->engine.AddDevice(*command);
  command->add_flag("--json", arguments->json, "Print one JSON object");
  command->footer(
      "\nA value a passes for the expected b when\n"
      "  |a - b| <= atol + atol-range * (largest b - smallest b) + rtol * |b|;\n"
      "integers, strings and booleans must be equal, and NaN equals NaN. Exits with 1 when an\n"
      "output fails.\n"
      "\nJSON: passed, failed, outputs (set, name, max_abs, max_rel, ok).");
  command->callback([arguments, &exit_code] { exit_code = RunVerify(*arguments); });
}

}  // namespace mullion::tools
