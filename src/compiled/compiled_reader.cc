// SPDX-License-Identifier: MIT
#include "compiled/compiled_reader.h"

#include <cstring>
#include <exception>
#include <span>
#include <string_view>
#include <utility>

#include "base/str_cat.h"
#include "base/version.h"
#include "compiled/file_format.h"
#include "compiled/node_notes.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "onnx/reader.h"
#include "onnx/wire_reader.h"

namespace mullion::compiled {

namespace {

using onnx::WireReader;

Status Damaged(std::string_view what) {
  return InvalidModel("this compiled model is damaged: ", what,
                      "; compile the model again, or open the original");
}

Status Stale(std::string_view what) {
  return Unsupported("this compiled model is ", what,
                     "; compile the model again here, or open the original");
}

// A constant's contents, packed or not, in the file.
class KeptTensor final : public TensorSource {
 public:
  struct Form {
    std::string format;
    const uint8_t* data;
    size_t bytes;
  };

  explicit KeptTensor(std::shared_ptr<const void> owner) : owner_(std::move(owner)) {}

  void Add(std::string_view format, const uint8_t* data, size_t bytes) {
    if (format.empty()) {
      contents_ = data;
      bytes_ = bytes;
    } else {
      forms_.push_back({std::string(format), data, bytes});
    }
  }
  bool Fits(size_t bytes) const { return contents_ == nullptr || bytes_ == bytes; }
  void SetBytes(size_t bytes) { bytes_ = bytes; }

  const void* Memory() const override { return contents_; }
  void Fill(size_t begin, size_t bytes, void* memory) const override {
    if (contents_ == nullptr) {
      std::memset(memory, 0, bytes);
    } else {
      std::memcpy(memory, contents_ + begin, bytes);
    }
  }
  bool HasContents() const override { return contents_ != nullptr; }
  std::shared_ptr<const void> Packed(std::string_view format, size_t bytes) const override {
    for (const Form& form : forms_) {
      if (form.format == format && form.bytes == bytes) return {owner_, form.data};
    }
    return nullptr;
  }

 private:
  std::shared_ptr<const void> owner_;
  const uint8_t* contents_ = nullptr;
  size_t bytes_ = 0;
  std::vector<Form> forms_;
};

struct Head {
  std::string library;
  std::string level;
  std::vector<ModelFile> files;
  std::vector<std::shared_ptr<KeptTensor>> tensors;
  std::string_view model;
};

ModelFile ReadFileRecord(std::string_view bytes, bool& whole) {
  ModelFile file;
  WireReader fields(bytes);
  while (fields.Next()) {
    switch (fields.number()) {
      case field::file::kName:
        file.name = fields.Name();
        break;
      case field::file::kBytes:
        file.bytes = static_cast<uint64_t>(fields.Int());
        break;
      case field::file::kIdentity:
        file.identity = static_cast<uint64_t>(fields.Int());
        break;
      case field::file::kHashHigh:
        file.hash.high = static_cast<uint64_t>(fields.Int());
        break;
      case field::file::kHashLow:
        file.hash.low = static_cast<uint64_t>(fields.Int());
        break;
      default:
        break;
    }
  }
  whole = whole && fields.damage() == nullptr;
  return file;
}

// `tensors` are the bytes that offsets count in. Records of one constant follow each other, and
// constants count up.
bool ReadTensorRecord(std::string_view bytes, const Source& source,
                      std::span<const uint8_t> tensors, Head& head) {
  uint64_t constant = 0;
  std::string_view format;
  uint64_t offset = 0;
  uint64_t length = 0;
  WireReader fields(bytes);
  while (fields.Next()) {
    if (fields.number() == field::tensor::kConstant) constant = static_cast<uint64_t>(fields.Int());
    if (fields.number() == field::tensor::kFormat) format = fields.Name();
    if (fields.number() == field::tensor::kOffset) offset = static_cast<uint64_t>(fields.Int());
    if (fields.number() == field::tensor::kBytes) length = static_cast<uint64_t>(fields.Int());
  }
  if (fields.damage() != nullptr || offset % kTensorAlignment != 0 || offset > tensors.size() ||
      length > tensors.size() - offset) {
    return false;
  }
  if (constant == head.tensors.size()) {
    head.tensors.push_back(std::make_shared<KeptTensor>(source.owner));
  }
  if (constant + 1 != head.tensors.size()) return false;
  head.tensors.back()->Add(format, tensors.data() + offset, static_cast<size_t>(length));
  return true;
}

Result<Head> ReadHead(std::string_view bytes, const Source& source,
                      std::span<const uint8_t> tensors) {
  Head head;
  bool whole = true;
  WireReader fields(bytes);
  while (whole && fields.Next()) {
    switch (fields.number()) {
      case field::head::kLibrary:
        head.library = fields.Name();
        break;
      case field::head::kLevel:
        head.level = fields.Name();
        break;
      case field::head::kFile:
        head.files.push_back(ReadFileRecord(fields.Bytes(), whole));
        break;
      case field::head::kTensor:
        whole = ReadTensorRecord(fields.Bytes(), source, tensors, head);
        break;
      case field::head::kModel:
        head.model = fields.Bytes();
        break;
      default:
        break;
    }
  }
  if (!whole || fields.damage() != nullptr) return Damaged("its head makes no sense");
  return head;
}

// The header, checked as far as it can be by itself.
Result<Header> ReadHeader(const Source& source) {
  Header header;
  if (source.size < sizeof(header)) return Damaged("it is cut short");
  std::memcpy(&header, source.data, sizeof(header));
  if (header.version != kFormatVersion) {
    return Stale(StrCat("in format ", header.version,
                        " but this version of the library has format ", kFormatVersion));
  }
  if (header.file_bytes != source.size) {
    return Damaged(StrCat("it has ", source.size, " bytes of ", header.file_bytes));
  }
  if (header.tensors_begin < sizeof(header) || header.tensors_begin > source.size ||
      header.tensors_begin % kTensorAlignment != 0 ||
      header.head_bytes > header.tensors_begin - sizeof(header)) {
    return Damaged("its header makes no sense");
  }
  return header;
}

Status CheckOrigin(const Head& head) {
  if (head.library != kVersion) {
    return Stale(StrCat("of version ", head.library, " of the library but this is ", kVersion));
  }
  const std::string_view level = cpu::IsaName(cpu::CurrentIsa());
  if (head.level == level) return OkStatus();
  return Stale(StrCat("for the instruction set ", head.level, " but ", level, " is in use"));
}

Result<std::unique_ptr<Model>> ReadGraph(const Head& head, const Source& source,
                                         const std::string& name) {
  ReadOptions options;
  options.name = name;
  options.kept_tensor_reader = [&](uint64_t number,
                                   size_t bytes) -> Result<std::shared_ptr<const TensorSource>> {
    if (number >= head.tensors.size() || !head.tensors[number]->Fits(bytes)) {
      return Damaged("a tensor is missing");
    }
    head.tensors[number]->SetBytes(bytes);
    return std::shared_ptr<const TensorSource>(head.tensors[number]);
  };
  const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(head.model.data()),
                                       head.model.size());
  MULLION_ASSIGN_OR_RETURN(auto model, ReadModel(bytes, source.owner, options));
  MULLION_RETURN_IF_ERROR(ReadNotes(*model->graph));
  std::erase_if(model->opsets, [](const OpsetImport& import) {
    return import.domain.find('@') != std::string::npos;
  });
  model->compiled = true;
  return model;
}

// The same on any thread.
Result<std::unique_ptr<Model>> ReadGraphSafely(const Head& head, const Source& source,
                                               const std::string& name) {
  try {
    return ReadGraph(head, source, name);
  } catch (const std::exception& error) {  // bad_alloc above all
    return OutOfMemory("there is no memory for its graph: ", error.what());
  }
}

}  // namespace

bool IsCompiled(const uint8_t* data, size_t size) {
  return size >= sizeof(kMagic) && std::memcmp(data, kMagic, sizeof(kMagic)) == 0;
}

Result<CompiledModel> ReadCompiled(const Source& source, const std::string& name,
                                   Parallel& parallel) {
  MULLION_ASSIGN_OR_RETURN(const Header header, ReadHeader(source));
  const auto* const head_begin = source.data + sizeof(header);
  const auto head_size = static_cast<size_t>(header.tensors_begin - sizeof(header));
  if (!(HashOf(head_begin, head_size, source.mapping, parallel) == header.head_hash)) {
    return Damaged("the checksum of its head is wrong");
  }
  const std::span<const uint8_t> tensors(source.data + header.tensors_begin,
                                         source.size - static_cast<size_t>(header.tensors_begin));
  MULLION_ASSIGN_OR_RETURN(Head head, ReadHead({reinterpret_cast<const char*>(head_begin),
                                                static_cast<size_t>(header.head_bytes)},
                                               source, tensors));
  MULLION_RETURN_IF_ERROR(CheckOrigin(head));
  // The graph looks at no weights, whose check takes longer.
  Result<std::unique_ptr<Model>> model(nullptr);
  const auto read = [&] { model = ReadGraphSafely(head, source, name); };
  if (!(HashBeside(read, tensors.data(), tensors.size(), source.mapping, parallel) ==
        header.tensor_hash)) {
    return Damaged("the checksum of its weights is wrong");
  }
  CompiledModel compiled;
  MULLION_ASSIGN_OR_RETURN(compiled.model, std::move(model));
  compiled.files = std::move(head.files);
  return compiled;
}

}  // namespace mullion::compiled
