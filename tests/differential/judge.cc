// SPDX-License-Identifier: MIT
#include "tests/differential/judge.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/str_cat.h"
#include "onnx/tensor_file.h"
#include "operators/registry.h"
#include "optimizer/infer_graph.h"
#include "tools/engine.h"
#include "tools/failure.h"
#include "tools/value_compare.h"

namespace mullion::differential {

namespace {

std::vector<Tensor> Evaluate(const Case& built, const std::filesystem::path& folder) {
  tools::EngineOptions options;
  options.threads = 1;
  const tools::Engine engine((folder / "model.onnx").string(), options);
  const auto binding = engine.MakeBinding();
  for (size_t i = 0; i < built.inputs().size(); ++i) {
    tools::Bind(binding.get(), engine.InputName(i), tools::ToValue(built.inputs()[i]).get());
  }
  std::vector<Tensor> outputs;
  for (const auto& value : engine.Evaluate(binding.get())) {
    const bool tensor = MullionValue_Kind(value.get()) == MULLION_FEATURE_TENSOR;
    outputs.push_back(tensor ? tools::ToTensor(value.get()) : Tensor());
  }
  return outputs;
}

// What inference says of outputs, from declared shapes alone, against what came out.
std::string CheckInference(const Case& built, const std::vector<Tensor>& outputs) {
  const std::unique_ptr<Graph> graph = built.model().graph->Clone();
  if (!optimizer::InferGraph(*graph, BuiltInOperators()).ok()) return "";
  for (size_t i = 0; i < outputs.size(); ++i) {
    const TypeInfo& type = graph->outputs()[i]->type;
    const Tensor& actual = outputs[i];
    bool same = !type.IsTensor() || type.element_type == ElementType::kUndefined ||
                type.element_type == actual.type();
    if (type.IsTensor() && type.has_shape) {
      same = same && type.shape.rank() == actual.shape().rank();
      for (int axis = 0; same && axis < type.shape.rank(); ++axis) {
        same = type.shape[axis] < 0 || type.shape[axis] == actual.shape()[axis];
      }
    }
    if (!same) {
      return StrCat("output ", i, " is ", Describe(actual.view()), " but was inferred as ",
                    type.ToString());
    }
  }
  return "";
}

Tensor Widened(const Tensor& tensor) {
  Tensor wide = *Tensor::Allocate(ElementType::kDouble, tensor.shape());
  const auto to = wide.mutable_view().span<double>();
  DispatchType(IntegerTypes{}, tensor.type(), [&](auto tag) {
    const auto from = tensor.span<typename decltype(tag)::type>();
    for (size_t i = 0; i < to.size(); ++i) to[i] = static_cast<double>(from[i]);
  });
  return wide;
}

tools::Tolerance ToleranceFor(const Case& built, ElementType type) {
  tools::Tolerance tolerance = built.tolerance;
  // Two roundings of 11 or 8 bits.
  if (type == ElementType::kFloat16) tolerance = {4e-3, 1e-3, 1e-3};
  if (type == ElementType::kBfloat16) tolerance = {3e-2, 1e-2, 1e-2};
  if (type == ElementType::kDouble) {  // some 30 bits more than floats have
    tolerance = {tolerance.rtol * 1e-6, tolerance.atol * 1e-6, tolerance.atol_range * 1e-6};
  }
  return tolerance;
}

std::string Difference(const Case& built, const Tensor& actual, const Tensor& expected) {
  if (built.shapes_only) {
    const bool same = actual.type() == expected.type() && actual.shape() == expected.shape();
    return same ? "" : StrCat(Describe(actual.view()), ", not ", Describe(expected.view()));
  }
  if (built.steps > 0 && IsInteger(actual.type()) && actual.type() == expected.type()) {
    const Tensor a = Widened(actual);
    const Tensor b = Widened(expected);
    return tools::CompareTensors(a.view(), b.view(), {0, static_cast<double>(built.steps), 0})
        .detail;
  }
  const tools::Comparison comparison =
      tools::CompareTensors(actual.view(), expected.view(), ToleranceFor(built, expected.type()));
  return comparison.ok ? "" : comparison.detail;
}

// The outcome when the peer gave outputs.
Verdict Compare(const Case& built, const std::filesystem::path& folder,
                const std::vector<Tensor>& outputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto path = folder / "test_data_set_0" / StrCat("output_", i, ".pb");
    const TensorFileValue expected = tools::ValueOrThrow(ReadTensorFile(path, ValueKind::kTensor));
    const std::string difference = Difference(built, outputs[i], expected.tensor);
    if (!difference.empty()) return {"differs", StrCat("output ", i, ": ", difference), true};
  }
  return {"agree", "", false};
}

// Whether the peer has no kernel for the operator or its types, which is no opinion about them.
bool HasNoKernel(const std::string& complaint) {
  for (const char* const sign :
       {"NOT_IMPLEMENTED", "Could not find an implementation", "is not a registered function/op",
        "Type 'tensor(", "ONNX element type", "not supported yet", "Unsupported data type",
        "No opset import for domain", "isn't supported", "is under development",
        "Failed to construct locale", "Failed to find kernel"}) {
    if (complaint.find(sign) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

Verdict Judge(Case& built, const std::filesystem::path& folder, const std::string& peer,
              const std::string& refusal) {
  std::vector<Tensor> outputs;
  std::string failure;
  try {
    outputs = Evaluate(built, folder);
  } catch (const tools::Failure& error) {
    failure = error.what();
  }
  if (peer == "hostile") {
    const std::string wrong = failure.empty() ? CheckInference(built, outputs) : "";
    if (!wrong.empty()) return {"inference", wrong, true};
    return {failure.empty() ? "taken" : "refused", failure, false};
  }
  if (!failure.empty()) {
    const std::string both = StrCat(failure, " / peer: ", peer);
    if (peer == "ok") return {"we refuse", failure, true};
    if (HasNoKernel(peer)) return {"nobody has a kernel", both, false};
    return {"both refuse", both, false};
  }
  const std::string wrong = CheckInference(built, outputs);
  if (!wrong.empty()) return {"inference", wrong, true};
  if (!refusal.empty()) return {"inference", StrCat("refused but runs: ", refusal), true};
  if (peer == "ok") return Compare(built, folder, outputs);
  if (HasNoKernel(peer)) return {"no kernel in the peer", peer, false};
  return {"peer refuses", peer, true};
}

namespace {

// How far from right a case is: what is a little off gets past the first checks.
struct Damage {
  bool mild;
  double share;  // of elements and attributes
};

// No size that a machine might really have the memory for, and then spend a minute on.
int64_t WildNumber(Random& random, const Damage& damage) {
  if (damage.mild) return random.Int(-4, 9);
  return random.Pick<int64_t>({-1, 0, 1, 7, 1000, -1000, std::numeric_limits<int64_t>::max(),
                               std::numeric_limits<int64_t>::min(), int64_t{1} << 40,
                               -(int64_t{1} << 40), -2147483648LL});
}

void CorruptElements(Random& random, const Damage& damage, Tensor& tensor) {
  DispatchType(NumericTypes{}, tensor.type(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (T& value : tensor.mutable_view().span<T>()) {
      if (!random.Chance(damage.share)) continue;
      if constexpr (std::is_integral_v<T>) {
        value = static_cast<T>(WildNumber(random, damage));
      } else {
        value = static_cast<T>(static_cast<ComputeType<T>>(
            random.Pick({std::nanf(""), HUGE_VALF, -HUGE_VALF, 1e30f, -1e30f, -1.0f, 1e15f})));
      }
    }
  });
}

void CorruptAttributes(Random& random, const Damage& damage, Node& node) {
  const auto number = [&] { return WildNumber(random, damage); };
  const std::vector<Attribute> attributes = node.attributes();
  for (const Attribute& attribute : attributes) {
    if (!random.Chance(0.4)) continue;
    if (std::holds_alternative<int64_t>(attribute.value)) {
      node.SetAttribute(attribute.name, number());
    } else if (const auto* list = std::get_if<std::vector<int64_t>>(&attribute.value)) {
      std::vector<int64_t> changed = *list;
      for (int64_t& item : changed) item = random.Chance(0.5) ? number() : item;
      if (random.Chance(0.2)) changed.push_back(number());
      if (random.Chance(0.2) && !changed.empty()) changed.pop_back();
      node.SetAttribute(attribute.name, changed);
    } else if (std::holds_alternative<float>(attribute.value)) {
      node.SetAttribute(attribute.name,
                        random.Pick({std::nanf(""), HUGE_VALF, -1.0f, 0.0f, 1e30f}));
    }
  }
}

}  // namespace

void Corrupt(Case& built) {
  Random& random = built.random();
  const Damage damage = {random.Chance(0.5), random.Pick({0.4, 0.4, 0.05})};
  Graph& graph = *built.model().graph;
  const auto& fed = graph.inputs();
  for (const auto& node : graph.nodes()) {
    for (Value* const input : node->inputs()) {
      // A Loop of 2^40 iterations is no error, but takes its time.
      if (input == nullptr || (node->operator_name() == "Loop" && input == node->input(0)))
        continue;
      const auto place = std::find(fed.begin(), fed.end(), input);
      if (place != fed.end()) {
        CorruptElements(random, damage, built.inputs()[static_cast<size_t>(place - fed.begin())]);
      } else if (input->IsConstant() && random.Chance(0.3)) {
        CorruptElements(random, damage, input->constant);
      }
    }
  }
  for (const auto& node : graph.nodes()) {
    if (random.Chance(0.3)) CorruptAttributes(random, damage, *node);
    // Without its first input a Loop never ends.
    if (node->input_count() == 0 || node->operator_name() == "Loop") continue;
    if (random.Chance(0.2)) {
      node->SetInput(static_cast<int>(random.Int(0, node->input_count() - 1)), nullptr);
    }
  }
}

}  // namespace mullion::differential
