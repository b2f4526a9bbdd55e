// SPDX-License-Identifier: MIT
#include "devices/cpu/cast_string.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <locale>
#include <sstream>
#include <string_view>

namespace mullion::cpu {

namespace {

// Longer texts than this are refused before they are parsed: no number needs them.
constexpr size_t kLongestNumber = 512;

// Parsers write where they are told to and say whether there is a number: an optional one would be
// written in two parts and read as one, which waits for both to be in the cache.
template <typename Real>
bool ParseReal(std::string_view text, Real& value);

// Standard libraries that convert floating-point numbers without a locale do it twenty times as
// fast as streams, which are right everywhere.
#if defined(__cpp_lib_to_chars) && __cpp_lib_to_chars >= 201611
#define MULLION_HAS_REAL_CHARS
#endif

#ifdef MULLION_HAS_REAL_CHARS
// `all` is the shortest -d.ddde-xxx that gives a value back: laid out as printf's %g does for that
// many digits, `least_digits` at least.
std::string LayOut(std::string_view all, int least_digits) {
  const size_t mark = all.find('e');
  const bool negative = all.front() == '-';
  std::string digits(1, all[negative ? 1 : 0]);
  const size_t point = negative ? 2 : 1;
  if (mark > point) digits.append(all.substr(point + 1, mark - point - 1));
  int exponent = 0;
  const bool below_one = all[mark + 1] == '-';
  std::from_chars(all.data() + mark + 2, all.data() + all.size(), exponent);
  if (below_one) exponent = -exponent;

  const int precision = std::max(static_cast<int>(digits.size()), least_digits);
  if (exponent < -4 || exponent >= precision) return std::string(all);
  std::string result(negative ? "-" : "");
  if (exponent < 0) {
    result.append("0.").append(static_cast<size_t>(-exponent - 1), '0').append(digits);
    return result;
  }
  const auto whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() < whole) digits.append(whole - digits.size(), '0');
  result.append(digits, 0, whole);
  if (digits.size() > whole) result.append(1, '.').append(digits, whole);
  return result;
}

template <typename Real>
std::string FormatFinite(Real value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), value, std::chars_format::scientific);
  return LayOut(std::string_view(text, static_cast<size_t>(end.ptr - text)),
                std::numeric_limits<Real>::digits10);
}
#else
template <typename Real>
std::string FormatFinite(Real value) {
  using Limits = std::numeric_limits<Real>;
  std::string text;
  for (int digits = Limits::digits10; digits <= Limits::max_digits10; ++digits) {
    std::ostringstream stream;
    stream.imbue(std::locale::classic());
    stream.precision(digits);
    stream << value;
    text = stream.str();
    Real back = 0;
    if (ParseReal(text, back) && back == value) break;
  }
  return text;
}
#endif

template <typename Real>
std::string FormatReal(Real value) {
  if (value != value) return "NaN";
  if (value == std::numeric_limits<Real>::infinity()) return "INF";
  if (value == -std::numeric_limits<Real>::infinity()) return "-INF";
  return FormatFinite(value);
}

void FormatInteger(int64_t value, bool is_unsigned, std::string& text) {
  char digits[20];
  char* const last = digits + sizeof(digits);
  const auto end = is_unsigned ? std::to_chars(digits, last, static_cast<uint64_t>(value))
                               : std::to_chars(digits, last, value);
  text.assign(digits, static_cast<size_t>(end.ptr - digits));
}

std::string_view Trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string Lowered(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// ONNX's literals, in any case: INF, +INF, -INF, NaN.
template <typename Real>
bool ParseSpecial(std::string_view text, Real& value) {
  if (text.size() > 4 || (text.back() >= '0' && text.back() <= '9')) return false;
  const std::string lower = Lowered(text);
  constexpr Real kInfinity = std::numeric_limits<Real>::infinity();
  if (lower == "nan") {
    value = std::numeric_limits<Real>::quiet_NaN();
  } else if (lower == "inf" || lower == "+inf") {
    value = kInfinity;
  } else if (lower == "-inf") {
    value = -kInfinity;
  } else {
    return false;
  }
  return true;
}

template <typename Real>
bool ParseReal(std::string_view text, Real& value) {
  text = Trimmed(text);
  if (text.empty() || text.size() > kLongestNumber) return false;
  if (ParseSpecial(text, value)) return true;
#ifdef MULLION_HAS_REAL_CHARS
  const bool plus = text.size() > 1 && text[0] == '+';
  // What begins otherwise are words, and signs that follow each other.
  const char lead = text[plus || (text.size() > 1 && text[0] == '-') ? 1 : 0];
  if (lead != '.' && (lead < '0' || lead > '9')) return false;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + (plus ? 1 : 0), last, value);
  if (error == std::errc()) return end == last;
  if (error != std::errc::result_out_of_range) return false;
    // Too large or too small: the stream tells which.
#endif
  if (text.find_first_not_of("0123456789+-.eE") != std::string_view::npos) return false;
  std::istringstream stream{std::string(text)};
  stream.imbue(std::locale::classic());
  value = 0;
  stream >> value;
  if (!stream.eof()) return false;  // something stands behind the number
  if (!stream.fail()) return true;
  // Out of range: the stream then holds the largest number, or one near zero.
  if (std::abs(value) != std::numeric_limits<Real>::max()) return false;
  value = std::copysign(std::numeric_limits<Real>::infinity(), value);
  return true;
}

template <typename Integer>
bool ParseInteger(std::string_view text, Integer& value) {
  text = Trimmed(text);
  std::string_view digits = text;
  if (!digits.empty() && digits.front() == '+') digits.remove_prefix(1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc() && end == digits.data() + digits.size()) return true;
  double real = 0;
  if (!ParseReal(text, real)) return false;
  ConvertElements(ElementType::kDouble, &real, kElementTypeOf<Integer>, &value, 1);
  return true;
}

bool ParseTruth(std::string_view text, int64_t& value) {
  const std::string lower = Lowered(Trimmed(text));
  double real = lower == "true" ? 1 : 0;
  if (lower != "true" && lower != "false" && !ParseReal(text, real)) return false;
  value = real != 0 ? 1 : 0;
  return true;
}

// Elements that are converted at once: packed types want whole bytes.
constexpr size_t kFew = 64;

// Parses each text as Wide and converts it to the type of `y`.
template <typename Wide, typename Parse>
std::optional<int64_t> ParseAll(std::span<const std::string> x, const MutableTensorView& y,
                                const ConvertOptions& options, Parse parse) {
  Wide few[kFew];
  for (size_t begin = 0; begin < x.size(); begin += kFew) {
    const size_t count = std::min(kFew, x.size() - begin);
    for (size_t i = 0; i < count; ++i) {
      if (!parse(x[begin + i], few[i])) return static_cast<int64_t>(begin + i);
    }
    auto* const to =
        static_cast<std::byte*>(y.data) + ByteSize(y.type, static_cast<int64_t>(begin));
    ConvertElements(kElementTypeOf<Wide>, few, y.type, to, count, options);
  }
  return std::nullopt;
}

}  // namespace

void FormatElements(const TensorView& x, std::string* y) {
  const bool is_real = IsFloatingPoint(x.type) || Contains(types::kFloat8, x.type) ||
                       x.type == ElementType::kFloat4E2M1;
  const ElementType wide = x.type == ElementType::kDouble || x.type == ElementType::kUint64
                               ? x.type
                               : (is_real ? ElementType::kFloat : ElementType::kInt64);
  constexpr auto kStep = static_cast<int64_t>(kFew);
  for (int64_t begin = 0; begin < x.count(); begin += kStep) {
    const int64_t count = std::min(kStep, x.count() - begin);
    alignas(8) std::byte few[8 * kFew];
    ConvertElements(x.type, static_cast<const std::byte*>(x.data) + ByteSize(x.type, begin), wide,
                    few, static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
      std::string& text = y[begin + i];
      const void* const element = few + ByteSize(wide, i);
      if (wide == ElementType::kDouble) {
        text = FormatReal(*static_cast<const double*>(element));
      } else if (wide == ElementType::kFloat) {
        text = FormatReal(*static_cast<const float*>(element));
      } else {
        FormatInteger(*static_cast<const int64_t*>(element), wide == ElementType::kUint64, text);
      }
    }
  }
}

std::optional<int64_t> ParseElements(std::span<const std::string> x, const MutableTensorView& y,
                                     const ConvertOptions& options) {
  if (y.type == ElementType::kBool) return ParseAll<int64_t>(x, y, options, ParseTruth);
  if (y.type == ElementType::kDouble) return ParseAll<double>(x, y, options, ParseReal<double>);
  if (y.type == ElementType::kUint64) {
    return ParseAll<uint64_t>(x, y, options, ParseInteger<uint64_t>);
  }
  if (IsInteger(y.type) || (IsSubByte(y.type) && y.type != ElementType::kFloat4E2M1)) {
    return ParseAll<int64_t>(x, y, options, ParseInteger<int64_t>);
  }
  return ParseAll<float>(x, y, options, ParseReal<float>);
}

}  // namespace mullion::cpu
