// SPDX-License-Identifier: MIT
// A model with a session, for the subcommands that evaluate: over the library's C interface.
#ifndef MULLION_TOOLS_ENGINE_H_
#define MULLION_TOOLS_ENGINE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "graph/model.h"
#include "mullion/c/mullion.h"
#include "onnx/tensor_file.h"

namespace CLI {
class App;
}

namespace mullion::tools {

struct Releaser {
  void operator()(MullionModel* p) const { MullionModel_Release(p); }
  void operator()(MullionDevice* p) const { MullionDevice_Release(p); }
  void operator()(MullionSessionOptions* p) const { MullionSessionOptions_Release(p); }
  void operator()(MullionSession* p) const { MullionSession_Release(p); }
  void operator()(MullionBinding* p) const { MullionBinding_Release(p); }
  void operator()(MullionValue* p) const { MullionValue_Release(p); }
  void operator()(MullionResult* p) const { MullionResult_Release(p); }
  void operator()(MullionProfile* p) const { MullionProfile_Release(p); }
};
template <typename T>
using Handle = std::unique_ptr<T, Releaser>;

// Throws Failure with the exit code that belongs to the status.
void Check(MullionStatus* status);

struct EngineOptions {
  uint32_t threads = 0;        // 0: all processors
  std::string device = "cpu";  // "cpu" or "default"
  std::string precision = "fp32";

  // Each adds the flag of its name to a subcommand.
  void AddThreads(CLI::App& app);
  void AddDevice(CLI::App& app);
  void AddPrecision(CLI::App& app);
};

Handle<MullionSessionOptions> MakeSessionOptions(const EngineOptions& options);

// Throws Failure for a device or precision that this build has not.
Handle<MullionDevice> OpenDevice(const EngineOptions& options);

class Engine {
 public:
  // Throws Failure. `compiled`, where it is not empty, is a file that the model was compiled to; a
  // note on standard error says why it cannot be used.
  Engine(const std::string& path, const EngineOptions& options, const std::string& compiled = {});

  MullionModel* model() const { return model_.get(); }
  MullionSession* session() const { return session_.get(); }
  size_t input_count() const { return MullionModel_InputCount(model_.get()); }
  size_t output_count() const { return MullionModel_OutputCount(model_.get()); }
  std::string InputName(size_t i) const;
  std::string OutputName(size_t i) const;

  // With image outputs bound as tensors, so that they can be compared and written like all others.
  Handle<MullionBinding> MakeBinding() const;
  // One value per output, in the model's order.
  std::vector<Handle<MullionValue>> Evaluate(MullionBinding* binding) const;

 private:
  Handle<MullionModel> model_;
  Handle<MullionSession> session_;
};

void Bind(MullionBinding* binding, const std::string& name, MullionValue* value,
          const MullionImageOptions* options = nullptr);

// Between the library's values and the tools' own tensors. Strings included.
Handle<MullionValue> ToValue(const Tensor& tensor);
Handle<MullionValue> ToValue(const TensorFileValue& value);
Tensor ToTensor(const MullionValue* value);

}  // namespace mullion::tools

#endif  // MULLION_TOOLS_ENGINE_H_
