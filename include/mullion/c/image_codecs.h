/* SPDX-License-Identifier: MIT
 *
 * The C interface of the component library mullion_image: image files to pixels, pixels to PNG. It
 * stands alone; the pixels suit MullionValue_CreateImage. C99.
 *
 * Functions are thread-safe. Every object goes back with its Release. An object that could not be
 * made at all for want of memory is NULL, which answers MULLION_OUT_OF_MEMORY, "" and 0.
 */
#ifndef MULLION_C_IMAGE_CODECS_H_
#define MULLION_C_IMAGE_CODECS_H_

#include "mullion/c/image_decoder.h"
#include "mullion/c/mullion.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A picture, or the reason why there is none. */
typedef struct MullionDecodedImage MullionDecodedImage;

/* Decodes a JPEG, PNG, WebP, BMP, PNM, TIFF or JPEG 2000 file (the last two where the component was
 * built with libtiff and OpenJPEG); its first bytes tell which. `format` is that of the
 * pixels, UNKNOWN the nearest to the file's own. Alpha stays straight, 16-bit channels are scaled
 * to 8 bits, the EXIF orientation of a JPEG is applied, colour profiles and gamma are not. At most
 * 64 Mi pixels.
 * Codes: MULLION_NOT_FOUND for a file that cannot be read, MULLION_INVALID_ARGUMENT for one that is
 * damaged, of another kind or too large, MULLION_UNSUPPORTED for a legal kind that is not handled.
 */
MULLION_EXPORT MullionDecodedImage* MullionImage_DecodeFile(const char* path,
                                                            MullionPixelFormat format);
MULLION_EXPORT MullionDecodedImage* MullionImage_DecodeBuffer(const void* bytes, size_t size,
                                                              MullionPixelFormat format);
MULLION_EXPORT void MullionDecodedImage_Release(MullionDecodedImage* image);
MULLION_EXPORT MullionStatusCode MullionDecodedImage_Code(const MullionDecodedImage* image);
/* One sentence about the failure; "" when there is none. */
MULLION_EXPORT const char* MullionDecodedImage_Message(const MullionDecodedImage* image);
MULLION_EXPORT MullionPixelFormat MullionDecodedImage_Format(const MullionDecodedImage* image);
MULLION_EXPORT uint32_t MullionDecodedImage_Width(const MullionDecodedImage* image);
MULLION_EXPORT uint32_t MullionDecodedImage_Height(const MullionDecodedImage* image);
/* Rows are packed. They live as long as the image. */
MULLION_EXPORT const void* MullionDecodedImage_Pixels(const MullionDecodedImage* image);

/* What MullionImageDecoder_Set wants, so that the operator ImageDecoder can run:
 *   MullionImageDecoder_Set(MullionImage_DecodeTo); */
MULLION_EXPORT MullionStatusCode MullionImage_DecodeTo(const void* bytes, size_t size,
                                                       MullionPixelFormat format,
                                                       MullionTakePixels take, void* taker);

/* The bytes of a file, or the reason why there are none. */
typedef struct MullionEncodedImage MullionEncodedImage;

/* A PNG file with 8 bits a channel; rows of `pixels` are `row_stride` bytes apart (0: packed). */
MULLION_EXPORT MullionEncodedImage* MullionImage_EncodePng(MullionPixelFormat format,
                                                           uint32_t width, uint32_t height,
                                                           const void* pixels,
                                                           ptrdiff_t row_stride);
MULLION_EXPORT void MullionEncodedImage_Release(MullionEncodedImage* image);
MULLION_EXPORT MullionStatusCode MullionEncodedImage_Code(const MullionEncodedImage* image);
MULLION_EXPORT const char* MullionEncodedImage_Message(const MullionEncodedImage* image);
MULLION_EXPORT const void* MullionEncodedImage_Bytes(const MullionEncodedImage* image);
MULLION_EXPORT size_t MullionEncodedImage_Size(const MullionEncodedImage* image);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* MULLION_C_IMAGE_CODECS_H_ */
