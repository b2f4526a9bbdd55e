// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "base/str_cat.h"
#include "devices/cpu/registry.h"
#include "operators/class_scores.h"

namespace mullion::cpu {

namespace {

// Rows of scores become maps from labels to scores. All maps share one tensor of labels and those
// of an evaluation one memory, as allocations are what this costs.
class ZipMap final : public Executable {
 public:
  explicit ZipMap(const Node& node) {
    const auto labels = operators::ClassLabels::FromNode(node, "classlabels_int64s");
    keys_ = labels.strings.empty() ? Tensor::Vector(labels.ints) : Tensor::Vector(labels.strings);
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const int64_t classes = keys_.count();
    if (input.shape.rank() == 0 || input.shape.Back(0) != classes) {
      return context.Error("its input has shape ", input.shape.ToString(), " but there are ",
                           classes, " class labels");
    }
    const auto rows = static_cast<size_t>(operators::RowCount(input.shape));
    const float* const first = input.as<float>();
    if (Datum& before = context.OutputBefore(0); IsFree(before, rows, classes)) {
      std::copy_n(first, input.count(), ScoresOf(before));
      before.kind = ValueKind::kSequence;
      return OkStatus();
    }
    auto sequence = std::make_shared<Sequence>();
    sequence->element = TypeInfo::Map(keys_.type(), TypeInfo::Tensor(ElementType::kFloat, Shape{}));
    sequence->items.reserve(rows);
    const auto scores = std::make_shared<std::vector<float>>(first, first + input.count());
    const auto maps = std::make_shared<std::vector<Map>>(rows);
    for (size_t row = 0; row < rows; ++row) {
      Map& map = (*maps)[row];
      const float* const values = scores->data() + row * static_cast<size_t>(classes);
      map = {keys_, Tensor::Wrap(ElementType::kFloat, Shape{classes}, values, scores)};
      sequence->items.push_back(Datum::FromMap({maps, &map}));
    }
    context.SetOutput(0, Datum::FromSequence(std::move(sequence)));
    return OkStatus();
  }

 private:
  // Whether the maps of the evaluation before are as many, and nobody but their sequence holds them
  // or their scores.
  static bool IsFree(const Datum& before, size_t rows, int64_t classes) {
    if (before.sequence.use_count() != 1 || before.sequence->items.size() != rows) return false;
    if (rows == 0) return true;
    const std::shared_ptr<const Map>& map = before.sequence->items.front().map;
    const auto holders = static_cast<long>(rows);  // NOLINT(runtime/int): as use_count gives it
    const bool free = map != nullptr && map.use_count() == holders &&
                      map->values.owner().use_count() == holders && map->values.count() == classes;
    // What they have read comes before what is written now.
    if (free) std::atomic_thread_fence(std::memory_order_acquire);
    return free;
  }

  static float* ScoresOf(const Datum& before) {
    if (before.sequence->items.empty()) return nullptr;
    const Tensor& values = before.sequence->items.front().map->values;
    return const_cast<float*>(static_cast<const float*>(values.data()));
  }

  Tensor keys_;
};

}  // namespace

void RegisterZipMap(KernelRegistry& registry) {
  registry.Add({.name = "ZipMap", .domain = operators::kMlDomain, .make = MakeKernel<ZipMap>});
}

}  // namespace mullion::cpu
