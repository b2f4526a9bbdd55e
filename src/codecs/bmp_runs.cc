// SPDX-License-Identifier: MIT
// The data is pairs of bytes. (n, c) with n > 0 is a run: n pixels of colour c (8 bits), or
// alternating between the high and low half of c (4 bits). (0, e) is an escape: e = 0 ends the row,
// 1 ends the picture, 2 is followed by steps right and up, and e >= 3 by e pixels as they are,
// padded to an even number of bytes.
#include "codecs/bmp_runs.h"

#include <cstring>

#include "codecs/codec.h"

namespace mullion::codecs {

namespace {

constexpr uint8_t kEndOfRow = 0;
constexpr uint8_t kEndOfPicture = 1;
constexpr uint8_t kStep = 2;

class RunReader {
 public:
  RunReader(const BmpHeader& header, std::span<const uint8_t> runs,
            const image::MutableImageView& indices)
      : four_bits_(header.bits == 4), rest_(runs), indices_(indices) {}

  Status ReadAll() {
    // Every turn takes two bytes at least, so the loop ends.
    while (!done_) {
      if (rest_.size() < 2) {
        // Some writers leave the end out when the last row is full.
        if (y_ >= indices_.height || (y_ == indices_.height - 1 && x_ == indices_.width)) break;
        return Damaged(ImageCodec::kBmp, "it ends within its pixels");
      }
      const uint8_t count = rest_[0];
      const uint8_t value = rest_[1];
      rest_ = rest_.subspan(2);
      MULLION_RETURN_IF_ERROR(count > 0 ? Run(count, value) : Escape(value));
    }
    return OkStatus();
  }

 private:
  static Status Outside() { return Damaged(ImageCodec::kBmp, "a run of pixels leaves its row"); }

  bool Fits(int64_t count) const { return y_ < indices_.height && count <= indices_.width - x_; }

  uint8_t Half(uint8_t byte, int64_t position) const {
    if (!four_bits_) return byte;
    return position % 2 == 0 ? byte >> 4 : byte & 15;
  }

  Status Run(int64_t count, uint8_t color) {
    if (!Fits(count)) return Outside();
    uint8_t* const to = indices_.row(y_) + x_;
    for (int64_t i = 0; i < count; ++i) to[i] = Half(color, i);
    x_ += count;
    return OkStatus();
  }

  Status Escape(uint8_t code) {
    switch (code) {
      case kEndOfRow:
        x_ = 0;
        ++y_;
        return OkStatus();
      case kEndOfPicture:
        done_ = true;
        return OkStatus();
      case kStep:
        return Step();
      default:
        return Literal(code);
    }
  }

  Status Step() {
    if (rest_.size() < 2) return Damaged(ImageCodec::kBmp, "it ends within its pixels");
    x_ += rest_[0];
    y_ += rest_[1];
    rest_ = rest_.subspan(2);
    if (x_ > indices_.width || y_ > indices_.height) return Outside();
    return OkStatus();
  }

  Status Literal(int64_t count) {
    const int64_t bytes = four_bits_ ? (count + 1) / 2 : count;
    const auto padded = static_cast<size_t>((bytes + 1) / 2 * 2);
    if (!Fits(count)) return Outside();
    if (rest_.size() < padded) return Damaged(ImageCodec::kBmp, "it ends within its pixels");
    uint8_t* const to = indices_.row(y_) + x_;
    for (int64_t i = 0; i < count; ++i) {
      to[i] = Half(rest_[static_cast<size_t>(four_bits_ ? i / 2 : i)], i);
    }
    rest_ = rest_.subspan(padded);
    x_ += count;
    return OkStatus();
  }

  bool four_bits_;
  bool done_ = false;
  std::span<const uint8_t> rest_;
  const image::MutableImageView& indices_;
  int64_t x_ = 0;
  int64_t y_ = 0;  // may pass the last row; nothing is written there
};

}  // namespace

Status ReadBmpRuns(const BmpHeader& header, std::span<const uint8_t> runs,
                   const image::MutableImageView& indices) {
  for (int64_t y = 0; y < indices.height; ++y) {
    std::memset(indices.row(y), 0, static_cast<size_t>(indices.width));
  }
  return RunReader(header, runs, indices).ReadAll();
}

}  // namespace mullion::codecs
