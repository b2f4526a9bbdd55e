// SPDX-License-Identifier: MIT
// The run-length coding of BMP files with 4 and 8 bits a pixel.
#ifndef MULLION_CODECS_BMP_RUNS_H_
#define MULLION_CODECS_BMP_RUNS_H_

#include <cstdint>
#include <span>

#include "base/status.h"
#include "codecs/bmp_header.h"
#include "image/bitmap.h"

namespace mullion::codecs {

// Writes one palette number a byte into `indices`, a Gray8 image of the header's size, rows in the
// file's order. Pixels that the file steps over are 0. An error when data is missing or a run
// leaves its row.
Status ReadBmpRuns(const BmpHeader& header, std::span<const uint8_t> runs,
                   const image::MutableImageView& indices);

}  // namespace mullion::codecs

#endif  // MULLION_CODECS_BMP_RUNS_H_
