// SPDX-License-Identifier: MIT
// EXPERIMENT MODEL [flags]: see bench/compare and bench/operators, which start this.
#include <cstdio>
#include <functional>
#include <iostream>
#include <stdexcept>

#include "bench/engine/experiments.h"

namespace mullion::bench {

JsonLine::JsonLine(const Flags& flags) {
  text_ << "{\"tool\": \"" << EngineName() << "\", \"version\": \"" << EngineVersion()
        << "\", \"threads\": " << flags.threads;
}

JsonLine& JsonLine::Add(const std::string& key, double value) {
  text_ << ", \"" << key << "\": " << value;
  return *this;
}

void JsonLine::Print() const { std::cout << text_.str() << "}\n"; }

std::unique_ptr<Session> OpenWarm(const Flags& flags, int threads) {
  std::unique_ptr<Session> session = OpenSession(flags.model, threads);
  session->Bind(MakeInputs(session->inputs(), flags.inputs));
  session->RunAndKeepOutputs();
  for (int i = 0; i < flags.warmup; ++i) session->Run();
  return session;
}

namespace {

using Pair = std::pair<std::string, std::string>;

// "NAME=REST"; the name may be left out.
Pair Split(const std::string& text, char by) {
  const size_t at = text.rfind(by);
  if (at == std::string::npos) return {"", text};
  return {text.substr(0, at), text.substr(at + 1)};
}

std::pair<double, double> ParseRange(const std::string& text) {
  const auto [low, high] = Split(text, ':');
  return {std::stod(low), std::stod(high)};
}

// "LOW:HIGH" or "LOW:HIGH:STEP"
Sizes ParseSizes(const std::string& text) {
  Sizes sizes;
  char colon = ':';
  std::istringstream parts(text);
  parts >> sizes.low >> colon >> sizes.high;
  if (parts >> colon) parts >> sizes.step;
  return sizes;
}

std::vector<int64_t> ParseShape(const std::string& text) {
  std::vector<int64_t> dims;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) dims.push_back(std::stoll(part));
  return dims;
}

using Setter = std::function<void(const std::string&)>;

std::map<std::string, Setter> Setters(Flags& flags) {
  const auto named = [](auto set) {
    return [set](const std::string& text) {
      const auto [name, value] = Split(text, '=');
      set(name, value);
    };
  };
  const auto integer = [](int& to) { return [&to](const std::string& v) { to = std::stoi(v); }; };
  const auto real = [](double& to) { return [&to](const std::string& v) { to = std::stod(v); }; };
  InputFlags& in = flags.inputs;
  using Text = const std::string&;
  return {
      {"--threads", integer(flags.threads)},
      {"--runs", integer(flags.runs)},
      {"--warmup", integer(flags.warmup)},
      {"--sessions", integer(flags.sessions)},
      {"--shapes", integer(flags.shapes)},
      {"--max-seconds", real(flags.seconds)},
      {"--every-ms", real(flags.every_ms)},
      {"--rising", [&](Text value) { flags.rising = value != "0"; }},
      {"--data", [&](Text folder) { in.data = folder; }},
      {"--dim", named([&](Text name, Text v) { in.dims[name] = std::stoll(v); })},
      {"--shape", named([&](Text name, Text v) { in.shapes[name] = ParseShape(v); })},
      {"--fill", named([&](Text name, Text v) { in.fills[name] = std::stod(v); })},
      {"--range", named([&](Text name, Text v) { in.ranges[name] = ParseRange(v); })},
      {"--vary", named([&](Text name, Text v) { flags.vary[name] = ParseSizes(v); })},
  };
}

int Main(int count, char** words) {
  static const std::map<std::string, void (*)(const Flags&)> experiments = {
      {"latency", Latency}, {"turns", Turns},   {"paced", Paced},
      {"beside", Beside},   {"memory", Memory}, {"shapes", Shapes}};
  const auto experiment = count < 3 ? experiments.end() : experiments.find(words[1]);
  if (experiment == experiments.end() || count % 2 == 0) {
    std::cerr << "usage: EXPERIMENT MODEL [--flag value]...\n";
    return 2;
  }
  Flags flags;
  flags.model = words[2];
  const auto setters = Setters(flags);
  for (int i = 3; i < count; i += 2) {
    const auto setter = setters.find(words[i]);
    if (setter == setters.end()) throw std::runtime_error(std::string("no flag ") + words[i]);
    setter->second(words[i + 1]);
  }
  experiment->second(flags);
  return 0;
}

}  // namespace

}  // namespace mullion::bench

int main(int count, char** words) {
  try {
    return mullion::bench::Main(count, words);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return 1;
  }
}
