// SPDX-License-Identifier: MIT
#include "tools/engine.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <string_view>

#include "base/str_cat.h"
#include "tools/failure.h"

namespace mullion::tools {

void Check(MullionStatus* status) {
  if (status == nullptr) return;
  const std::string message = MullionStatus_Message(status);
  const auto code = static_cast<StatusCode>(MullionStatus_Code(status));
  MullionStatus_Release(status);
  throw Failure(ExitCodeOf(code), message, code);
}

void EngineOptions::AddThreads(CLI::App& app) {
  app.add_option("--threads", threads, "Threads, 0 for all processors (default: 0)")
      ->type_name("N");
}

void EngineOptions::AddDevice(CLI::App& app) {
  app.add_option("--device", device, "Where to compute: cpu or default (default: cpu)")
      ->type_name("NAME");
}

void EngineOptions::AddPrecision(CLI::App& app) {
  app.add_option("--precision", precision, "fp32, or fp16 where it is faster (default: fp32)")
      ->type_name("NAME");
}

Handle<MullionDevice> OpenDevice(const EngineOptions& options) {
  if (options.device != "cpu" && options.device != "default") {
    throw Failure(kExitWrongUse,
                  StrCat("--device '", options.device, "' is not known; this build has cpu"));
  }
  if (options.precision != "fp32" && options.precision != "fp16") {
    throw Failure(kExitWrongUse,
                  StrCat("--precision '", options.precision, "' is not fp32 or fp16"));
  }
  MullionDevice* device = nullptr;
  Check(MullionDevice_Create(MULLION_DEVICE_CPU, &device));
  return Handle<MullionDevice>(device);
}

Handle<MullionSessionOptions> MakeSessionOptions(const EngineOptions& options) {
  Handle<MullionSessionOptions> session_options(MullionSessionOptions_Create());
  MullionSessionOptions_SetThreads(session_options.get(), options.threads);
  MullionSessionOptions_SetPrecision(session_options.get(), options.precision == "fp16"
                                                                ? MULLION_PRECISION_FP16
                                                                : MULLION_PRECISION_FP32);
  return session_options;
}

Engine::Engine(const std::string& path, const EngineOptions& options, const std::string& compiled) {
  const Handle<MullionDevice> device = OpenDevice(options);
  MullionModel* model = nullptr;
  Check(compiled.empty() ? MullionModel_LoadFromFilePath(path.c_str(), &model)
                         : MullionModel_LoadCompiled(path.c_str(), compiled.c_str(), &model));
  model_.reset(model);
  const std::string refusal = MullionModel_CompiledRefusal(model);
  if (!refusal.empty()) std::cerr << "note: " << refusal << "; used '" << path << "'\n";
  MullionSession* session = nullptr;
  Check(MullionSession_Create(model, device.get(), MakeSessionOptions(options).get(), &session));
  session_.reset(session);
  if (options.precision == "fp16" && MullionSession_Precision(session) == MULLION_PRECISION_FP32) {
    const bool able = std::string_view(MullionCpuLevel()) == "avx512fp16";
    const char* const why = !able ? "fp16 arithmetic takes a processor with AVX512-FP16\n"
                            : MullionModel_IsCompiled(model) != 0
                                ? "compiled models do\n"
                                : "no product of this model is faster in fp16\n";
    std::cerr << "note: --precision fp16: computes in fp32, since " << why;
  }
}

std::string Engine::InputName(size_t i) const {
  return MullionFeature_Name(MullionModel_Input(model_.get(), i));
}

std::string Engine::OutputName(size_t i) const {
  return MullionFeature_Name(MullionModel_Output(model_.get(), i));
}

Handle<MullionBinding> Engine::MakeBinding() const {
  MullionBinding* binding = nullptr;
  Check(MullionBinding_Create(session_.get(), &binding));
  Handle<MullionBinding> held(binding);
  for (size_t i = 0; i < output_count(); ++i) {
    const MullionFeature* const output = MullionModel_Output(model_.get(), i);
    if (MullionFeature_Kind(output) != MULLION_FEATURE_IMAGE) continue;
    MullionValue* tensor = nullptr;
    Check(MullionValue_CreatePlaceholder(MullionFeature_TensorKind(output), &tensor));
    Bind(binding, OutputName(i), Handle<MullionValue>(tensor).get());
  }
  return held;
}

std::vector<Handle<MullionValue>> Engine::Evaluate(MullionBinding* binding) const {
  MullionResult* raw = nullptr;
  Check(MullionSession_Evaluate(session_.get(), binding, "", nullptr, &raw));
  const Handle<MullionResult> result(raw);
  std::vector<Handle<MullionValue>> outputs;
  for (size_t i = 0; i < MullionResult_OutputCount(raw); ++i) {
    MullionValue* value = nullptr;
    Check(MullionResult_Output(raw, i, &value));
    outputs.emplace_back(value);
  }
  return outputs;
}

void Bind(MullionBinding* binding, const std::string& name, MullionValue* value,
          const MullionImageOptions* options) {
  Check(MullionBinding_Bind(binding, name.c_str(), value, options));
}

Handle<MullionValue> ToValue(const Tensor& tensor) {
  const auto dims = tensor.shape().dims();
  MullionValue* value = nullptr;
  const bool strings = tensor.type() == ElementType::kString;
  Check(MullionValue_CreateTensor(static_cast<MullionTensorKind>(tensor.type()), dims.data(),
                                  dims.size(), strings ? nullptr : tensor.data(),
                                  strings ? 0 : tensor.bytes(), &value));
  Handle<MullionValue> held(value);
  if (strings) {
    int64_t index = 0;
    for (const std::string& text : tensor.span<std::string>()) {
      Check(MullionValue_SetString(value, index++, text.data(), text.size()));
    }
  }
  return held;
}

namespace {

Handle<MullionValue> SequenceValue(const TensorFileValue& value) {
  std::vector<Handle<MullionValue>> items;
  std::vector<MullionValue*> pointers;
  auto element = MULLION_TENSOR_FLOAT;
  for (const TensorFileValue& item : value.items) {
    items.push_back(ToValue(item));
    pointers.push_back(items.back().get());
    if (item.kind == ValueKind::kTensor) {
      element = static_cast<MullionTensorKind>(item.tensor.type());
    }
  }
  MullionValue* sequence = nullptr;
  Check(MullionValue_CreateSequence(element, pointers.data(), pointers.size(), &sequence));
  return Handle<MullionValue>(sequence);
}

}  // namespace

Handle<MullionValue> ToValue(const TensorFileValue& value) {
  switch (value.kind) {
    case ValueKind::kSequence:
      return SequenceValue(value);
    case ValueKind::kOptional: {
      if (!value.items.empty()) return ToValue(value.items[0]);
      MullionValue* empty = nullptr;
      Check(MullionValue_CreateEmptyOptional(&empty));
      return Handle<MullionValue>(empty);
    }
    case ValueKind::kMap:
      throw Failure(kExitWrongUse, "a map cannot be read from a file; give a tensor");
    default:
      return ToValue(value.tensor);
  }
}

Tensor ToTensor(const MullionValue* value) {
  const Shape shape(std::span<const int64_t>(MullionValue_Shape(value), MullionValue_Rank(value)));
  const auto type = static_cast<ElementType>(MullionValue_TensorKind(value));
  Tensor tensor = ValueOrThrow(Tensor::Allocate(type, shape));
  if (type == ElementType::kString) {
    auto* const strings = static_cast<std::string*>(tensor.mutable_data());
    for (int64_t i = 0; i < tensor.count(); ++i) {
      strings[i].assign(MullionValue_String(value, i), MullionValue_StringSize(value, i));
    }
    return tensor;
  }
  const TensorView view{type, MemoryLocation::kHost, shape, MullionValue_Data(value)};
  CopyElements(view, tensor.mutable_view());
  return tensor;
}

}  // namespace mullion::tools
