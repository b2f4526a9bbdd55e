// SPDX-License-Identifier: MIT
#include <algorithm>
#include <vector>

#include "base/str_cat.h"
#include "devices/cpu/ngram_pool.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

// What becomes of the count of an n-gram.
enum class Mode { kTf, kIdf, kTfIdf };

class TfIdfVectorizer final : public Executable {
 public:
  TfIdfVectorizer(NgramPool pool, Mode mode, std::span<const float> weights)
      : pool_(std::move(pool)), mode_(mode), weights_(weights.begin(), weights.end()) {}

  Status Bind(BindContext& context) const override {
    const auto items = static_cast<size_t>(context.input(0)->shape.ElementCount());
    context.RequestScratch(items * sizeof(int32_t));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const int rank = input.shape.rank();
    if (rank != 1 && rank != 2) {
      return context.Error("input 0 is ", Describe(input), " but must be [C] or [N,C]");
    }
    Shape shape = input.shape;
    shape[rank - 1] = pool_.width();
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
    auto* const numbers = static_cast<int32_t*>(context.scratch());
    pool_.NumberItems(input, numbers);
    const int64_t rows = rank == 1 ? 1 : input.shape[0];
    const auto length = static_cast<size_t>(input.shape[rank - 1]);
    context.parallel().For(rows, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t row = begin; row < end; ++row) {
        float* const counts = output.as<float>() + row * pool_.width();
        std::fill_n(counts, pool_.width(), 0.0f);
        pool_.Count({numbers + static_cast<size_t>(row) * length, length}, counts);
        Weigh(counts);
      }
    });
    return OkStatus();
  }

 private:
  // Weights belong to places in the output, as ONNX's reference has it.
  void Weigh(float* counts) const {
    for (int64_t i = 0; mode_ != Mode::kTf && i < pool_.width(); ++i) {
      const float weight = weights_.empty() ? 1.0f : weights_[static_cast<size_t>(i)];
      const float count = mode_ == Mode::kIdf ? std::min(counts[i], 1.0f) : counts[i];
      counts[i] = count * weight;
    }
  }

  NgramPool pool_;
  Mode mode_;
  std::vector<float> weights_;
};

Result<std::unique_ptr<Executable>> MakeTfIdfVectorizer(const Node& node,
                                                        WeightStore& /*weights*/) {
  const std::string_view name = node.StringAttribute("mode", "");
  if (name != "TF" && name != "IDF" && name != "TFIDF") {
    return node.Error(StatusCode::kInvalidModel, "the attribute 'mode' is '", name,
                      "' but must be 'TF', 'IDF' or 'TFIDF'");
  }
  const Mode mode = name == "TF" ? Mode::kTf : name == "IDF" ? Mode::kIdf : Mode::kTfIdf;
  MULLION_ASSIGN_OR_RETURN(NgramPool pool, NgramPool::Make(node));
  const std::span<const float> weights = node.FloatsAttribute("weights");
  if (!weights.empty() && static_cast<int64_t>(weights.size()) < pool.width()) {
    return node.Error(StatusCode::kInvalidModel, "the attribute 'weights' has ", weights.size(),
                      " entries for outputs of ", pool.width(), " elements");
  }
  return std::unique_ptr<Executable>(
      std::make_unique<TfIdfVectorizer>(std::move(pool), mode, weights));
}

}  // namespace

void RegisterTfIdfVectorizer(KernelRegistry& registry) {
  registry.Add({.name = "TfIdfVectorizer", .make = MakeTfIdfVectorizer});
}

}  // namespace mullion::cpu
