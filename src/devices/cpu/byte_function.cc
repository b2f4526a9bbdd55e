// SPDX-License-Identifier: MIT
#include "devices/cpu/byte_function.h"

#include "devices/cpu/kernels/elementwise/quantize.h"

namespace mullion::cpu {

ByteFunction MakeByteFunction(const ByteScale& x, const ByteScale& y, bool is_signed,
                              FunctionRef<void(float* values)> function) {
  ByteFunction table;
  for (size_t i = 0; i < table.size(); ++i) table[i] = static_cast<uint8_t>(i);
  const auto count = static_cast<int64_t>(table.size());
  float values[256];
  const auto x_zero = static_cast<float>(x.zero_point);
  const auto y_zero = static_cast<float>(y.zero_point);
  DequantizeBytes(table.data(), is_signed, values, count, {&x.scale, &x_zero, false});
  function(values);
  QuantizeToBytes(values, is_signed, table.data(), count, {&y.scale, &y_zero, false});
  return table;
}

ByteFunction MakeRequantization(const ByteScale& x, const ByteScale& y, bool is_signed) {
  return MakeByteFunction(x, y, is_signed, [](float* /*values*/) {});
}

}  // namespace mullion::cpu
