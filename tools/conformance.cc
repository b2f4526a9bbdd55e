// SPDX-License-Identifier: MIT
// `mullion conformance`: how many of ONNX's own tests pass.
#include <fnmatch.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/str_cat.h"
#include "tools/commands.h"
#include "tools/engine.h"
#include "tools/failure.h"
#include "tools/json.h"
#include "tools/test_data.h"
#include "tools/value_compare.h"

namespace mullion::tools {

namespace {

namespace fs = std::filesystem;

struct ConformanceArguments {
  std::string root;
  std::string filter = "*";
  EngineOptions engine;
  bool json = false;
  bool verbose = false;
};

enum class Outcome { kStrict, kRandom, kPractical, kFailed, kUnsupported };

const char* NameOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kStrict:
      return "strict";
    case Outcome::kRandom:
      return "random";
    case Outcome::kPractical:
      return "practical";
    case Outcome::kFailed:
      return "failed";
    case Outcome::kUnsupported:
      return "unsupported";
  }
  return "";
}

struct TestResult {
  std::string name;
  Outcome outcome = Outcome::kFailed;
  std::string detail;
};

// Bernoulli's expected values come from a generator that the operator does not prescribe.
bool IsRandom(const std::string& name) { return name.starts_with("test_bernoulli"); }

Tolerance Practical(const std::string& name) {
  const bool transform = name.starts_with("test_dft") || name.starts_with("test_stft");
  return {1e-3, transform ? 1e-4 : 1e-5, 0};
}

// Type, shape, and every value 0 or 1.
Comparison CompareRandom(const MullionValue* actual, const TensorFileValue& expected) {
  const Tensor tensor = ToTensor(actual);
  Comparison result;
  result.ok = tensor.type() == expected.tensor.type() && tensor.shape() == expected.tensor.shape();
  DispatchType(TypeList<float, double>{}, tensor.type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (const T value : tensor.span<T>()) result.ok = result.ok && (value == 0 || value == 1);
  });
  if (!result.ok) result.detail = "it is not of zeros and ones in the expected shape";
  return result;
}

void Judge(const Engine& engine, const TestDataSet& set,
           const std::vector<Handle<MullionValue>>& outputs, TestResult& result) {
  if (set.outputs.size() != outputs.size()) {
    result.outcome = Outcome::kFailed;
    result.detail =
        StrCat("it has ", outputs.size(), " outputs where ", set.outputs.size(), " are expected");
    return;
  }
  for (const auto& [index, path] : set.outputs) {
    if (index >= outputs.size()) continue;
    const TensorFileValue expected =
        ValueOrThrow(ReadTensorFile(path, KindOf(MullionModel_Output(engine.model(), index))));
    const MullionValue* const actual = outputs[index].get();
    if (IsRandom(result.name)) {
      const Comparison random = CompareRandom(actual, expected);
      result.outcome = random.ok ? Outcome::kRandom : Outcome::kFailed;
      result.detail = random.detail;
      continue;
    }
    const Comparison strict = CompareValues(actual, expected, Tolerance());
    if (strict.ok) continue;
    result.detail = StrCat("output ", index, ": ", strict.detail);
    const bool practical = CompareValues(actual, expected, Practical(result.name)).ok;
    result.outcome = practical ? Outcome::kPractical : Outcome::kFailed;
    if (!practical) return;
  }
}

TestResult RunTest(const fs::path& folder, const EngineOptions& options) {
  TestResult result;
  result.name = folder.filename().string();
  try {
    const Engine engine((folder / "model.onnx").string(), options);
    result.outcome = Outcome::kStrict;
    for (const TestDataSet& set : FindTestData(folder)) {
      const Handle<MullionBinding> binding = engine.MakeBinding();
      for (const auto& [index, path] : set.inputs) {
        const ValueKind kind = KindOf(MullionModel_Input(engine.model(), index));
        const TensorFileValue value = ValueOrThrow(ReadTensorFile(path, kind));
        Bind(binding.get(), engine.InputName(index), ToValue(value).get());
      }
      Judge(engine, set, engine.Evaluate(binding.get()), result);
    }
  } catch (const Failure& failure) {
    result.detail = failure.what();
    const bool unsupported = failure.status_code() == StatusCode::kUnsupported;
    result.outcome = unsupported ? Outcome::kUnsupported : Outcome::kFailed;
  } catch (const std::exception& error) {
    result.detail = error.what();
    result.outcome = Outcome::kFailed;
  }
  return result;
}

std::vector<fs::path> FindTests(const ConformanceArguments& arguments) {
  std::vector<fs::path> tests;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(arguments.root, error)) {
    if (entry.path().filename() != "model.onnx") continue;
    const fs::path folder = entry.path().parent_path();
    const std::string name = folder.filename().string();
    if (fnmatch(arguments.filter.c_str(), name.c_str(), 0) != 0) continue;
    if (!FindTestData(folder).empty()) tests.push_back(folder);
  }
  if (error) {
    throw Failure(kExitWrongUse,
                  StrCat("cannot read the folder '", arguments.root, "': ", error.message()));
  }
  if (tests.empty()) {
    throw Failure(kExitWrongUse,
                  StrCat("there is no test (model.onnx beside test_data_set_*) named '",
                         arguments.filter, "' beneath '", arguments.root, "'"));
  }
  std::sort(tests.begin(), tests.end());
  return tests;
}

int Count(const std::vector<TestResult>& results, std::initializer_list<Outcome> outcomes) {
  return static_cast<int>(
      std::count_if(results.begin(), results.end(), [&](const TestResult& result) {
        return std::find(outcomes.begin(), outcomes.end(), result.outcome) != outcomes.end();
      }));
}

int RunConformance(const ConformanceArguments& arguments) {
  OpenDevice(arguments.engine);  // else every test would fail for one reason
  const std::vector<fs::path> tests = FindTests(arguments);
  const bool show_progress = !arguments.json && isatty(STDERR_FILENO) != 0;
  std::vector<TestResult> results;
  for (const fs::path& test : tests) {
    results.push_back(RunTest(test, arguments.engine));
    if (show_progress && results.size() % 20 == 0) {
      std::cerr << '\r' << results.size() << " of " << tests.size() << std::flush;
    }
  }
  if (show_progress) std::cerr << "\r\033[K";
  const int strict = Count(results, {Outcome::kStrict, Outcome::kRandom});
  const int practical = strict + Count(results, {Outcome::kPractical});
  const int failed = Count(results, {Outcome::kFailed});
  const int unsupported = Count(results, {Outcome::kUnsupported});
  if (arguments.json) {
    nlohmann::ordered_json json{{"total", results.size()},
                                {"strict", strict},
                                {"practical", practical},
                                {"failed", failed},
                                {"unsupported", unsupported}};
    json["tests"] = nlohmann::ordered_json::array();
    for (const TestResult& result : results) {
      json["tests"].push_back(
          {{"name", result.name}, {"result", NameOf(result.outcome)}, {"detail", result.detail}});
    }
    std::cout << json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)
              << "\n";
    return kExitDone;
  }
  for (const TestResult& result : results) {
    const bool passed = result.outcome == Outcome::kStrict || result.outcome == Outcome::kRandom;
    if (passed && !arguments.verbose) continue;
    std::cout << NameOf(result.outcome) << ' ' << result.name;
    if (!result.detail.empty()) std::cout << ": " << result.detail;
    std::cout << "\n";
  }
  std::cout << results.size() << " tests: " << strict << " strict, " << practical << " practical, "
            << failed << " failed, " << unsupported << " unsupported\n";
  return kExitDone;
}

}  // namespace

void AddConformance(CLI::App& app, int& exit_code) {
  CLI::App* const command =
      app.add_subcommand("conformance", "Run ONNX's own tests beneath a folder");
  const auto arguments = std::make_shared<ConformanceArguments>();
  command->add_option("ROOT", arguments->root, "Folder with tests at any depth")
      ->required()
      ->type_name("");
  command
      ->add_option("--filter", arguments->filter,
                   "Only tests whose name matches this pattern (default: *)")
      ->type_name("GLOB");
  arguments->engine.AddDevice(*command);
  command->add_flag("--verbose", arguments->verbose, "List tests that pass as well");
  command->add_flag("--json", arguments->json, "Print one JSON object on one line");
  command->footer(
      "\nA test is a folder with model.onnx and test_data_set_*. It passes strictly when all\n"
      "outputs are within rtol 1e-3 and atol 1e-7, and practically with atol 1e-5 (1e-4 for DFT\n"
      "and STFT). Random operators pass when type, shape and values are possible.\n"
      "\nJSON: total, strict, practical, failed, unsupported, tests (name, result, detail).");
  command->callback([arguments, &exit_code] { exit_code = RunConformance(*arguments); });
}

}  // namespace mullion::tools
