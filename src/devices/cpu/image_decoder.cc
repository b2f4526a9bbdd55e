// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/str_cat.h"
#include "devices/cpu/image_reader.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

// The weights of ITU-R BT.601, in 65536ths, which the operator's tests want.
uint8_t Gray(const uint8_t* rgb) {
  return static_cast<uint8_t>((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 32768u) >> 16);
}

class ImageDecoder final : public Executable {
 public:
  explicit ImageDecoder(const Node& node)
      : gray_(node.StringAttribute("pixel_format", "RGB") == "Grayscale"),
        order_(node.StringAttribute("pixel_format", "RGB") == "BGR" ? ColorOrder::kBgr
                                                                    : ColorOrder::kRgb) {}

  Status Run(RunContext& context) const override {
    const ImageReader read = CurrentImageReader();
    if (read == nullptr) return context.Error(std::string(kNoReader));
    Status taken = OkStatus();
    const auto take = [&](int64_t width, int64_t height, const uint8_t* pixels) {
      taken = Take(context, width, height, pixels);
    };
    const Status status = read(context.Input(0).span<uint8_t>(), order_, take);
    // What is no picture gives no pixels, says the operator's definition; what this library cannot
    // read may well be one.
    if (status.code() == StatusCode::kInvalidArgument) {
      const auto empty = context.AllocateOutput(0, Shape{0, 0, 0});
      return empty.status();
    }
    if (!status.ok()) return context.node().Error(status.code(), status.message());
    return taken;
  }

  static Status Supports(const Node& node) {
    if (CurrentImageReader() != nullptr) return OkStatus();
    return node.Error(StatusCode::kUnsupported, kNoReader);
  }

 private:
  static constexpr std::string_view kNoReader =
      "the library has no codecs of its own; link the component mullion_image and hand its decoder "
      "over with MullionImageDecoder_Set";

  Status Take(RunContext& context, int64_t width, int64_t height, const uint8_t* pixels) const {
    const int64_t channels = gray_ ? 1 : 3;
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, Shape{height, width, channels}));
    if (!gray_) {
      std::copy_n(pixels, output.count(), output.as<uint8_t>());
      return OkStatus();
    }
    for (int64_t i = 0; i < output.count(); ++i) output.as<uint8_t>()[i] = Gray(pixels + 3 * i);
    return OkStatus();
  }

  bool gray_;
  ColorOrder order_;
};

}  // namespace

void RegisterImageDecoder(KernelRegistry& registry) {
  registry.Add({.name = "ImageDecoder",
                .make = MakeKernel<ImageDecoder>,
                .supports = ImageDecoder::Supports});
}

}  // namespace mullion::cpu
