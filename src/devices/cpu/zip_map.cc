// SPDX-License-Identifier: MIT
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
      return context.Error(StrCat("its input has shape ", input.shape.ToString(), " but there are ",
                                  classes, " class labels"));
    }
    auto sequence = std::make_shared<Sequence>();
    sequence->element = TypeInfo::Map(keys_.type(), TypeInfo::Tensor(ElementType::kFloat, Shape{}));
    const auto rows = static_cast<size_t>(operators::RowCount(input.shape));
    sequence->items.reserve(rows);
    const float* const first = input.as<float>();
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
  Tensor keys_;
};

}  // namespace

void RegisterZipMap(KernelRegistry& registry) {
  registry.Add({.name = "ZipMap", .domain = operators::kMlDomain, .make = MakeKernel<ZipMap>});
}

}  // namespace mullion::cpu
