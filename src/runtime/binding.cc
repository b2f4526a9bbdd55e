// SPDX-License-Identifier: MIT
#include "runtime/binding.h"

#include <algorithm>
#include <utility>

#include "base/str_cat.h"
#include "runtime/arena_planner.h"
#include "runtime/run_node.h"

namespace mullion {

namespace {

// Arithmetic on shapes is done at binding; anything larger is real work for a run.
constexpr int64_t kMostFoldedElements = 1024;

bool SameType(const TypeInfo& a, const TypeInfo& b) {
  return a.kind == b.kind && a.element_type == b.element_type && a.has_shape == b.has_shape &&
         a.shape == b.shape;
}

bool IsStaticTensor(const TypeInfo& type) {
  return type.IsTensor() && type.has_shape && type.shape.IsConcrete();
}

class Binder {
 public:
  Binder(const Program& program, const BindOptions& options, Binding& binding)
      : program_(program), options_(options), binding_(binding), facts_(program.slots.size()) {}

  Status Bind() {
    binding_.placements.reserve(program_.steps.size());
    binding_.steps.reserve(program_.steps.size());
    LearnConstants();
    for (const Binding* b = binding_.parent; b != nullptr; b = b->parent) LearnFrom(*b);
    for (const BoundaryValue& value : binding_.key.values) Learn(value.slot, value.type);
    const int step_count = static_cast<int>(program_.steps.size());
    int step = binding_.key.first_step;
    for (; step < step_count; ++step) {
      MULLION_ASSIGN_OR_RETURN(const bool known, LearnStep(step));
      if (!known) break;
    }
    binding_.end_step = step;
    MULLION_RETURN_IF_ERROR(BindSteps());
    binding_.arena_bytes = arena_.size();
    if (options_.threads > 1) {
      binding_.loop_costs = std::make_unique<LoopCosts[]>(binding_.steps.size());
    }
    return OkStatus();
  }

 private:
  // What is known of a slot's value.
  struct Fact {
    bool known = false;
    TypeInfo type;
    Tensor data;  // the content, when it is known and small or constant
    TensorView view;
    BindContext::Port port;
    // While the value sits in this segment's arena: which block; others may sit there, too.
    int block = kNoBlock;
    bool in_arena() const { return block != kNoBlock; }
    // In a group of steps: whether the samples that a step does not see are somewhere, too.
    bool has_all = true;
  };

  // A piece of the arena, and how many values that are still read are there.
  struct Block {
    size_t offset;
    size_t bytes;
    int users;
  };
  static constexpr int kNoBlock = -1;

  Fact& At(int slot) { return facts_[static_cast<size_t>(slot)]; }

  void Learn(int slot, const TypeInfo& type, Tensor data = Tensor()) {
    Fact& fact = At(slot);
    fact.known = true;
    fact.type = type;
    fact.data = std::move(data);
    if (fact.data) fact.view = fact.data.view();
    fact.port = {type.element_type, type.shape, fact.data ? &fact.view : nullptr};
  }

  void LearnConstants() {
    for (size_t i = 0; i < program_.slots.size(); ++i) {
      const Slot& slot = program_.slots[i];
      if (!slot.constant) continue;
      const Tensor& tensor = slot.value->constant;
      Learn(static_cast<int>(i), TypeInfo::Tensor(tensor.type(), tensor.shape()),
            slot.held ? Tensor() : tensor);
    }
  }

  void LearnFrom(const Binding& binding) {
    for (const BoundaryValue& value : binding.key.values) Learn(value.slot, value.type);
    for (const Placement& placement : binding.placements) {
      Learn(placement.slot, placement.type, placement.folded);
    }
  }

  // Works out the outputs' types. False when a shape cannot be known yet.
  Result<bool> InferStep(const Step& step, std::vector<TypeInfo>& outputs) {
    std::vector<InferenceContext::Input>& inputs = inference_inputs_;
    inputs.assign(step.inputs.size(), {});
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (step.inputs[i] == kNoSlot) continue;
      const Fact& fact = At(step.inputs[i]);
      if (!fact.known) return false;
      inputs[i] = {&fact.type, fact.type.has_shape ? &fact.type.shape : nullptr,
                   fact.data ? &fact.view : nullptr};
    }
    InferenceContext context(*step.node, inputs, outputs);
    MULLION_RETURN_IF_ERROR(InferNode(*step.definition, context));
    return true;
  }

  bool AllInputsKnown(const Step& step) {
    int64_t elements = 0;
    for (const int slot : step.inputs) {
      if (slot == kNoSlot) continue;
      const Fact& fact = At(slot);
      if (!fact.known || !fact.type.IsTensor()) return false;
      if (!fact.data) {
        if (!step.definition->shape_only || !IsStaticTensor(fact.type)) return false;
        continue;
      }
      elements += fact.data.count();
    }
    return elements <= kMostFoldedElements && !step.definition->random;
  }

  // Computes a step of shape arithmetic now. False when it is none.
  Result<bool> FoldStep(const Step& step, const std::vector<TypeInfo>& types) {
    if (!AllInputsKnown(step)) return false;
    for (size_t i = 0; i < types.size(); ++i) {
      if (step.outputs[i] == kNoSlot) continue;
      if (!types[i].IsTensor() || IsProgramOutput(step.outputs[i])) return false;
      if (IsStaticTensor(types[i]) && types[i].shape.ElementCount() > kMostFoldedElements) {
        return false;
      }
    }
    std::vector<Tensor> inputs;
    for (const int slot : step.inputs) {
      if (slot == kNoSlot) {
        inputs.emplace_back();
      } else if (At(slot).data) {
        inputs.push_back(At(slot).data);
      } else {
        const TypeInfo& type = At(slot).type;
        inputs.push_back(Tensor::Wrap(type.element_type, type.shape, nullptr, nullptr));
      }
    }
    MULLION_ASSIGN_OR_RETURN(std::vector<Tensor> outputs,
                             RunNode(*step.node, *step.executable, inputs, types));
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (step.outputs[i] == kNoSlot) continue;
      const TypeInfo type = TypeInfo::Tensor(outputs[i].type(), outputs[i].shape());
      Learn(step.outputs[i], type, outputs[i]);
      binding_.placements.push_back({step.outputs[i], PlacementKind::kFolded, 0, type, outputs[i]});
    }
    return true;
  }

  // Works out what the step gives. False when the segment ends before it.
  Result<bool> LearnStep(int index) {
    const Step& step = program_.steps[static_cast<size_t>(index)];
    if (step.kind != StepKind::kExecutable) return false;
    std::vector<TypeInfo>& types = types_;
    types.assign(step.outputs.size(), {});
    if (index == binding_.key.first_step && ResolvedByKey(step)) {
      for (size_t i = 0; i < types.size(); ++i) {
        if (step.outputs[i] != kNoSlot) types[i] = At(step.outputs[i]).type;
      }
    } else {
      MULLION_ASSIGN_OR_RETURN(const bool inferred, InferStep(step, types));
      if (!inferred) return false;
      MULLION_ASSIGN_OR_RETURN(const bool folded, FoldStep(step, types));
      if (folded) return true;
      for (size_t i = 0; i < types.size(); ++i) {
        const bool tensor = types[i].IsTensor();
        if (step.outputs[i] != kNoSlot && tensor && !IsStaticTensor(types[i])) return false;
      }
      for (size_t i = 0; i < types.size(); ++i) {
        if (step.outputs[i] != kNoSlot) Learn(step.outputs[i], types[i]);
      }
    }
    steps_.push_back(index);
    return true;
  }

  // Binds and places the steps that are to run.
  Status BindSteps() {
    binding_.groups = FindSampleGroups(program_, steps_,
                                       [&](int slot) -> const TypeInfo& { return At(slot).type; });
    size_t next = 0;
    for (SampleGroup& group : binding_.groups) {
      MULLION_RETURN_IF_ERROR(BindRange(next, group.first));
      next = group.last;
      MULLION_RETURN_IF_ERROR(BindGroup(group));
    }
    return BindRange(next, steps_.size());
  }

  Status BindRange(size_t first, size_t last) {
    for (size_t i = first; i < last; ++i) {
      const Step& step = program_.steps[static_cast<size_t>(steps_[i])];
      MULLION_RETURN_IF_ERROR(BindExecutable(steps_[i], step));
    }
    return OkStatus();
  }

  // Values with all their samples have their places from before the first pass to behind the last.
  Status BindGroup(SampleGroup& group) {
    for (const SampledSlot& sampled : group.sampled) {
      if (sampled.made) MULLION_RETURN_IF_ERROR(PlaceOutput(sampled.slot, nullptr));
    }
    for (const SampledSlot& sampled : group.sampled) Show(sampled.slot, group.samples);
    for (const int slot : group.inside) {
      Show(slot, group.samples);
      At(slot).has_all = false;
    }
    in_group_ = true;
    const size_t first = binding_.steps.size();
    MULLION_RETURN_IF_ERROR(BindRange(group.first, group.last));
    in_group_ = false;
    for (const SampledSlot& sampled : group.sampled) {
      Show(sampled.slot, group.samples * group.passes);
    }
    for (const int slot : kept_) Release(slot, steps_[group.last - 1]);
    kept_.clear();
    group.first = first;
    group.last = binding_.steps.size();
    return OkStatus();
  }

  // Has steps see so many samples of a value.
  void Show(int slot, int64_t samples) {
    Fact& fact = At(slot);
    fact.type.shape[0] = samples;
    fact.port.shape[0] = samples;
  }

  // The key tells the shapes of the outputs of the segment's first step.
  bool ResolvedByKey(const Step& step) const {
    if (binding_.parent == nullptr) return false;
    return std::any_of(step.outputs.begin(), step.outputs.end(), [&](int slot) {
      return std::any_of(binding_.key.values.begin(), binding_.key.values.end(),
                         [&](const BoundaryValue& value) { return value.slot == slot; });
    });
  }

  Status BindExecutable(int index, const Step& step) {
    std::vector<const BindContext::Port*>& inputs = input_ports_;
    inputs.clear();
    for (const int slot : step.inputs) {
      inputs.push_back(slot == kNoSlot ? nullptr : &At(slot).port);
    }
    std::vector<const BindContext::Port*>& outputs = output_ports_;
    outputs.clear();
    for (const int slot : step.outputs) {
      const bool known = slot != kNoSlot && IsStaticTensor(At(slot).type);
      outputs.push_back(known ? &At(slot).port : nullptr);
    }
    BindContext context(*step.node, inputs, outputs, options_.threads);
    MULLION_RETURN_IF_ERROR(step.executable->Bind(context));
    binding_.scratch_bytes = std::max(binding_.scratch_bytes, context.scratch_bytes());
    const bool shared = context.gives_view() && ShareBlock(step);
    if (!shared) {
      for (size_t i = 0; i < step.outputs.size(); ++i) {
        const int slot = step.outputs[i];
        if (slot == kNoSlot || (in_group_ && At(slot).has_all)) continue;
        const InPlaceOffer offer{index, step, static_cast<int>(i), context.in_place()};
        MULLION_RETURN_IF_ERROR(PlaceOutput(slot, &offer));
      }
      binding_.steps.push_back({index, context.TakeState()});
    }
    for (const int slot : step.inputs) {
      if (slot != kNoSlot) Release(slot, index);
    }
    for (const int slot : step.outputs) {
      if (slot != kNoSlot) Release(slot, index);
    }
    return OkStatus();
  }

  // The output of a step that only gives its input another shape sits where that does, and the
  // step need not run. False where the input or the output is not in the arena.
  bool ShareBlock(const Step& step) {
    const int slot = step.outputs[0];
    if (step.inputs[0] == kNoSlot || slot == kNoSlot) return false;
    const Fact& input = At(step.inputs[0]);
    Fact& output = At(slot);
    if (!input.in_arena() || !IsStaticTensor(output.type) ||
        (in_group_ && (input.has_all || output.has_all)) ||
        output.type.shape.ElementCount() != input.type.shape.ElementCount() ||
        (IsProgramOutput(slot) && options_.outputs_outside)) {
      return false;
    }
    output.block = input.block;
    Block& block = BlockOf(input);
    ++block.users;
    binding_.placements.push_back(
        {slot, PlacementKind::kArena, block.offset, output.type, Tensor()});
    return true;
  }

  bool IsProgramOutput(int slot) const {
    return program_.slots[static_cast<size_t>(slot)].last_use ==
           static_cast<int>(program_.steps.size());
  }

  // What a step says of the inputs whose memory output `output` may have.
  struct InPlaceOffer {
    int index;
    const Step& step;
    int output;
    const std::vector<BindContext::InPlace>& in_place;
  };

  Status PlaceOutput(int slot, const InPlaceOffer* offer) {
    Fact& fact = At(slot);
    Placement placement{slot, PlacementKind::kHeap, 0, fact.type, Tensor()};
    const TypeInfo& type = placement.type;
    if (IsStaticTensor(type) && type.element_type != ElementType::kString) {
      const auto count = type.shape.CheckedElementCount();
      if (!count.has_value()) {
        const Value& value = *program_.slots[static_cast<size_t>(slot)].value;
        return value.producer()->Error(
            StatusCode::kOutOfMemory,
            StrCat("its output ", value.producer_index(), " would be ", type.ToString(),
                   ", which is too large; use smaller inputs"));
      }
      const size_t bytes = ByteSize(type.element_type, *count);
      if (IsProgramOutput(slot) && options_.outputs_outside) {
        placement.kind = PlacementKind::kOutput;
        const auto& outputs = program_.outputs;
        placement.offset =
            static_cast<size_t>(std::find(outputs.begin(), outputs.end(), slot) - outputs.begin());
      } else {
        placement.kind = PlacementKind::kArena;
        fact.block = offer == nullptr ? kNoBlock : TakeOver(*offer, bytes);
        if (!fact.in_arena()) {
          blocks_.push_back({arena_.Allocate(bytes), bytes, 1});
          fact.block = static_cast<int>(blocks_.size()) - 1;
        }
        placement.offset = BlockOf(fact).offset;
      }
    }
    binding_.placements.push_back(std::move(placement));
    return OkStatus();
  }

  // The block of an input that dies here and may be written, if there is one.
  int TakeOver(const InPlaceOffer& offer, size_t bytes) {
    for (const BindContext::InPlace& pair : offer.in_place) {
      if (pair.output != offer.output) continue;
      const int slot = offer.step.inputs[static_cast<size_t>(pair.input)];
      if (slot == kNoSlot) continue;
      Fact& input = At(slot);
      if (!input.in_arena() || LastUse(slot) != offer.index || BlockOf(input).users > 1) continue;
      if (in_group_ && input.has_all) continue;
      // Blocks are multiples of the alignment: sizes that round alike fit alike.
      if ((BlockOf(input).bytes + kMemoryAlignment - 1) / kMemoryAlignment !=
          (bytes + kMemoryAlignment - 1) / kMemoryAlignment) {
        continue;
      }
      return std::exchange(input.block, kNoBlock);
    }
    return kNoBlock;
  }

  Block& BlockOf(const Fact& fact) { return blocks_[static_cast<size_t>(fact.block)]; }

  int LastUse(int slot) const { return program_.slots[static_cast<size_t>(slot)].last_use; }

  void Release(int slot, int index) {
    Fact& fact = At(slot);
    if (!fact.in_arena() || LastUse(slot) > index) return;
    if (in_group_ && fact.has_all) {  // the next pass wants it again
      kept_.push_back(slot);
      return;
    }
    Block& block = BlockOf(fact);
    fact.block = kNoBlock;
    if (--block.users == 0) arena_.Free(block.offset, block.bytes);
  }

  const Program& program_;
  const BindOptions& options_;
  Binding& binding_;
  std::vector<Fact> facts_;
  ArenaPlanner arena_;
  std::vector<Block> blocks_;
  std::vector<int> steps_;  // that are to run
  bool in_group_ = false;
  std::vector<int> kept_;  // values to release when the group ends
  // Of the step at hand; kept so that not every step allocates.
  std::vector<TypeInfo> types_;
  std::vector<InferenceContext::Input> inference_inputs_;
  std::vector<const BindContext::Port*> input_ports_;
  std::vector<const BindContext::Port*> output_ports_;
};

}  // namespace

bool SameKey(const BindingKey& a, const BindingKey& b) {
  return a.first_step == b.first_step && a.values.size() == b.values.size() &&
         std::equal(a.values.begin(), a.values.end(), b.values.begin(),
                    [](const BoundaryValue& x, const BoundaryValue& y) {
                      return x.slot == y.slot && SameType(x.type, y.type);
                    });
}

std::shared_ptr<const Binding> BindingCache::Find(const BindingKey& key) {
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < bindings_.size(); ++i) {
    if (!SameKey(bindings_[i]->key, key)) continue;
    std::rotate(bindings_.begin(), bindings_.begin() + static_cast<std::ptrdiff_t>(i),
                bindings_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    return bindings_.front();
  }
  return nullptr;
}

void BindingCache::Insert(std::shared_ptr<const Binding> binding) {
  const std::lock_guard lock(mutex_);
  bindings_.insert(bindings_.begin(), std::move(binding));
  if (bindings_.size() > kMostBindings) bindings_.pop_back();
}

Result<std::shared_ptr<const Binding>> MakeBinding(const Program& program, const Binding* parent,
                                                   BindingKey key, const BindOptions& options) {
  auto binding = std::make_shared<Binding>();
  binding->parent = parent;
  binding->key = std::move(key);
  MULLION_RETURN_IF_ERROR(Binder(program, options, *binding).Bind());
  return std::shared_ptr<const Binding>(std::move(binding));
}

}  // namespace mullion
