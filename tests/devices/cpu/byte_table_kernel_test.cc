// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "devices/cpu/kernels/elementwise/byte_table.h"
#include "devices/cpu/kernels/simd/isa.h"

namespace mullion::cpu {
namespace {

class ByteTableKernel : public testing::TestWithParam<Isa> {
 protected:
  ByteTableKernel() { SetIsaForTest(GetParam()); }
  ~ByteTableKernel() override { SetIsaForTest(AvailableIsas().back()); }
};

TEST_P(ByteTableKernel, LooksUpEveryByteAndNoOther) {
  std::mt19937 random(9);
  std::vector<uint8_t> table(256);
  for (uint8_t& entry : table) entry = static_cast<uint8_t>(random());
  for (const size_t count : {0, 1, 7, 15, 16, 17, 31, 33, 63, 64, 65, 127, 256, 300, 1000}) {
    SCOPED_TRACE(count);
    std::vector<uint8_t> x(count);
    for (size_t i = 0; i < count; ++i) x[i] = static_cast<uint8_t>(i * 7);
    std::vector<uint8_t> y(count + 64, 0xa5);
    LookUpBytes(table.data(), x.data(), y.data(), static_cast<int64_t>(count));
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(y[i], table[x[i]]) << i;
    for (size_t i = count; i < y.size(); ++i) ASSERT_EQ(y[i], 0xa5) << i;
    LookUpBytes(table.data(), x.data(), x.data(), static_cast<int64_t>(count));
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(x[i], y[i]) << "in place, " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(AllLevels, ByteTableKernel, testing::ValuesIn(AvailableIsas()),
                         [](const auto& level) { return std::string(IsaName(level.param)); });

}  // namespace
}  // namespace mullion::cpu
