// SPDX-License-Identifier: MIT
#include "devices/cpu/broadcast.h"

#include <algorithm>
#include <cstring>

namespace mullion::cpu {

namespace {

struct Axis {
  int64_t dim;
  std::vector<int64_t> strides;  // one an operand
};

// The output's axes of more than one element, with each operand's stride, outermost first.
std::vector<Axis> AxesOf(const Shape& output, std::span<const Shape> shapes) {
  std::vector<Axis> axes;
  for (int axis = 0; axis < output.rank(); ++axis) {
    if (output[axis] != 1) {
      axes.push_back({output[axis], std::vector<int64_t>(shapes.size(), 0)});
    }
  }
  for (size_t k = 0; k < shapes.size(); ++k) {
    const Shape& shape = shapes[k];
    size_t place = axes.size();
    int64_t stride = 1;
    for (int back = 0; back < output.rank(); ++back) {
      if (output.Back(back) == 1) continue;
      --place;
      const int64_t dim = back < shape.rank() ? shape.Back(back) : 1;
      if (dim != 1) axes[place].strides[k] = stride;
      stride *= dim;
    }
  }
  return axes;
}

// Merges an axis into the next inner one where every operand walks through both as through one.
void MergeAxes(std::vector<Axis>& axes) {
  for (size_t i = axes.size(); i-- > 1;) {
    Axis& outer = axes[i - 1];
    const Axis& inner = axes[i];
    bool as_one = true;
    for (size_t k = 0; k < inner.strides.size(); ++k) {
      as_one = as_one && outer.strides[k] == inner.strides[k] * inner.dim;
    }
    if (!as_one) continue;
    outer.dim *= inner.dim;
    outer.strides = inner.strides;
    axes.erase(axes.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void PlanOperand(const std::vector<Axis>& axes, size_t k, BroadcastPlan::OperandPlan& operand) {
  int64_t below = 1;  // output elements that one step of the axis skips
  operand.dense = true;
  for (size_t i = axes.size(); i-- > 0;) {
    const int64_t stride = axes[i].strides[k];
    if (i + 1 < axes.size()) operand.strides[i] = stride;
    operand.dense = operand.dense && stride == below;
    below *= axes[i].dim;
    if (stride != 0) operand.period = below;
  }
  operand.step = axes.empty() ? 1 : static_cast<int>(axes.back().strides[k]);
}

template <typename T>
void CopyRun(const std::byte* from, int step, int64_t count, T* to) {
  if (step == 0) {
    T one;
    std::memcpy(&one, from, sizeof(T));
    std::fill_n(to, count, one);
  } else if (count >= 16) {
    std::memcpy(to, from, static_cast<size_t>(count) * sizeof(T));
  } else {
    for (int64_t i = 0; i < count; ++i) {
      std::memcpy(to + i, from + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
    }
  }
}

// Spreads out the operand's elements for `count` output elements from `position` on.
template <typename T>
void Spread(const BroadcastPlan& plan, const BroadcastPlan::OperandPlan& operand,
            const std::byte* data, int64_t position, int64_t count, T* to) {
  std::array<int64_t, kMaxRank> at{};
  int64_t within = position % plan.inner;
  int64_t rest = position / plan.inner;
  int64_t offset = 0;
  for (int axis = plan.outer_rank - 1; axis >= 0; --axis) {
    const auto a = static_cast<size_t>(axis);
    at[a] = rest % plan.dims[a];
    rest /= plan.dims[a];
    offset += at[a] * operand.strides[a];
  }
  while (true) {
    const int64_t run = std::min(plan.inner - within, count);
    const int64_t first = offset + within * operand.step;
    CopyRun(data + first * static_cast<int64_t>(sizeof(T)), operand.step, run, to);
    count -= run;
    if (count == 0) return;
    to += run;
    within = 0;
    for (int axis = plan.outer_rank - 1; axis >= 0; --axis) {
      const auto a = static_cast<size_t>(axis);
      offset += operand.strides[a];
      if (++at[a] < plan.dims[a]) break;
      offset -= operand.strides[a] * plan.dims[a];
      at[a] = 0;
    }
  }
}

// Operands of one shape, which is most often so, are walked as one axis.
std::optional<BroadcastPlan> PlanAlike(std::span<const Shape> shapes) {
  if (shapes.empty() ||
      !std::all_of(shapes.begin(), shapes.end(), [&](const Shape& s) { return s == shapes[0]; })) {
    return std::nullopt;
  }
  BroadcastPlan plan;
  plan.output = shapes[0];
  plan.count = plan.inner = plan.output.ElementCount();
  if (plan.count < 2) return std::nullopt;
  plan.operands.resize(shapes.size());
  for (BroadcastPlan::OperandPlan& operand : plan.operands) {
    operand.step = 1;
    operand.dense = true;
    operand.period = plan.count;
  }
  return plan;
}

}  // namespace

std::optional<BroadcastPlan> PlanBroadcast(std::span<const Shape> shapes) {
  if (auto plan = PlanAlike(shapes)) return plan;
  BroadcastPlan plan;
  for (const Shape& shape : shapes) {
    const std::optional<Shape> common = BroadcastShapes(plan.output, shape);
    if (!common.has_value()) return std::nullopt;
    plan.output = *common;
  }
  plan.count = plan.output.ElementCount();
  plan.operands.resize(shapes.size());
  std::vector<Axis> axes = AxesOf(plan.output, shapes);
  MergeAxes(axes);
  for (size_t k = 0; k < shapes.size(); ++k) PlanOperand(axes, k, plan.operands[k]);
  if (axes.empty()) return plan;
  plan.inner = axes.back().dim;
  plan.outer_rank = static_cast<int>(axes.size()) - 1;
  for (size_t i = 0; i + 1 < axes.size(); ++i) plan.dims[i] = axes[i].dim;
  return plan;
}

int64_t BroadcastReader::RunLength(int64_t position, int64_t end) const {
  const int64_t left = end - position;
  if (plan_.outer_rank == 0) return left;
  if (!plan_.NeedsTiles()) return std::min(plan_.inner - position % plan_.inner, left);
  // Whole periods where one fits: a tile that is filled once then serves for all that follow.
  int64_t count = tile_elements_;
  for (const BroadcastPlan::OperandPlan& operand : plan_.operands) {
    if (operand.period <= count) count -= count % operand.period;
  }
  return std::min(count, left);
}

int64_t BroadcastReader::ElementAt(int index, int64_t position) const {
  const BroadcastPlan::OperandPlan& operand = plan_.operands[static_cast<size_t>(index)];
  int64_t offset = position % plan_.inner * operand.step;
  int64_t rest = position / plan_.inner;
  for (int axis = plan_.outer_rank - 1; axis >= 0; --axis) {
    const auto a = static_cast<size_t>(axis);
    offset += rest % plan_.dims[a] * operand.strides[a];
    rest /= plan_.dims[a];
  }
  return offset;
}

AnyOperand BroadcastReader::Read(int index, const void* data, size_t bytes, int64_t position,
                                 int64_t count, OperandTile* tile) const {
  const BroadcastPlan::OperandPlan& operand = plan_.operands[static_cast<size_t>(index)];
  const auto* const base = static_cast<const std::byte*>(data);
  const auto size = static_cast<int64_t>(bytes);
  if (operand.dense) return {base + position * size, 1};
  if (operand.period == 1) return {base, 0};
  if (!plan_.NeedsTiles()) {
    return {base + ElementAt(index, position) * size, operand.step};
  }
  const int64_t phase = position % operand.period;
  if (tile->phase == phase && tile->count >= count) return {tile->bytes, 1};
  switch (bytes) {
    case 1:
      Spread(plan_, operand, base, position, count, reinterpret_cast<uint8_t*>(tile->bytes));
      break;
    case 2:
      Spread(plan_, operand, base, position, count, reinterpret_cast<uint16_t*>(tile->bytes));
      break;
    case 4:
      Spread(plan_, operand, base, position, count, reinterpret_cast<uint32_t*>(tile->bytes));
      break;
    default:
      Spread(plan_, operand, base, position, count, reinterpret_cast<uint64_t*>(tile->bytes));
      break;
  }
  tile->phase = phase;
  tile->count = count;
  return {tile->bytes, 1};
}

}  // namespace mullion::cpu
