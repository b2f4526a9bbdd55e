// SPDX-License-Identifier: MIT
// Colour to gray: 0.2126 R + 0.7152 G + 0.0722 B (the weights of ITU-R BT.709), cut to a byte.
#ifndef MULLION_IMAGE_LUMA_H_
#define MULLION_IMAGE_LUMA_H_

#include <cstdint>

namespace mullion::image {

// Exactly floor((2126 R + 7152 G + 722 B) / 10000), so white stays 255 and gray stays itself,
// which a sum of rounded decimal weights does not promise.
// The numerator is a whole number up to 2,550,000 and exact in float, with the 0.5 too. The 0.5
// keeps the quotient at least 0.5e-4 away from the next whole number, while rounding moves it by
// less than 255 * 2^-23 = 3.1e-5.
inline uint8_t Luma(uint8_t red, uint8_t green, uint8_t blue) {
  const float numerator = 2126.0f * static_cast<float>(red) + 7152.0f * static_cast<float>(green) +
                          722.0f * static_cast<float>(blue) + 0.5f;
  return static_cast<uint8_t>(static_cast<int>(numerator * 1e-4f));
}

}  // namespace mullion::image

#endif  // MULLION_IMAGE_LUMA_H_
