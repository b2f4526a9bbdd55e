// SPDX-License-Identifier: MIT
// One engine under measurement. The experiments are written once against this; linked with
// mullion_session.cc they measure Mullion, with peer_session.cc ONNX Runtime, through the native
// interface of each: no language binding, the same inputs, the same clock.
#ifndef MULLION_BENCH_ENGINE_SESSION_H_
#define MULLION_BENCH_ENGINE_SESSION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mullion::bench {

// An input of a model. Types are ONNX's numbers; free dimensions are -1.
struct Feature {
  std::string name;
  int type = 0;
  std::vector<int64_t> dims;
  std::vector<std::string> dim_names;
};

struct Content {
  int type = 0;
  std::vector<int64_t> dims;
  std::vector<char> bytes;           // little-endian elements
  std::vector<std::string> strings;  // elements of type 8
};

class Session {
 public:
  virtual ~Session() = default;
  virtual const std::vector<Feature>& inputs() const = 0;
  // Binds contents in the order of inputs(), which are copied or kept; outputs come as fresh values
  // at every run.
  virtual void Bind(const std::vector<Content>& contents) = 0;
  // Evaluates once and binds what came out as memory for the runs that follow.
  virtual void RunAndKeepOutputs() = 0;
  virtual void Run() = 0;
};

// Errors are exceptions.
std::unique_ptr<Session> OpenSession(const std::string& model, int threads);
std::string EngineName();
std::string EngineVersion();

}  // namespace mullion::bench

#endif  // MULLION_BENCH_ENGINE_SESSION_H_
