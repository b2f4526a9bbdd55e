// SPDX-License-Identifier: MIT
// What a caller may choose when a model is read.
#ifndef MULLION_ONNX_READ_OPTIONS_H_
#define MULLION_ONNX_READ_OPTIONS_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/status.h"
#include "base/tensor.h"

namespace mullion {

// Bytes with what keeps them alive; an empty owner means that tensors copy what they need.
struct OwnedBytes {
  std::span<const uint8_t> bytes;
  std::shared_ptr<const void> owner;
};

// Gives the whole content of the external data file `location`, named as the model names it.
// Called once per file, on the thread that reads the model.
using ExternalDataReader = std::function<Result<OwnedBytes>(const std::string& location)>;

// Gives the contents, of so many bytes, that a tensor's external data entry "kept" names by number.
using KeptTensorReader =
    std::function<Result<std::shared_ptr<const TensorSource>>(uint64_t number, size_t bytes)>;

struct ReadOptions {
  // Copies everything into the library's own memory, so that the file may change or go away. By
  // default tensors are views into the mapped file, and cutting the file short ends the process.
  bool copy_data = false;
  // How messages name the model; by default its path, or "<memory>".
  std::string name;
  // Where files of external data are; by default the model's folder. A model from memory has none
  // unless it is given here. Only files beneath the folder are opened.
  std::optional<std::filesystem::path> external_data_folder;
  // Where external data comes from instead of a folder.
  ExternalDataReader external_data_reader;
  // Compiled models keep tensors in their own way.
  KeptTensorReader kept_tensor_reader;
};

}  // namespace mullion

#endif  // MULLION_ONNX_READ_OPTIONS_H_
