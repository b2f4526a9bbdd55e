// SPDX-License-Identifier: MIT
// Scan: a body that walks along tensors and carries state from one element to the next.
#include <algorithm>

#include "base/str_cat.h"
#include "runtime/control_flow.h"
#include "runtime/slices.h"

namespace mullion {

// One walk: the state to begin with, which becomes that of the end, and the tensors to walk along.
struct ControlFlow::Walk {
  struct Along {
    TensorView tensor;
    int axis;
    bool backward;
  };
  std::vector<Datum> state;
  std::vector<Along> inputs;
  int64_t length = 0;
};

namespace {

int64_t ListItem(std::span<const int64_t> list, int i) {
  return static_cast<size_t>(i) < list.size() ? list[static_cast<size_t>(i)] : 0;
}

// Scan inputs and outputs of a body whose first values are state.
struct Counts {
  int states;
  int inputs;
  int outputs;
};

Result<Counts> Count(const Node& node, const Program& body, int node_inputs) {
  const auto inputs = node.IntAttribute("num_scan_inputs", 0);
  const bool fits = inputs >= 1 && inputs <= node_inputs;
  const int64_t states = fits ? node_inputs - inputs : 0;
  if (!fits || static_cast<int64_t>(body.outputs.size()) < states ||
      body.inputs.size() != static_cast<size_t>(node_inputs)) {
    return node.Error(StatusCode::kEvaluation,
                      "num_scan_inputs does not fit its inputs and those of its body");
  }
  return Counts{static_cast<int>(states), static_cast<int>(inputs),
                static_cast<int>(static_cast<int64_t>(body.outputs.size()) - states)};
}

}  // namespace

Status ControlFlow::RunWalk(Walk& walk, std::span<Stack> stacks) {
  const auto states = static_cast<int>(walk.state.size());
  for (int64_t iteration = 0; iteration < walk.length; ++iteration) {
    Frame& body = Body(0, static_cast<int>(iteration & 1));
    for (int i = 0; i < states; ++i) body.SetInput(i, walk.state[static_cast<size_t>(i)]);
    for (size_t i = 0; i < walk.inputs.size(); ++i) {
      const Walk::Along& along = walk.inputs[i];
      MULLION_ASSIGN_OR_RETURN(Datum slice,
                               Slice(blocks(), along.tensor, along.axis,
                                     along.backward ? walk.length - 1 - iteration : iteration));
      body.SetInput(states + static_cast<int>(i), slice);
    }
    MULLION_RETURN_IF_ERROR(body.Run(evaluation_));
    for (int i = 0; i < states; ++i) walk.state[static_cast<size_t>(i)] = body.Output(i);
    for (size_t i = 0; i < stacks.size(); ++i) {
      MULLION_RETURN_IF_ERROR(
          stacks[i].Append(*step_.node, body.Output(states + static_cast<int>(i))));
    }
  }
  return OkStatus();
}

// Scan-9 on: inputs are state variables, then `num_scan_inputs` tensors that are walked along an
// axis; outputs are the final state, then stacked scan outputs.
Status ControlFlow::RunScan() {
  const Node& node = *step_.node;
  MULLION_ASSIGN_OR_RETURN(const Counts counts, Count(node, *step_.subprograms[0],
                                                      static_cast<int>(step_.inputs.size())));
  Walk walk;
  walk.length = -1;
  for (int i = 0; i < counts.inputs; ++i) {
    const Datum* const input = Input(counts.states + i);
    if (input == nullptr || !input->IsTensor()) return Error("a scan input is not a tensor");
    const Shape& shape = input->view.shape;
    const std::optional<int> axis =
        NormalizeAxis(ListItem(node.IntsAttribute("scan_input_axes"), i), shape.rank());
    if (!axis.has_value()) return Error(StrCat("the axis of scan input ", i, " is out of range"));
    if (walk.length >= 0 && shape[*axis] != walk.length) {
      return Error(StrCat("its scan inputs have lengths ", walk.length, " and ", shape[*axis],
                          "; all must be walked the same number of times"));
    }
    walk.length = shape[*axis];
    walk.inputs.push_back(
        {input->view, *axis, ListItem(node.IntsAttribute("scan_input_directions"), i) == 1});
  }
  for (int i = 0; i < counts.states; ++i) walk.state.push_back(*Input(i));
  std::vector<Stack> stacks(static_cast<size_t>(counts.outputs), Stack(blocks(), walk.length));
  MULLION_RETURN_IF_ERROR(RunWalk(walk, stacks));

  for (int i = 0; i < counts.states; ++i) SetOutput(i, walk.state[static_cast<size_t>(i)]);
  for (int i = 0; i < counts.outputs; ++i) {
    const bool backward = ListItem(node.IntsAttribute("scan_output_directions"), i) == 1;
    MULLION_ASSIGN_OR_RETURN(Tensor stacked,
                             stacks[static_cast<size_t>(i)].Finish(
                                 BodyOutputType(counts.states + i),
                                 ListItem(node.IntsAttribute("scan_output_axes"), i), backward));
    SetOutput(counts.states + i, Datum::FromTensor(std::move(stacked)));
  }
  return OkStatus();
}

// Scan-8: input 0 are the lengths of the entries of a batch, or left out; everything else has the
// batch as axis 0, and scan inputs and outputs have the elements as axis 1. What lies behind the
// end of a shorter entry is not walked (a backward walk begins at its last element), and is zero in
// the outputs.
Status ControlFlow::RunBatchedScan() {
  const Node& node = *step_.node;
  const int inputs = static_cast<int>(step_.inputs.size()) - 1;
  MULLION_ASSIGN_OR_RETURN(const Counts counts, Count(node, *step_.subprograms[0], inputs));
  int64_t batch = -1;
  int64_t longest = -1;
  for (int i = 0; i < inputs; ++i) {
    const Datum* const input = Input(1 + i);
    const int rank = i < counts.states ? 1 : 2;
    if (input == nullptr || !input->IsTensor() || input->view.shape.rank() < rank) {
      return Error(StrCat("input ", 1 + i, " must be a tensor of rank ", rank, " or more"));
    }
    const Shape& shape = input->view.shape;
    if (batch < 0) batch = shape[0];
    if (rank == 2 && longest < 0) longest = shape[1];
    if (shape[0] != batch || (rank == 2 && shape[1] != longest)) {
      return Error(StrCat("input ", 1 + i, " is ", Describe(input->view), "; all must have batch ",
                          batch, ", and scan inputs one length"));
    }
  }
  const Datum* const lengths = Input(0);
  if (lengths != nullptr &&
      (lengths->view.type != ElementType::kInt64 || lengths->view.count() != batch)) {
    return Error(StrCat("sequence_lens must be int64[", batch, "]"));
  }

  std::vector<Stack> stacks(static_cast<size_t>(counts.states + counts.outputs),
                            Stack(blocks(), batch * longest));
  const auto outputs = std::span(stacks).subspan(static_cast<size_t>(counts.states));
  for (int64_t entry = 0; entry < batch; ++entry) {
    Walk walk;
    std::vector<Datum> slices;  // what the walk goes along
    walk.length = lengths == nullptr ? longest : lengths->view.as<int64_t>()[entry];
    if (walk.length < 0 || walk.length > longest) {
      return Error(StrCat("sequence_lens has ", walk.length, ", outside [0, ", longest, "]"));
    }
    for (int i = 0; i < inputs; ++i) {
      slices.emplace_back();
      MULLION_ASSIGN_OR_RETURN(slices.back(), Slice(blocks(), Input(1 + i)->view, 0, entry));
      if (i < counts.states) {
        walk.state.push_back(slices.back());
        continue;
      }
      const bool backward = ListItem(node.IntsAttribute("directions"), i - counts.states) == 1;
      walk.inputs.push_back({slices.back().view, 0, backward});
    }
    MULLION_RETURN_IF_ERROR(RunWalk(walk, outputs));
    for (Stack& output : outputs) {
      MULLION_RETURN_IF_ERROR(output.AppendZeros(longest - walk.length));
    }
    for (int i = 0; i < counts.states; ++i) {
      MULLION_RETURN_IF_ERROR(
          stacks[static_cast<size_t>(i)].Append(node, walk.state[static_cast<size_t>(i)]));
    }
  }

  for (int i = 0; i < counts.states + counts.outputs; ++i) {
    MULLION_ASSIGN_OR_RETURN(Tensor stacked,
                             stacks[static_cast<size_t>(i)].Finish(BodyOutputType(i), 0, false));
    if (i >= counts.states) {
      Shape shape = stacked.shape();
      shape[0] = longest;
      shape.Insert(0, batch);
      stacked = stacked.Reshaped(shape);
    }
    SetOutput(i, Datum::FromTensor(std::move(stacked)));
  }
  return OkStatus();
}

}  // namespace mullion
