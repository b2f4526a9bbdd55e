// SPDX-License-Identifier: MIT
// What decoding a file must give.
#ifndef MULLION_TESTS_CODECS_EXPECT_DECODED_H_
#define MULLION_TESTS_CODECS_EXPECT_DECODED_H_

#include <gtest/gtest.h>

#include <string>

#include "codecs/decode.h"
#include "tests/codecs/make_files.h"

namespace mullion::codecs {

inline void ExpectPixels(const Bytes& file, image::PixelFormat format, const Bytes& pixels) {
  const Result<image::Bitmap> bitmap = DecodeImage(file);
  ASSERT_TRUE(bitmap.ok()) << bitmap.status().message();
  EXPECT_EQ(bitmap->format(), format);
  EXPECT_EQ(PixelsOf(bitmap->view()), pixels);
}

// Refused, for a reason that holds `why`.
inline void ExpectDamaged(const Bytes& file, const char* why) {
  const Result<image::Bitmap> bitmap = DecodeImage(file);
  ASSERT_FALSE(bitmap.ok());
  EXPECT_EQ(bitmap.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(bitmap.status().message().find(why), std::string::npos) << bitmap.status().message();
}

}  // namespace mullion::codecs

#endif  // MULLION_TESTS_CODECS_EXPECT_DECODED_H_
