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

// The same for pieces between delimiters, which may be empty.
template <typename Take>
void SplitAt(std::string_view delimiter, std::string_view text, int64_t splits, const Take& take) {
  for (; splits > 0; --splits) {
    const size_t end = delimiter.size() == 1 ? text.find(delimiter[0]) : text.find(delimiter);
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

  Status Run(RunContext& context) const override {
    const auto texts = context.Input(0).span<std::string>();
    std::vector<std::string_view> pieces;
    std::vector<int64_t> counts;
    counts.reserve(texts.size());
    for (const std::string& text : texts) {
      const size_t before = pieces.size();
      const auto take = [&](std::string_view piece) { pieces.push_back(piece); };
      if (delimiter_.empty()) {
        SplitAtSpace(text, splits_, take);
      } else {
        SplitAt(delimiter_, text, splits_, take);
      }
      counts.push_back(static_cast<int64_t>(pieces.size() - before));
    }

    const int64_t most = counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end());
    if (context.WantsOutput(0)) {
      Shape shape = context.Input(0).shape;
      shape.Append(most);
      MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
      auto* to = output.as<std::string>();
      size_t piece = 0;
      for (const int64_t count : counts) {
        for (int64_t i = 0; i < most; ++i, ++to) {
          if (i < count) {
            to->assign(pieces[piece++]);
          } else {
            to->clear();
          }
        }
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
  std::string delimiter_;
  int64_t splits_;
};

}  // namespace

void RegisterStringSplit(KernelRegistry& registry) {
  registry.Add({.name = "StringSplit", .make = MakeKernel<StringSplit>});
}

}  // namespace mullion::cpu
