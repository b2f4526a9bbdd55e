// SPDX-License-Identifier: MIT
#include "tests/codecs/make_files.h"

#if __has_include(<openjpeg.h>)

#include <openjpeg.h>

#include <algorithm>
#include <cstring>

namespace mullion::codecs {

namespace {

// A file that grows, as OpenJPEG's callbacks see it.
struct Target {
  Bytes file;
  size_t position = 0;
};

OPJ_SIZE_T Write(void* from, OPJ_SIZE_T size, void* data) {
  auto& target = *static_cast<Target*>(data);
  target.file.resize(std::max<size_t>(target.file.size(), target.position + size));
  std::memcpy(target.file.data() + target.position, from, size);
  target.position += size;
  return size;
}

OPJ_BOOL Seek(OPJ_OFF_T offset, void* data) {
  static_cast<Target*>(data)->position = static_cast<size_t>(offset);
  return OPJ_TRUE;
}

OPJ_OFF_T Skip(OPJ_OFF_T count, void* data) {
  static_cast<Target*>(data)->position += static_cast<size_t>(count);
  return count;
}

}  // namespace

Bytes MakeJpeg2000(const image::ImageView& view, bool bare) {
  const auto channels = static_cast<uint32_t>(image::BytesPerPixel(view.format));
  opj_image_cmptparm_t parameters[4] = {};
  for (opj_image_cmptparm_t& channel : parameters) {
    channel.dx = channel.dy = 1;
    channel.w = static_cast<uint32_t>(view.width);
    channel.h = static_cast<uint32_t>(view.height);
    channel.prec = 8;
  }
  opj_image_t* const image =
      opj_image_create(channels, parameters, channels == 1 ? OPJ_CLRSPC_GRAY : OPJ_CLRSPC_SRGB);
  image->x1 = static_cast<uint32_t>(view.width);
  image->y1 = static_cast<uint32_t>(view.height);
  if (channels == 4) image->comps[3].alpha = 1;
  for (int64_t i = 0; i < view.width * view.height; ++i) {
    for (uint32_t c = 0; c < channels; ++c) {
      image->comps[c].data[i] = view.row(i / view.width)[i % view.width * channels + c];
    }
  }
  opj_cparameters_t choices;
  opj_set_default_encoder_parameters(&choices);
  choices.tcp_numlayers = 1;
  choices.cp_disto_alloc = 1;
  choices.numresolution = 3;
  opj_codec_t* const codec = opj_create_compress(bare ? OPJ_CODEC_J2K : OPJ_CODEC_JP2);
  opj_setup_encoder(codec, &choices, image);
  opj_stream_t* const stream = opj_stream_create(4096, OPJ_FALSE);
  Target target;
  opj_stream_set_user_data(stream, &target, nullptr);
  opj_stream_set_write_function(stream, Write);
  opj_stream_set_seek_function(stream, Seek);
  opj_stream_set_skip_function(stream, Skip);
  const bool done = opj_start_compress(codec, image, stream) != OPJ_FALSE &&
                    opj_encode(codec, stream) != OPJ_FALSE &&
                    opj_end_compress(codec, stream) != OPJ_FALSE;
  opj_stream_destroy(stream);
  opj_destroy_codec(codec);
  opj_image_destroy(image);
  return done ? target.file : Bytes();
}

}  // namespace mullion::codecs

#else

namespace mullion::codecs {

Bytes MakeJpeg2000(const image::ImageView& /*view*/, bool /*bare*/) { return {}; }

}  // namespace mullion::codecs

#endif
