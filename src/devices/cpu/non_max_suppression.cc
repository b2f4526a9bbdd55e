// SPDX-License-Identifier: MIT
#include <algorithm>
#include <limits>
#include <vector>

#include "base/str_cat.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

// Boxes as five rows of `stride` floats: the lower and upper edge on either axis, and the area.
// Which axis is which does not matter here.
struct Boxes {
  float* rows;
  int64_t stride;

  float* row(int i) const { return rows + i * stride; }
};

void PutBox(const float* box, bool center, const Boxes& boxes, int64_t i) {
  float low[2], high[2];
  for (int axis = 0; axis < 2; ++axis) {
    const float a = box[axis];
    const float b = box[axis + 2];
    // Corners may come in any order; else it is a center and a size.
    low[axis] = center ? a - b / 2 : std::min(a, b);
    high[axis] = center ? a + b / 2 : std::max(a, b);
    boxes.row(axis)[i] = low[axis];
    boxes.row(axis + 2)[i] = high[axis];
  }
  boxes.row(4)[i] = (high[0] - low[0]) * (high[1] - low[1]);
}

// Whether box `i` overlaps any of the first `count` boxes kept so far by more than `threshold`, the
// overlap being the area of the intersection over that of the union.
bool Suppressed(const Boxes& boxes, int64_t i, const Boxes& kept, int64_t count, float threshold) {
  const float low0 = boxes.row(0)[i], low1 = boxes.row(1)[i];
  const float high0 = boxes.row(2)[i], high1 = boxes.row(3)[i];
  const float area = boxes.row(4)[i];
  if (!(area > 0)) return false;
  constexpr int64_t kBlock = 32;  // boxes tested without a branch
  for (int64_t first = 0; first < count; first += kBlock) {
    const int64_t last = std::min(count, first + kBlock);
    int hit = 0;
    for (int64_t j = first; j < last; ++j) {
      const float h = std::min(high0, kept.row(2)[j]) - std::max(low0, kept.row(0)[j]);
      const float w = std::min(high1, kept.row(3)[j]) - std::max(low1, kept.row(1)[j]);
      const float both = std::max(h, 0.0f) * std::max(w, 0.0f);
      const float either = area + kept.row(4)[j] - both;
      hit |= (kept.row(4)[j] > 0) & (either > 0) & (both / either > threshold);
    }
    if (hit != 0) return true;
  }
  return false;
}

struct Candidate {
  float score;
  int32_t index;
};

// The top of a heap of these is the greatest score, among equal ones the lowest index. A class and
// not a function, which the standard library would call for each pair.
struct Below {
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.score < b.score || (a.score == b.score && a.index > b.index);
  }
};

struct Limits {
  int64_t most = 0;  // boxes per class
  float overlap = 0;
  float score = -std::numeric_limits<float>::infinity();
  bool has_score = false;
};

// The boxes of one class that stay, best first. Most candidates are never looked at, so they are
// taken from a heap instead of being sorted.
void SelectClass(const Boxes& boxes, const float* scores, int64_t count, const Limits& limits,
                 Candidate* candidates, const Boxes& kept, std::vector<int32_t>& selected) {
  int64_t left = 0;
  for (int64_t i = 0; i < count; ++i) {
    const bool enters = limits.has_score ? scores[i] > limits.score : scores[i] == scores[i];
    if (enters) candidates[left++] = {scores[i], static_cast<int32_t>(i)};
  }
  std::make_heap(candidates, candidates + left, Below());
  while (left > 0 && static_cast<int64_t>(selected.size()) < limits.most) {
    std::pop_heap(candidates, candidates + left, Below());
    const int32_t i = candidates[--left].index;
    const auto number = static_cast<int64_t>(selected.size());
    if (Suppressed(boxes, i, kept, number, limits.overlap)) continue;
    for (int row = 0; row < 5; ++row) kept.row(row)[number] = boxes.row(row)[i];
    selected.push_back(i);
  }
}

class NonMaxSuppression final : public Executable {
 public:
  explicit NonMaxSuppression(const Node& node)
      : center_(node.IntAttribute("center_point_box", 0) != 0) {}

  // For each batch its boxes; for each thread its candidates and the boxes it keeps.
  Status Bind(BindContext& context) const override {
    const Shape& boxes = context.input(0)->shape;
    const auto count = static_cast<size_t>(boxes[1]);
    const size_t per_thread = count * (sizeof(Candidate) + 5 * sizeof(float));
    context.RequestScratch(static_cast<size_t>(boxes[0]) * count * 5 * sizeof(float) +
                           static_cast<size_t>(context.threads()) * per_thread);
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& boxes = context.Input(0);
    const TensorView& scores = context.Input(1);
    const int64_t batch = boxes.shape[0];
    const int64_t count = boxes.shape[1];
    const int64_t classes = scores.shape[1];
    if (scores.shape[0] != batch || scores.shape[2] != count || boxes.shape[2] != 4 ||
        count > std::numeric_limits<int32_t>::max()) {
      return context.Error("boxes of ", Describe(boxes), " and scores of ", Describe(scores),
                           " do not fit together");
    }
    Limits limits;
    MULLION_RETURN_IF_ERROR(ReadLimits(context, limits));
    std::vector<std::vector<int32_t>> selected(static_cast<size_t>(batch * classes));
    if (limits.most > 0 && count > 0) {
      SelectAll(context, limits, selected);
    }
    return Write(context, classes, selected);
  }

 private:
  static Status ReadLimits(const RunContext& context, Limits& limits) {
    for (int i = 2; i < 5; ++i) {
      if (context.HasInput(i) && context.Input(i).count() != 1) {
        return context.Error("input ", i, " must have one element");
      }
    }
    if (context.HasInput(2)) limits.most = *context.Input(2).as<int64_t>();
    if (context.HasInput(3)) limits.overlap = *context.Input(3).as<float>();
    if (context.HasInput(4)) {
      limits.score = *context.Input(4).as<float>();
      limits.has_score = true;
    }
    if (limits.overlap >= 0 && limits.overlap <= 1) return OkStatus();
    return context.Error("input 'iou_threshold' is ", limits.overlap,
                         " but must lie within [0, 1]");
  }

  void SelectAll(RunContext& context, const Limits& limits,
                 std::vector<std::vector<int32_t>>& selected) const {
    const Shape& shape = context.Input(0).shape;
    const int64_t batch = shape[0];
    const int64_t count = shape[1];
    const int64_t classes = context.Input(1).shape[1];
    auto* const floats = static_cast<float*>(context.scratch());
    const auto boxes_of = [&](int64_t b) { return Boxes{floats + b * 5 * count, count}; };
    for (int64_t b = 0; b < batch; ++b) {
      for (int64_t i = 0; i < count; ++i) {
        PutBox(context.Input(0).as<float>() + (b * count + i) * 4, center_, boxes_of(b), i);
      }
    }
    float* const kept = floats + batch * 5 * count;
    auto* const candidates =
        reinterpret_cast<Candidate*>(kept + int64_t{context.parallel().threads()} * 5 * count);
    const int64_t chunk = std::max<int64_t>(1, 8192 / count);
    context.parallel().For(batch * classes, chunk, [&](int64_t begin, int64_t end, int worker) {
      for (int64_t i = begin; i < end; ++i) {
        SelectClass(boxes_of(i / classes), context.Input(1).as<float>() + i * count, count, limits,
                    candidates + worker * count, {kept + worker * 5 * count, count},
                    selected[static_cast<size_t>(i)]);
      }
    });
  }

  // Rows of batch, class, box.
  static Status Write(RunContext& context, int64_t classes,
                      const std::vector<std::vector<int32_t>>& selected) {
    int64_t total = 0;
    for (const auto& list : selected) total += static_cast<int64_t>(list.size());
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, Shape{total, 3}));
    int64_t* out = output.as<int64_t>();
    for (size_t i = 0; i < selected.size(); ++i) {
      for (const int32_t box : selected[i]) {
        *out++ = static_cast<int64_t>(i) / classes;
        *out++ = static_cast<int64_t>(i) % classes;
        *out++ = box;
      }
    }
    return OkStatus();
  }

  bool center_;
};

}  // namespace

void RegisterNonMaxSuppression(KernelRegistry& registry) {
  registry.Add({.name = "NonMaxSuppression", .make = MakeKernel<NonMaxSuppression>});
}

}  // namespace mullion::cpu
