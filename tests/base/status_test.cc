// SPDX-License-Identifier: MIT
#include "base/status.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "base/str_cat.h"

namespace mullion {
namespace {

TEST(Status, CopiesShareAFailure) {
  Status first = NotFound("no file");
  const Status second = first;
  Status third = std::move(first);
  EXPECT_TRUE(first.ok());
  third = InvalidModel("broken");
  EXPECT_EQ(second.code(), StatusCode::kNotFound);
  EXPECT_EQ(second.message(), "no file");
  EXPECT_EQ(third.WithPrefix("model: ").message(), "model: broken");
  third = third;
  EXPECT_EQ(third.code(), StatusCode::kInvalidModel);
  third = OkStatus();
  EXPECT_TRUE(third.ok());
  EXPECT_EQ(third.code(), StatusCode::kOk);
  EXPECT_EQ(third.message(), "");
}

Result<std::unique_ptr<int>> Made(bool good) {
  if (!good) return Unsupported("not so");
  return std::make_unique<int>(3);
}

Status Use(bool good, int* value) {
  MULLION_ASSIGN_OR_RETURN(const auto made, Made(good));
  *value = *made;
  return OkStatus();
}

TEST(Status, HandsTheReasonOn) {
  int value = 0;
  EXPECT_TRUE(Use(true, &value).ok());
  EXPECT_EQ(value, 3);
  EXPECT_EQ(Use(false, &value).message(), "not so");
  const Result<std::unique_ptr<int>> none = Made(false);
  EXPECT_EQ(none.status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(none.status().message(), "not so");
}

TEST(StrCat, TakesPiecesOfEveryKind) {
  const std::string text(40, 'x');
  EXPECT_EQ(StrCat(), "");
  EXPECT_EQ(StrCat("a", text, std::string_view("bcd").substr(1), 'e', true, false),
            "a" + text + "cdetruefalse");
  EXPECT_EQ(StrCat(-1, ' ', int8_t{-2}, ' ', uint8_t{200}, ' ', INT64_MIN, ' ', UINT64_MAX, ' ',
                   size_t{7}),
            "-1 -2 200 -9223372036854775808 18446744073709551615 7");
  EXPECT_EQ(StrCat(1.5f, " ", 1e-9, " ", 1234567.0, " ", -0.0), "1.5 1e-09 1.23457e+06 -0");
  EXPECT_EQ(StrCat(1, 2, 3, 4, 5, 6, 7, 8, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, "end"),
            "123456780.51.52.53.54.55.56.57.58.5end");
  EXPECT_EQ(StrCat("", std::string(), std::string_view()), "");
}

}  // namespace
}  // namespace mullion
