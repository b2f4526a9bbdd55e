// SPDX-License-Identifier: MIT
#include "onnx/external_data.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/str_cat.h"
#include "onnx/schema.h"

namespace mullion::onnx {

namespace {

Status ParseNumber(std::string_view key, std::string_view text, uint64_t& number) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec == std::errc() && result.ptr == text.data() + text.size()) return OkStatus();
  return InvalidModel("the ", key, " of its external data is ", Quoted(text),
                      ", which is no number of bytes; export the model again");
}

std::string_view AsText(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Status SetLocationEntry(std::string_view key, std::string_view value, ExternalLocation& location) {
  if (key == "location") {
    location.file = value;
  } else if (key == "offset") {
    return ParseNumber(key, value, location.offset);
  } else if (key == "length") {
    return ParseNumber(key, value, location.length.emplace());
  } else if (key == kKeptEntry) {
    return ParseNumber(key, value, location.kept.emplace());
  }
  return OkStatus();
}

Result<SharedBytes> ExternalData::Open(const std::string& file) {
  if (options_.external_data_reader) {
    MULLION_ASSIGN_OR_RETURN(OwnedBytes given, options_.external_data_reader(file));
    return SharedBytes{AsText(given.bytes), std::move(given.owner), nullptr};
  }
  if (!options_.external_data_folder.has_value()) {
    return InvalidModel("its data are in the file ", Quoted(file),
                        ", but a model from memory has no folder; give an external data "
                        "folder or reader, or open the model by its path");
  }
  const auto mapping = MapFileBeneath(*options_.external_data_folder, file);
  if (!mapping.ok()) {
    const Status& why = mapping.status();
    if (why.code() != StatusCode::kNotFound) return why;
    return NotFound(why.message(), "; its data are in that file, which belongs to the model");
  }
  return SharedBytes{AsText({(*mapping)->data(), (*mapping)->size()}), *mapping, *mapping};
}

Result<SharedBytes> ExternalData::Find(const ExternalLocation& location, uint64_t size,
                                       MemoryBudget& budget) {
  auto found = files_.find(location.file);
  if (found == files_.end()) {
    MULLION_ASSIGN_OR_RETURN(SharedBytes opened, Open(location.file));
    if (options_.copy_data) opened.owner = nullptr;
    budget.Extend(opened.bytes.size());
    found = files_.emplace(location.file, std::move(opened)).first;
  }
  const SharedBytes& file = found->second;
  if (location.length.has_value() && *location.length != size) {
    return InvalidModel("its external data have ", *location.length, " bytes but it needs ", size,
                        "; export the model again");
  }
  if (location.offset > file.bytes.size() || size > file.bytes.size() - location.offset) {
    return InvalidModel("its external data are bytes ", location.offset, " to ", location.offset,
                        " + ", size, " of ", Quoted(location.file), ", which has only ",
                        file.bytes.size(), "; the file is cut short, fetch it again");
  }
  SharedBytes part = file;
  part.bytes = file.bytes.substr(location.offset, size);
  return part;
}

Result<std::shared_ptr<const TensorSource>> ExternalData::FindKept(uint64_t number,
                                                                   uint64_t size) const {
  if (options_.kept_tensor_reader) return options_.kept_tensor_reader(number, size);
  return InvalidModel("its data are those of a compiled model, which this is not");
}

std::vector<std::string> ExternalData::Files() const {
  std::vector<std::string> files;
  for (const auto& [name, bytes] : files_) files.push_back(name);
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace mullion::onnx
