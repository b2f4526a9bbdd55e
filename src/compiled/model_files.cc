// SPDX-License-Identifier: MIT
#include "compiled/model_files.h"

#include <chrono>
#include <memory>

#include "base/platform.h"
#include "base/str_cat.h"

namespace mullion::compiled {

namespace {

namespace fs = std::filesystem;

// Within so short a time a file may change without a later modification time, where the system's
// clock is coarse.
constexpr std::chrono::seconds kSettled{2};

using Mapping = std::shared_ptr<const MappedFile>;

Result<Mapping> Open(const fs::path& model, const std::string& name, bool is_model) {
  return is_model ? MapFile(model) : MapFileBeneath(model.parent_path(), name);
}

bool HasSettled(const fs::path& path) {
  std::error_code error;
  const auto changed = fs::last_write_time(path, error);
  return !error && fs::file_time_type::clock::now() - changed > kSettled;
}

}  // namespace

Result<std::vector<ModelFile>> DescribeFiles(const std::vector<std::string>& names,
                                             Parallel& parallel) {
  std::vector<ModelFile> files;
  for (const std::string& name : names) {
    const bool is_model = files.empty();
    const fs::path model(names.front());
    const bool settled = HasSettled(is_model ? model : model.parent_path() / name);
    MULLION_ASSIGN_OR_RETURN(const Mapping mapping, Open(model, name, is_model));
    files.push_back({name, mapping->size(), settled ? mapping->identity() : 0,
                     HashOf(mapping->data(), mapping->size(), mapping.get(), parallel)});
  }
  return files;
}

Status CheckFiles(const std::vector<ModelFile>& files, const fs::path& path, Parallel& parallel) {
  if (files.empty()) {
    return Unsupported(
        "it was compiled from a model that was in no file, so that it cannot be told whether it "
        "is one with the model given");
  }
  for (const ModelFile& file : files) {
    const bool is_model = &file == &files.front();
    MULLION_ASSIGN_OR_RETURN(const Mapping mapping, Open(path, file.name, is_model));
    if (mapping->size() == file.bytes) {
      if (file.identity != 0 && mapping->identity() == file.identity) continue;
      if (HashOf(mapping->data(), mapping->size(), mapping.get(), parallel) == file.hash) continue;
    }
    return Unsupported("it was compiled from other contents than ",
                       is_model ? "the model '" : "the external data '",
                       is_model ? path.string() : file.name, "' has now");
  }
  return OkStatus();
}

}  // namespace mullion::compiled
