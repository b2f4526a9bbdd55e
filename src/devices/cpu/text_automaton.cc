// SPDX-License-Identifier: MIT
// Glushkov's construction: a state is the set of places of the expression that may have taken the
// character before.
#include "devices/cpu/text_automaton.h"

#include <algorithm>
#include <bit>

namespace mullion::cpu {

namespace {

// Characters that a place takes: a bit each.
struct CharacterSet {
  std::array<uint64_t, 2> bits{};

  void Add(int first, int last) {
    for (int c = first; c <= last; ++c)
      bits[static_cast<size_t>(c >> 6)] |= uint64_t{1} << (c & 63);
  }
  void Invert() {
    for (uint64_t& word : bits) word = ~word;
  }
  bool Has(int c) const { return (bits[static_cast<size_t>(c >> 6)] >> (c & 63) & 1) != 0; }
};

// Sets of places are bits, too.
constexpr int kMostPlaces = 64;
constexpr size_t kMostStates = 64;
constexpr int kMostDepth = 32;  // of groups within groups

// What a part of the expression may begin and end with, and whether it may be empty.
struct Part {
  bool empty = true;
  uint64_t first = 0;
  uint64_t last = 0;
};

// Gives up (`failed`) on all that it does not know.
class ExpressionReader {
 public:
  explicit ExpressionReader(std::string_view text) : text_(text) {}

  // All of the expression. Where all of a text is matched, ^ and $ at its ends say nothing.
  Part Read() {
    if (!text_.empty() && text_.front() == '^') ++at_;
    const Part part = Alternatives(0);
    if (at_ + 1 == text_.size() && text_[at_] == '$') ++at_;
    if (at_ != text_.size()) failed_ = true;
    return part;
  }

  bool failed() const { return failed_; }
  uint64_t Follow(uint64_t places) const {
    uint64_t all = 0;
    ForEachPlace(places, [&](int place) { all |= follow_[static_cast<size_t>(place)]; });
    return all;
  }
  uint64_t Taking(uint64_t places, int c) const {
    uint64_t some = 0;
    ForEachPlace(places, [&](int place) {
      if (takes_[static_cast<size_t>(place)].Has(c)) some |= uint64_t{1} << place;
    });
    return some;
  }

 private:
  template <typename Function>
  static void ForEachPlace(uint64_t places, Function function) {
    for (; places != 0; places &= places - 1) function(std::countr_zero(places));
  }

  bool Peek(char c) const { return !failed_ && at_ < text_.size() && text_[at_] == c; }
  bool Take(char c) {
    if (!Peek(c)) return false;
    ++at_;
    return true;
  }
  Part Fail() {
    failed_ = true;
    return {};
  }

  Part Alternatives(int depth) {
    if (depth > kMostDepth) return Fail();
    Part part = Sequence(depth);
    while (Take('|')) {
      const Part other = Sequence(depth);
      part = {part.empty || other.empty, part.first | other.first, part.last | other.last};
    }
    return part;
  }

  Part Sequence(int depth) {
    Part part;
    while (!failed_ && at_ < text_.size() && text_[at_] != '|' && text_[at_] != ')' &&
           !(text_[at_] == '$' && at_ + 1 == text_.size())) {
      part = Join(part, Repeated(depth));
    }
    return part;
  }

  Part Join(const Part& a, const Part& b) {
    Link(a.last, b.first);
    return {a.empty && b.empty, a.first | (a.empty ? b.first : 0), b.last | (b.empty ? a.last : 0)};
  }

  void Link(uint64_t from, uint64_t to) {
    ForEachPlace(from, [&](int place) { follow_[static_cast<size_t>(place)] |= to; });
  }

  // An atom and what says how often. Whether as often as possible or not is all the same here.
  Part Repeated(int depth) {
    const size_t begin = at_;
    Part part = Atom(depth);
    if (Peek('{')) return Counted(depth, begin, part);
    const bool any = Take('*');
    if (any || Take('+')) {
      Link(part.last, part.first);
    } else if (!Take('?')) {
      return part;
    } else {
      part.empty = true;
    }
    part.empty = part.empty || any;
    Take('?');
    return part;
  }

  // {n}, {n,} and {n,m} behind an atom that begins at `begin` and has been read once: each time
  // more it has places of its own.
  Part Counted(int depth, size_t begin, Part part) {
    ++at_;
    const int least = Number();
    const bool comma = Take(',');
    const bool endless = comma && Peek('}');
    const int most = comma && !endless ? Number() : std::max(least, endless ? 1 : 0);
    if (!Take('}') || most < least || part.first == 0) return Fail();
    Take('?');
    const size_t end = at_;
    Part all;
    for (int i = 0; i < most && !failed_; ++i) {
      if (i > 0) {
        at_ = begin;
        part = Atom(depth);
      }
      if (endless && i + 1 == most) Link(part.last, part.first);
      part.empty = part.empty || i >= least;
      all = Join(all, part);
    }
    at_ = end;
    return all;
  }

  int Number() {
    int value = 0;
    const size_t begin = at_;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      value = std::min(value * 10 + (text_[at_] - '0'), kMostPlaces + 1);
    }
    if (at_ == begin) failed_ = true;
    return value;
  }

  Part Atom(int depth) {
    if (failed_ || at_ == text_.size()) return Fail();
    const char c = text_[at_++];
    CharacterSet taken;
    switch (c) {
      case '(': {
        if (Take('?') && !Take(':')) return Fail();
        const Part part = Alternatives(depth + 1);
        return Take(')') ? part : Fail();
      }
      case '[':
        return Class(taken) ? Place(taken) : Fail();
      case '.':
        taken.Add('\n', '\n');
        taken.Invert();
        return Place(taken);
      case '\\':
        return Escape(taken) ? Place(taken) : Fail();
      default:
        if (std::string_view("^$*+?{").find(c) != std::string_view::npos) return Fail();
        if ((c & 0x80) != 0) return Fail();
        taken.Add(c, c);
        return Place(taken);
    }
  }

  Part Place(const CharacterSet& taken) {
    if (places_ == kMostPlaces) return Fail();
    takes_[static_cast<size_t>(places_)] = taken;
    const uint64_t place = uint64_t{1} << places_++;
    return {false, place, place};
  }

  // Behind a backslash: a class, or a character that stands for itself.
  bool Escape(CharacterSet& taken) {
    if (at_ == text_.size()) return false;
    const char c = text_[at_++];
    CharacterSet set;
    switch (c) {
      case 'd':
      case 'D':
        set.Add('0', '9');
        break;
      case 's':
      case 'S':
        set.Add('\t', '\n');
        set.Add('\f', '\r');
        set.Add(' ', ' ');
        break;
      case 'w':
      case 'W':
        set.Add('0', '9');
        set.Add('A', 'Z');
        set.Add('a', 'z');
        set.Add('_', '_');
        break;
      case 'n':
        set.Add('\n', '\n');
        break;
      case 't':
        set.Add('\t', '\t');
        break;
      case 'r':
        set.Add('\r', '\r');
        break;
      default: {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (letter || (c >= '0' && c <= '9') || c == '_' || (c & 0x80) != 0) return false;
        set.Add(c, c);
      }
    }
    if (c == 'D' || c == 'S' || c == 'W') set.Invert();
    for (size_t i = 0; i < set.bits.size(); ++i) taken.bits[i] |= set.bits[i];
    return true;
  }

  // Behind [ .
  bool Class(CharacterSet& taken) {
    const bool inverted = Take('^');
    for (bool first = true; first || !Peek(']'); first = false) {
      if (at_ == text_.size()) return false;
      if (text_[at_] == '[' && at_ + 1 < text_.size() && text_[at_ + 1] == ':') return false;
      const std::optional<char> low = ClassCharacter(taken);
      if (failed_) return false;
      if (!low.has_value()) continue;
      char high = *low;
      if (at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
        ++at_;
        const std::optional<char> end = ClassCharacter(taken);
        if (failed_ || !end.has_value()) return false;
        high = *end;
      }
      taken.Add(*low, high);
    }
    ++at_;
    if (inverted) taken.Invert();
    return true;
  }

  // One of a class; nothing for a class within it, which is added.
  std::optional<char> ClassCharacter(CharacterSet& taken) {
    const char c = text_[at_++];
    if ((c & 0x80) != 0) failed_ = true;
    if (c != '\\') return c;
    const char escaped = at_ < text_.size() ? text_[at_] : '\0';
    CharacterSet set;
    if (!Escape(set)) failed_ = true;
    if (std::string_view("ntr").find(escaped) != std::string_view::npos) {
      return escaped == 'n' ? '\n' : escaped == 't' ? '\t' : '\r';
    }
    if (std::string_view("dDsSwW").find(escaped) == std::string_view::npos) return escaped;
    for (size_t i = 0; i < set.bits.size(); ++i) taken.bits[i] |= set.bits[i];
    return std::nullopt;
  }

  std::string_view text_;
  size_t at_ = 0;
  bool failed_ = false;
  int places_ = 0;
  std::array<CharacterSet, kMostPlaces> takes_;
  std::array<uint64_t, kMostPlaces> follow_{};
};

}  // namespace

std::optional<TextAutomaton> TextAutomaton::Make(std::string_view expression) {
  ExpressionReader reader(expression);
  const Part whole = reader.Read();
  if (reader.failed()) return std::nullopt;
  TextAutomaton automaton;
  // Nothing, and the beginning, which is no set of places.
  std::vector<uint64_t> states = {0, 0};
  for (size_t state = 0; state < states.size(); ++state) {
    const uint64_t following = state == 1 ? whole.first : reader.Follow(states[state]);
    const bool ends = state == 1 ? whole.empty : (states[state] & whole.last) != 0;
    automaton.ends_.push_back(ends ? Answer::kYes : Answer::kNo);
    std::array<uint8_t, kCharacters>& next = automaton.next_.emplace_back();
    for (int c = 0; c < kCharacters; ++c) {
      const uint64_t places = reader.Taking(following, c);
      const auto known = std::find(states.begin() + 2, states.end(), places);
      const size_t target = places == 0 ? 0 : static_cast<size_t>(known - states.begin());
      if (places != 0 && known == states.end()) states.push_back(places);
      if (states.size() > kMostStates) return std::nullopt;
      next[static_cast<size_t>(c)] = static_cast<uint8_t>(target);
    }
  }
  return automaton;
}

TextAutomaton::Answer TextAutomaton::MatchesAll(std::string_view text) const {
  size_t state = 1;
  for (const char c : text) {
    if ((c & 0x80) != 0) return state == 0 ? Answer::kNo : Answer::kUnknown;
    state = next_[state][static_cast<size_t>(c)];
  }
  return ends_[state];
}

}  // namespace mullion::cpu
