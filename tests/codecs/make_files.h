// SPDX-License-Identifier: MIT
// Small image files, made in memory by the libraries themselves, or byte by byte for BMP.
#ifndef MULLION_TESTS_CODECS_MAKE_FILES_H_
#define MULLION_TESTS_CODECS_MAKE_FILES_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "image/bitmap.h"

namespace mullion::codecs {

using Bytes = std::vector<uint8_t>;

// A picture with something in it: every pixel and channel differs from its neighbours, smoothly.
image::Bitmap MakePicture(image::PixelFormat format, int64_t width, int64_t height);

// The pixels of a view, rows packed.
Bytes PixelsOf(const image::ImageView& view);

struct JpegChoices {
  int quality = 100;
  bool progressive = false;
  bool four_inks = false;  // the picture's four channels are CMYK
  Bytes exif;              // what follows "Exif\0\0"; no marker when empty
};
// From Gray8, RGB8, or four channels taken as CMYK.
Bytes MakeJpeg(const image::ImageView& view, const JpegChoices& choices = {});

// A TIFF block that says nothing but the orientation.
Bytes MakeExif(int orientation, bool big_endian);

struct PngChoices {
  int color_type = 0;  // PNG_COLOR_TYPE_...
  int bits = 8;
  bool interlaced = false;
  Bytes palette;              // R, G, B of each colour
  Bytes palette_alpha;        // of the first colours
  int transparent_gray = -1;  // the gray, in the file's bits, that is seen through
  std::string_view text;      // a comment
};
// `rows` as they are before filtering: packed bits, 16-bit numbers big-endian.
Bytes MakePng(int64_t width, int64_t height, const Bytes& rows, const PngChoices& choices);

// From RGBA8.
Bytes MakeWebp(const image::ImageView& view, bool lossless);

// Little-endian numbers at the end of `bytes`.
void Append16(Bytes& bytes, uint32_t value);
void Append32(Bytes& bytes, uint32_t value);

struct BmpChoices {
  int32_t width = 0;
  int32_t height = 0;
  int bits = 24;
  uint32_t compression = 0;
  uint32_t header_bytes = 40;   // 12 makes the OS/2 header
  std::vector<uint32_t> masks;  // after a 40-byte header, or its continuation
  Bytes palette;                // as in the file
  uint32_t colors_used = 0;
};
// `pixels` as they are in the file, padding included.
Bytes MakeBmp(const BmpChoices& choices, const Bytes& pixels);

// Netpbm's formats: the header's numbers as they are written, then the pixels.
Bytes MakePnm(std::string_view header, const Bytes& pixels);

struct TiffChoices {
  uint32_t width = 0;
  uint32_t height = 0;
  int samples = 1;       // of a pixel
  int bits = 8;          // of a sample
  int photometric = 1;   // 0: white is zero, 1: black is zero, 2: RGB, 3: a palette
  int extra_sample = 0;  // of the last sample: 1 multiplied alpha, 2 straight alpha
  int compression = 1;   // none
  Bytes palette;         // 16-bit numbers: all red, all green, all blue
};
// Little-endian, of one strip.
Bytes MakeTiff(const TiffChoices& choices, const Bytes& pixels);

// Lossless, from Gray8, RGB8 or RGBA8, in a JP2 file or as a bare codestream. Nothing in a build
// without OpenJPEG.
Bytes MakeJpeg2000(const image::ImageView& view, bool bare);

}  // namespace mullion::codecs

#endif  // MULLION_TESTS_CODECS_MAKE_FILES_H_
