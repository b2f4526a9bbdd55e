// SPDX-License-Identifier: MIT
// Compares Mullion with ONNX Runtime on small random models, of one operator each and of chains of
// many. Started by tests/differential/run.
#include <fnmatch.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "base/str_cat.h"
#ifdef MULLION_WITH_CODECS
#include "mullion/c/image_codecs.h"
#endif
#include "onnx/tensor_file.h"
#include "onnx/writer.h"
#include "tests/differential/case.h"
#include "tests/differential/judge.h"
#include "tools/failure.h"

namespace mullion::differential {

namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string peer;
  std::string work;
  std::string list;
  std::string scripts;
  std::string only = "*";
  uint64_t seed = 1;
  int count = 8;
  int index = -1;  // only this one of each operator's cases
  int opset = 0;   // of ai.onnx at most, where not 0
  bool hostile = false;
  bool names = false;
  bool halves = false;
  bool realistic = false;
  ElementType typical_type = ElementType::kFloat;
  bool verbose = false;
};

struct Made {
  std::unique_ptr<Case> built;
  fs::path folder;
  std::string refusal;  // by our own inference; empty when it took the model
};

uint64_t SeedOf(uint64_t seed, const Subject& subject, int index) {
  uint64_t hash = 1469598103934665603u;  // FNV-1a
  for (const std::string_view text : {subject.domain, subject.name}) {
    for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211u;
  }
  return hash + seed * 1000003u + static_cast<uint64_t>(index) * 7919u;
}

std::string FullName(const Subject& subject) {
  return StrCat(subject.domain.empty() ? "ai.onnx" : subject.domain, ".", subject.name);
}

// Whether one of the patterns, which commas part, matches "Gelu" or "com.microsoft.Gelu".
bool Wanted(const std::string& patterns, const Subject& subject) {
  const std::string name(subject.name);
  const std::string full = FullName(subject);
  std::istringstream parts(patterns);
  for (std::string part; std::getline(parts, part, ',');) {
    if (fnmatch(part.c_str(), name.c_str(), 0) == 0) return true;
    if (fnmatch(part.c_str(), full.c_str(), 0) == 0) return true;
  }
  return false;
}

void Write(const Made& made, Case& built) {
  const fs::path data = made.folder / "test_data_set_0";
  fs::create_directories(data);
  tools::ThrowIfError(WriteModelFile(built.model(), made.folder / "model.onnx"));
  std::ofstream(made.folder / "model.onnx", std::ios::binary | std::ios::app) << built.functions;
  if (built.twinned()) {
    tools::ThrowIfError(WriteModelFile(built.peer_model(), made.folder / "peer.onnx"));
  }
  for (size_t i = 0; i < built.inputs().size(); ++i) {
    const TensorView view = built.inputs()[i].view();
    tools::ThrowIfError(
        WriteTensorFile(data / StrCat("input_", i, ".pb"), view, built.model().inputs[i].name));
  }
  std::ofstream(made.folder / "about.txt") << built.Describe() << "\n";
}

std::vector<Made> Generate(const Arguments& arguments, const std::vector<Subject>& subjects) {
  std::vector<Made> cases;
  fs::remove_all(arguments.work);
  for (const Subject& subject : subjects) {
    if (!Wanted(arguments.only, subject)) continue;
    if (subject.hostile_only && !arguments.hostile) continue;
    for (int i = 0; i < arguments.count * subject.times; ++i) {
      if (arguments.index >= 0 && arguments.index != i) continue;
      Made made;
      // The first of the realistic cases is the typical one.
      const Manner manner = !arguments.realistic ? Manner::kSmall
                            : i == 0             ? Manner::kTypical
                                                 : Manner::kRealistic;
      made.built = std::make_unique<Case>(subject, SeedOf(arguments.seed, subject, i), manner,
                                          arguments.typical_type);
      if (arguments.opset > 0) {
        made.built->set_opset(
            std::max(subject.first_opset, std::min(arguments.opset, made.built->opset())));
      }
      char name[96];
      std::snprintf(name, sizeof(name), "%s-%03d", std::string(subject.name).c_str(), i);
      made.folder = fs::path(arguments.work) / (std::string(subject.domain) + name);
      subject.make(*made.built);
      if (arguments.halves && !made.built->Halve(arguments.typical_type)) continue;
      if (arguments.hostile) Corrupt(*made.built);
      made.built->Finish(&made.refusal);
      Write(made, *made.built);
      cases.push_back(std::move(made));
    }
  }
  return cases;
}

std::string FirstLine(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Starts the peer again for the rest when a case brings it down.
void RunPeer(const Arguments& arguments) {
  const std::string command = StrCat("node '", arguments.scripts, "/peer.mjs' '", arguments.peer,
                                     "' '", arguments.work, "'");
  while (std::system(command.c_str()) != 0) {
    const std::string name = FirstLine(fs::path(arguments.work) / "current");
    if (name.empty()) throw tools::Failure(tools::kExitWrongUse, StrCat("failed: ", command));
    const fs::path answer = fs::path(arguments.work) / name / "peer.txt";
    if (fs::exists(answer)) throw tools::Failure(tools::kExitWrongUse, StrCat("failed: ", command));
    std::ofstream(answer) << "crashed";
  }
}

// Lines "pattern | reason"; the pattern is matched with "outcome description :: detail".
std::vector<std::string> ReadList(const std::string& path) {
  std::vector<std::string> patterns;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::string pattern = line.substr(0, line.find(" | "));
    // Brackets are those of shapes.
    std::string escaped;
    for (const char c : pattern)
      escaped += c == '[' || c == ']' ? std::string("\\") + c : std::string(1, c);
    patterns.push_back(escaped);
  }
  return patterns;
}

int Report(const std::vector<Verdict>& verdicts, const std::map<std::string, int>& per_operator) {
  std::map<std::string, int> counts;
  int wrong = 0;
  for (const Verdict& verdict : verdicts) {
    ++counts[verdict.outcome];
    wrong += verdict.disagrees ? 1 : 0;
  }
  int compared = 0;
  for (const auto& [name, agreed] : per_operator) compared += agreed > 0 ? 1 : 0;
  std::cout << verdicts.size() << " cases of " << per_operator.size() << " operators, " << compared
            << " of them with results that agree:";
  for (const auto& [outcome, count] : counts) std::cout << ' ' << count << ' ' << outcome << ';';
  std::cout << ' ' << wrong << " disagree\n";
  for (const auto& [name, agreed] : per_operator) {
    if (agreed == 0) std::cout << "  never compared: " << name << "\n";
  }
  return wrong;
}

int Run(Arguments& arguments) {
  const std::vector<Subject> subjects = AllSubjects();
  if (arguments.names) {
    for (const Subject& subject : subjects) {
      if (Wanted(arguments.only, subject)) std::cout << FullName(subject) << "\n";
    }
    return 0;
  }
  std::vector<Made> cases = Generate(arguments, subjects);
  if (arguments.realistic) return 0;
#ifdef MULLION_WITH_CODECS
  MullionImageDecoder_Set(MullionImage_DecodeTo);
#endif
  if (!arguments.hostile) RunPeer(arguments);
  const std::vector<std::string> listed = ReadList(arguments.list);
  std::vector<Verdict> verdicts;
  std::map<std::string, int> per_operator;
  for (Made& made : cases) {
    // Where a crash is ours, this says of whom.
    std::ofstream(fs::path(arguments.work) / "current") << made.folder.filename().string();
    const std::string peer = arguments.hostile ? "hostile" : FirstLine(made.folder / "peer.txt");
    Verdict verdict = Judge(*made.built, made.folder, peer, made.refusal);
    const std::string text =
        StrCat(verdict.outcome, " ", made.built->Describe(), " :: ", verdict.detail);
    if (verdict.disagrees) {
      for (const std::string& pattern : listed) {
        if (fnmatch(pattern.c_str(), text.c_str(), 0) != 0) continue;
        verdict.disagrees = false;
        verdict.outcome = "listed as the peer's";
        break;
      }
    }
    if (verdict.disagrees || arguments.verbose) {
      std::cout << made.folder.filename().string() << " " << verdict.outcome << ": "
                << verdict.detail << "\n    " << made.built->Describe() << "\n";
    }
    const Subject& subject = made.built->subject();
    per_operator[StrCat(subject.domain, subject.domain.empty() ? "" : ".", subject.name)] +=
        verdict.outcome == "agree" ? 1 : 0;
    verdicts.push_back(std::move(verdict));
  }
  return Report(verdicts, per_operator) == 0 ? 0 : 1;
}

}  // namespace

}  // namespace mullion::differential

int main(int argc, char** argv) {
  using namespace mullion;
  differential::Arguments arguments;
  CLI::App app{"Compares Mullion with ONNX Runtime on small random models of one operator each"};
  app.add_option("--peer", arguments.peer, "Folder with node_modules/onnxruntime-node");
  app.add_option("--work", arguments.work, "Folder for cases, emptied first")->required();
  app.add_option("--list", arguments.list, "Disagreements that are the peer's");
  app.add_option("--scripts", arguments.scripts, "Folder of peer.mjs");
  app.add_option("--only", arguments.only, "Only operators that match one of these patterns: a,b");
  app.add_option("--seed", arguments.seed, "Other cases for another seed (default: 1)");
  app.add_option("--count", arguments.count, "Cases of each operator (default: 8)");
  app.add_option("--index", arguments.index, "Only the case of this number of each operator");
  app.add_option("--opset", arguments.opset, "The newest version of ai.onnx to make cases of");
  app.add_flag("--hostile", arguments.hostile,
               "Put values out of range into inputs and attributes, and only see that nothing "
               "breaks; needs no peer");
  app.add_flag("--halves", arguments.halves,
               "Turn floats into the type that --type names, where the operator takes it; the peer "
               "computes in float");
  app.add_flag("--names", arguments.names, "Only print the names of operators");
  app.add_flag("--realistic", arguments.realistic,
               "Only write cases, of realistic sizes and the first of them typical, for "
               "bench/operators");
  std::string type = "float";
  app.add_option("--type", type, "Elements of typical cases where an operator has a choice");
  app.add_flag("--verbose", arguments.verbose, "Print every case");
  try {
    app.parse(argc, argv);
    arguments.typical_type = ElementTypeFromName(type);
    return differential::Run(arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    std::cerr << "differential: " << error.what() << "\n";
    return 2;
  }
}
