// SPDX-License-Identifier: MIT
// `mullion compile`: a model to a file that loads at once.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <memory>
#include <string>

#include "tools/commands.h"
#include "tools/engine.h"
#include "tools/failure.h"

namespace mullion::tools {

namespace {

struct CompileArguments {
  std::string model;
  std::string output;
  EngineOptions engine;
};

int RunCompile(const CompileArguments& arguments) {
  const Handle<MullionDevice> device = OpenDevice(arguments.engine);
  MullionModel* loaded = nullptr;
  Check(MullionModel_LoadFromFilePath(arguments.model.c_str(), &loaded));
  const Handle<MullionModel> model(loaded);
  Check(MullionModel_Compile(loaded, device.get(), MakeSessionOptions(arguments.engine).get(),
                             arguments.output.c_str()));
  // Shows before somebody relies on the file that it can be opened.
  const Engine engine(arguments.model, arguments.engine, arguments.output);
  std::error_code error;
  const auto bytes = std::filesystem::file_size(arguments.output, error);
  std::cout << arguments.output << ": " << std::fixed << std::setprecision(1)
            << static_cast<double>(bytes) / (1 << 20) << " MiB for " << MullionCpuLevel() << "\n";
  return kExitDone;
}

}  // namespace

void AddCompile(CLI::App& app, int& exit_code) {
  CLI::App* const command =
      app.add_subcommand("compile", "Write a model to a file that loads at once");
  const auto arguments = std::make_shared<CompileArguments>();
  command->add_option("MODEL", arguments->model, "An ONNX file")->required()->type_name("");
  command->add_option("-o", arguments->output, "The file to write")->required()->type_name("FILE");
  arguments->engine.AddThreads(*command);
  command->footer(
      "\nThe file holds the optimized graph and the packed weights, which are used where they lie\n"
      "when it is mapped. It stands for the model in every command and in\n"
      "LearningModel::LoadFromFilePath. It is for this version of mullion and for the instruction\n"
      "set in use (see MULLION_CPU in mullion --help): elsewhere it is refused. Commands with the\n"
      "flag --compiled take MODEL instead where the file is refused, or was compiled from other\n"
      "contents than MODEL has now, and say so.\n"
      "\nExample:\n"
      "  mullion compile resnet50.onnx -o resnet50.mullion\n"
      "  mullion bench resnet50.onnx --compiled resnet50.mullion");
  command->callback([arguments, &exit_code] { exit_code = RunCompile(*arguments); });
}

}  // namespace mullion::tools
