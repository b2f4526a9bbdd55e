// SPDX-License-Identifier: MIT
// StringSplit: as Python splits, which ONNX takes over.
#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "devices/cpu/registry.h"
#include "devices/cpu/utf8.h"

namespace mullion::cpu {

namespace {

// Characters that Unicode calls white space, and the separators U+001C to U+001F.
bool IsSpace(int32_t code) {
  if (code < 0x80)
    return code == ' ' || (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x1F);
  return code == 0x85 || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) ||
         code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

// The number of bytes up to the first character that is space, or is none.
size_t RunOf(std::string_view text, bool space) {
  size_t bytes = 0;
  while (bytes < text.size()) {
    const Character character = FirstCharacter(text.substr(bytes));
    if (IsSpace(character.code) != space) break;
    bytes += character.bytes;
  }
  return bytes;
}

// Calls `take(piece)` for the pieces between runs of white space; at most `splits` times it splits,
// what then is left is the last piece.
template <typename Take>
void SplitAtSpace(std::string_view text, int64_t splits, const Take& take) {
  for (;;) {
    text.remove_prefix(RunOf(text, true));
    if (text.empty()) return;
    if (splits-- == 0) return take(text);
    const size_t word = RunOf(text, false);
    take(text.substr(0, word));
    text.remove_prefix(word);
  }
}

// Pieces are a few characters long as a rule: a call to look for one takes longer than the look.
size_t FindDelimiter(std::string_view delimiter, std::string_view text) {
  if (delimiter.size() > 1) return text.find(delimiter);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == delimiter[0]) return i;
  }
  return std::string_view::npos;
}

// The same for pieces between delimiters, which may be empty.
template <typename Take>
void SplitAt(std::string_view delimiter, std::string_view text, int64_t splits, const Take& take) {
  for (; splits > 0; --splits) {
    const size_t end = FindDelimiter(delimiter, text);
    if (end == std::string_view::npos) break;
    take(text.substr(0, end));
    text.remove_prefix(end + delimiter.size());
  }
  take(text);
}

class StringSplit final : public Executable {
 public:
  explicit StringSplit(const Node& node)
      : delimiter_(node.StringAttribute("delimiter", "")),
        splits_(node.IntAttribute("maxsplit", -1)) {
    if (splits_ < 0) splits_ = std::numeric_limits<int64_t>::max();
  }

  // Twice over the texts: what is kept of the first time are numbers, not pieces, which take longer
  // to write down and read again than to find.
  Status Run(RunContext& context) const override {
    const auto texts = context.Input(0).span<std::string>();
    std::vector<int64_t> counts;
    counts.reserve(texts.size());
    int64_t most = 0;
    for (const std::string& text : texts) {
      int64_t count = 0;
      Split(text, [&](std::string_view) { ++count; });
      most = std::max(most, count);
      counts.push_back(count);
    }
    if (context.WantsOutput(0)) {
      Shape shape = context.Input(0).shape;
      shape.Append(most);
      MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
      auto* to = output.as<std::string>();
      for (size_t i = 0; i < texts.size(); ++i) {
        Split(texts[i], [&](std::string_view piece) { to++->assign(piece); });
        for (int64_t rest = counts[i]; rest < most; ++rest) to++->clear();
      }
    }
    if (context.WantsOutput(1)) {
      MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                               context.AllocateOutput(1, context.Input(0).shape));
      std::copy(counts.begin(), counts.end(), output.as<int64_t>());
    }
    return OkStatus();
  }

 private:
  template <typename Take>
  void Split(std::string_view text, const Take& take) const {
    if (delimiter_.empty()) return SplitAtSpace(text, splits_, take);
    SplitAt(delimiter_, text, splits_, take);
  }

  std::string delimiter_;
  int64_t splits_;
};

}  // namespace

void RegisterStringSplit(KernelRegistry& registry) {
  registry.Add({.name = "StringSplit", .make = MakeKernel<StringSplit>});
}

}  // namespace mullion::cpu
