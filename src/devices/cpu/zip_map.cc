// SPDX-License-Identifier: MIT
#include <memory>
#include <span>
#include <utility>

#include "base/str_cat.h"
#include "devices/cpu/registry.h"
#include "operators/class_scores.h"

namespace mullion::cpu {

namespace {

// Rows of scores become maps from labels to scores. All maps share one tensor of labels.
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
    const int64_t rows = operators::RowCount(input.shape);
    sequence->items.reserve(static_cast<size_t>(rows));
    for (int64_t row = 0; row < rows; ++row) {
      const std::span<const float> scores(input.as<float>() + row * classes,
                                          static_cast<size_t>(classes));
      auto map = std::make_shared<Map>(Map{keys_, Tensor::Vector(scores)});
      sequence->items.push_back(Datum::FromMap(std::move(map)));
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
