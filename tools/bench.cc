// SPDX-License-Identifier: MIT
// `mullion bench`: how fast a model is on this machine.
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/str_cat.h"
#include "compiled/open_model.h"
#include "tools/commands.h"
#include "tools/engine.h"
#include "tools/failure.h"
#include "tools/input_options.h"
#include "tools/json.h"

namespace mullion::tools {

namespace {

struct BenchArguments {
  std::string model;
  InputOptions inputs;
  EngineOptions engine;
  int runs = 50;
  int warmup = 5;
  bool profile = false;
  std::string trace;
  std::string compiled;
  bool json = false;
};

double NowMs() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// CPU time of the whole process.
double CpuMs() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

double PeakRssMib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;  // Linux counts in KiB
}

struct Times {
  double load_ms = 0;
  double first_ms = 0;
  double cpu_ms_per_run = 0;
  std::vector<double> runs_ms;  // sorted

  double At(double share) const {
    const auto last = static_cast<double>(runs_ms.size() - 1);
    return runs_ms[static_cast<size_t>(share * last + 0.5)];
  }
};

// Inputs of random values, and the outputs of a first evaluation bound as memory for the next.
void BindAll(const Engine& engine, const BenchArguments& arguments, MullionBinding* binding,
             Times& times) {
  {
    const std::unique_ptr<Model> model = ValueOrThrow(OpenModelFile(arguments.model));
    for (const auto& [index, tensor] : MakeInputs(model->inputs, {}, arguments.inputs)) {
      Bind(binding, model->inputs[index].name, ToValue(tensor).get());
    }
  }
  const double start = NowMs();
  const auto outputs = engine.Evaluate(binding);
  times.first_ms = NowMs() - start;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const MullionValue* const value = outputs[i].get();
    if (MullionValue_Kind(value) == MULLION_FEATURE_TENSOR &&
        MullionValue_TensorKind(value) != MULLION_TENSOR_STRING) {
      Bind(binding, engine.OutputName(i), outputs[i].get());
    }
  }
}

Times Measure(const Engine& engine, const BenchArguments& arguments, MullionBinding* binding,
              Times times) {
  const auto run = [&] { Check(MullionSession_Run(engine.session(), binding, nullptr)); };
  for (int i = 0; i < arguments.warmup; ++i) run();
  const double cpu = CpuMs();
  const bool show_progress = !arguments.json && isatty(STDERR_FILENO) != 0;
  double shown = NowMs();
  for (int i = 0; i < arguments.runs; ++i) {
    const double start = NowMs();
    run();
    const double end = NowMs();
    times.runs_ms.push_back(end - start);
    if (show_progress && end - shown > 500) {
      std::cerr << '\r' << i + 1 << " of " << arguments.runs << " runs" << std::flush;
      shown = end;
    }
  }
  if (show_progress) std::cerr << "\r\033[K";
  times.cpu_ms_per_run = (CpuMs() - cpu) / arguments.runs;
  std::sort(times.runs_ms.begin(), times.runs_ms.end());
  return times;
}

Handle<MullionProfile> Profile(const Engine& engine, MullionBinding* binding) {
  MullionProfile* profile = nullptr;
  Check(MullionSession_Profile(engine.session(), binding, &profile));
  return Handle<MullionProfile>(profile);
}

// Time by operator, then the longest nodes; of a node that runs several times, all of it.
void PrintProfile(const MullionProfile* profile) {
  struct Sum {
    int count = 0;
    double ns = 0;
    double bytes = 0;
  };
  std::map<std::pair<std::string, std::string>, Sum> by_node;
  for (size_t i = 0; i < MullionProfile_Count(profile); ++i) {
    Sum& sum = by_node[{MullionProfile_Operator(profile, i), MullionProfile_Node(profile, i)}];
    sum.ns += static_cast<double>(MullionProfile_Nanoseconds(profile, i));
    sum.bytes += static_cast<double>(MullionProfile_Bytes(profile, i));
  }
  std::map<std::string, Sum> by_operator;
  double total = 1e-9;
  for (const auto& [name, node] : by_node) {
    Sum& sum = by_operator[name.first];
    ++sum.count;
    sum.ns += node.ns;
    total += node.ns;
  }
  const auto longest_first = [](const auto& a, const auto& b) { return a.second.ns > b.second.ns; };
  std::vector<std::pair<std::string, Sum>> sums(by_operator.begin(), by_operator.end());
  std::sort(sums.begin(), sums.end(), longest_first);
  std::cout << "\n     ms   share  nodes  operator\n" << std::fixed;
  for (const auto& [name, sum] : sums) {
    std::cout << std::setw(8) << std::setprecision(3) << sum.ns / 1e6 << std::setw(6)
              << std::setprecision(1) << 100 * sum.ns / total << " %" << std::setw(7) << sum.count
              << "  " << name << "\n";
  }
  std::vector<std::pair<std::pair<std::string, std::string>, Sum>> nodes(by_node.begin(),
                                                                         by_node.end());
  std::sort(nodes.begin(), nodes.end(), longest_first);
  nodes.resize(std::min<size_t>(nodes.size(), 15));
  std::cout << "\n     ms    GB/s  the longest\n";
  for (const auto& [name, sum] : nodes) {
    std::cout << std::setw(8) << std::setprecision(3) << sum.ns / 1e6 << std::setw(8)
              << std::setprecision(1) << sum.bytes / std::max(sum.ns, 1.0) << "  " << name.second
              << "\n";
  }
}

// Chrome's trace format, which Perfetto reads too.
void WriteTrace(const MullionProfile* profile, const std::string& path) {
  nlohmann::ordered_json events = nlohmann::ordered_json::array();
  for (size_t i = 0; i < MullionProfile_Count(profile); ++i) {
    events.push_back(
        {{"name", MullionProfile_Operator(profile, i)},
         {"ph", "X"},
         {"ts", static_cast<double>(MullionProfile_StartNanoseconds(profile, i)) / 1e3},
         {"dur", static_cast<double>(MullionProfile_Nanoseconds(profile, i)) / 1e3},
         {"pid", 1},
         {"tid", 1 + MullionProfile_Thread(profile, i)},
         {"args",
          {{"node", MullionProfile_Node(profile, i)},
           {"bytes", MullionProfile_Bytes(profile, i)}}}});
  }
  std::ofstream file(path);
  file << nlohmann::ordered_json{{"traceEvents", events}}.dump(
              -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)
       << "\n";
  file.close();
  if (!file)
    throw Failure(kExitWrongUse,
                  StrCat("cannot write the trace '", path,
                         "'; check that its folder exists, may be written and has room"));
}

void Print(const BenchArguments& arguments, const Engine& engine, const Times& times) {
  const uint32_t threads = MullionSession_Threads(engine.session());
  if (arguments.json) {
    const nlohmann::ordered_json json{
        {"model", arguments.model},     {"threads", threads},
        {"runs", arguments.runs},       {"load_ms", times.load_ms},
        {"first_ms", times.first_ms},   {"min_ms", times.At(0)},
        {"p10_ms", times.At(0.1)},      {"median_ms", times.At(0.5)},
        {"p90_ms", times.At(0.9)},      {"max_ms", times.At(1)},
        {"peak_rss_mib", PeakRssMib()}, {"cpu_ms_per_run", times.cpu_ms_per_run},
        {"isa", MullionCpuLevel()}};
    std::cout << json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)
              << "\n";
    return;
  }
  const bool half = MullionSession_Precision(engine.session()) == MULLION_PRECISION_FP16;
  std::cout << std::fixed << std::setprecision(3) << arguments.model << "\n  " << threads
            << (threads == 1 ? " thread, " : " threads, ") << MullionCpuLevel()
            << (half ? ", fp16" : "") << "\n  load    " << times.load_ms << " ms\n  first   "
            << times.first_ms << " ms\n  median  " << times.At(0.5) << " ms of " << arguments.runs
            << " runs (min " << times.At(0) << ", p10 " << times.At(0.1) << ", p90 "
            << times.At(0.9) << ", max " << times.At(1) << ")\n  CPU     " << times.cpu_ms_per_run
            << " ms a run\n  memory  " << std::setprecision(1) << PeakRssMib() << " MiB at most\n";
}

int RunBench(const BenchArguments& arguments) {
  if (arguments.runs < 1) throw Failure(kExitWrongUse, "--runs must be 1 or more");
  if (arguments.warmup < 0) throw Failure(kExitWrongUse, "--warmup must be 0 or more");
  Times times;
  const double start = NowMs();
  const Engine engine(arguments.model, arguments.engine, arguments.compiled);
  times.load_ms = NowMs() - start;
  const Handle<MullionBinding> binding = engine.MakeBinding();
  BindAll(engine, arguments, binding.get(), times);
  times = Measure(engine, arguments, binding.get(), std::move(times));
  Print(arguments, engine, times);
  if (!arguments.profile && arguments.trace.empty()) return kExitDone;
  const Handle<MullionProfile> profile = Profile(engine, binding.get());
  if (arguments.profile && !arguments.json) PrintProfile(profile.get());
  if (!arguments.trace.empty()) WriteTrace(profile.get(), arguments.trace);
  return kExitDone;
}

}  // namespace

void AddBench(CLI::App& app, int& exit_code) {
  CLI::App* const command = app.add_subcommand("bench", "Measure how fast a model is here");
  const auto arguments = std::make_shared<BenchArguments>();
  command->add_option("MODEL", arguments->model, "An ONNX file, or a compiled one")
      ->required()
      ->type_name("");
  arguments->inputs.AddTo(*command);
  command->add_option("--runs", arguments->runs, "Runs that are measured (default: 50)")
      ->type_name("N");
  command->add_option("--warmup", arguments->warmup, "Runs before them (default: 5)")
      ->type_name("N");
  arguments->engine.AddThreads(*command);
  arguments->engine.AddDevice(*command);
  arguments->engine.AddPrecision(*command);
  command
      ->add_option("--compiled", arguments->compiled,
                   "A file that `mullion compile` made of MODEL: loads faster")
      ->type_name("FILE");
  command->add_flag("--profile", arguments->profile, "Show the time of operators and nodes");
  command->add_option("--trace", arguments->trace, "Write a Chrome/Perfetto trace of one run")
      ->type_name("FILE");
  command->add_flag("--json", arguments->json, "Print one JSON object on one line");
  command->footer(
      "\nInputs have random values; the flags under Inputs say of which shape and range. Outputs\n"
      "are bound, so that a run allocates nothing.\n"
      "\nJSON: model, threads, runs, load_ms, first_ms, min_ms, p10_ms, median_ms, p90_ms, "
      "max_ms,\n"
      "peak_rss_mib, cpu_ms_per_run (of all threads together), isa.");
  command->callback([arguments, &exit_code] { exit_code = RunBench(*arguments); });
}

}  // namespace mullion::tools
