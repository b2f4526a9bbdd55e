// SPDX-License-Identifier: MIT
// ConcatFromSequence and SplitToSequence: between sequences and single tensors.
#include "base/str_cat.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/strided_copy.h"
#include "operators/concat.h"
#include "operators/int_list.h"
#include "operators/split.h"

namespace mullion::cpu {

namespace {

class ConcatFromSequence final : public Executable {
 public:
  explicit ConcatFromSequence(const Node& node)
      : axis_(node.IntAttribute("axis", 0)), stack_(node.IntAttribute("new_axis", 0) != 0) {}

  Status Run(RunContext& context) const override {
    const Datum& datum = context.InputDatum(0);
    if (datum.kind != ValueKind::kSequence || datum.sequence->items.empty()) {
      return context.Error("input 0 must be a sequence with at least one item");
    }
    const std::vector<Datum>& items = datum.sequence->items;
    const int rank = items.front().view.shape.rank() + (stack_ ? 1 : 0);
    const std::optional<int> axis = NormalizeAxis(axis_, rank);
    if (!axis.has_value() || rank > kMaxRank) {
      return context.Error("attribute 'axis' is ", axis_, " for items of shape ",
                           items.front().view.shape.ToString());
    }
    Shape shape = ItemShape(items.front(), *axis);
    for (size_t i = 1; i < items.size(); ++i) {
      const Status status = operators::JoinShapes(shape, ItemShape(items[i], *axis), *axis);
      if (!status.ok()) return context.Error("item ", i, ": ", status.message());
    }
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
    int64_t offset = 0;
    for (const Datum& item : items) {
      const int64_t part = ItemShape(item, *axis).Product(*axis, rank);
      StridedCopy copy(output.type);
      copy.AddAxis(shape.Product(0, *axis), part, shape.Product(*axis, rank));
      copy.AddAxis(part, 1, 1);
      copy.Run(item.view.data, 0, output.data, offset, context.parallel());
      offset += part;
    }
    return OkStatus();
  }

 private:
  Shape ItemShape(const Datum& item, int axis) const {
    Shape shape = item.view.shape;
    // Items of another rank are refused by JoinShapes.
    if (stack_ && axis <= shape.rank() && shape.rank() < kMaxRank) shape.Insert(axis, 1);
    return shape;
  }

  int64_t axis_;
  bool stack_;
};

class SplitToSequence final : public Executable {
 public:
  explicit SplitToSequence(const Node& node)
      : axis_(node.IntAttribute("axis", 0)), keep_(node.IntAttribute("keepdims", 1) != 0) {}

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const int rank = input.shape.rank();
    const std::optional<int> axis = NormalizeAxis(axis_, rank);
    if (!axis.has_value()) return context.Error("attribute 'axis' is outside the input's rank");
    const int64_t dim = input.shape[*axis];
    const Result<operators::Pieces> pieces = PiecesOf(context, dim);
    if (!pieces.ok()) return context.Error(pieces.status().message());
    auto sequence = std::make_shared<Sequence>();
    sequence->element = TypeInfo::Tensor(input.type);
    int64_t offset = 0;
    for (int64_t i = 0; i < pieces->count(); ++i) {
      Shape shape = input.shape;
      shape[*axis] = pieces->size(i);
      const int64_t part = shape.Product(*axis, rank);
      const int64_t outer = shape.Product(0, *axis);
      // Items of one step lose the axis when no split is given and keepdims is 0.
      if (!keep_ && !context.HasInput(1)) shape.Remove(*axis);
      MULLION_ASSIGN_OR_RETURN(Tensor item, context.NewTensor(input.type, shape));
      StridedCopy copy(input.type);
      copy.AddAxis(outer, input.shape.Product(*axis, rank), part);
      copy.AddAxis(part, 1, 1);
      copy.Run(input.data, offset, item.mutable_data(), 0, context.parallel());
      offset += part;
      sequence->items.push_back(Datum::FromTensor(std::move(item)));
    }
    context.SetOutput(0, Datum::FromSequence(std::move(sequence)));
    return OkStatus();
  }

 private:
  static Result<operators::Pieces> PiecesOf(const RunContext& context, int64_t dim) {
    if (!context.HasInput(1)) return operators::Pieces::OfSize(dim, 1);
    const TensorView& split = context.Input(1);
    if (split.shape.rank() == 0) return operators::Pieces::OfSize(dim, IntAt(split, 0));
    return operators::Pieces::FromSizes(dim, split);
  }

  int64_t axis_;
  bool keep_;
};

}  // namespace

void RegisterSequenceTensors(KernelRegistry& registry) {
  registry.Add({.name = "ConcatFromSequence", .make = MakeKernel<ConcatFromSequence>});
  registry.Add({.name = "SplitToSequence", .make = MakeKernel<SplitToSequence>});
}

}  // namespace mullion::cpu
