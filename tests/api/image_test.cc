// SPDX-License-Identifier: MIT
// Images as inputs and outputs, by metadata, options and shapes.
#include <gtest/gtest.h>

#include "api/fixtures.h"
#include "api/onnx_builder.h"

namespace mullion::test {
namespace {

using Floats = std::vector<float>;

Message ImageType(const std::vector<Dim>& dims, int element = 1) {
  return TensorType(element, dims, "IMAGE");
}

// y = x, both images.
ModelBuilder ImageModel(const Message& type) {
  ModelBuilder builder;
  builder.Input("x", type).Output("y", type).Node("Identity", {"x"}, {"y"});
  return builder;
}

// One colour pixel after the other: blue, green, red, alpha.
SoftwareBitmap Bgra(uint32_t width, uint32_t height, const std::vector<uint8_t>& pixels) {
  return SoftwareBitmap::CreateFromPixels(BitmapPixelFormat::Bgra8, width, height, pixels);
}

// What the model's input, passed on as a tensor, is for the picture.
Floats Tensorized(const ModelBuilder& builder, const SoftwareBitmap& picture,
                  const ImageBindingOptions& options = {}) {
  const LearningModelSession session = Open(builder.Build());
  LearningModelBinding binding(session);
  binding.Bind("x", picture, options);
  const TensorFloat y = TensorFloat::Create();
  binding.Bind("y", y);
  session.Run(binding);
  return y.GetAsVectorView();
}

TEST(ImageFeatureTest, NeedsDenotationTypeAndShape) {
  const auto kind = [](const Message& type) {
    return Load(IdentityModel(type)).InputFeatures()[0].Kind();
  };
  EXPECT_EQ(kind(ImageType({1, 3, 4, 5})), LearningModelFeatureKind::Image);
  EXPECT_EQ(kind(ImageType({1, 4, 5, 3}, 2)), LearningModelFeatureKind::Image);
  EXPECT_EQ(kind(TensorType(1, {1, 3, 4, 5})), LearningModelFeatureKind::Tensor);
  EXPECT_EQ(kind(ImageType({1, 4, 4, 5})), LearningModelFeatureKind::Tensor);
  EXPECT_EQ(kind(ImageType({3, 4, 5})), LearningModelFeatureKind::Tensor);
  EXPECT_EQ(kind(ImageType({1, 3, 4, 5}, 7)), LearningModelFeatureKind::Tensor);
}

TEST(ImageFeatureTest, IsDescribedByMetadata) {
  const auto describe = [](ModelBuilder builder) {
    return Load(builder.Build()).InputFeatures()[0].as<ImageFeatureDescriptor>();
  };
  const auto plain = describe(ImageModel(ImageType({"n", 3, "h", 5})));
  EXPECT_EQ(plain.BitmapPixelFormat(), BitmapPixelFormat::Bgra8);
  EXPECT_EQ(plain.PixelRange(), LearningModelPixelRange::ZeroTo255);
  EXPECT_EQ(plain.Width(), 5);
  EXPECT_EQ(plain.Height(), -1);
  const auto rgb = describe(ImageModel(ImageType({1, 4, 5, 3}))
                                .Metadata("image.bitmappixelformat", "Rgb8")
                                .Metadata("Image.NominalPixelRange", "Normalized_1_1"));
  EXPECT_EQ(rgb.BitmapPixelFormat(), BitmapPixelFormat::Rgba8);
  EXPECT_EQ(rgb.PixelRange(), LearningModelPixelRange::MinusOneToOne);
  EXPECT_EQ(rgb.Width(), 5);
  EXPECT_EQ(rgb.Height(), 4);
  const auto gray =
      describe(ImageModel(ImageType({1, 1, 4, 5})).Metadata("Image.BitmapPixelFormat", "Gray8"));
  EXPECT_EQ(gray.BitmapPixelFormat(), BitmapPixelFormat::Gray8);
}

TEST(ImageFeatureTest, UnsupportedMetadataRefusesImages) {
  const LearningModelSession session =
      Open(ImageModel(ImageType({1, 3, 1, 1})).Metadata("Image.ColorSpaceGamma", "Linear").Build());
  EXPECT_EQ(session.Model().InputFeatures()[0].Kind(), LearningModelFeatureKind::Tensor);
  LearningModelBinding binding(session);
  EXPECT_EQ(Failure([&] {
              binding.Bind("x", Bgra(1, 1, {1, 2, 3, 4}));
            }),
            "InvalidBinding: an image for 'x': the model's metadata says Image.ColorSpaceGamma = "
            "'Linear' and only SRGB can be done; bind a tensor instead");
  binding.Bind("x", Floats{1, 2, 3});
}

TEST(ImageBindingTest, FormatAndRangeHavePrecedence) {
  const SoftwareBitmap pixel = Bgra(1, 1, {10, 20, 30, 99});
  const Message type = ImageType({1, 3, 1, 1});
  EXPECT_EQ(Tensorized(ImageModel(type), pixel), (Floats{10, 20, 30}));
  const auto with_metadata = [&] {
    return ImageModel(type)
        .Metadata("Image.BitmapPixelFormat", "Rgb8")
        .Metadata("Image.NominalPixelRange", "Normalized_0_1");
  };
  EXPECT_EQ(Tensorized(with_metadata(), pixel), (Floats{30 / 255.0f, 20 / 255.0f, 10 / 255.0f}));
  ImageBindingOptions options;
  options.BitmapPixelFormat = BitmapPixelFormat::Bgra8;
  options.PixelRange = LearningModelPixelRange::ZeroTo255;
  EXPECT_EQ(Tensorized(with_metadata(), pixel, options), (Floats{10, 20, 30}));
  options.Mean = {10, 10, 10};
  options.Deviation = {1, 2, 4};
  EXPECT_EQ(Tensorized(with_metadata(), pixel, options), (Floats{0, 5, 5}));
  // One channel is gray: 0.2126 R + 0.7152 G + 0.0722 B = 21.4.
  EXPECT_EQ(Tensorized(ImageModel(ImageType({1, 1, 1, 1})), pixel), (Floats{21}));
}

TEST(ImageBindingTest, ChannelsMayComeLast) {
  const SoftwareBitmap two = Bgra(2, 1, {1, 2, 3, 0, 4, 5, 6, 0});
  EXPECT_EQ(Tensorized(ImageModel(TensorType(1, {1, 1, 2, 3}, "IMAGE")), two).size(), 6u);
  EXPECT_EQ(Tensorized(ImageModel(ImageType({1, "h", "w", 3})), two), (Floats{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(Tensorized(ImageModel(ImageType({1, 3, "h", "w"})), two), (Floats{1, 4, 2, 5, 3, 6}));
  // [1,3,2,3] reads as NCHW; the denotation and the option say otherwise.
  EXPECT_EQ(Tensorized(ImageModel(ImageType({1, 3, 2, {3, "DATA_CHANNEL"}})),
                       Bgra(2, 3, std::vector<uint8_t>(24, 7)))
                .size(),
            18u);
  ImageBindingOptions options;
  options.ChannelsLast = true;
  std::vector<uint8_t> pixels(24);
  for (size_t i = 0; i < 24; ++i) pixels[i] = static_cast<uint8_t>(i);
  EXPECT_EQ(Tensorized(ImageModel(ImageType({1, 3, 2, 3})), Bgra(2, 3, pixels), options)[3], 4.0f);
}

TEST(ImageBindingTest, FreeSizesAreThePictures) {
  const LearningModelSession session = Open(ImageModel(ImageType({"n", 3, "h", "w"})).Build());
  LearningModelBinding binding(session);
  binding.Bind("x", SoftwareBitmap(BitmapPixelFormat::Gray8, 7, 5));
  const auto frame = session.Evaluate(binding).Outputs().Lookup("y").as<ImageFeatureValue>();
  EXPECT_EQ(frame.VideoFrame().SoftwareBitmap().PixelWidth(), 7u);
  EXPECT_EQ(frame.VideoFrame().SoftwareBitmap().PixelHeight(), 5u);
  ImageBindingOptions options;
  options.BitmapBounds = BitmapBounds{1, 1, 3, 2};
  binding.Bind("x", SoftwareBitmap(BitmapPixelFormat::Gray8, 7, 5), options);
  const auto part = session.Evaluate(binding).Outputs().Lookup("y").as<SoftwareBitmap>();
  EXPECT_EQ(part.PixelWidth(), 3u);
}

TEST(ImageBindingTest, TellsHowThePictureWasFitted) {
  const LearningModelSession session = Open(ImageModel(ImageType({1, 3, 10, 10})).Build());
  LearningModelBinding binding(session);
  const SoftwareBitmap picture(BitmapPixelFormat::Bgra8, 40, 20);
  binding.Bind("x", picture);
  EXPECT_EQ(binding.MappingOf("x").Source, (BitmapBounds{10, 0, 20, 20}));
  ImageBindingOptions options;
  options.Fit = ImageFit::Letterbox;
  binding.Bind("x", picture, options);
  EXPECT_EQ(binding.MappingOf("x").Source, (BitmapBounds{0, 0, 40, 20}));
  EXPECT_EQ(binding.MappingOf("x").Target, (BitmapBounds{0, 2, 10, 5}));
  binding.Bind("x", TensorFloat::Create({1, 3, 10, 10}));
  EXPECT_EQ(Failure([&] { binding.MappingOf("x"); }),
            "OutOfRange: no image is bound to an input 'x'");
}

TEST(ImageBindingTest, PicturesAreReadWhenTheyAreBound) {
  const LearningModelSession session = Open(ImageModel(ImageType({1, 1, 1, 1})).Build());
  LearningModelBinding binding(session);
  const SoftwareBitmap pixel(BitmapPixelFormat::Gray8, 1, 1);
  const auto value = [&] {
    return session.Evaluate(binding).Outputs().Lookup("y").as<SoftwareBitmap>().Pixels()[0];
  };
  pixel.Pixels()[0] = 50;
  binding.Bind("x", pixel);
  pixel.Pixels()[0] = 60;
  EXPECT_EQ(value(), 50);
  binding.Bind("x", pixel);
  EXPECT_EQ(value(), 60);
}

TEST(ImageBindingTest, PlainTensorsTakePictures) {
  const Message type = TensorType(1, {1, 3, 1, 2});
  const SoftwareBitmap two = Bgra(2, 1, {1, 2, 3, 0, 4, 5, 6, 0});
  EXPECT_EQ(Tensorized(ImageModel(type), two), (Floats{1, 4, 2, 5, 3, 6}));
}

TEST(ImageBindingTest, HalfAndByteTensorsTakePictures) {
  const SoftwareBitmap pixel = Bgra(1, 1, {10, 20, 30, 0});
  for (const TensorKind kind : {TensorKind::Float16, TensorKind::UInt8}) {
    const LearningModelSession session =
        Open(ImageModel(ImageType({1, 3, 1, 1}, static_cast<int>(kind))).Build());
    LearningModelBinding binding(session);
    binding.Bind("x", pixel);
    const auto result = session.Evaluate(binding).Outputs().Lookup("y").as<SoftwareBitmap>();
    EXPECT_EQ(result.Pixels()[2], 30);
    EXPECT_EQ(result.Pixels()[3], 255);
  }
}

TEST(ImageBindingTest, TellsWhatIsWrong) {
  const SoftwareBitmap pixel(BitmapPixelFormat::Bgra8, 1, 1);
  const auto bind = [&](const Message& type, const ImageBindingOptions& options = {}) {
    const LearningModelSession session = Open(IdentityModel(type));
    LearningModelBinding binding(session);
    return Failure([&] { binding.Bind("x", pixel, options); });
  };
  EXPECT_EQ(bind(TensorType(1, {1, 3})),
            "SizeMismatch: an image for 'x': images go into tensors of rank 4 ([N,C,H,W] or "
            "[N,H,W,C]), not [1,3]");
  EXPECT_EQ(bind(TensorType(1, {1, 4, 5, 5})),
            "SizeMismatch: an image for 'x': images go into tensors with 1 or 3 channels, and "
            "[1,4,5,5] has neither in axis 1 (NCHW) nor in axis 3 (NHWC)");
  EXPECT_EQ(bind(TensorType(7, {1, 3, 5, 5})),
            "InvalidBinding: an image cannot be bound to 'x', which is int64[1,3,5,5]; images go "
            "into float, float16 and uint8 tensors");
  EXPECT_EQ(bind(TensorType(1, {2, 3, 5, 5})),
            "SizeMismatch: an image for 'x': its batch is 2 but 1 images were given; bind a "
            "sequence of one image per batch item");
  ImageBindingOptions outside;
  outside.BitmapBounds = BitmapBounds{0, 0, 2, 1};
  EXPECT_EQ(bind(TensorType(1, {1, 3, "h", "w"}), outside),
            "InvalidArgument: an image for 'x': bounds (left 0, top 0, width 2, height 1) are "
            "empty or reach outside the image of 1 by 1 pixels");
  ImageBindingOptions gray;
  gray.BitmapPixelFormat = BitmapPixelFormat::Gray8;
  EXPECT_EQ(bind(TensorType(1, {1, 3, 5, 5}), gray).substr(0, 12), "SizeMismatch");
  ImageBindingOptions odd;
  odd.BitmapPixelFormat = static_cast<BitmapPixelFormat>(12);
  EXPECT_EQ(bind(TensorType(1, {1, 3, 5, 5}), odd),
            "InvalidBinding: image options: pixel format 12 is not supported; use RGBA8, BGRA8, "
            "RGB8, BGR8 or GRAY8");
  ImageBindingOptions bytes;
  bytes.PixelRange = LearningModelPixelRange::ZeroToOne;
  EXPECT_EQ(bind(TensorType(2, {1, 3, 5, 5}), bytes).substr(0, 15), "InvalidArgument");
}

TEST(ImageBindingTest, NumbersOutsideTheEnumerationsAreErrors) {
  const LearningModelSession session = Open(IdentityModel(TensorType(1, {1, 3, 5, 5})));
  LearningModelBinding binding(session);
  const auto bind = [&](const ImageBindingOptions& options) {
    return Failure(
        [&] { binding.Bind("x", SoftwareBitmap(BitmapPixelFormat::Bgra8, 1, 1), options); });
  };
  for (const int number : {-2, 5, 1000000}) {
    const std::string text = std::to_string(number);
    ImageBindingOptions fit;
    fit.Fit = static_cast<ImageFit>(number);
    EXPECT_EQ(bind(fit), "InvalidArgument: image options: there is no fit " + text +
                             "; use a value of MullionImageFit");
    ImageBindingOptions filter;
    filter.Filter = static_cast<ImageFilter>(number);
    EXPECT_EQ(bind(filter), "InvalidArgument: image options: there is no filter " + text +
                                "; use a value of MullionImageFilter");
    ImageBindingOptions range;
    range.PixelRange = static_cast<LearningModelPixelRange>(number);
    EXPECT_EQ(bind(range), "InvalidBinding: image options: there is no pixel range " + text +
                               "; use a value of MullionPixelRange, or -1");
  }
}

TEST(ImageBindingTest, AFailedBindKeepsThePictureBefore) {
  const LearningModelSession session = Open(ImageModel(ImageType({1, 1, "h", "w"})).Build());
  LearningModelBinding binding(session);
  const SoftwareBitmap picture(BitmapPixelFormat::Gray8, 2, 2);
  picture.Pixels()[3] = 9;
  binding.Bind("x", picture);
  ImageBindingOptions outside;
  outside.BitmapBounds = BitmapBounds{0, 0, 200, 100};
  EXPECT_THROW(binding.Bind("x", SoftwareBitmap(BitmapPixelFormat::Gray8, 8, 8), outside), Error);
  const auto result = session.Evaluate(binding).Outputs().Lookup("y").as<SoftwareBitmap>();
  EXPECT_EQ(result.PixelWidth(), 2u);
  EXPECT_EQ(result.Pixels()[3 * 4], 9);
}

TEST(ImageOutputTest, BoundFramesAreWritten) {
  const LearningModelSession session = Open(ImageModel(ImageType({1, 3, 1, 1})).Build());
  LearningModelBinding binding(session);
  binding.Bind("x", Bgra(1, 1, {10, 20, 30, 0}));
  const VideoFrame frame(BitmapPixelFormat::Rgba8, 3, 2);
  binding.Bind("y", frame);
  session.Run(binding);
  // At the top left; the rest is left alone.
  EXPECT_EQ(frame.SoftwareBitmap().Pixels()[0], 30);
  EXPECT_EQ(frame.SoftwareBitmap().Pixels()[3], 255);
  EXPECT_EQ(frame.SoftwareBitmap().Pixels()[7], 0);

  ImageBindingOptions options;
  options.BitmapBounds = BitmapBounds{2, 1, 1, 1};
  binding.Bind("y", frame, options);
  session.Run(binding);
  EXPECT_EQ(frame.SoftwareBitmap().Pixels()[5 * 4], 30);
}

TEST(ImageOutputTest, ValuesAreScaledAndClamped) {
  const LearningModelSession session =
      Open(ImageModel(ImageType({1, 1, 1, 4}))
               .Metadata("Image.NominalPixelRange", "Normalized_0_1")
               .Metadata("Image.BitmapPixelFormat", "Gray8")
               .Build());
  LearningModelBinding binding(session);
  binding.Bind("x", TensorFloat::CreateFromArray({1, 1, 1, 4}, {-1, 0.5f, 1, 9}));
  const auto bitmap = session.Evaluate(binding).Outputs().Lookup("y").as<SoftwareBitmap>();
  EXPECT_EQ(bitmap.BitmapPixelFormat(), BitmapPixelFormat::Gray8);
  const auto pixels = bitmap.Pixels();
  EXPECT_EQ(std::vector<uint8_t>(pixels.begin(), pixels.end()),
            (std::vector<uint8_t>{0, 128, 255, 255}));
}

TEST(ImageOutputTest, SmallFramesAreRefused) {
  const LearningModelSession session = Open(ImageModel(ImageType({1, 3, 4, 5})).Build());
  LearningModelBinding binding(session);
  binding.Bind("x", TensorFloat::Create({1, 3, 4, 5}));
  binding.Bind("y", VideoFrame(BitmapPixelFormat::Bgra8, 4, 5));
  EXPECT_EQ(Failure([&] { session.Run(binding); }),
            "SizeMismatch: an image for 'y': the output is 5x4 pixels and the image bound to it "
            "only 4x5");
}

TEST(ImageBatchTest, SequencesOfImagesAreBatches) {
  const LearningModelSession session = Open(ImageModel(ImageType({"n", 1, 1, 1})).Build());
  LearningModelBinding binding(session);
  std::vector<VideoFrame> frames;
  for (const uint8_t value : {uint8_t{3}, uint8_t{5}}) {
    const SoftwareBitmap pixel(BitmapPixelFormat::Gray8, 1, 1);
    pixel.Pixels()[0] = value;
    frames.push_back(VideoFrame::CreateWithSoftwareBitmap(pixel));
  }
  binding.Bind("x", frames);
  const auto result = session.Evaluate(binding).Outputs().Lookup("y").as<SequenceValue>();
  ASSERT_EQ(result.Size(), 2u);
  EXPECT_EQ(result.GetAt(1).as<SoftwareBitmap>().Pixels()[0], 5);

  const std::vector<VideoFrame> outputs = {VideoFrame(BitmapPixelFormat::Gray8, 1, 1),
                                           VideoFrame(BitmapPixelFormat::Gray8, 1, 1)};
  binding.Bind("y", SequenceValue::CreateFromIterable(outputs));
  session.Run(binding);
  EXPECT_EQ(outputs[1].SoftwareBitmap().Pixels()[0], 5);
}

TEST(ImageBatchTest, FreeSizesMustAgree) {
  const LearningModelSession session = Open(ImageModel(ImageType({"n", 1, "h", "w"})).Build());
  LearningModelBinding binding(session);
  const std::vector<SoftwareBitmap> pictures = {SoftwareBitmap(BitmapPixelFormat::Gray8, 2, 1),
                                                SoftwareBitmap(BitmapPixelFormat::Gray8, 1, 2)};
  EXPECT_EQ(Failure([&] { binding.Bind("x", pictures); }),
            "InvalidArgument: an image for 'x': the images of a batch differ in size (2x1 and 1x2) "
            "and the model leaves the size free; scale them to one size");
}

TEST(SoftwareBitmapTest, CopiesRowsWithStride) {
  const std::vector<uint8_t> padded = {1, 2, 9, 3, 4};
  const auto bitmap = SoftwareBitmap::CreateFromPixels(BitmapPixelFormat::Gray8, 2, 2, padded, 3);
  const auto pixels = bitmap.Pixels();
  EXPECT_EQ(std::vector<uint8_t>(pixels.begin(), pixels.end()), (std::vector<uint8_t>{1, 2, 3, 4}));
  EXPECT_EQ(
      Failure([&] { SoftwareBitmap::CreateFromPixels(BitmapPixelFormat::Gray8, 2, 2, padded, 4); }),
      "InvalidArgument: 5 bytes are too few for a bitmap of 2 by 2 pixels");
  EXPECT_EQ(Failure([] { SoftwareBitmap(BitmapPixelFormat::Gray8, 0, 5); }).substr(0, 15),
            "InvalidArgument");
  EXPECT_EQ(Failure([] { SoftwareBitmap(BitmapPixelFormat::Unknown, 5, 5); }),
            "InvalidArgument: pixel format 0 is not supported; use RGBA8, BGRA8, RGB8, BGR8 or "
            "GRAY8");
}

}  // namespace
}  // namespace mullion::test
