// SPDX-License-Identifier: MIT
// ImageDecoder with a reader made for the test.
#include <gtest/gtest.h>

#include "devices/cpu/image_reader.h"
#include "tests/devices/cpu/movement_case.h"

namespace mullion::cpu {
namespace {

// A "file" is its width and height and the first byte of its pixels, which count on. Width 9 means
// damage, 8 a kind that is not known.
Status ReadCounting(std::span<const uint8_t> file, ColorOrder order, TakePicture take) {
  if (file.size() != 3 || file[0] == 9) return InvalidArgument("damaged");
  if (file[0] == 8) return Unsupported("cannot decode such images");
  std::vector<uint8_t> pixels(static_cast<size_t>(3 * file[0] * file[1]));
  std::iota(pixels.begin(), pixels.end(), file[2]);
  if (order == ColorOrder::kBgr) std::reverse(pixels.begin(), pixels.end());
  take(file[0], file[1], pixels.data());
  return OkStatus();
}

class ImageDecoder : public testing::Test {
 protected:
  ImageDecoder() { SetImageReader(ReadCounting); }
  ~ImageDecoder() override { SetImageReader(nullptr); }

  static OperatorCase Case(const std::vector<uint8_t>& file, const char* format) {
    OperatorCase c;
    c.name = "ImageDecoder";
    c.opset = 20;
    c.inputs = {TensorOf<uint8_t>({static_cast<int64_t>(file.size())}, file)};
    if (format != nullptr) c.Set("pixel_format", std::string(format));
    return c;
  }
};

TEST_F(ImageDecoder, GivesRowsOfPixels) {
  ExpectOutput<uint8_t>(Case({2, 1, 5}, nullptr), {1, 2, 3}, {5, 6, 7, 8, 9, 10});
  ExpectOutput<uint8_t>(Case({1, 2, 5}, "BGR"), {2, 1, 3}, {10, 9, 8, 7, 6, 5});
}

TEST_F(ImageDecoder, GivesGray) {
  // 0.299 * 0 + 0.587 * 1 + 0.114 * 2 = 0.8, and 100 more.
  ExpectOutput<uint8_t>(Case({1, 1, 0}, "Grayscale"), {1, 1, 1}, {1});
  ExpectOutput<uint8_t>(Case({1, 1, 100}, "Grayscale"), {1, 1, 1}, {101});
}

TEST_F(ImageDecoder, GivesNothingForWhatIsNoPicture) {
  ExpectOutput<uint8_t>(Case({9, 1, 5}, "RGB"), {0, 0, 0}, {});
  ExpectOutput<uint8_t>(Case({}, "Grayscale"), {0, 0, 0}, {});
}

TEST_F(ImageDecoder, RefusesWhatItCannotRead) {
  ExpectError(Case({8, 1, 5}, "RGB"), "cannot decode such images");
  ExpectError(Case({1, 1, 5}, "CMYK"), "'pixel_format' is 'CMYK'");
  OperatorCase c = Case({1, 1, 5}, "RGB");
  c.inputs[0] = TensorOf<uint8_t>({1, 3}, {1, 1, 5});
  ExpectError(c, "input 0");
  SetImageReader(nullptr);
  ExpectError(Case({1, 1, 5}, "RGB"), "the library has no codecs of its own");
}

}  // namespace
}  // namespace mullion::cpu
