// SPDX-License-Identifier: MIT
// QuantizedConcat: the three outputs of DynamicQuantizeLinear(Concat(inputs)), an operator of the
// internal domain that the optimizer makes. Attribute `axis` is Concat's.
#ifndef MULLION_OPERATORS_QUANTIZED_CONCAT_H_
#define MULLION_OPERATORS_QUANTIZED_CONCAT_H_

#include <string_view>

namespace mullion::operators {

inline constexpr std::string_view kQuantizedConcat = "QuantizedConcat";

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_QUANTIZED_CONCAT_H_
