// SPDX-License-Identifier: MIT
#include <algorithm>
#include <string>
#include <unordered_map>

#include "base/str_cat.h"
#include "devices/cpu/registry.h"
#include "operators/class_scores.h"

namespace mullion::cpu {

namespace {

// The values of the keys of a vocabulary, in its order; zero or "" for those not in the map.
class DictVectorizer final : public Executable {
 public:
  explicit DictVectorizer(const Node& node) {
    for (const std::string& word : node.StringsAttribute("string_vocabulary")) {
      const auto place = static_cast<int64_t>(size_++);
      words_.emplace(word, place);
    }
    for (const int64_t number : node.IntsAttribute("int64_vocabulary")) {
      const auto place = static_cast<int64_t>(size_++);
      numbers_.emplace(number, place);
    }
  }

  Status Run(RunContext& context) const override {
    const Map& map = *context.InputDatum(0).map;
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, Shape{1, static_cast<int64_t>(size_)}));
    if (output.type != map.values.type()) {
      return context.Error("the map's values are of type ", ElementTypeName(map.values.type()),
                           " but ", ElementTypeName(output.type), " was expected");
    }
    const bool known =
        DispatchType(TypeList<float, double, int64_t, std::string>(), output.type,
                     [&](auto tag) { Fill<typename decltype(tag)::type>(map, output); });
    if (known) return OkStatus();
    return context.Error("values of type ", ElementTypeName(output.type), " are not supported");
  }

 private:
  template <typename T>
  void Fill(const Map& map, const MutableTensorView& output) const {
    std::fill_n(output.as<T>(), output.count(), T());
    const auto values = map.values.span<T>();
    for (size_t i = 0; i < values.size(); ++i) {
      const int64_t place = map.keys.type() == ElementType::kString
                                ? Place(words_, map.keys.span<std::string>()[i])
                                : Place(numbers_, map.keys.span<int64_t>()[i]);
      if (place >= 0) output.as<T>()[place] = values[i];
    }
  }

  template <typename Key>
  static int64_t Place(const std::unordered_map<Key, int64_t>& places, const Key& key) {
    const auto found = places.find(key);
    return found == places.end() ? -1 : found->second;
  }

  size_t size_ = 0;
  std::unordered_map<std::string, int64_t> words_;
  std::unordered_map<int64_t, int64_t> numbers_;
};

}  // namespace

void RegisterDictVectorizer(KernelRegistry& registry) {
  registry.Add({.name = "DictVectorizer",
                .domain = operators::kMlDomain,
                .make = MakeKernel<DictVectorizer>});
}

}  // namespace mullion::cpu
