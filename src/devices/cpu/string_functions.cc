// SPDX-License-Identifier: MIT
// StringConcat, StringNormalizer, RegexFullMatch.
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/str_cat.h"
#include "devices/cpu/broadcast.h"
#include "devices/cpu/letter_case.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/text_pattern.h"

namespace mullion::cpu {

namespace {

class StringConcat final : public Executable {
 public:
  explicit StringConcat(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    const Shape shapes[] = {context.Input(0).shape, context.Input(1).shape};
    const std::optional<BroadcastPlan> plan = PlanBroadcast(shapes);
    if (!plan.has_value()) return context.Error("its inputs' shapes do not broadcast");
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, plan->output));
    const BroadcastReader reader(*plan, 1);
    const bool same = shapes[0] == plan->output && shapes[1] == plan->output;
    const auto* const a = context.Input(0).as<std::string>();
    const auto* const b = context.Input(1).as<std::string>();
    for (int64_t i = 0; i < plan->count; ++i) {
      std::string& text = output.as<std::string>()[i];
      text.assign(a[same ? i : reader.ElementAt(0, i)]);  // into the memory that it has
      text.append(b[same ? i : reader.ElementAt(1, i)]);
    }
    return OkStatus();
  }
};

// StringNormalizer-10: drops stop words, then changes the case of what is left; an empty text
// stands for nothing left. Its attribute 'locale' says nothing that Unicode does not.
class StringNormalizer final : public Executable {
 public:
  explicit StringNormalizer(const Node& node)
      : action_(node.StringAttribute("case_change_action", "NONE")),
        ignores_case_(node.IntAttribute("is_case_sensitive", 0) == 0) {
    for (const std::string& word : node.StringsAttribute("stopwords")) {
      stop_words_.insert(ignores_case_ ? InCase(word, LetterCase::kLower) : word);
    }
  }

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const bool row = input.shape.rank() == 2 && input.shape[0] == 1;
    if (input.shape.rank() != 1 && !row) {
      return context.Error("input 0 is ", Describe(input), " but must be [C] or [1,C]");
    }
    std::vector<std::string> left;
    for (const std::string& word : input.span<std::string>()) {
      if (!stop_words_.contains(
              ignores_case_ && !stop_words_.empty() ? InCase(word, LetterCase::kLower) : word)) {
        left.push_back(Normalized(word));
      }
    }
    if (left.empty()) left.emplace_back();
    const auto count = static_cast<int64_t>(left.size());
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, row ? Shape{1, count} : Shape{count}));
    std::move(left.begin(), left.end(), output.as<std::string>());
    return OkStatus();
  }

 private:
  std::string Normalized(const std::string& word) const {
    if (action_ == "LOWER") return InCase(word, LetterCase::kLower);
    if (action_ == "UPPER") return InCase(word, LetterCase::kUpper);
    return word;
  }

  std::string action_;
  bool ignores_case_;
  std::unordered_set<std::string> stop_words_;
};

class RegexFullMatch final : public Executable {
 public:
  explicit RegexFullMatch(std::unique_ptr<TextPattern> pattern) : pattern_(std::move(pattern)) {}

  Status Run(RunContext& context) const override {
    const auto texts = context.Input(0).span<std::string>();
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, context.Input(0).shape));
    constexpr int64_t kChunk = 64;  // some microseconds each
    context.parallel().For(context.Input(0).count(), kChunk, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        output.as<bool>()[i] = pattern_->MatchesAll(texts[static_cast<size_t>(i)]);
      }
    });
    return OkStatus();
  }

 private:
  std::unique_ptr<TextPattern> pattern_;
};

Result<std::unique_ptr<Executable>> MakeRegexFullMatch(const Node& node, WeightStore& /*weights*/) {
  auto pattern = TextPattern::Make(node.StringAttribute("pattern", ""));
  if (!pattern.ok()) return node.Error(pattern.status().code(), pattern.status().message());
  return std::unique_ptr<Executable>(std::make_unique<RegexFullMatch>(*std::move(pattern)));
}

}  // namespace

void RegisterStringFunctions(KernelRegistry& registry) {
  registry.Add({.name = "StringConcat", .make = MakeKernel<StringConcat>});
  registry.Add({.name = "StringNormalizer", .make = MakeKernel<StringNormalizer>});
  registry.Add(
      {.name = "RegexFullMatch", .make = MakeRegexFullMatch, .supports = TextPattern::Supports});
}

}  // namespace mullion::cpu
