// SPDX-License-Identifier: MIT

#include "operators/cast.h"

#include <cstring>
#include <string>

#include "base/str_cat.h"
#include "devices/cpu/cast_string.h"
#include "devices/cpu/flat_kernel.h"
#include "devices/cpu/kernels/elementwise/convert.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

ElementType TypeOf(const Node& node) { return node.input(0)->type.element_type; }

ElementType TargetOf(const Node& node) {
  if (node.operator_name() == "CastLike") return node.input(1)->type.element_type;
  return operators::CastParametersOf(node).to;
}

class Cast final : public FlatKernel {
 public:
  explicit Cast(const Node& node)
      : FlatKernel(TypeOf(node), TargetOf(node), 32768), from_(TypeOf(node)), to_(TargetOf(node)) {
    const operators::CastParameters parameters = operators::CastParametersOf(node);
    options_.saturate = parameters.saturate;
    options_.rounding = parameters.rounding;
  }

 private:
  void Compute(const void* x, void* y, size_t count) const override {
    ConvertElements(from_, x, to_, y, count, options_);
  }

  ElementType from_;
  ElementType to_;
  ConvertOptions options_;
};

// The same bits under another type of as many.
class BitCast final : public FlatKernel {
 public:
  explicit BitCast(const Node& node)
      : FlatKernel(TypeOf(node), TypeOf(node), 65536), type_(TypeOf(node)) {}

 private:
  void Compute(const void* x, void* y, size_t count) const override {
    if (x != y) std::memcpy(y, x, ByteSize(type_, static_cast<int64_t>(count)));
  }

  ElementType type_;
};

class CastToString final : public Executable {
 public:
  explicit CastToString(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    const TensorView& x = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView y, context.AllocateOutput(0, x.shape));
    if (x.type == ElementType::kString) {
      CopyElements(x, y);
    } else {
      FormatElements(x, y.as<std::string>());
    }
    return OkStatus();
  }
};

class CastFromString final : public Executable {
 public:
  explicit CastFromString(const Node& node) {
    const operators::CastParameters parameters = operators::CastParametersOf(node);
    options_.saturate = parameters.saturate;
    options_.rounding = parameters.rounding;
  }

  Status Run(RunContext& context) const override {
    const TensorView& x = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView y, context.AllocateOutput(0, x.shape));
    const std::optional<int64_t> bad = ParseElements(x.span<std::string>(), y, options_);
    if (!bad.has_value()) return OkStatus();
    const std::string text = x.as<std::string>()[*bad].substr(0, 40);
    return context.Error("element ", *bad, " of its input is '", text,
                         "', which is no number; strings must read like 3.14, -1e-5 or INF");
  }

 private:
  ConvertOptions options_;
};

Result<std::unique_ptr<Executable>> MakeCast(const Node& node, WeightStore& weights) {
  if (TargetOf(node) == ElementType::kString) return MakeKernel<CastToString>(node, weights);
  if (TypeOf(node) == ElementType::kString) return MakeKernel<CastFromString>(node, weights);
  return MakeKernel<Cast>(node, weights);
}

}  // namespace

void RegisterCast(KernelRegistry& registry) {
  registry.Add({.name = "Cast", .make = MakeCast});
  registry.Add({.name = "CastLike", .make = MakeCast});
  registry.Add({.name = "BitCast", .make = MakeKernel<BitCast>});
}

}  // namespace mullion::cpu
