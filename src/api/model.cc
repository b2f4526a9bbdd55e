// SPDX-License-Identifier: MIT
#include "api/model.h"

#include <filesystem>
#include <span>

#include "api/session.h"
#include "api/status.h"
#include "base/str_cat.h"
#include "compiled/compile_model.h"
#include "compiled/open_model.h"

using mullion::api::Call;
using mullion::api::NullArgument;

MullionModel::MullionModel(std::unique_ptr<mullion::Model> loaded)
    : path(loaded->path),
      author(loaded->producer_name),
      name(loaded->graph->name),
      domain(loaded->domain),
      description(loaded->description),
      version(loaded->model_version),
      is_compiled(loaded->compiled),
      metadata(loaded->metadata),
      image(std::make_shared<const mullion::api::ImageMetadata>(
          mullion::api::ReadImageMetadata(metadata))),
      inputs(mullion::api::MakeFeatures(loaded->inputs, image)),
      outputs(mullion::api::MakeFeatures(loaded->outputs, image)),
      content_(std::move(loaded)) {}

std::shared_ptr<const mullion::Model> MullionModel::Content() const {
  const std::lock_guard lock(mutex_);
  return content_;
}

void MullionModel::Close() {
  std::shared_ptr<const mullion::Model> content;  // freed outside the lock
  const std::lock_guard lock(mutex_);
  content_.swap(content);
}

namespace {

class CallerSource final : public mullion::ModelSource {
 public:
  explicit CallerSource(const MullionReader& reader) : reader_(reader) {}
  uint64_t size() const override { return reader_.size; }
  mullion::Status Read(uint64_t offset, std::span<uint8_t> into) override {
    if (reader_.read(reader_.context, offset, into.data(), into.size()) == 0) {
      return mullion::OkStatus();
    }
    return mullion::NotFound(mullion::StrCat("the caller's reader could not give ", into.size(),
                                             " bytes from offset ", offset));
  }

 private:
  const MullionReader& reader_;
};

using Loaded = mullion::Result<std::unique_ptr<mullion::Model>>;

mullion::Status GiveOut(Loaded loaded, MullionModel** model) {
  if (!loaded.ok()) return loaded.status();
  *model = new MullionModel(*std::move(loaded));
  return mullion::OkStatus();
}

std::filesystem::path PathOf(const char* utf8) { return {reinterpret_cast<const char8_t*>(utf8)}; }

MullionStatus* LoadFile(const char* function, const char* path, bool copy, MullionModel** model) {
  return Call([&] {
    if (path == nullptr) return NullArgument(function, "path");
    if (model == nullptr) return NullArgument(function, "model");
    mullion::ReadOptions options;
    options.copy_data = copy;
    return GiveOut(mullion::OpenModelFile(PathOf(path), options), model);
  });
}

}  // namespace

MullionStatus* MullionModel_LoadFromFilePath(const char* path, MullionModel** model) {
  return LoadFile("MullionModel_LoadFromFilePath", path, false, model);
}

MullionStatus* MullionModel_LoadCopyFromFilePath(const char* path, MullionModel** model) {
  return LoadFile("MullionModel_LoadCopyFromFilePath", path, true, model);
}

MullionStatus* MullionModel_LoadFromBuffer(const void* bytes, size_t size, MullionModel** model) {
  return Call([&] {
    if (bytes == nullptr && size > 0) return NullArgument("MullionModel_LoadFromBuffer", "bytes");
    if (model == nullptr) return NullArgument("MullionModel_LoadFromBuffer", "model");
    return GiveOut(mullion::OpenModel({static_cast<const uint8_t*>(bytes), size}, nullptr), model);
  });
}

MullionStatus* MullionModel_LoadFromReader(const MullionReader* reader, MullionModel** model) {
  return Call([&] {
    if (reader == nullptr) return NullArgument("MullionModel_LoadFromReader", "reader");
    if (reader->read == nullptr) return NullArgument("MullionModel_LoadFromReader", "reader->read");
    if (model == nullptr) return NullArgument("MullionModel_LoadFromReader", "model");
    CallerSource source(*reader);
    return GiveOut(mullion::OpenModel(source), model);
  });
}

MullionStatus* MullionModel_LoadCompiled(const char* path, const char* compiled,
                                         MullionModel** model) {
  return Call([&] {
    if (path == nullptr) return NullArgument("MullionModel_LoadCompiled", "path");
    if (compiled == nullptr) return NullArgument("MullionModel_LoadCompiled", "compiled");
    if (model == nullptr) return NullArgument("MullionModel_LoadCompiled", "model");
    std::string refusal;
    const mullion::Status status =
        GiveOut(mullion::OpenCompiledModel(PathOf(path), PathOf(compiled), refusal), model);
    if (status.ok()) (*model)->compiled_refusal = std::move(refusal);
    return status;
  });
}

MullionStatus* MullionModel_Compile(MullionModel* model, MullionDevice* device,
                                    const MullionSessionOptions* options, const char* path) {
  return Call([&]() -> mullion::Status {
    if (model == nullptr) return NullArgument("MullionModel_Compile", "model");
    if (path == nullptr) return NullArgument("MullionModel_Compile", "path");
    MULLION_ASSIGN_OR_RETURN(const auto setting, mullion::api::SettingOf(*model, device, options));
    const mullion::Device* const devices[] = {setting.device->device.get()};
    return mullion::CompileModel(*setting.content, devices, mullion::BuiltInOperators(),
                                 setting.options, PathOf(path));
  });
}

int MullionModel_IsCompiled(const MullionModel* model) {
  return model != nullptr && model->is_compiled ? 1 : 0;
}

const char* MullionModel_CompiledRefusal(const MullionModel* model) {
  return model == nullptr ? "" : model->compiled_refusal.c_str();
}

void MullionModel_Retain(MullionModel* model) {
  if (model == nullptr) return;
  model->Retain();
  model->handles.fetch_add(1, std::memory_order_relaxed);
}

void MullionModel_Release(MullionModel* model) {
  if (model == nullptr) return;
  if (model->handles.fetch_sub(1, std::memory_order_acq_rel) == 1) model->Close();
  model->Release();
}

void MullionModel_Close(MullionModel* model) {
  if (model != nullptr) model->Close();
}

const char* MullionModel_Author(const MullionModel* model) {
  return model == nullptr ? "" : model->author.c_str();
}

const char* MullionModel_Name(const MullionModel* model) {
  return model == nullptr ? "" : model->name.c_str();
}

const char* MullionModel_Domain(const MullionModel* model) {
  return model == nullptr ? "" : model->domain.c_str();
}

const char* MullionModel_Description(const MullionModel* model) {
  return model == nullptr ? "" : model->description.c_str();
}

int64_t MullionModel_Version(const MullionModel* model) {
  return model == nullptr ? 0 : model->version;
}

size_t MullionModel_MetadataCount(const MullionModel* model) {
  return model == nullptr ? 0 : model->metadata.size();
}

const char* MullionModel_MetadataKey(const MullionModel* model, size_t index) {
  return index < MullionModel_MetadataCount(model) ? model->metadata[index].first.c_str() : nullptr;
}

const char* MullionModel_MetadataValue(const MullionModel* model, size_t index) {
  return index < MullionModel_MetadataCount(model) ? model->metadata[index].second.c_str()
                                                   : nullptr;
}

size_t MullionModel_InputCount(const MullionModel* model) {
  return model == nullptr ? 0 : model->inputs.size();
}

size_t MullionModel_OutputCount(const MullionModel* model) {
  return model == nullptr ? 0 : model->outputs.size();
}

const MullionFeature* MullionModel_Input(const MullionModel* model, size_t index) {
  return index < MullionModel_InputCount(model) ? &model->inputs[index] : nullptr;
}

const MullionFeature* MullionModel_Output(const MullionModel* model, size_t index) {
  return index < MullionModel_OutputCount(model) ? &model->outputs[index] : nullptr;
}
