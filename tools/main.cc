// SPDX-License-Identifier: MIT
// The command `mullion`.
#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>
#include <memory>
#include <vector>

#include "mullion/c/mullion.h"
#include "tools/commands.h"
#include "tools/failure.h"

namespace {

using mullion::tools::Failure;

// CLI11 says what is wrong; one sentence of it, with where to look.
int ReportWrongUse(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
  const auto used = app.get_subcommands();
  const std::string command = used.empty() ? "mullion" : "mullion " + used.front()->get_name();
  std::string sentence = error.what();
  for (char& c : sentence) c = c == '\n' ? ' ' : c;
  std::cerr << "mullion: " << sentence << "; see " << command << " --help\n";
  return mullion::tools::kExitWrongUse;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Mullion runs ONNX models on this machine.\n"
      "  mullion run MODEL --image PICTURE --labels FILE   what does the model say of a picture?\n"
      "  mullion info MODEL                                what goes in, what comes out?\n"
      "  mullion bench MODEL                               how fast is it here?"};
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("mullion ") + MullionVersion());
  app.get_formatter()->column_width(34);
  int exit_code = 0;
  for (const auto add : {mullion::tools::AddRun, mullion::tools::AddInfo, mullion::tools::AddBench,
                         mullion::tools::AddVerify, mullion::tools::AddConformance}) {
    add(app, exit_code);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ReportWrongUse(app, error);
  } catch (const Failure& failure) {
    std::cerr << "mullion: " << failure.what() << "\n";
    return failure.exit_code();
  } catch (const std::bad_alloc&) {
    std::cerr << "mullion: out of memory; use smaller inputs or a smaller model\n";
    return mullion::tools::kExitEvaluation;
  }
  return exit_code;
}
