// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "tests/kernel_tester.h"

namespace mullion::cpu {
namespace {

const TypeInfo kOptional = TypeInfo::Optional(TypeInfo::Tensor(ElementType::kFloat));

TEST(Optional, HoldsATensorOrNothing) {
  KernelTester full("Optional", 15);
  full.AddInput<float>({1}, {3});
  ASSERT_TRUE(full.Run().ok());
  EXPECT_EQ(full.Output<float>(0), std::vector<float>({3}));

  KernelTester empty("Optional", 15);
  empty.SetAttribute("type", TypeInfo::Tensor(ElementType::kFloat));
  ASSERT_TRUE(empty.Run().ok());
  EXPECT_EQ(empty.OutputDatum(0).kind, ValueKind::kOptional);
}

TEST(Optional, TellsWhetherItIsFull) {
  const auto has = [](KernelTester& tester) {
    const Status status = tester.Run();
    EXPECT_TRUE(status.ok()) << status.message();
    return status.ok() && tester.Output<bool>(0)[0];
  };
  KernelTester full("OptionalHasElement", 18);
  full.AddInput(Datum::FromTensor(Tensor::Scalar(1.0f)), kOptional);
  EXPECT_TRUE(has(full));
  KernelTester empty("OptionalHasElement", 18);
  empty.AddInput(Datum::EmptyOptional(), kOptional);
  EXPECT_FALSE(has(empty));
  KernelTester none("OptionalHasElement", 18);
  EXPECT_FALSE(has(none));
}

TEST(Optional, GivesItsElementOrAnError) {
  KernelTester full("OptionalGetElement", 18);
  full.AddInput(Datum::FromTensor(Tensor::Scalar(4.0f)), kOptional);
  ASSERT_TRUE(full.Run().ok());
  EXPECT_EQ(full.Output<float>(0), std::vector<float>({4}));
  KernelTester empty("OptionalGetElement", 18);
  empty.AddInput(Datum::EmptyOptional(), kOptional);
  const Status status = empty.Run();
  EXPECT_NE(status.message().find("the optional is empty"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace mullion::cpu
