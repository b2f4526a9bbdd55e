// SPDX-License-Identifier: MIT
// The operator ImageDecoder, with the decoder of mullion_image.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "api/fixtures.h"
#include "api/onnx_builder.h"
#include "mullion/image_codecs.h"

namespace mullion::test {
namespace {

class ImageDecoderTest : public testing::Test {
 protected:
  ~ImageDecoderTest() override { MullionImageDecoder_Set(nullptr); }

  static std::string Model() {
    return ModelBuilder()
        .Opset(20)
        .Input("file", TensorType(2, {"bytes"}))
        .Output("pixels", TensorType(2, {"height", "width", "channels"}))
        .Node("ImageDecoder", {"file"}, {"pixels"})
        .Build();
  }
  static TensorUInt8Bit Decoded(const LearningModelSession& session,
                                const std::vector<uint8_t>& file) {
    LearningModelBinding binding(session);
    binding.Bind("file",
                 TensorUInt8Bit::CreateFromArray({static_cast<int64_t>(file.size())}, file));
    return session.Evaluate(binding).Outputs().Lookup("pixels").as<TensorUInt8Bit>();
  }
};

TEST_F(ImageDecoderTest, ReadsFilesWithTheComponent) {
  EnableImageDecoder();
  const LearningModelSession session = Open(Model());
  const std::vector<uint8_t> pixels = {1, 2, 3, 4, 5, 6};
  const std::vector<uint8_t> file =
      EncodePng(SoftwareBitmap::CreateFromPixels(BitmapPixelFormat::Rgb8, 2, 1, pixels));
  const TensorUInt8Bit picture = Decoded(session, file);
  EXPECT_EQ(picture.Shape(), (std::vector<int64_t>{1, 2, 3}));
  const auto view = picture.GetAsVectorView();
  EXPECT_EQ(std::vector<uint8_t>(view.begin(), view.end()), pixels);
  // What is no picture gives no pixels.
  EXPECT_EQ(Decoded(session, {1, 2, 3}).Shape(), (std::vector<int64_t>{0, 0, 0}));
}

TEST_F(ImageDecoderTest, SaysWhatIsMissing) {
  EXPECT_NE(Failure([] { Open(Model()); })
                .find("hand its decoder over with "
                      "MullionImageDecoder_Set"),
            std::string::npos);
}

}  // namespace
}  // namespace mullion::test
