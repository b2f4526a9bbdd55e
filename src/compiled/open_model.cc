// SPDX-License-Identifier: MIT
#include "compiled/open_model.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/memory.h"
#include "base/platform.h"
#include "base/str_cat.h"
#include "compiled/compiled_reader.h"
#include "runtime/thread_pool.h"

namespace mullion {

namespace {

namespace fs = std::filesystem;

// Smaller files are checked before a thread has started.
constexpr size_t kThreadsFrom = size_t{8} << 20;

// All processors for the time of a large file's check.
class Helpers {
 public:
  explicit Helpers(size_t bytes)
      : threads_(bytes < kThreadsFrom ? 1 : AvailableProcessors()),
        pool_(threads_ > 1 ? ThreadPool::Acquire(threads_ - 1) : nullptr),
        parallel_(pool_.get(), threads_, nullptr) {}
  Parallel& parallel() { return parallel_; }

 private:
  int threads_;
  std::shared_ptr<ThreadPool> pool_;
  PoolParallel parallel_;
};

Result<compiled::CompiledModel> ReadSource(const compiled::Source& source,
                                           const std::string& name) {
  Helpers helpers(source.size);
  auto compiled = compiled::ReadCompiled(source, name, helpers.parallel());
  if (compiled.ok()) {
    compiled->model->path = name;
    return compiled;
  }
  // What the ONNX reader says names the model already.
  const std::string prefix = StrCat("model '", name, "': ");
  if (compiled.status().message().starts_with(prefix)) return compiled.status();
  return compiled.status().WithPrefix(prefix);
}

Result<compiled::CompiledModel> ReadMapping(const std::shared_ptr<const MappedFile>& mapping,
                                            const std::string& name) {
  return ReadSource({mapping->data(), mapping->size(), mapping, mapping.get()}, name);
}

// A copy, which has the alignment that tensors need.
Result<std::unique_ptr<Model>> ReadCopy(const uint8_t* data, size_t size, const std::string& name) {
  const std::shared_ptr<uint8_t> memory(static_cast<uint8_t*>(AllocateAligned(size)), FreeAligned);
  if (memory == nullptr) {
    return OutOfMemory("model '", name, "': there is no memory for its ", size, " bytes");
  }
  std::memcpy(memory.get(), data, size);
  MULLION_ASSIGN_OR_RETURN(compiled::CompiledModel compiled,
                           ReadSource({memory.get(), size, memory, nullptr}, name));
  return std::move(compiled.model);
}

std::string NameOf(const ReadOptions& options, const std::string& fallback) {
  return options.name.empty() ? fallback : options.name;
}

// Read, so that no page of a mapping that is not used any further is taken.
bool IsCompiledFile(const MappedFile& file) {
  std::array<uint8_t, 8> begin{};
  const size_t size = std::min(file.size(), begin.size());
  file.Read(0, size, begin.data());
  return compiled::IsCompiled(begin.data(), size);
}

}  // namespace

Result<std::unique_ptr<Model>> OpenModelFile(const fs::path& path, const ReadOptions& options) {
  const auto mapping = MapFile(path);
  if (!mapping.ok() || !IsCompiledFile(**mapping)) {
    return ReadModelFile(path, options);
  }
  const std::string name = NameOf(options, path.string());
  if (options.copy_data) return ReadCopy((*mapping)->data(), (*mapping)->size(), name);
  MULLION_ASSIGN_OR_RETURN(compiled::CompiledModel compiled, ReadMapping(*mapping, name));
  return std::move(compiled.model);
}

Result<std::unique_ptr<Model>> OpenModel(std::span<const uint8_t> bytes,
                                         std::shared_ptr<const void> owner,
                                         const ReadOptions& options) {
  if (!compiled::IsCompiled(bytes.data(), bytes.size())) {
    return ReadModel(bytes, std::move(owner), options);
  }
  return ReadCopy(bytes.data(), bytes.size(), NameOf(options, "<memory>"));
}

Result<std::unique_ptr<Model>> OpenModel(ModelSource& source, const ReadOptions& options) {
  uint8_t begin[8];
  if (source.size() < sizeof(begin) || !source.Read(0, begin).ok() ||
      !compiled::IsCompiled(begin, sizeof(begin))) {
    return ReadModel(source, options);
  }
  const std::string name = NameOf(options, "<memory>");
  const auto size = static_cast<size_t>(source.size());
  const std::shared_ptr<uint8_t> memory(static_cast<uint8_t*>(AllocateAligned(size)), FreeAligned);
  if (memory == nullptr) {
    return OutOfMemory("model '", name, "': there is no memory for its ", size, " bytes");
  }
  const Status status = source.Read(0, {memory.get(), size});
  if (!status.ok()) return status.WithPrefix(StrCat("model '", name, "': "));
  MULLION_ASSIGN_OR_RETURN(compiled::CompiledModel compiled,
                           ReadSource({memory.get(), size, memory, nullptr}, name));
  return std::move(compiled.model);
}

Result<std::unique_ptr<Model>> OpenCompiledModel(const fs::path& path, const fs::path& compiled,
                                                 std::string& refusal) {
  refusal.clear();
  const auto open = [&]() -> Result<std::unique_ptr<Model>> {
    const std::string name = compiled.string();
    const std::string prefix = StrCat("model '", name, "': ");
    const auto mapping = MapFile(compiled);
    if (!mapping.ok()) return mapping.status().WithPrefix(prefix);
    if (!compiled::IsCompiled((*mapping)->data(), (*mapping)->size())) {
      return InvalidModel(prefix, "this is no compiled model");
    }
    MULLION_ASSIGN_OR_RETURN(compiled::CompiledModel read, ReadMapping(*mapping, name));
    Helpers helpers((*mapping)->size());
    const Status status = compiled::CheckFiles(read.files, path, helpers.parallel());
    if (!status.ok()) {
      return status.WithPrefix(prefix);
    }
    return std::move(read.model);
  };
  Result<std::unique_ptr<Model>> model = open();
  if (model.ok()) return model;
  refusal = model.status().message();
  return ReadModelFile(path);
}

}  // namespace mullion
