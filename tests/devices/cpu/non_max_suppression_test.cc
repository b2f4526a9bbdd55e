// SPDX-License-Identifier: MIT
#include <limits>

#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

// Two batches of three unit squares: the second lies half over the first, the third apart.
OperatorCase Case(std::vector<float> scores, int64_t classes, int64_t most, float overlap) {
  OperatorCase c;
  c.name = "NonMaxSuppression";
  c.opset = 11;
  const int64_t batch = static_cast<int64_t>(scores.size()) / (3 * classes);
  std::vector<float> boxes;
  for (int64_t b = 0; b < batch; ++b) {
    boxes.insert(boxes.end(), {0, 0, 1, 1, 0, 1.5f, 1, 0.5f, 5, 5, 6, 6});
  }
  c.inputs = {TensorOf({batch, 3, 4}, boxes), TensorOf({batch, classes, 3}, scores),
              IntTensor({most}), TensorOf<float>({1}, {overlap})};
  return c;
}

TEST(NonMaxSuppression, DropsWhatOverlapsABetterBox) {
  // The overlap of the first two is 0.5 / 1.5.
  ExpectOutput<int64_t>(Case({0.9f, 0.8f, 0.7f}, 1, 3, 0.3f), {2, 3}, {0, 0, 0, 0, 0, 2});
  ExpectOutput<int64_t>(Case({0.9f, 0.8f, 0.7f}, 1, 3, 0.4f), {3, 3}, {0, 0, 0, 0, 0, 1, 0, 0, 2});
  ExpectOutput<int64_t>(Case({0.7f, 0.8f, 0.9f}, 1, 3, 0.3f), {2, 3}, {0, 0, 2, 0, 0, 1});
  ExpectOutput<int64_t>(Case({0.5f, 0.5f, 0.5f}, 1, 3, 0.3f), {2, 3}, {0, 0, 0, 0, 0, 2});
}

TEST(NonMaxSuppression, KeepsLimitsPerClassAndBatch) {
  const OperatorCase c =
      Case({0.9f, 0.1f, 0.2f, 0.1f, 0.2f, 0.9f, 0.1f, 0.9f, 0.2f, 0.3f, 0.1f, 0.2f}, 2, 1, 0.5f);
  ExpectOutput<int64_t>(c, {4, 3}, {0, 0, 0, 0, 1, 2, 1, 0, 1, 1, 1, 0});
  ExpectOutput<int64_t>(Case({0.9f, 0.8f, 0.7f}, 1, 0, 0.5f), {0, 3}, {});
  OperatorCase threshold = Case({0.9f, 0.8f, 0.7f}, 1, 3, 0.5f);
  threshold.inputs.push_back(TensorOf<float>({1}, {0.8f}));
  ExpectOutput<int64_t>(threshold, {1, 3}, {0, 0, 0});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  ExpectOutput<int64_t>(Case({nan, 0.8f, nan}, 1, 3, 0.5f), {1, 3}, {0, 0, 1});
}

TEST(NonMaxSuppression, TakesCentersAndSizes) {
  OperatorCase c = Case({0.9f, 0.8f, 0.7f}, 1, 3, 0.3f);
  c.inputs[0] = TensorOf<float>({1, 3, 4}, {0.5f, 0.5f, 1, 1, 1, 0.5f, 1, 1, 5.5f, 5.5f, 1, 1});
  c.Set("center_point_box", int64_t{1});
  ExpectOutput<int64_t>(c, {2, 3}, {0, 0, 0, 0, 0, 2});
}

TEST(NonMaxSuppression, RefusesWhatDoesNotFit) {
  ExpectError(Case({0.9f, 0.8f, 0.7f}, 1, 3, 1.5f), "[0, 1]");
  OperatorCase c = Case({0.9f, 0.8f, 0.7f}, 1, 3, 0.5f);
  c.inputs[1] = Counting<float>({1, 1, 4});
  ExpectError(c, "[batch,classes,count]");
}

}  // namespace
}  // namespace mullion::cpu
