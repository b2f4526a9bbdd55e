// SPDX-License-Identifier: MIT
// What the peer cannot run in any words, or whose results cannot be compared: only for values out
// of range.
#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

void AppendNumber(std::string& bytes, int64_t value, int size) {
  for (int i = 0; i < size; ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xff);
}

// A picture of 4 by 3 pixels without its last bytes at times.
std::string AnyFile(Random& random) {
  constexpr int64_t kWidth = 4, kHeight = 3, kHeaders = 54;
  constexpr size_t kPixelBytes = 3 * kWidth * kHeight;  // rows of 12 bytes need no filling
  std::string file = random.Pick({"P6 4 3 255\n", "P5 4 3 65535\n", "P4 9 3\n", "BM"});
  if (file == "BM") {
    for (const int64_t value :
         {kHeaders + int64_t{kPixelBytes}, int64_t{0}, kHeaders, int64_t{40}, kWidth, kHeight}) {
      AppendNumber(file, value, 4);
    }
    AppendNumber(file, 1, 2);
    AppendNumber(file, 24, 2);
    file.append(24, '\0');
  }
  for (size_t i = 0; i < kPixelBytes; ++i) file += static_cast<char>(random.Any(0, 255));
  if (random.Chance(0.3)) file.resize(static_cast<size_t>(random.Any(0, std::ssize(file))));
  return file;
}

void ImageDecoder(Case& c) {
  Random& random = c.random();
  const std::string file = AnyFile(random);
  const std::vector<uint8_t> bytes(file.begin(), file.end());
  c.Only({c.Fed(Tensor::Vector<uint8_t>(std::span<const uint8_t>(bytes)))},
         {{"pixel_format", std::string(random.Pick({"RGB", "BGR", "Grayscale"}))}});
}

void ZipMap(Case& c) {
  Random& random = c.random();
  const int64_t classes = random.Int(1, 4);
  Attributes attributes;
  if (random.Chance(0.5)) {
    attributes.emplace_back("classlabels_int64s",
                            std::vector<int64_t>(static_cast<size_t>(classes), 7));
  } else {
    attributes.emplace_back("classlabels_strings",
                            std::vector<std::string>(static_cast<size_t>(classes), "a"));
  }
  Shape shape = random.AnyShape(0, 2);
  shape.Append(random.Chance(0.8) ? classes : 3);
  c.Only({c.Fed(random.Values(kFloat, shape))}, attributes);
}

// Of what few kernels are made for: characters and complex numbers.
ElementType RareType(Random& random) {
  return random.Pick({kString, kComplex64, kComplex128, kBool, kBfloat16, kUint16});
}

void RareUnique(Case& c) {
  Random& random = c.random();
  Attributes attributes = {{"sorted", random.Int(0, 1)}};
  const Shape shape = random.AnyShape(1, 3, 3);
  if (random.Chance(0.6)) attributes.emplace_back("axis", random.Axis(shape.rank()));
  c.Return(c.Add("Unique", "", {c.Input(random.Values(RareType(random), shape))}, attributes, 4));
}

void RarePad(Case& c) {
  Random& random = c.random();
  const Shape shape = random.AnyShape(1, 4);
  const ElementType type = RareType(random);
  c.Return(c.Add("Pad", "",
                 {c.Input(random.Values(type, shape)),
                  c.Input(random.Values(kInt64, {2 * shape.rank()}, -2, 3)),
                  random.Chance(0.5) ? c.Input(random.Values(type, {})) : nullptr},
                 {{"mode", std::string(random.Pick({"constant", "reflect", "edge", "wrap"}))}}));
}

void RareGridSample(Case& c) {
  Random& random = c.random();
  const Shape shape = {2, random.Int(1, 3), random.Int(0, 4), random.Int(1, 4)};
  c.Return(c.Add("GridSample", "",
                 {c.Input(random.Values(RareType(random), shape)),
                  c.Input(random.Values(kFloat, {2, random.Int(1, 3), 3, 2}, -3, 3))},
                 {{"mode", std::string(random.Pick({"linear", "nearest", "cubic"}))},
                  {"padding_mode", std::string(random.Pick({"zeros", "border", "reflection"}))},
                  {"align_corners", random.Int(0, 1)}}));
}

void RareCol2Im(Case& c) {
  Random& random = c.random();
  const int64_t width = random.Int(2, 5), channels = random.Int(1, 3);
  c.Return(
      c.Add("Col2Im", "",
            {c.Input(random.Values(RareType(random), {1, channels * 2, width})),
             c.Input(Ints({1, width + 1})), c.Input(Ints({1, 2}))},
            {{"pads", std::vector<int64_t>{0, 0, 0, 0}}, {"strides", std::vector<int64_t>{1, 1}}}));
}

// Convolutions of all shapes that have kernels of their own: thin, folded, turned.
void OddConvolution(Case& c) {
  Random& random = c.random();
  const bool transposed = c.subject().name == "ConvTranspose:odd";
  const int64_t groups = random.Pick<int64_t>({1, 1, 1, 2, 4, 16});
  const int64_t channels = groups * random.Pick<int64_t>({1, 3, 8, 16});
  const int64_t filters = groups * random.Pick<int64_t>({1, 5, 16, 32});
  const int64_t taps = random.Pick<int64_t>({1, 2, 3, 3, 5, 7, 8}), step = random.Int(1, 5);
  const std::vector<int64_t> strides = {step, random.Chance(0.7) ? step : random.Int(1, 3)};
  std::vector<int64_t> pads, dilations;
  for (int i = 0; i < 4; ++i) pads.push_back(random.Int(-2, 4));
  const bool dilated = random.Chance(0.2);
  for (int i = 0; i < 2; ++i) dilations.push_back(dilated ? random.Int(1, 3) : 1);
  Attributes attributes = {
      {"strides", strides}, {"pads", pads}, {"dilations", dilations}, {"group", groups}};
  if (transposed) {
    attributes.emplace_back("output_padding",
                            std::vector<int64_t>{random.Int(0, step - 1), random.Int(0, 1)});
  }
  const Shape weights = transposed ? Shape{channels, filters / groups, taps, taps}
                                   : Shape{filters, channels / groups, taps, taps};
  Value* const x = c.Fed(
      random.Values(kFloat, {random.Int(1, 2), channels, random.Int(1, 24), random.Int(1, 24)}));
  c.Return(c.Add(transposed ? "ConvTranspose" : "Conv", "",
                 {x, c.Constant(random.Values(kFloat, weights)),
                  random.Chance(0.5) ? c.Constant(random.Values(kFloat, {filters})) : nullptr},
                 attributes));
}

Subject Peerless(std::string_view name, void (*make)(Case&), std::string_view domain, int opset,
                 int times = 1) {
  return {name, make, domain, opset, 25, times, true};
}

}  // namespace

std::vector<Subject> PeerlessSubjects() {
  return {Peerless("ImageDecoder", ImageDecoder, "", 20),
          Peerless("ZipMap", ZipMap, kMl, 13),
          Peerless("Unique:rare", RareUnique, "", 11),
          Peerless("Pad:rare", RarePad, "", 13),
          Peerless("GridSample:rare", RareGridSample, "", 20),
          Peerless("Col2Im:rare", RareCol2Im, "", 18),
          Peerless("Conv:odd", OddConvolution, "", 11, 4),
          Peerless("ConvTranspose:odd", OddConvolution, "", 11, 4)};
}

}  // namespace mullion::differential
