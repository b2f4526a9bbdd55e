// SPDX-License-Identifier: MIT
#include "compiled/compile_model.h"

#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/memory.h"
#include "base/platform.h"
#include "base/str_cat.h"
#include "base/version.h"
#include "compiled/file_format.h"
#include "compiled/model_files.h"
#include "compiled/node_notes.h"
#include "device/weight_store.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "onnx/writer.h"
#include "planner/plan.h"
#include "runtime/prepare_graph.h"
#include "runtime/thread_pool.h"

namespace mullion {

namespace {

namespace field = compiled::field;
using protozero::pbf_writer;

// Smaller contents stand in the ONNX model.
constexpr size_t kKeepFrom = size_t{64} << 10;

uint64_t Aligned(uint64_t offset) {
  constexpr uint64_t kStep = compiled::kTensorAlignment;
  return (offset + kStep - 1) / kStep * kStep;
}

// Something that lies among the tensors of the file.
struct Part {
  uint64_t constant;
  std::string format;
  const void* data;
  uint64_t bytes;
  uint64_t offset;  // from the beginning of the tensors
};

// Finds what of the constants goes into the file, and where.
class Tensors {
 public:
  explicit Tensors(const std::vector<PackedWeights>& record) {
    for (const PackedWeights& packed : record) by_content_[packed.content].push_back(&packed);
  }

  // `planned` is the same graph after planning, when constants that are held have lost their
  // contents.
  void Add(const Graph& graph, const Graph& planned) {
    auto twin = planned.values().begin();
    for (const Value& value : graph.values()) AddConstant(value, *twin++);
    auto node_twin = planned.nodes().begin();
    for (const auto& node : graph.nodes()) {
      const std::vector<Graph*> bodies = node->Subgraphs();
      const std::vector<Graph*> planned_bodies = (*node_twin++)->Subgraphs();
      for (size_t i = 0; i < bodies.size(); ++i) Add(*bodies[i], *planned_bodies[i]);
    }
  }

  const KeptTensors& kept() const { return kept_; }
  const std::vector<Part>& parts() const { return parts_; }
  uint64_t bytes() const { return bytes_; }

 private:
  void AddConstant(const Value& value, const Value& twin) {
    const Tensor& constant = value.constant;
    if (!value.IsConstant() || value.uses().empty() || constant.type() == ElementType::kString ||
        constant.type() == ElementType::kBool || constant.bytes() == 0) {
      return;
    }
    const bool held = !twin.constant.deferred() && twin.constant.data() == nullptr;
    const auto packed = by_content_.find(WeightStore::ContentKey(constant));
    const bool is_packed = packed != by_content_.end();
    if (!is_packed && constant.bytes() < kKeepFrom) return;
    const uint64_t number = kept_.size();
    kept_.emplace(&value, number);
    if (is_packed) {
      std::unordered_set<std::string_view> seen;
      for (const PackedWeights* const one : packed->second) {
        if (seen.insert(one->format).second) {
          AddPart(number, one->format, one->data.get(), one->bytes);
        }
      }
    }
    if (!held) AddPart(number, "", constant.data(), constant.bytes());
  }

  // What several constants share is written once.
  void AddPart(uint64_t constant, const std::string& format, const void* data, uint64_t bytes) {
    const auto [place, fresh] = offsets_.try_emplace({data, bytes}, bytes_);
    if (fresh) bytes_ = Aligned(bytes_ + bytes);
    parts_.push_back({constant, format, data, bytes, place->second});
  }

  std::unordered_map<const void*, std::vector<const PackedWeights*>> by_content_;
  std::map<std::pair<const void*, uint64_t>, uint64_t> offsets_;
  KeptTensors kept_;
  std::vector<Part> parts_;
  uint64_t bytes_ = 0;
};

// The tensors as they lie in the file.
Result<std::shared_ptr<uint8_t>> Assemble(const Tensors& tensors) {
  const std::shared_ptr<uint8_t> memory(
      static_cast<uint8_t*>(AllocateAligned(static_cast<size_t>(tensors.bytes()))), FreeAligned);
  if (memory == nullptr) {
    return OutOfMemory("no memory for ", tensors.bytes(), " bytes of packed weights");
  }
  std::memset(memory.get(), 0, tensors.bytes());
  for (const Part& part : tensors.parts()) {
    std::memcpy(memory.get() + part.offset, part.data, part.bytes);
  }
  return memory;
}

void WriteFileRecord(const compiled::ModelFile& file, pbf_writer& head) {
  pbf_writer inner(head, field::head::kFile);
  inner.add_string(field::file::kName, file.name);
  inner.add_uint64(field::file::kBytes, file.bytes);
  inner.add_uint64(field::file::kIdentity, file.identity);
  inner.add_uint64(field::file::kHashHigh, file.hash.high);
  inner.add_uint64(field::file::kHashLow, file.hash.low);
}

void WriteTensorRecord(const Part& part, pbf_writer& head) {
  pbf_writer inner(head, field::head::kTensor);
  inner.add_uint64(field::tensor::kConstant, part.constant);
  if (!part.format.empty()) inner.add_string(field::tensor::kFormat, part.format);
  inner.add_uint64(field::tensor::kOffset, part.offset);
  inner.add_uint64(field::tensor::kBytes, part.bytes);
}

std::string EncodeHead(const std::vector<compiled::ModelFile>& files, const Tensors& tensors,
                       const std::string& model) {
  std::string bytes;
  pbf_writer head(bytes);
  head.add_string(field::head::kLibrary, kVersion);
  head.add_string(field::head::kLevel, std::string(cpu::IsaName(cpu::CurrentIsa())));
  for (const compiled::ModelFile& file : files) WriteFileRecord(file, head);
  for (const Part& part : tensors.parts()) WriteTensorRecord(part, head);
  head.add_bytes(field::head::kModel, model);
  return bytes;
}

Status WriteParts(const std::filesystem::path& path, const compiled::Header& header,
                  const std::string& head, const uint8_t* tensors) {
  // Whoever has the old file mapped keeps it, and nobody sees half a file.
  std::filesystem::path part = path;
  part += ".part";
  std::error_code error;
  {
    std::ofstream stream(part, std::ios::binary | std::ios::trunc);
    stream.write(reinterpret_cast<const char*>(&header), sizeof(header));
    stream.write(head.data(), static_cast<std::streamsize>(head.size()));
    stream.write(reinterpret_cast<const char*>(tensors),
                 static_cast<std::streamsize>(header.file_bytes - header.tensors_begin));
    stream.close();
    if (stream) std::filesystem::rename(part, path, error);
    if (stream && !error) return OkStatus();
  }
  std::filesystem::remove(part, error);
  return InvalidArgument("cannot write '", path.string(),
                         "'; check that its folder exists, may be written and has room");
}

Status Compile(const Model& model, std::span<const Device* const> devices,
               const OperatorRegistry& operators, const SessionOptions& options,
               const std::filesystem::path& path) {
  if (model.compiled) return Unsupported("it is compiled already; compile the ONNX file instead");
  // Whoever opens the file may not know of a reduced precision.
  SessionOptions plain;
  plain.threads = options.threads;
  plain.optimize = options.optimize;
  MULLION_ASSIGN_OR_RETURN(PreparedGraph prepared, PrepareGraph(model, devices, operators, plain));
  const int threads = options.threads > 0 ? options.threads : AvailableProcessors();
  std::shared_ptr<ThreadPool> pool;
  if (threads > 1) pool = ThreadPool::Acquire(threads - 1);
  PoolParallel parallel(pool.get(), threads, nullptr);

  std::vector<PackedWeights> record;
  WeightStore store(&record);
  const std::unique_ptr<Graph> planned = prepared.graph->Clone();
  MULLION_ASSIGN_OR_RETURN(const auto program,
                           PlanGraph(*planned, {&operators, devices, &store, &parallel}));
  Tensors tensors(record);
  tensors.Add(*prepared.graph, *planned);

  Model optimized;
  optimized.ir_version = model.ir_version;
  optimized.producer_name = model.producer_name;
  optimized.producer_version = model.producer_version;
  optimized.domain = model.domain;
  optimized.description = model.description;
  optimized.model_version = model.model_version;
  optimized.opsets = model.opsets;
  optimized.metadata = model.metadata;
  optimized.inputs = model.inputs;
  optimized.outputs = model.outputs;
  optimized.graph = std::move(prepared.graph);
  compiled::WriteNotes(*optimized.graph);
  MULLION_ASSIGN_OR_RETURN(const std::string onnx, WriteModel(optimized, tensors.kept()));
  MULLION_ASSIGN_OR_RETURN(const auto files, compiled::DescribeFiles(model.files, parallel));
  MULLION_ASSIGN_OR_RETURN(const auto contents, Assemble(tensors));

  std::string head = EncodeHead(files, tensors, onnx);
  compiled::Header header{};
  std::memcpy(header.magic, compiled::kMagic, sizeof(header.magic));
  header.version = compiled::kFormatVersion;
  header.tensors_begin = Aligned(sizeof(header) + head.size());
  header.head_bytes = head.size();
  header.file_bytes = header.tensors_begin + tensors.bytes();
  head.resize(header.tensors_begin - sizeof(header), '\0');
  header.head_hash = compiled::HashOf(reinterpret_cast<const uint8_t*>(head.data()), head.size(),
                                      nullptr, parallel);
  header.tensor_hash =
      compiled::HashOf(contents.get(), static_cast<size_t>(tensors.bytes()), nullptr, parallel);
  return WriteParts(path, header, head, contents.get());
}

}  // namespace

Status CompileModel(const Model& model, std::span<const Device* const> devices,
                    const OperatorRegistry& operators, const SessionOptions& options,
                    const std::filesystem::path& path) {
  const Status status = Compile(model, devices, operators, options, path);
  return status.ok() ? status : status.WithPrefix(StrCat("model '", model.path, "': "));
}

}  // namespace mullion
