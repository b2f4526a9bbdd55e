// SPDX-License-Identifier: MIT
#include "mullion/c/image_decoder.h"

#include <atomic>
#include <optional>
#include <string>

#include "devices/cpu/image_reader.h"

namespace {

using mullion::Status;
using mullion::StatusCode;

std::atomic<MullionDecodeImage> current_decoder{nullptr};

struct Taker {
  mullion::cpu::TakePicture take;
  std::string message;
};

void Take(void* taker, uint32_t width, uint32_t height, const void* pixels, const char* message) {
  auto& to = *static_cast<Taker*>(taker);
  if (pixels != nullptr) {
    to.take(width, height, static_cast<const uint8_t*>(pixels));
  } else if (message != nullptr) {
    to.message = message;
  }
}

Status Read(std::span<const uint8_t> file, mullion::cpu::ColorOrder order,
            mullion::cpu::TakePicture take) {
  const MullionDecodeImage decode = current_decoder.load();
  if (decode == nullptr) return mullion::Unsupported("the image decoder was taken back");
  Taker taker = {take, {}};
  const MullionPixelFormat format =
      order == mullion::cpu::ColorOrder::kRgb ? MULLION_PIXEL_RGB8 : MULLION_PIXEL_BGR8;
  const MullionStatusCode code = decode(file.data(), file.size(), format, Take, &taker);
  if (code == MULLION_OK) return mullion::OkStatus();
  return Status(static_cast<StatusCode>(code), taker.message);
}

}  // namespace

void MullionImageDecoder_Set(MullionDecodeImage decode) {
  current_decoder.store(decode);
  mullion::cpu::SetImageReader(decode == nullptr ? nullptr : Read);
}
