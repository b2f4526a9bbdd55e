// SPDX-License-Identifier: MIT
#include "operators/label_encoder.h"

#include <cmath>
#include <cstring>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/str_cat.h"
#include "devices/cpu/registry.h"
#include "operators/class_scores.h"

namespace mullion::cpu {

namespace {

using operators::LabelTable;

using IntegerLabels = TypeList<int64_t, int32_t, int16_t>;
using RealLabels = TypeList<float, double>;

// Where a key stands in the table; the first of equal ones. NaN is a key like any other.
class KeyIndex {
 public:
  explicit KeyIndex(const Tensor& keys) {
    Visit(keys.view(), [this](const auto& key, int64_t i) {
      if constexpr (std::is_same_v<std::decay_t<decltype(key)>, std::string>) {
        words_.emplace(key, i);
      } else if constexpr (std::is_floating_point_v<std::decay_t<decltype(key)>>) {
        if (std::isnan(key)) {
          if (nan_ < 0) nan_ = i;
        } else {
          reals_.emplace(static_cast<double>(key), i);
        }
      } else {
        integers_.emplace(static_cast<int64_t>(key), i);
      }
    });
  }

  // -1 for what is not there.
  int64_t Find(const std::string& key) const { return FindIn(words_, key); }
  int64_t Find(int64_t key) const { return FindIn(integers_, key); }
  int64_t Find(double key) const { return std::isnan(key) ? nan_ : FindIn(reals_, key); }

  // Calls `function(element, index)` with elements as they are stored.
  template <typename Function>
  static void Visit(const TensorView& view, const Function& function) {
    const auto visit = [&](auto tag) {
      const auto elements = view.span<typename decltype(tag)::type>();
      for (size_t i = 0; i < elements.size(); ++i) function(elements[i], static_cast<int64_t>(i));
    };
    DispatchType(IntegerLabels(), view.type, visit);
    DispatchType(RealLabels(), view.type, visit);
    DispatchType(TypeList<std::string>(), view.type, visit);
  }

 private:
  template <typename Key>
  static int64_t FindIn(const std::unordered_map<Key, int64_t>& places, const Key& key) {
    const auto found = places.find(key);
    return found == places.end() ? -1 : found->second;
  }

  std::unordered_map<std::string, int64_t> words_;
  std::unordered_map<int64_t, int64_t> integers_;
  std::unordered_map<double, int64_t> reals_;
  int64_t nan_ = -1;
};

class LabelEncoder final : public Executable {
 public:
  explicit LabelEncoder(LabelTable table) : table_(std::move(table)), index_(table_.keys) {}

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, input.shape));
    KeyIndex::Visit(input, [&](const auto& key, int64_t i) {
      int64_t place = 0;
      if constexpr (std::is_same_v<std::decay_t<decltype(key)>, std::string>) {
        place = index_.Find(key);
      } else if constexpr (std::is_floating_point_v<std::decay_t<decltype(key)>>) {
        place = index_.Find(static_cast<double>(key));
      } else {
        place = index_.Find(static_cast<int64_t>(key));
      }
      Write(place, output, i);
    });
    return OkStatus();
  }

 private:
  void Write(int64_t place, const MutableTensorView& output, int64_t i) const {
    const Tensor& from = place < 0 ? table_.fallback : table_.values;
    const int64_t at = place < 0 ? 0 : place;
    if (output.type == ElementType::kString) {
      output.as<std::string>()[i] = from.span<std::string>()[static_cast<size_t>(at)];
      return;
    }
    const auto bytes = static_cast<int64_t>(ByteSize(output.type, 1));
    std::memcpy(output.as<uint8_t>() + i * bytes,
                static_cast<const uint8_t*>(from.data()) + at * bytes, static_cast<size_t>(bytes));
  }

  LabelTable table_;
  KeyIndex index_;
};

Result<std::unique_ptr<Executable>> MakeLabelEncoder(const Node& node, WeightStore& /*weights*/) {
  MULLION_ASSIGN_OR_RETURN(LabelTable table, operators::ParseLabelTable(node));
  return std::unique_ptr<Executable>(std::make_unique<LabelEncoder>(std::move(table)));
}

Result<std::unique_ptr<Executable>> MakeCategoryMapper(const Node& node, WeightStore& /*weights*/) {
  MULLION_ASSIGN_OR_RETURN(LabelTable table,
                           operators::ParseCategoryTable(node, node.input(0)->type.element_type));
  return std::unique_ptr<Executable>(std::make_unique<LabelEncoder>(std::move(table)));
}

}  // namespace

void RegisterLabelEncoder(KernelRegistry& registry) {
  registry.Add({.name = "LabelEncoder",
                .domain = operators::kMlDomain,
                .since = 4,
                .make = MakeLabelEncoder});
  registry.Add(
      {.name = "CategoryMapper", .domain = operators::kMlDomain, .make = MakeCategoryMapper});
}

}  // namespace mullion::cpu
