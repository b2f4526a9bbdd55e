// SPDX-License-Identifier: MIT
// Any bytes give a valid graph that can be written and read again, or an error that names the
// model.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "onnx/reader.h"
#include "onnx/writer.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// Graphs that a file can say in one version per domain come back when written.
void RequireRoundTrip(const mullion::Model& model) {
  const auto bytes = mullion::WriteModel(model);
  if (!bytes.ok()) return;
  const auto again =
      mullion::ReadModel({reinterpret_cast<const uint8_t*>(bytes->data()), bytes->size()}, nullptr);
  Require(again.ok());
  Require((*again)->graph->node_count() == model.graph->node_count());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto model = mullion::ReadModel({data, size}, nullptr);
  if (!model.ok()) {
    Require(model.status().message().rfind("model '<memory>': ", 0) == 0);
    return 0;
  }
  Require((*model)->graph->Validate().ok());
  RequireRoundTrip(**model);
  return 0;
}
