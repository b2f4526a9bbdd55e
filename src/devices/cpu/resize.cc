// SPDX-License-Identifier: MIT
// Resize: the plan is made when sizes are known at binding, else in Run.
#include "base/memory.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/resize_linear.h"
#include "devices/cpu/resize_nearest.h"
#include "devices/cpu/resize_plan.h"

namespace mullion::cpu {

namespace {

using operators::ResizeParameters;

class Resize final : public Executable {
 public:
  Resize(const ResizeParameters& parameters, ElementType type)
      : parameters_(parameters), type_(type) {}

  Status Bind(BindContext& context) const override {
    std::array<const TensorView*, 4> data{};
    for (int i = 1; i < 4; ++i) {
      const BindContext::Port* const port = context.input(i);
      if (port == nullptr || (i == 1 && !Crops())) continue;
      if (port->data == nullptr) return OkStatus();
      data[static_cast<size_t>(i)] = port->data;
    }
    auto plan = MakeResizePlan(parameters_, context.input(0)->shape, data[1], data[2], data[3]);
    if (!plan.ok()) {
      return context.node().Error(StatusCode::kInvalidModel, plan.status().message());
    }
    if (!IsNearest()) {
      context.RequestScratch(InterpolationScratch(**plan, type_, context.threads()));
    }
    context.SetState(*std::move(plan));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const ResizePlan* plan = context.state<ResizePlan>();
    std::unique_ptr<ResizePlan> made;
    AlignedBuffer buffer;
    void* scratch = context.scratch();
    if (plan == nullptr) {
      const auto view = [&](int i) { return context.HasInput(i) ? &context.Input(i) : nullptr; };
      auto result = MakeResizePlan(parameters_, context.Input(0).shape, Crops() ? view(1) : nullptr,
                                   view(2), view(3));
      if (!result.ok()) return context.Error(result.status().message());
      made = *std::move(result);
      plan = made.get();
      if (!IsNearest()) {
        buffer.reset(
            AllocateAligned(InterpolationScratch(*plan, type_, context.parallel().threads())));
        if (buffer == nullptr) return OutOfMemory("no memory to resize an image");
        scratch = buffer.get();
      }
    }
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, plan->output));
    if (output.count() == 0) return OkStatus();
    if (IsNearest()) {
      ResizeNearest(*plan, parameters_.extrapolation_value, context.Input(0), output,
                    context.parallel());
    } else {
      Interpolate(*plan, parameters_.extrapolation_value, context.Input(0), output, scratch,
                  context.parallel());
    }
    return OkStatus();
  }

 private:
  bool IsNearest() const { return parameters_.mode == ResizeParameters::Mode::kNearest; }
  bool Crops() const {
    return parameters_.coordinates == ResizeParameters::Coordinates::kTfCropAndResize;
  }

  ResizeParameters parameters_;
  ElementType type_;
};

Result<std::unique_ptr<Executable>> Make(const Node& node, WeightStore& /*weights*/) {
  MULLION_ASSIGN_OR_RETURN(const ResizeParameters parameters, ResizeParameters::FromNode(node));
  return std::unique_ptr<Executable>(
      std::make_unique<Resize>(parameters, node.input(0)->type.element_type));
}

Status Supports(const Node& node) {
  if (node.StringAttribute("mode", "nearest") == "nearest") return OkStatus();
  if (Contains(InterpolationTypes(), node.input(0)->type.element_type)) return OkStatus();
  return node.Error(StatusCode::kUnsupported,
                    "the CPU device interpolates float, double and integers only; put a Cast in "
                    "between");
}

}  // namespace

void RegisterResize(KernelRegistry& registry) {
  registry.Add({.name = "Resize",
                .since = 11,
                .types = types::kAll & ~types::kSubByte,
                .make = Make,
                .supports = Supports});
}

}  // namespace mullion::cpu
