// SPDX-License-Identifier: MIT
// Making, reading and changing sequences. Items are shared, never copied, once they own their
// memory.
#include "base/str_cat.h"
#include "devices/cpu/registry.h"
#include "operators/int_list.h"

namespace mullion::cpu {

namespace {

Result<Datum> OwnedItem(RunContext& context, int input) {
  MULLION_ASSIGN_OR_RETURN(Tensor tensor, context.Own(context.InputDatum(input)));
  return Datum::FromTensor(std::move(tensor));
}

// An empty sequence of the type that output 0 has.
std::shared_ptr<Sequence> NewSequence(const RunContext& context) {
  auto sequence = std::make_shared<Sequence>();
  const Value* const output = context.node().output(0);
  if (output != nullptr && output->type.element != nullptr) {
    sequence->element = *output->type.element;
  }
  return sequence;
}

// The sequence that input 0 is, or an error.
Result<const Sequence*> Items(const RunContext& context) {
  const Datum& datum = context.InputDatum(0);
  if (datum.kind == ValueKind::kSequence && datum.sequence != nullptr) return datum.sequence.get();
  return context.Error("input 0 must be a sequence");
}

// Position `input` counted from the front; it must lie in [-length, length), or up to and with
// length itself where `end_allowed`.
Result<int64_t> Position(const RunContext& context, int input, int64_t length, bool end_allowed) {
  const TensorView& view = context.Input(input);
  if (view.count() != 1) return context.Error("input 'position' must have one element");
  const int64_t position = IntAt(view, 0);
  const int64_t last = end_allowed ? length : length - 1;
  if (position < -length || position > last) {
    return context.Error("position ", position, " is outside [", -length, ", ", last,
                         "] for a sequence of ", length, " items");
  }
  return position < 0 ? position + length : position;
}

class Construct final : public Executable {
 public:
  explicit Construct(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    const auto sequence = NewSequence(context);
    for (int i = 0; i < context.input_count(); ++i) {
      MULLION_ASSIGN_OR_RETURN(Datum item, OwnedItem(context, i));
      sequence->items.push_back(std::move(item));
    }
    context.SetOutput(0, Datum::FromSequence(sequence));
    return OkStatus();
  }
};

class Empty final : public Executable {
 public:
  explicit Empty(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    context.SetOutput(0, Datum::FromSequence(NewSequence(context)));
    return OkStatus();
  }
};

class At final : public Executable {
 public:
  explicit At(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    MULLION_ASSIGN_OR_RETURN(const Sequence* const sequence, Items(context));
    const auto length = static_cast<int64_t>(sequence->items.size());
    MULLION_ASSIGN_OR_RETURN(const int64_t position, Position(context, 1, length, false));
    context.SetOutput(0, sequence->items[static_cast<size_t>(position)]);
    return OkStatus();
  }
};

class Insert final : public Executable {
 public:
  explicit Insert(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    MULLION_ASSIGN_OR_RETURN(const Sequence* const sequence, Items(context));
    const auto length = static_cast<int64_t>(sequence->items.size());
    int64_t position = length;
    if (context.HasInput(2)) {
      MULLION_ASSIGN_OR_RETURN(position, Position(context, 2, length, true));
    }
    MULLION_ASSIGN_OR_RETURN(Datum item, OwnedItem(context, 1));
    auto longer = std::make_shared<Sequence>(*sequence);
    longer->items.insert(longer->items.begin() + position, std::move(item));
    context.SetOutput(0, Datum::FromSequence(std::move(longer)));
    return OkStatus();
  }
};

class Erase final : public Executable {
 public:
  explicit Erase(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    MULLION_ASSIGN_OR_RETURN(const Sequence* const sequence, Items(context));
    const auto length = static_cast<int64_t>(sequence->items.size());
    if (length == 0) return context.Error("the sequence is empty; there is nothing to erase");
    int64_t position = length - 1;
    if (context.HasInput(1)) {
      MULLION_ASSIGN_OR_RETURN(position, Position(context, 1, length, false));
    }
    auto shorter = std::make_shared<Sequence>(*sequence);
    shorter->items.erase(shorter->items.begin() + position);
    context.SetOutput(0, Datum::FromSequence(std::move(shorter)));
    return OkStatus();
  }
};

class Length final : public Executable {
 public:
  explicit Length(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    MULLION_ASSIGN_OR_RETURN(const Sequence* const sequence, Items(context));
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, Shape{}));
    *output.as<int64_t>() = static_cast<int64_t>(sequence->items.size());
    return OkStatus();
  }
};

}  // namespace

void RegisterSequence(KernelRegistry& registry) {
  registry.Add({.name = "SequenceConstruct", .make = MakeKernel<Construct>});
  registry.Add({.name = "SequenceEmpty", .make = MakeKernel<Empty>});
  registry.Add({.name = "SequenceAt", .make = MakeKernel<At>});
  registry.Add({.name = "SequenceInsert", .make = MakeKernel<Insert>});
  registry.Add({.name = "SequenceErase", .make = MakeKernel<Erase>});
  registry.Add({.name = "SequenceLength", .make = MakeKernel<Length>});
}

}  // namespace mullion::cpu
