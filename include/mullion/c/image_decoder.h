/* SPDX-License-Identifier: MIT
 *
 * How the operator ImageDecoder reads image files. The library itself has no codecs; a component
 * such as mullion_image lends it a function. C99.
 */
#ifndef MULLION_C_IMAGE_DECODER_H_
#define MULLION_C_IMAGE_DECODER_H_

#include "mullion/c/mullion.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Takes the rows of a picture, packed; they live until it returns. Or, with NULL for `pixels`, one
 * sentence why there are none. */
typedef void (*MullionTakePixels)(void* taker, uint32_t width, uint32_t height, const void* pixels,
                                  const char* message);

/* Decodes a file in memory into pixels of `format` (RGB8 or BGR8), as they are stored: without a
 * turn by EXIF. Calls `take` once. Thread-safe. Gives MULLION_OK, MULLION_INVALID_ARGUMENT for a
 * file that is damaged or no picture, MULLION_UNSUPPORTED for one of a kind that it cannot read, or
 * MULLION_OUT_OF_MEMORY. */
typedef MullionStatusCode (*MullionDecodeImage)(const void* bytes, size_t size,
                                                MullionPixelFormat format, MullionTakePixels take,
                                                void* taker);

/* Lends `decode` to the process: sessions made from now on run ImageDecoder. NULL takes it back; no
 * session that has such a node may run then. Thread-safe. */
MULLION_EXPORT void MullionImageDecoder_Set(MullionDecodeImage decode);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MULLION_C_IMAGE_DECODER_H_ */
