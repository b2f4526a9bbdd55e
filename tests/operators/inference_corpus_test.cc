// SPDX-License-Identifier: MIT
// What inference says of the outputs of ONNX's own node tests, with the sizes of inputs as declared
// and without, against the outputs that belong to them.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/str_cat.h"
#include "onnx/reader.h"
#include "onnx/tensor_file.h"
#include "operators/registry.h"
#include "optimizer/infer_graph.h"

namespace mullion {
namespace {

namespace fs = std::filesystem;

// Empty when all that is known of the type is true of the tensor.
std::string Contradiction(const TypeInfo& type, const Tensor& tensor) {
  bool same = type.element_type == ElementType::kUndefined || type.element_type == tensor.type();
  if (type.has_shape) {
    same = same && type.shape.rank() == tensor.shape().rank();
    for (int axis = 0; same && axis < type.shape.rank(); ++axis) {
      same = type.shape[axis] < 0 || type.shape[axis] == tensor.shape()[axis];
    }
  }
  return same ? "" : StrCat(Describe(tensor.view()), " was inferred as ", type.ToString());
}

enum class Sizes { kDeclared, kUnknown };

// Of one test; counts the outputs whose shape was known altogether.
std::string CheckTest(const fs::path& folder, Sizes sizes, int& known) {
  const auto model = ReadModelFile(folder / "model.onnx");
  if (!model.ok()) return model.status().message();
  Graph& graph = *(*model)->graph;
  for (const auto& node : graph.nodes()) {  // what the file says of results does not count
    for (Value* const output : node->outputs()) {
      if (output != nullptr) output->type = TypeInfo();
    }
  }
  if (sizes == Sizes::kUnknown) {
    for (Value* const input : graph.inputs()) {
      Shape& shape = input->type.shape;
      for (int axis = 0; axis < shape.rank(); ++axis) shape[axis] = kUnknownDim;
    }
  }
  const Status status = optimizer::InferGraph(graph, BuiltInOperators());
  if (!status.ok()) return status.message();
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    const TypeInfo& type = graph.outputs()[i]->type;
    const fs::path file = folder / "test_data_set_0" / StrCat("output_", i, ".pb");
    if (!type.IsTensor() || !fs::exists(file)) continue;
    const auto expected = ReadTensorFile(file, ValueKind::kTensor);
    if (!expected.ok()) return expected.status().message();
    const std::string wrong = Contradiction(type, expected->tensor);
    if (!wrong.empty()) return StrCat("output ", i, ": ", wrong);
    known += type.has_shape && type.shape.IsConcrete() ? 1 : 0;
  }
  return "";
}

TEST(InferenceCorpus, AgreesWithTheOutputsOfOnnxsNodeTests) {
  const fs::path root = fs::path(MULLION_CONFORMANCE_DIR) / "node";
  if (!fs::exists(root)) GTEST_SKIP() << "no " << root;
  for (const Sizes sizes : {Sizes::kDeclared, Sizes::kUnknown}) {
    int tests = 0, known = 0;
    for (const auto& entry : fs::directory_iterator(root)) {
      const std::string wrong = CheckTest(entry.path(), sizes, known);
      EXPECT_EQ(wrong, "") << entry.path().filename()
                           << (sizes == Sizes::kUnknown ? ", sizes unknown" : "");
      ++tests;
    }
    EXPECT_GT(tests, 0);
    std::printf("%d tests, %d outputs of known shape\n", tests, known);
  }
}

}  // namespace
}  // namespace mullion
