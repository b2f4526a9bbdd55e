// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdint>
#include <string>

#include "devices/cpu/broadcast.h"
#include "devices/cpu/broadcast_kernel.h"
#include "devices/cpu/kernels/elementwise/spread_operand.h"
#include "devices/cpu/kernels/simd/for_elements.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

ElementType TypeOf(const Node& node) { return node.input(1)->type.element_type; }

template <typename T>
void Select(Operand<uint8_t> condition, Operand<T> x, Operand<T> y, T* out, size_t count) {
  if (condition.step == 0) {
    const Operand<T> chosen = *condition.data != 0 ? x : y;
    if (chosen.step == 0) {
      std::fill_n(out, count, *chosen.data);
    } else {
      std::copy_n(chosen.data, count, out);
    }
    return;
  }
  ForContiguousParts(x, y, count, [=](const T* p, const T* q, size_t begin, size_t n) {
    const uint8_t* const truth = condition.data + begin;
    T* const to = out + begin;
    // Both are read always, so that the choice needs no branch.
    ForElements(n, [=](size_t i) {
      const T from_x = p[i];
      const T from_y = q[i];
      to[i] = truth[i] != 0 ? from_x : from_y;
    });
  });
}

// Elements of 1, 2, 4 or 8 bytes, whatever they mean.
class Where final : public BroadcastKernel {
 public:
  explicit Where(const Node& node)
      : BroadcastKernel({1, ByteSize(TypeOf(node), 1), ByteSize(TypeOf(node), 1)},
                        ByteSize(TypeOf(node), 1), 32768, 3),
        bytes_(ByteSize(TypeOf(node), 1)) {}

 private:
  template <typename T>
  static void SelectAs(std::span<const AnyOperand> operands, void* out, size_t count) {
    Select<T>(operands[0].As<uint8_t>(), operands[1].As<T>(), operands[2].As<T>(),
              static_cast<T*>(out), count);
  }

  void Compute(std::span<const AnyOperand> operands, void* out, size_t count) const override {
    switch (bytes_) {
      case 1:
        return SelectAs<uint8_t>(operands, out, count);
      case 2:
        return SelectAs<uint16_t>(operands, out, count);
      case 4:
        return SelectAs<uint32_t>(operands, out, count);
      default:
        return SelectAs<uint64_t>(operands, out, count);
    }
  }

  size_t bytes_;
};

// Strings and complex numbers of 16 bytes, an element at a time.
class WhereOne final : public Executable {
 public:
  explicit WhereOne(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    const Shape shapes[] = {context.Input(0).shape, context.Input(1).shape, context.Input(2).shape};
    const std::optional<BroadcastPlan> plan = PlanBroadcast(shapes);
    if (!plan.has_value()) return context.Error("its inputs' shapes do not broadcast");
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView out, context.AllocateOutput(0, plan->output));
    if (out.type == ElementType::kString) {
      Choose<std::string>(context, *plan, out);
    } else {
      Choose<std::complex<double>>(context, *plan, out);
    }
    return OkStatus();
  }

 private:
  template <typename T>
  static void Choose(const RunContext& context, const BroadcastPlan& plan,
                     const MutableTensorView& out) {
    const BroadcastReader reader(plan, 1);
    for (int64_t i = 0; i < plan.count; ++i) {
      const bool first = context.Input(0).as<bool>()[reader.ElementAt(0, i)];
      const int chosen = first ? 1 : 2;
      out.as<T>()[i] = context.Input(chosen).as<T>()[reader.ElementAt(chosen, i)];
    }
  }
};

Result<std::unique_ptr<Executable>> MakeWhere(const Node& node, WeightStore& weights) {
  const ElementType type = TypeOf(node);
  if (type == ElementType::kString || type == ElementType::kComplex128) {
    return MakeKernel<WhereOne>(node, weights);
  }
  return MakeKernel<Where>(node, weights);
}

Status SupportsWhere(const Node& node) {
  if (!IsSubByte(TypeOf(node))) return OkStatus();
  return node.Error(StatusCode::kUnsupported,
                    "the CPU device chooses between elements of whole bytes only; put a Cast "
                    "before and after");
}

}  // namespace

void RegisterWhere(KernelRegistry& registry) {
  registry.Add(
      {.name = "Where", .types = types::kBool, .make = MakeWhere, .supports = SupportsWhere});
}

}  // namespace mullion::cpu
