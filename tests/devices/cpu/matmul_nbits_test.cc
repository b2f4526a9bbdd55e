// SPDX-License-Identifier: MIT
#include "operators/matmul_nbits.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "devices/cpu/kernels/matrix/block_product.h"
#include "devices/cpu/kernels/matrix/block_tile.h"
#include "devices/cpu/kernels/simd/isa.h"
#include "operators/registry.h"
#include "tests/devices/cpu/quantized_case.h"
#include "tests/kernel_tester.h"

namespace mullion::cpu {
namespace {

// Of weights that are 1 each and a row whose second element is less than half a step of bytes.
float SumOf(int64_t accuracy_level) {
  KernelTester tester("MatMulNBits", 1, operators::kInternalDomain);
  tester.SetAttribute("K", int64_t{16});
  tester.SetAttribute("N", int64_t{1});
  tester.SetAttribute("bits", int64_t{4});
  tester.SetAttribute("block_size", int64_t{16});
  tester.SetAttribute("accuracy_level", accuracy_level);
  std::vector<float> row(16, 0.0f);
  row[0] = 1;
  row[1] = 0.003f;
  tester.AddInput(FloatTensor({1, 16}, row));
  tester.AddInput(TensorOf<uint8_t>({1, 1, 8}, std::vector<uint8_t>(8, 0x99)), true);
  tester.AddInput(FloatTensor({1}, {1.0f}), true);
  const Status status = tester.Run();
  EXPECT_TRUE(status.ok()) << status.message();
  return Floats(*tester.OutputDatum(0).OwnedTensor())[0];
}

TEST(MatmulNbits, RoundsItsRowsWhereItsAccuracyLevelAllowsBytes) {
  for (const Isa isa : AvailableIsas()) {
    SetIsaForTest(isa);
    for (const int64_t level : {0, 1, 2, 3}) EXPECT_NEAR(SumOf(level), 1.003f, 2e-6f);
    const bool wide = BlockWeights::Of(4, 16, 1, 16).panel_columns == kBlockTileWidth;
    const bool rounds = wide && isa >= Isa::kAvx512Vnni;
    EXPECT_NEAR(SumOf(4), rounds ? 1.0f : 1.003f, 2e-6f) << IsaName(isa);
  }
  SetIsaForTest(AvailableIsas().back());
}

}  // namespace
}  // namespace mullion::cpu
