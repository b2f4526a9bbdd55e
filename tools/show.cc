// SPDX-License-Identifier: MIT
#include "tools/show.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <limits>
#include <numeric>

#include "base/element_traits.h"
#include "base/str_cat.h"
#include "tools/engine.h"
#include "tools/labels.h"

namespace mullion::tools {

namespace {

constexpr int kBarWidth = 40;

using Numbers = TypeList<float, double, Float16, Bfloat16, int8_t, int16_t, int32_t, int64_t,
                         uint8_t, uint16_t, uint32_t, uint64_t, bool>;

std::vector<double> NumbersOf(const TensorView& tensor) {
  std::vector<double> numbers;
  DispatchType(Numbers{}, tensor.type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (const T element : tensor.span<T>()) {
      numbers.push_back(static_cast<double>(static_cast<ComputeType<T>>(element)));
    }
  });
  return numbers;
}

bool AreProbabilities(const std::vector<double>& numbers) {
  double sum = 0;
  for (const double number : numbers) {
    if (!(number >= 0 && number <= 1)) return false;
    sum += number;
  }
  return std::abs(sum - 1) < 0.02;
}

// With the space before it; nothing for nothing.
std::string Bar(double share) {
  if (!(share > 0)) return "";
  std::string bar = "  ";
  const int filled = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * kBarWidth));
  for (int i = 0; i < filled; ++i) bar += "█";
  return bar;
}

// Characters of UTF-8 text, not bytes.
size_t Width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;  // not inside a character
  }));
}

void ShowScores(const TensorView& tensor, int top, const std::vector<std::string>& labels) {
  const std::vector<double> numbers = NumbersOf(tensor);
  const bool probabilities = AreProbabilities(numbers);
  const auto [low, high] = std::minmax_element(numbers.begin(), numbers.end());
  const double span = *high > *low ? *high - *low : 1;
  const std::vector<Ranked> ranked = LargestOf(tensor, top, labels);
  size_t width = 0;
  for (const Ranked& row : ranked) width = std::max(width, Width(row.label));
  for (const Ranked& row : ranked) {
    std::cout << "  " << std::setw(6) << row.index << "  ";
    if (width > 0) {
      std::cout << row.label << std::string(width - Width(row.label) + 2, ' ');
    }
    if (probabilities) {
      std::cout << std::fixed << std::setprecision(1) << std::setw(5) << 100 * row.value << " %"
                << Bar(row.value);
    } else {
      std::cout << std::defaultfloat << std::setprecision(6) << std::setw(10) << row.value
                << Bar((row.value - *low) / span);
    }
    std::cout << std::defaultfloat << "\n";
  }
}

void ShowNumbers(const TensorView& tensor) {
  const std::vector<double> numbers = NumbersOf(tensor);
  if (numbers.empty()) {
    std::cout << (tensor.count() == 0 ? "  no values\n" : "  values not shown\n");
    return;
  }
  std::cout << " ";
  const size_t most = std::min<size_t>(numbers.size(), 8);
  for (size_t i = 0; i < most; ++i) std::cout << ' ' << StrCat(numbers[i]);
  std::cout << (most < numbers.size() ? " ...\n" : "\n");
  if (most == numbers.size()) return;
  const auto [low, high] = std::minmax_element(numbers.begin(), numbers.end());
  const double mean =
      std::accumulate(numbers.begin(), numbers.end(), 0.0) / static_cast<double>(numbers.size());
  std::cout << "  from " << StrCat(*low) << " to " << StrCat(*high) << ", mean " << StrCat(mean)
            << "\n";
}

void ShowTensor(const Tensor& tensor, int top, const std::vector<std::string>& labels) {
  if (tensor.type() == ElementType::kString) {
    std::cout << " ";
    for (const std::string& text : tensor.span<std::string>()) std::cout << " '" << text << "'";
    std::cout << "\n";
  } else if (LooksLikeScores(tensor.view())) {
    ShowScores(tensor.view(), top, labels);
  } else {
    ShowNumbers(tensor.view());
  }
}

Tensor PartOf(const MullionValue* map, MullionStatus* (*get)(const MullionValue*, MullionValue**)) {
  MullionValue* part = nullptr;
  Check(get(map, &part));
  const Handle<MullionValue> held(part);
  return ToTensor(part);
}

std::vector<std::string> TextsOf(const Tensor& tensor) {
  std::vector<std::string> texts;
  if (tensor.type() == ElementType::kString) {
    const auto strings = tensor.span<std::string>();
    texts.assign(strings.begin(), strings.end());
  } else {
    for (const double number : NumbersOf(tensor.view())) texts.push_back(StrCat(number));
  }
  return texts;
}

void ShowMap(const MullionValue* map) {
  const Tensor keys = PartOf(map, MullionValue_MapKeys);
  const Tensor values = PartOf(map, MullionValue_MapValues);
  const std::vector<std::string> key_texts = TextsOf(keys);
  const std::vector<std::string> value_texts = TextsOf(values);
  for (size_t i = 0; i < std::min(key_texts.size(), value_texts.size()); ++i) {
    std::cout << "  " << key_texts[i] << ": " << value_texts[i] << "\n";
  }
}

}  // namespace

bool LooksLikeScores(const TensorView& tensor) {
  if (!IsFloatingPoint(tensor.type) || tensor.count() < 2) return false;
  return std::any_of(tensor.shape.begin(), tensor.shape.end(),
                     [&](int64_t dim) { return dim == tensor.count(); });
}

std::vector<Ranked> LargestOf(const TensorView& tensor, int count,
                              const std::vector<std::string>& labels) {
  const std::vector<double> numbers = NumbersOf(tensor);
  std::vector<int64_t> order(numbers.size());
  std::iota(order.begin(), order.end(), 0);
  // NaN ranks last, so that the order is one.
  const auto key = [&](int64_t i) {
    const double number = numbers[static_cast<size_t>(i)];
    return std::isnan(number) ? -std::numeric_limits<double>::infinity() : number;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return key(a) > key(b); });
  std::vector<Ranked> ranked;
  for (const int64_t index : order) {
    if (static_cast<int>(ranked.size()) >= count) break;
    ranked.push_back({index, LabelOf(labels, index), numbers[static_cast<size_t>(index)]});
  }
  return ranked;
}

void ShowValue(const std::string& name, const MullionValue* value, int top,
               const std::vector<std::string>& labels) {
  switch (MullionValue_Kind(value)) {
    case MULLION_FEATURE_TENSOR: {
      const Tensor tensor = ToTensor(value);
      std::cout << name << ": " << Describe(tensor.view()) << "\n";
      ShowTensor(tensor, top, labels);
      break;
    }
    case MULLION_FEATURE_IMAGE:
      std::cout << name << ": image of " << MullionValue_Width(value) << " x "
                << MullionValue_Height(value) << "\n";
      break;
    case MULLION_FEATURE_MAP:
      std::cout << name << ": map\n";
      ShowMap(value);
      break;
    case MULLION_FEATURE_SEQUENCE:
      for (size_t i = 0; i < MullionValue_ItemCount(value); ++i) {
        MullionValue* item = nullptr;
        Check(MullionValue_Item(value, i, &item));
        const Handle<MullionValue> held(item);
        ShowValue(StrCat(name, "[", i, "]"), item, top, labels);
      }
      break;
    case MULLION_FEATURE_OPTIONAL:
      std::cout << name << ": nothing\n";
      break;
  }
}

}  // namespace mullion::tools
