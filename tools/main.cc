// SPDX-License-Identifier: MIT
// The command `mullion`.
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>
#include <new>
#include <string>

#include "mullion/c/image_codecs.h"
#include "mullion/c/mullion.h"
#include "tools/commands.h"
#include "tools/failure.h"

namespace {

using mullion::tools::Failure;

// What CLI11 says is wrong, as one sentence with where to look.
int ReportWrongUse(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
  const auto used = app.get_subcommands();
  const auto rest = app.remaining(true);
  std::string sentence = error.what();
  if (used.empty()) {
    sentence = rest.empty() ? "say what to do" : "there is no command '" + rest.front() + "'";
  } else if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !rest.empty()) {
    const bool flag = rest.front().starts_with("-");
    sentence = (flag ? "there is no flag '" : "one argument too many: '") + rest.front() + "'";
  } else if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr) {
    // "Could not convert: --threads = x"
    const size_t flag = sentence.find("--");
    const size_t equals = sentence.find(" = ");
    if (flag < equals && equals != std::string::npos) {
      sentence = sentence.substr(flag, equals - flag) + ": '" + sentence.substr(equals + 3) +
                 "' is not a number that it takes";
    }
  }
  for (char& c : sentence) c = c == '\n' ? ' ' : c;
  const std::string command = used.empty() ? "mullion" : "mullion " + used.front()->get_name();
  std::cerr << "mullion: " << sentence << "; see " << command << " --help\n";
  return mullion::tools::kExitWrongUse;
}

int Report(const char* sentence, int exit_code) {
  std::cerr << "mullion: " << sentence << "\n";
  return exit_code;
}

void Describe(CLI::App& app) {
  app.set_version_flag("--version", std::string("mullion ") + MullionVersion(),
                       "Print the version and exit");
  app.set_help_flag("-h,--help", "Print this help and exit; COMMAND --help for more");
  app.get_formatter()->column_width(30);
  app.get_formatter()->label("REQUIRED", "");
  app.get_formatter()->label("OPTIONS", "FLAGS");
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.get_formatter()->label("Subcommands", "Commands");
  app.footer(
      "\nExit codes: 0 done; 1 the answer is no (verify, info --check); 2 wrong use; 3 the model "
      "or\n"
      "an input was refused; 4 an evaluation failed. Errors go to standard error, one sentence.\n"
      "\nThe environment variable MULLION_CPU forces an instruction level: scalar, sse4, avx2,\n"
      "avx512, avx512vnni, avx512fp16 or neon.");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Mullion runs ONNX models on this machine.\n"
      "  mullion run MODEL --image PICTURE --labels FILE   what does the model say of a picture?\n"
      "  mullion info MODEL                                what goes in, what comes out?\n"
      "  mullion bench MODEL                               how fast is it here?",
      "mullion"};
  app.require_subcommand(1);
  MullionImageDecoder_Set(MullionImage_DecodeTo);
  Describe(app);
  int exit_code = 0;
  for (const auto add :
       {mullion::tools::AddRun, mullion::tools::AddInfo, mullion::tools::AddBench,
        mullion::tools::AddVerify, mullion::tools::AddCompile, mullion::tools::AddConformance}) {
    add(app, exit_code);
  }
  try {
    app.parse(argc, argv);
    std::cout.flush();
    if (!std::cout) throw Failure(mullion::tools::kExitWrongUse, "cannot write standard output");
  } catch (const CLI::ParseError& error) {
    return ReportWrongUse(app, error);
  } catch (const Failure& failure) {
    return Report(failure.what(), failure.exit_code());
  } catch (const std::bad_alloc&) {
    return Report("out of memory; use smaller inputs or a smaller model",
                  mullion::tools::kExitEvaluation);
  } catch (const std::exception& error) {
    return Report(error.what(), mullion::tools::kExitEvaluation);
  }
  return exit_code;
}
