// SPDX-License-Identifier: MIT
// ONNX Runtime through its C interface, inputs and outputs bound by its IoBinding.
#include <onnxruntime_c_api.h>

#include <stdexcept>

#include "bench/engine/session.h"

namespace mullion::bench {

namespace {

const OrtApi& Api() {
  static const OrtApi* const api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
  return *api;
}

void Check(OrtStatus* status) {
  if (status == nullptr) return;
  const std::string message = Api().GetErrorMessage(status);
  Api().ReleaseStatus(status);
  throw std::runtime_error(message);
}

// Objects of the C interface: Owned<OrtSession, &OrtApi::ReleaseSession>.
template <typename T, auto kRelease>
struct Release {
  void operator()(T* object) const { (Api().*kRelease)(object); }
};
template <typename T, auto kRelease>
using Owned = std::unique_ptr<T, Release<T, kRelease>>;
using Value = Owned<OrtValue, &OrtApi::ReleaseValue>;

OrtEnv* Environment() {
  static OrtEnv* const environment = [] {
    OrtEnv* made = nullptr;
    Check(Api().CreateEnv(ORT_LOGGING_LEVEL_FATAL, "bench", &made));
    return made;
  }();
  return environment;
}

class PeerSession final : public Session {
 public:
  PeerSession(const std::string& path, int threads) {
    Check(Api().GetAllocatorWithDefaultOptions(&allocator_));
    OrtMemoryInfo* memory = nullptr;
    Check(Api().CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
    memory_.reset(memory);
    OrtSessionOptions* options = nullptr;
    Check(Api().CreateSessionOptions(&options));
    const Owned<OrtSessionOptions, &OrtApi::ReleaseSessionOptions> held(options);
    Check(Api().SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL));
    Check(Api().SetIntraOpNumThreads(options, threads));
    Check(Api().SetInterOpNumThreads(options, 1));
    Check(Api().SetSessionExecutionMode(options, ORT_SEQUENTIAL));
    OrtSession* session = nullptr;
    Check(Api().CreateSession(Environment(), path.c_str(), options, &session));
    session_.reset(session);
    DescribeInputs();
    FindTensorOutputs();
  }

  const std::vector<Feature>& inputs() const override { return inputs_; }

  void Bind(const std::vector<Content>& contents) override {
    OrtIoBinding* binding = nullptr;
    Check(Api().CreateIoBinding(session_.get(), &binding));
    binding_.reset(binding);
    values_.clear();
    contents_ = contents;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      Content& content = contents_[i];
      OrtValue* const value = MakeTensor(content);
      values_.emplace_back(value);
      Check(Api().BindInput(binding, inputs_[i].name.c_str(), value));
    }
    for (const std::string& output : outputs_) {
      Check(Api().BindOutputToDevice(binding, output.c_str(), memory_.get()));
    }
  }

  void RunAndKeepOutputs() override {
    Run();
    OrtValue** outputs = nullptr;
    size_t count = 0;
    Check(Api().GetBoundOutputValues(binding_.get(), allocator_, &outputs, &count));
    for (size_t i = 0; i < count; ++i) {
      values_.emplace_back(outputs[i]);
      Check(Api().BindOutput(binding_.get(), outputs_[i].c_str(), outputs[i]));
    }
    Check(Api().AllocatorFree(allocator_, outputs));
  }

  void Run() override { Check(Api().RunWithBinding(session_.get(), nullptr, binding_.get())); }

 private:
  // Elements other than strings stay where they are.
  OrtValue* MakeTensor(Content& content) const {
    OrtValue* value = nullptr;
    const auto type = static_cast<ONNXTensorElementDataType>(content.type);
    if (type != ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING) {
      Check(Api().CreateTensorWithDataAsOrtValue(memory_.get(), content.bytes.data(),
                                                 content.bytes.size(), content.dims.data(),
                                                 content.dims.size(), type, &value));
      return value;
    }
    Check(Api().CreateTensorAsOrtValue(allocator_, content.dims.data(), content.dims.size(), type,
                                       &value));
    std::vector<const char*> texts;
    for (const std::string& text : content.strings) texts.push_back(text.c_str());
    Check(Api().FillStringTensor(value, texts.data(), texts.size()));
    return value;
  }

  std::string Text(char* text) const {
    std::string copy(text);
    Check(Api().AllocatorFree(allocator_, text));
    return copy;
  }

  void DescribeInputs() {
    size_t count = 0;
    Check(Api().SessionGetInputCount(session_.get(), &count));
    for (size_t i = 0; i < count; ++i) {
      Feature& input = inputs_.emplace_back();
      char* name = nullptr;
      Check(Api().SessionGetInputName(session_.get(), i, allocator_, &name));
      input.name = Text(name);
      OrtTypeInfo* type = nullptr;
      Check(Api().SessionGetInputTypeInfo(session_.get(), i, &type));
      const Owned<OrtTypeInfo, &OrtApi::ReleaseTypeInfo> held(type);
      const OrtTensorTypeAndShapeInfo* tensor = nullptr;
      Check(Api().CastTypeInfoToTensorInfo(type, &tensor));
      if (tensor == nullptr) throw std::runtime_error("input " + input.name + " is not a tensor");
      ONNXTensorElementDataType element{};
      Check(Api().GetTensorElementType(tensor, &element));
      input.type = static_cast<int>(element);
      size_t rank = 0;
      Check(Api().GetDimensionsCount(tensor, &rank));
      input.dims.resize(rank);
      std::vector<const char*> names(rank);
      Check(Api().GetDimensions(tensor, input.dims.data(), rank));
      Check(Api().GetSymbolicDimensions(tensor, names.data(), rank));
      input.dim_names.assign(names.begin(), names.end());
    }
  }

  void FindTensorOutputs() {
    size_t count = 0;
    Check(Api().SessionGetOutputCount(session_.get(), &count));
    for (size_t i = 0; i < count; ++i) {
      OrtTypeInfo* type = nullptr;
      Check(Api().SessionGetOutputTypeInfo(session_.get(), i, &type));
      const Owned<OrtTypeInfo, &OrtApi::ReleaseTypeInfo> held(type);
      ONNXType kind{};
      Check(Api().GetOnnxTypeFromTypeInfo(type, &kind));
      if (kind != ONNX_TYPE_TENSOR) continue;
      char* name = nullptr;
      Check(Api().SessionGetOutputName(session_.get(), i, allocator_, &name));
      outputs_.push_back(Text(name));
    }
  }

  OrtAllocator* allocator_ = nullptr;
  Owned<OrtMemoryInfo, &OrtApi::ReleaseMemoryInfo> memory_;
  Owned<OrtSession, &OrtApi::ReleaseSession> session_;
  std::vector<Feature> inputs_;
  std::vector<std::string> outputs_;  // those that are tensors
  std::vector<Content> contents_;
  std::vector<Value> values_;
  Owned<OrtIoBinding, &OrtApi::ReleaseIoBinding> binding_;
};

}  // namespace

std::unique_ptr<Session> OpenSession(const std::string& model, int threads) {
  return std::make_unique<PeerSession>(model, threads);
}

std::string EngineName() { return "onnxruntime"; }
std::string EngineVersion() { return OrtGetApiBase()->GetVersionString(); }

}  // namespace mullion::bench
