// SPDX-License-Identifier: MIT
// The left operand of integer matrix products, where it cannot be read in place.
#ifndef MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_INPUT_H_
#define MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_INPUT_H_

#include <cstdint>

#include "devices/cpu/kernels/integer/integer_tile.h"

namespace mullion::cpu {

// Elements of one byte to the form of a left operand. Bytes become unsigned: signed ones are
// shifted by 128, and so must their zero point be. Words have the zero point subtracted.
struct IntegerConversion {
  IntegerForm form;
  bool is_signed;
  int32_t zero_point;  // words

  bool IsCopy() const { return form == IntegerForm::kBytes && !is_signed; }
};

// `to` has count * ElementBytes(form) bytes; it may be `from` when they are as many.
void ConvertIntegers(const IntegerConversion& conversion, const uint8_t* from, int64_t count,
                     uint8_t* to);

// Dense pixels of `channels` elements to pixels `to_stride` bytes apart. What lies between them may
// be anything afterwards.
void ConvertPixels(const IntegerConversion& conversion, const uint8_t* from, int64_t channels,
                   int64_t pixels, uint8_t* to, int64_t to_stride);

// Reads a dense image of [channels][pixels] and writes pixels [begin, end) of it, `channels`
// elements each and `to_stride` bytes apart, from `to` on.
void GatherPixels(const IntegerConversion& conversion, const uint8_t* from, int64_t channels,
                  int64_t pixels, int64_t begin, int64_t end, uint8_t* to, int64_t to_stride);

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_KERNELS_INTEGER_INTEGER_INPUT_H_
