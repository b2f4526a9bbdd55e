// SPDX-License-Identifier: MIT
#ifndef MULLION_LEARNING_MODEL_H_
#define MULLION_LEARNING_MODEL_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <istream>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mullion/error.h"
#include "mullion/feature_descriptor.h"
#include "mullion/handle.h"

namespace mullion {

namespace detail {
inline std::string Utf8(const std::filesystem::path& path) {
  const std::u8string text = path.u8string();
  return {text.begin(), text.end()};
}
}  // namespace detail

// Orders names without regard to the case of ASCII letters.
struct IgnoringCase {
  bool operator()(const std::string& a, const std::string& b) const {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                        [&](char x, char y) { return lower(x) < lower(y); });
  }
};

// A trained model: an ONNX file, or one compiled by LearningModelSession::Compile. A handle;
// thread-safe.
class LearningModel final {
 public:
  explicit LearningModel(detail::ModelHandle model) : handle_(std::move(model)) {}
  LearningModel(std::nullptr_t) {}  // NOLINT(runtime/explicit)

  // Maps the file, which must not change while the model or a session of it lives: cutting it short
  // ends the process. External data is looked for beneath the file's folder.
  // ErrorCode::NotFound, InvalidModel, Unsupported, OutOfMemory; the message names the file.
  static LearningModel LoadFromFilePath(const std::filesystem::path& path) {
    return Load(MullionModel_LoadFromFilePath, Utf8(path).c_str());
  }
  // The same from `compiled`, a file that `mullion compile` or LearningModelSession::Compile made
  // of the model, where the model's files still contain what it was made from and where it is
  // whole, of this version of the library and for the instruction set in use. Otherwise from
  // `path`: CompiledRefusal() says why.
  static LearningModel LoadFromFilePath(const std::filesystem::path& path,
                                        const std::filesystem::path& compiled) {
    return Load(MullionModel_LoadCompiled, Utf8(path).c_str(), Utf8(compiled).c_str());
  }
  // The same with everything read into memory: the files may change or go away.
  static LearningModel LoadCopyFromFilePath(const std::filesystem::path& path) {
    return Load(MullionModel_LoadCopyFromFilePath, Utf8(path).c_str());
  }
  // From the bytes of a file, which are copied.
  static LearningModel LoadFromBuffer(std::span<const std::byte> bytes) {
    return LoadFromBuffer(bytes.data(), bytes.size());
  }
  static LearningModel LoadFromBuffer(const void* bytes, size_t size) {
    return Load(MullionModel_LoadFromBuffer, bytes, size);
  }
  // From a source of the caller's own, such as an encrypted store: `read` fills its second argument
  // with the bytes from its first argument on and says whether it could. Everything is read before
  // this returns.
  static LearningModel LoadFromStream(
      uint64_t size, const std::function<bool(uint64_t, std::span<std::byte>)>& read) {
    // The callback is C: what `read` throws waits outside.
    struct Context {
      const std::function<bool(uint64_t, std::span<std::byte>)>& read;
      std::exception_ptr failure;
    } context{read, nullptr};
    MullionReader reader{&context, size,
                         [](void* data, uint64_t offset, void* buffer, size_t length) -> int {
                           auto* const self = static_cast<Context*>(data);
                           try {
                             const auto bytes = static_cast<std::byte*>(buffer);
                             return self->read(offset, {bytes, length}) ? 0 : 1;
                           } catch (...) {
                             self->failure = std::current_exception();
                             return 1;
                           }
                         }};
    MullionModel* model = nullptr;
    MullionStatus* const status = MullionModel_LoadFromReader(&reader, &model);
    if (context.failure != nullptr) {
      MullionStatus_Release(status);
      std::rethrow_exception(context.failure);
    }
    detail::Check(status);
    return LearningModel(detail::ModelHandle::Adopt(model));
  }
  // From the current position of a stream to its end.
  static LearningModel LoadFromStream(std::istream& stream) {
    std::string bytes;
    char part[4096];
    while (stream.read(part, sizeof(part)) || stream.gcount() > 0) {
      bytes.append(part, static_cast<size_t>(stream.gcount()));
    }
    return LoadFromBuffer(bytes.data(), bytes.size());
  }

  // Whether the model came from a compiled file.
  bool IsCompiled() const { return MullionModel_IsCompiled(get()) != 0; }
  // Why LoadFromFilePath did without the compiled file that it was given; "" otherwise.
  std::string CompiledRefusal() const { return MullionModel_CompiledRefusal(get()); }

  std::string Author() const { return MullionModel_Author(get()); }  // producer_name
  std::string Name() const { return MullionModel_Name(get()); }      // the graph's name
  std::string Domain() const { return MullionModel_Domain(get()); }
  std::string Description() const { return MullionModel_Description(get()); }
  int64_t Version() const { return MullionModel_Version(get()); }
  // Keys are looked up without regard to case; of keys that differ in case only, the first counts.
  std::map<std::string, std::string, IgnoringCase> Metadata() const {
    std::map<std::string, std::string, IgnoringCase> metadata;
    for (size_t i = 0; i < MullionModel_MetadataCount(get()); ++i) {
      metadata.emplace(MullionModel_MetadataKey(get(), i), MullionModel_MetadataValue(get(), i));
    }
    return metadata;
  }
  // In the graph's order; inputs without those that have an initializer.
  std::vector<LearningModelFeatureDescriptor> InputFeatures() const {
    return Features(MullionModel_InputCount(get()), MullionModel_Input);
  }
  std::vector<LearningModelFeatureDescriptor> OutputFeatures() const {
    return Features(MullionModel_OutputCount(get()), MullionModel_Output);
  }

  // Frees the weights. Everything above still works, and so do sessions that exist; new sessions
  // fail with ErrorCode::Closed. Happens by itself when the last handle but those of sessions goes.
  void Close() const { MullionModel_Close(get()); }

  // False for nullptr.
  explicit operator bool() const { return static_cast<bool>(handle_); }
  // For calls of the C interface; no reference is added.
  MullionModel* get() const { return handle_.get(); }

 private:
  static std::string Utf8(const std::filesystem::path& path) { return detail::Utf8(path); }
  template <typename Function, typename... Arguments>
  static LearningModel Load(Function load, Arguments... arguments) {
    MullionModel* model = nullptr;
    detail::Check(load(arguments..., &model));
    return LearningModel(detail::ModelHandle::Adopt(model));
  }
  std::vector<LearningModelFeatureDescriptor> Features(
      size_t count, const MullionFeature* (*feature)(const MullionModel*, size_t)) const {
    std::vector<LearningModelFeatureDescriptor> features;
    for (size_t i = 0; i < count; ++i) features.emplace_back(handle_, feature(get(), i));
    return features;
  }

  detail::ModelHandle handle_;
};

}  // namespace mullion

#endif  // MULLION_LEARNING_MODEL_H_
