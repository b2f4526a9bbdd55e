// SPDX-License-Identifier: MIT
#include "tests/codecs/make_files.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

// jpeglib.h wants cstdio before it.
#include <jpeglib.h>
#include <png.h>
#include <webp/encode.h>

namespace mullion::codecs {

image::Bitmap MakePicture(image::PixelFormat format, int64_t width, int64_t height) {
  Result<image::Bitmap> bitmap = image::Bitmap::Allocate(format, width, height);
  const image::MutableImageView view = bitmap->mutable_view();
  const int bytes = image::BytesPerPixel(format);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t i = 0; i < width * bytes; ++i) {
      const int64_t x = i / bytes;
      const int64_t channel = i % bytes;
      view.row(y)[i] = static_cast<uint8_t>(40 + 5 * x + 3 * y + 50 * channel);
    }
  }
  return *std::move(bitmap);
}

Bytes PixelsOf(const image::ImageView& view) {
  const int64_t row_bytes = view.width * image::BytesPerPixel(view.format);
  Bytes pixels;
  for (int64_t y = 0; y < view.height; ++y) {
    pixels.insert(pixels.end(), view.row(y), view.row(y) + row_bytes);
  }
  return pixels;
}

// The library's own error handling ends the program, which is as good as a failed test.
Bytes MakeJpeg(const image::ImageView& view, const JpegChoices& choices) {
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &memory, &size);
  info.image_width = static_cast<JDIMENSION>(view.width);
  info.image_height = static_cast<JDIMENSION>(view.height);
  info.input_components = image::BytesPerPixel(view.format);
  info.in_color_space = choices.four_inks                           ? JCS_CMYK
                        : view.format == image::PixelFormat::kGray8 ? JCS_GRAYSCALE
                                                                    : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, choices.quality, TRUE);
  for (int i = 0; i < info.num_components; ++i) {  // colours at full size
    info.comp_info[i].h_samp_factor = 1;
    info.comp_info[i].v_samp_factor = 1;
  }
  if (choices.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  if (!choices.exif.empty()) {
    Bytes marker = {'E', 'x', 'i', 'f', 0, 0};
    marker.insert(marker.end(), choices.exif.begin(), choices.exif.end());
    jpeg_write_marker(&info, JPEG_APP0 + 1, marker.data(), static_cast<unsigned>(marker.size()));
  }
  for (int64_t y = 0; y < view.height; ++y) {
    JSAMPROW row = const_cast<JSAMPROW>(view.row(y));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  Bytes file(memory, memory + size);
  jpeg_destroy_compress(&info);
  std::free(memory);
  return file;
}

Bytes MakeExif(int orientation, bool big_endian) {
  Bytes tiff;
  const auto append = [&](uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) {
      const int shift = 8 * (big_endian ? bytes - 1 - i : i);
      tiff.push_back(static_cast<uint8_t>(value >> shift));
    }
  };
  tiff.insert(tiff.end(), 2, big_endian ? 'M' : 'I');
  append(42, 2);
  append(8, 4);       // where the directory is
  append(2, 2);       // its entries
  append(0x0100, 2);  // ImageWidth, to be stepped over
  append(4, 2);
  append(1, 4);
  append(640, 4);
  append(0x0112, 2);  // Orientation
  append(3, 2);
  append(1, 4);
  append(static_cast<uint32_t>(orientation), 2);
  append(0, 2);
  append(0, 4);  // no further directory
  return tiff;
}

Bytes MakePng(int64_t width, int64_t height, const Bytes& rows, const PngChoices& choices) {
  Bytes file;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &file,
      [](png_structp writer, png_bytep data, png_size_t bytes) {
        Bytes& out = *static_cast<Bytes*>(png_get_io_ptr(writer));
        out.insert(out.end(), data, data + bytes);
      },
      [](png_structp) {});
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height),
               choices.bits, choices.color_type,
               choices.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  std::vector<png_color> palette;
  for (size_t i = 0; i + 2 < choices.palette.size(); i += 3) {
    palette.push_back({choices.palette[i], choices.palette[i + 1], choices.palette[i + 2]});
  }
  if (!palette.empty()) png_set_PLTE(png, info, palette.data(), static_cast<int>(palette.size()));
  if (!choices.palette_alpha.empty()) {
    png_set_tRNS(png, info, choices.palette_alpha.data(),
                 static_cast<int>(choices.palette_alpha.size()), nullptr);
  }
  if (choices.transparent_gray >= 0) {
    png_color_16 color = {};
    color.gray = static_cast<png_uint_16>(choices.transparent_gray);
    png_set_tRNS(png, info, nullptr, 0, &color);
  }
  std::string comment(choices.text);
  std::string key = "Comment";
  png_text text = {};
  text.compression = PNG_TEXT_COMPRESSION_NONE;
  text.key = key.data();
  text.text = comment.data();
  text.text_length = comment.size();
  if (!comment.empty()) png_set_text(png, info, &text, 1);
  png_write_info(png, info);
  const size_t row_bytes = png_get_rowbytes(png, info);
  std::vector<png_bytep> pointers;
  for (int64_t y = 0; y < height; ++y) {
    pointers.push_back(const_cast<png_bytep>(rows.data() + static_cast<size_t>(y) * row_bytes));
  }
  png_write_image(png, pointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return file;
}

Bytes MakeWebp(const image::ImageView& view, bool lossless) {
  uint8_t* memory = nullptr;
  const int width = static_cast<int>(view.width);
  const int height = static_cast<int>(view.height);
  const int stride = static_cast<int>(view.row_stride);
  const size_t size = lossless ? WebPEncodeLosslessRGBA(view.pixels, width, height, stride, &memory)
                               : WebPEncodeRGBA(view.pixels, width, height, stride, 95, &memory);
  Bytes file(memory, memory + size);
  WebPFree(memory);
  return file;
}

void Append16(Bytes& bytes, uint32_t value) {
  bytes.push_back(static_cast<uint8_t>(value));
  bytes.push_back(static_cast<uint8_t>(value >> 8));
}

void Append32(Bytes& bytes, uint32_t value) {
  Append16(bytes, value & 0xffff);
  Append16(bytes, value >> 16);
}

Bytes MakeBmp(const BmpChoices& choices, const Bytes& pixels) {
  Bytes info;
  if (choices.header_bytes == 12) {
    Append16(info, static_cast<uint32_t>(choices.width));
    Append16(info, static_cast<uint32_t>(choices.height));
    Append16(info, 1);
    Append16(info, static_cast<uint32_t>(choices.bits));
  } else {
    Append32(info, static_cast<uint32_t>(choices.width));
    Append32(info, static_cast<uint32_t>(choices.height));
    Append16(info, 1);
    Append16(info, static_cast<uint32_t>(choices.bits));
    Append32(info, choices.compression);
    Append32(info, 0);
    Append32(info, 2835);
    Append32(info, 2835);
    Append32(info, choices.colors_used);
    Append32(info, 0);
    for (const uint32_t mask : choices.masks) Append32(info, mask);
    while (info.size() + 4 < choices.header_bytes) info.push_back(0);
  }
  info.insert(info.end(), choices.palette.begin(), choices.palette.end());

  Bytes file = {'B', 'M'};
  const auto offset = static_cast<uint32_t>(14 + 4 + info.size());
  Append32(file, offset + static_cast<uint32_t>(pixels.size()));
  Append32(file, 0);
  Append32(file, offset);
  Append32(file, choices.header_bytes);
  file.insert(file.end(), info.begin(), info.end());
  file.insert(file.end(), pixels.begin(), pixels.end());
  return file;
}

Bytes MakePnm(std::string_view header, const Bytes& pixels) {
  Bytes file(header.begin(), header.end());
  file.insert(file.end(), pixels.begin(), pixels.end());
  return file;
}

Bytes MakeTiff(const TiffChoices& choices, const Bytes& pixels) {
  struct Entry {
    uint32_t tag;
    uint32_t type;  // 3: 16 bits, 4: 32 bits
    std::vector<uint32_t> values;
  };
  const auto samples = static_cast<size_t>(choices.samples);
  std::vector<Entry> entries = {
      {256, 4, {choices.width}},
      {257, 4, {choices.height}},
      {258, 3, std::vector<uint32_t>(samples, static_cast<uint32_t>(choices.bits))},
      {259, 3, {static_cast<uint32_t>(choices.compression)}},
      {262, 3, {static_cast<uint32_t>(choices.photometric)}},
      {273, 4, {0}},  // where the strip is
      {277, 3, {static_cast<uint32_t>(choices.samples)}},
      {278, 4, {choices.height}},
      {279, 4, {static_cast<uint32_t>(pixels.size())}},
  };
  if (!choices.palette.empty()) {
    Entry entry = {320, 3, {}};
    for (size_t i = 0; i + 1 < choices.palette.size(); i += 2) {
      entry.values.push_back(choices.palette[i] | static_cast<uint32_t>(choices.palette[i + 1])
                                                      << 8);
    }
    entries.push_back(entry);
  }
  if (choices.extra_sample != 0) {
    entries.push_back({338, 3, {static_cast<uint32_t>(choices.extra_sample)}});
  }

  Bytes more;  // values that do not fit into their entry
  const auto more_at = static_cast<uint32_t>(8 + 2 + 12 * entries.size() + 4);
  const auto append = [](Bytes& to, const Entry& entry) {
    for (const uint32_t value : entry.values) {
      entry.type == 3 ? Append16(to, value) : Append32(to, value);
    }
  };
  for (const Entry& entry : entries) {
    if (entry.values.size() * (entry.type == 3 ? 2 : 4) > 4) append(more, entry);
  }
  for (Entry& entry : entries) {
    if (entry.tag == 273) entry.values[0] = more_at + static_cast<uint32_t>(more.size());
  }
  Bytes file = {'I', 'I', 42, 0};
  Append32(file, 8);
  Append16(file, static_cast<uint32_t>(entries.size()));
  uint32_t next = more_at;
  for (const Entry& entry : entries) {
    const auto bytes = static_cast<uint32_t>(entry.values.size() * (entry.type == 3 ? 2 : 4));
    Append16(file, entry.tag);
    Append16(file, entry.type);
    Append32(file, static_cast<uint32_t>(entry.values.size()));
    if (bytes > 4) {
      Append32(file, next);
      next += bytes;
    } else {
      append(file, entry);
      file.insert(file.end(), 4 - bytes, 0);
    }
  }
  Append32(file, 0);
  file.insert(file.end(), more.begin(), more.end());
  file.insert(file.end(), pixels.begin(), pixels.end());
  return file;
}

}  // namespace mullion::codecs
