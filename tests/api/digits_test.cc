// SPDX-License-Identifier: MIT
// The sample from end to end: picture files in, digits out.
#include <gtest/gtest.h>

#include <algorithm>

#include "api/fixtures.h"
#include "mullion/image_codecs.h"

namespace mullion::test {
namespace {

int MostLikely(const LearningModelEvaluationResult& result) {
  const auto probabilities = result.Outputs().Lookup("probabilities").as<TensorFloat>().data();
  return static_cast<int>(std::max_element(probabilities.begin(), probabilities.end()) -
                          probabilities.begin());
}

TEST(DigitsTest, ReadsEveryPicture) {
  const LearningModelSession session(LearningModel::LoadFromFilePath(DigitsModel()));
  LearningModelBinding binding(session);
  for (int digit = 0; digit < 10; ++digit) {
    const VideoFrame frame = VideoFrame::CreateFromFile(DigitsImage(digit));
    binding.Bind("image", ImageFeatureValue::CreateFromVideoFrame(frame));
    EXPECT_EQ(MostLikely(session.Evaluate(binding, "digit")), digit);
  }
}

TEST(DigitsTest, PicturesMayBeOfAnyFormat) {
  const LearningModelSession session(LearningModel::LoadFromFilePath(DigitsModel()));
  LearningModelBinding binding(session);
  for (const auto format :
       {BitmapPixelFormat::Unknown, BitmapPixelFormat::Gray8, BitmapPixelFormat::Rgba8,
        BitmapPixelFormat::Rgb8, BitmapPixelFormat::Bgr8}) {
    binding.Bind("image", SoftwareBitmap::LoadFromFile(DigitsImage(7), format));
    EXPECT_EQ(MostLikely(session.Evaluate(binding)), 7);
  }
}

TEST(ImageCodecsTest, EncodedPicturesComeBack) {
  const SoftwareBitmap bitmap = SoftwareBitmap::LoadFromFile(DigitsImage(3));
  const SoftwareBitmap again = DecodeImage(EncodePng(bitmap));
  ASSERT_EQ(again.PixelWidth(), bitmap.PixelWidth());
  EXPECT_TRUE(std::equal(again.Pixels().begin(), again.Pixels().end(), bitmap.Pixels().begin()));
}

TEST(ImageCodecsTest, FailuresNameTheFile) {
  const std::string missing = Failure([] { SoftwareBitmap::LoadFromFile("no such picture.jpg"); });
  EXPECT_EQ(missing.substr(0, 8), "NotFound");
  EXPECT_NE(missing.find("no such picture.jpg"), std::string::npos);
  const std::string other = Failure([] { SoftwareBitmap::LoadFromFile(DigitsModel()); });
  EXPECT_EQ(other.substr(0, 15), "InvalidArgument");
  EXPECT_NE(other.find("digits.onnx"), std::string::npos);
}

}  // namespace
}  // namespace mullion::test
