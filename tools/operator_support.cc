// SPDX-License-Identifier: MIT
#include "tools/operator_support.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <vector>

#include "base/str_cat.h"
#include "devices/cpu/registry.h"
#include "optimizer/stand_in_types.h"

namespace mullion::tools {

namespace {

std::string Names(ElementTypeSet set) {
  if (set == types::kAll) return "all";
  std::string names;
  for (int i = 1; i < kElementTypeCount; ++i) {
    const auto type = static_cast<ElementType>(i);
    if (Contains(set, type)) names += StrCat(names.empty() ? "" : " ", ElementTypeName(type));
  }
  return names;
}

// The newest form of the operator, which kernels know.
const OperatorDefinition& Newest(const OperatorDefinition& form) {
  const OperatorDefinition* const newest =
      BuiltInOperators().Find(form.domain, form.name, std::numeric_limits<int>::max());
  return newest == nullptr ? form : *newest;
}

}  // namespace

std::string DescribeSupport(const OperatorDefinition& form) {
  const OperatorDefinition& newest = Newest(form);
  if (newest.upgrade != nullptr) return "written out as other operators";
  if (newest.enter_subgraph != nullptr) return "all, run by the session";
  const ElementTypeSet allowed = form.upgrade == nullptr ? form.types : newest.types;
  const ElementTypeSet kernels = cpu::BuiltInKernels().TypesOf(form.domain, form.name);
  const ElementTypeSet direct = allowed & kernels;
  // Halves without a kernel are computed in float between two Casts.
  const ElementTypeSet widened =
      Contains(direct, ElementType::kFloat) ? allowed & ~kernels & types::kHalfFloats : 0;
  const ElementTypeSet stood_in =
      form.domain.empty() ? allowed & ~kernels & optimizer::TypesStoodInFor(form.name) : 0;
  if (direct == 0) return "none";
  std::string text = Names(direct);
  if (widened != 0) text += StrCat("; in float: ", Names(widened));
  if (stood_in != 0) text += StrCat("; in another type: ", Names(stood_in));
  return text;
}

std::string OperatorPage() {
  std::vector<const OperatorDefinition*> forms = BuiltInOperators().All();
  std::erase_if(forms, [](const OperatorDefinition* form) {
    return form->domain == operators::kInternalDomain;
  });
  std::sort(
      forms.begin(), forms.end(), [](const OperatorDefinition* a, const OperatorDefinition* b) {
        return std::tie(a->domain, a->name, a->since) < std::tie(b->domain, b->name, b->since);
      });
  std::string page =
      "# Operators\n\n"
      "Written by `mullion_operator_page`, never by hand: `ctest -R operator_page` tells when it "
      "is "
      "stale.\n\n"
      "**Every operator in every form that the library takes, with the element types of its first "
      "input for which the CPU has kernels.** A form stands from its opset until the next one; "
      "versions that only allow more types have no form of their own. Old forms are rewritten into "
      "the newest one when a model is loaded, so their kernels are its kernels.\n";
  std::string_view domain = "none";
  for (const OperatorDefinition* const form : forms) {
    if (form->domain != domain) {
      domain = form->domain;
      page += StrCat("\n## ", domain.empty() ? std::string_view("ai.onnx") : domain,
                     "\n\n| operator | since | types on the CPU |\n| --- | ---: | --- |\n");
    }
    page += StrCat("| ", form->name, " | ", form->since, " | ", DescribeSupport(*form), " |\n");
  }
  return page;
}

}  // namespace mullion::tools
