// SPDX-License-Identifier: MIT
#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

OperatorCase Case(const char* name, const Shape& shape, int64_t block) {
  OperatorCase c;
  c.name = name;
  c.opset = 13;
  c.inputs = {Counting<float>(shape)};
  c.Set("blocksize", block);
  return c;
}

// The channels-last form must give the same image as the other.
void ExpectLayoutsAgree(const OperatorCase& c, const std::vector<float>& expected) {
  const std::vector<Tensor> outputs = c.RunChannelsLast();
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(Floats(outputs[0]), expected);
}

TEST(DepthToSpace, AgreesWithTheDefinitionInBothModesAndLayouts) {
  for (const int64_t block : {1, 2, 3}) {
    for (const char* const mode : {"DCR", "CRD"}) {
      const int64_t channels = 4;
      const Shape shape{2, channels * block * block, 3, 5};
      const Shape out{2, channels, 3 * block, 5 * block};
      std::vector<float> expected;
      ForEachCoordinate(out, [&](const std::vector<int64_t>& at) {
        const int64_t y = at[2] % block;
        const int64_t x = at[3] % block;
        const int64_t place = y * block + x;
        const int64_t channel =
            mode[0] == 'D' ? place * channels + at[1] : at[1] * block * block + place;
        expected.push_back(
            static_cast<float>(NumberOf(shape, {at[0], channel, at[2] / block, at[3] / block})));
      });
      OperatorCase c = Case("DepthToSpace", shape, block);
      c.Set("mode", std::string(mode));
      ExpectOutput(c, out, expected);
      ExpectLayoutsAgree(c, expected);
    }
  }
}

TEST(SpaceToDepth, AgreesWithTheDefinitionInBothLayouts) {
  for (const int64_t block : {1, 2, 3}) {
    const int64_t channels = 4;
    const Shape shape{2, channels, 3 * block, 5 * block};
    const Shape out{2, channels * block * block, 3, 5};
    std::vector<float> expected;
    ForEachCoordinate(out, [&](const std::vector<int64_t>& at) {
      const int64_t place = at[1] / channels;
      expected.push_back(static_cast<float>(
          NumberOf(shape, {at[0], at[1] % channels, at[2] * block + place / block,
                           at[3] * block + place % block})));
    });
    const OperatorCase c = Case("SpaceToDepth", shape, block);
    ExpectOutput(c, out, expected);
    ExpectLayoutsAgree(c, expected);
  }
}

TEST(DepthToSpace, RefusesWhatDoesNotFit) {
  ExpectError(Case("DepthToSpace", {1, 6, 2, 2}, 2), "no multiple of 4");
  ExpectError(Case("SpaceToDepth", {1, 6, 2, 3}, 2), "no multiple of 2");
  ExpectError(Case("DepthToSpace", {4, 2, 2}, 2), "must have rank 4");
  ExpectError(Case("DepthToSpace", {1, 4, 2, 2}, 0), "'blocksize' is 0");
}

}  // namespace
}  // namespace mullion::cpu
