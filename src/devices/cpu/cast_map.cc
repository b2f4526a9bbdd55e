// SPDX-License-Identifier: MIT
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/str_cat.h"
#include "devices/cpu/cast_string.h"
#include "devices/cpu/registry.h"
#include "operators/class_scores.h"

namespace mullion::cpu {

namespace {

// The values of a map with integer keys: in the order of the keys, or each at its key's place.
class CastMap final : public Executable {
 public:
  explicit CastMap(const Node& node)
      : sparse_(node.StringAttribute("map_form", "DENSE") == "SPARSE"),
        most_(node.IntAttribute("max_map", 1)) {}

  Status Run(RunContext& context) const override {
    const Map& map = *context.InputDatum(0).map;
    std::vector<std::pair<int64_t, int64_t>> order;  // key, place
    const auto keys = map.keys.span<int64_t>();
    for (size_t i = 0; i < keys.size(); ++i) order.push_back({keys[i], static_cast<int64_t>(i)});
    std::sort(order.begin(), order.end());
    if (sparse_ && !order.empty() && (order.front().first < 0 || order.back().first >= most_)) {
      return context.Error("the map has keys from ", order.front().first, " to ",
                           order.back().first, " but they must lie in [0, ", most_, ")");
    }
    const auto count = static_cast<int64_t>(order.size());
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, Shape{1, sparse_ ? most_ : count}));
    const ElementType from = map.values.type();
    if (from != ElementType::kFloat && from != ElementType::kString) {
      return context.Error("the map's values are of type ", ElementTypeName(from),
                           " but must be float or string");
    }
    MULLION_ASSIGN_OR_RETURN(Tensor converted, Tensor::Allocate(output.type, Shape{count}));
    MULLION_RETURN_IF_ERROR(Convert(context, map.values, converted.mutable_view()));
    const bool known =
        DispatchType(TypeList<float, int64_t, std::string>(), output.type, [&](auto tag) {
          using T = typename decltype(tag)::type;
          if (sparse_) std::fill_n(output.as<T>(), output.count(), T());
          for (int64_t i = 0; i < count; ++i) {
            const auto& [key, place] = order[static_cast<size_t>(i)];
            output.as<T>()[sparse_ ? key : i] = converted.span<T>()[static_cast<size_t>(place)];
          }
        });
    return known ? OkStatus() : context.Error("its output type is not supported");
  }

 private:
  static Status Convert(const RunContext& context, const Tensor& values,
                        const MutableTensorView& to) {
    if (values.type() == to.type) {
      CopyElements(values.view(), to);
    } else if (to.type == ElementType::kString) {
      FormatElements(values.view(), to.as<std::string>());
    } else if (values.type() == ElementType::kString) {
      const auto words = values.span<std::string>();
      const std::optional<int64_t> wrong = ParseElements(words, to, {});
      if (wrong.has_value()) {
        return context.Error("the map's value '", words[static_cast<size_t>(*wrong)],
                             "' is no number");
      }
    } else {
      ConvertElements(values.type(), values.data(), to.type, to.data,
                      static_cast<size_t>(values.count()));
    }
    return OkStatus();
  }

  bool sparse_;
  int64_t most_;
};

}  // namespace

void RegisterCastMap(KernelRegistry& registry) {
  registry.Add({.name = "CastMap", .domain = operators::kMlDomain, .make = MakeKernel<CastMap>});
}

}  // namespace mullion::cpu
