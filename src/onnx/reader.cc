// SPDX-License-Identifier: MIT
#include "onnx/reader.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>

#include "base/memory.h"
#include "base/platform.h"
#include "base/str_cat.h"
#include "onnx/external_data.h"
#include "onnx/model_reader.h"
#include "onnx/read_context.h"

namespace mullion {

namespace {

using onnx::SharedBytes;

Result<std::unique_ptr<Model>> ReadBytes(SharedBytes source, const ReadOptions& options,
                                         const std::string& name) {
  const std::shared_ptr<const MappedFile> mapping = source.mapping;
  onnx::ReadContext context(std::move(source));
  onnx::ExternalData external(options);
  context.external = &external;
  Result<std::unique_ptr<Model>> model = onnx::ReadModelProto(context);
  if (!model.ok()) return model.status().WithPrefix(StrCat("model '", name, "': "));
  (*model)->path = name;
  (*model)->files = external.Files();
  // Once for all tensors that are only read from now on.
  if (mapping != nullptr) mapping->Release(0, mapping->size());
  return model;
}

struct OwnMemory {
  std::shared_ptr<uint8_t> memory;
  size_t size = 0;

  SharedBytes bytes() const {
    return {{reinterpret_cast<const char*>(memory.get()), size}, memory, nullptr};
  }
};

Result<OwnMemory> Allocate(uint64_t size) {
  void* const memory = size > SIZE_MAX ? nullptr : AllocateAligned(static_cast<size_t>(size));
  if (memory == nullptr) {
    return OutOfMemory("there is no memory for its ", size,
                       " bytes; open it as a file, "
                       "which needs less");
  }
  return OwnMemory{{static_cast<uint8_t*>(memory), FreeAligned}, static_cast<size_t>(size)};
}

// The file without a mapping: it may change or shrink afterwards.
Result<SharedBytes> CopyFile(const std::filesystem::path& path) {
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(path, error);
  std::ifstream stream(path, std::ios::binary);
  if (error || !stream) {
    return NotFound("cannot open it: ", error ? error.message() : "no permission");
  }
  MULLION_ASSIGN_OR_RETURN(const OwnMemory own, Allocate(size));
  stream.read(reinterpret_cast<char*>(own.memory.get()), static_cast<std::streamsize>(size));
  if (static_cast<uint64_t>(stream.gcount()) != size) {
    return InvalidModel("it changed while it was read; try again when it is complete");
  }
  return own.bytes();
}

Result<SharedBytes> OpenFile(const std::filesystem::path& path, bool copy) {
  if (copy) return CopyFile(path);
  MULLION_ASSIGN_OR_RETURN(auto mapping, MapFile(path));
  const auto* const data = reinterpret_cast<const char*>(mapping->data());
  return SharedBytes{{data, mapping->size()}, mapping, mapping};
}

std::string NameOf(const ReadOptions& options, const std::string& fallback) {
  return options.name.empty() ? fallback : options.name;
}

}  // namespace

Result<std::unique_ptr<Model>> ReadModelFile(const std::filesystem::path& path,
                                             const ReadOptions& options) {
  const std::string name = NameOf(options, path.string());
  Result<SharedBytes> bytes = OpenFile(path, options.copy_data);
  if (!bytes.ok()) return bytes.status().WithPrefix(StrCat("model '", name, "': "));
  ReadOptions with_folder = options;
  if (!with_folder.external_data_folder.has_value()) {
    with_folder.external_data_folder = path.parent_path();
  }
  MULLION_ASSIGN_OR_RETURN(auto model, ReadBytes(*std::move(bytes), with_folder, name));
  if (options.external_data_reader) {
    model->files.clear();
  } else {
    model->files.insert(model->files.begin(), path.string());
  }
  return model;
}

Result<std::unique_ptr<Model>> ReadModel(std::span<const uint8_t> bytes,
                                         std::shared_ptr<const void> owner,
                                         const ReadOptions& options) {
  if (options.copy_data) owner = nullptr;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return ReadBytes({text, std::move(owner), nullptr}, options, NameOf(options, "<memory>"));
}

Result<std::unique_ptr<Model>> ReadModel(ModelSource& source, const ReadOptions& options) {
  const std::string name = NameOf(options, "<memory>");
  const auto prefixed = [&](const Status& status) {
    return status.WithPrefix(StrCat("model '", name, "': "));
  };
  Result<OwnMemory> own = Allocate(source.size());
  if (!own.ok()) return prefixed(own.status());
  // In pieces, so that a source that lies about its size fails before much is written.
  constexpr size_t kPiece = size_t{16} << 20;
  for (size_t done = 0; done < own->size;) {
    const size_t piece = std::min(kPiece, own->size - done);
    const Status status = source.Read(done, {own->memory.get() + done, piece});
    if (!status.ok()) return prefixed(status);
    done += piece;
  }
  return ReadBytes(own->bytes(), options, name);
}

}  // namespace mullion
