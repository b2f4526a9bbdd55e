// SPDX-License-Identifier: MIT
// Convolution, pooling and sampling over space.
#include <algorithm>

#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

struct Window {
  Shape input;  // [N, C, spatial...]
  std::vector<int64_t> kernel, strides, dilations, pads;
  Attributes attributes;
  int dims() const { return static_cast<int>(kernel.size()); }
};

// A window that fits the padded image. Attributes that hold defaults are left out at times.
Window AnyWindow(Random& random, bool dilates, bool pads, int64_t channels) {
  Window w;
  const auto dims = random.realistic() ? 2 : random.Pick({1, 2, 2, 2, 3});
  w.input = Shape{random.Int(1, 2, 1), channels};
  const bool same = pads && random.Chance(0.2);
  const bool padded = pads && !same && random.Chance(0.6);
  const bool strided = random.Chance(0.5), dilated = dilates && random.Chance(0.3);
  w.pads.resize(static_cast<size_t>(dims) * 2);
  for (int i = 0; i < dims; ++i) {
    w.kernel.push_back(random.Int(1, 4, 3));
    w.strides.push_back(strided ? random.Int(1, 3, 2) : 1);
    w.dilations.push_back(dilated && !same ? random.Int(1, 2) : 1);
    const int64_t extent = (w.kernel.back() - 1) * w.dilations.back() + 1;
    w.input.Append(extent + random.Int(0, 9, 53));
    for (const int end : {i, i + dims}) {
      if (padded) w.pads[static_cast<size_t>(end)] = random.Int(0, w.kernel.back() - 1, 1);
    }
  }
  if (strided || random.Chance(0.3)) w.attributes.emplace_back("strides", w.strides);
  if (dilated) w.attributes.emplace_back("dilations", w.dilations);
  if (padded) w.attributes.emplace_back("pads", w.pads);
  if (same) {
    w.attributes.emplace_back("auto_pad", std::string(random.Pick({"SAME_UPPER", "SAME_LOWER"})));
  } else if (random.Chance(0.1) && !padded) {
    w.attributes.emplace_back("auto_pad", std::string("VALID"));
  }
  return w;
}

Shape WithKernel(int64_t a, int64_t b, const std::vector<int64_t>& kernel) {
  Shape shape = {a, b};
  for (const int64_t size : kernel) shape.Append(size);
  return shape;
}

void Convolution(Case& c) {
  Random& random = c.random();
  const bool integer = c.subject().name == "ConvInteger";
  const int64_t groups = random.Pick({1, 1, 2, 3, 8});
  const int64_t channels = groups * random.Int(1, groups > 3 ? 2 : 5, 64 / groups);
  const int64_t filters = groups * random.Int(1, groups > 3 ? 2 : 9, 96 / groups);
  Window w = AnyWindow(random, true, true, channels);
  if (groups > 1) w.attributes.emplace_back("group", groups);
  if (random.Chance(0.6)) w.attributes.emplace_back("kernel_shape", w.kernel);
  const Shape weights = WithKernel(filters, channels / groups, w.kernel);
  if (integer) {
    const ElementType type = kUint8;
    const ElementType weight_type = random.Pick({kUint8, kInt8});
    c.Only({c.Input(random.Values(type, w.input, 0, 255)),
            c.Weights(random.Values(weight_type, weights, -128, 127)),
            random.Chance(0.6) ? c.Input(random.Values(type, {}, 0, 255)) : nullptr,
            random.Chance(0.4) ? c.Input(random.Values(weight_type, {}, -9, 9)) : nullptr},
           w.attributes);
    return;
  }
  const ElementType type = random.Pick({kFloat, kFloat, kFloat, kFloat, kFloat16});
  c.tolerance = {1e-3, 1e-5, 1e-5};
  c.Only({c.Input(random.Values(type, w.input)), c.Weights(random.Values(type, weights)),
          random.Chance(0.6) ? c.Weights(random.Values(type, {filters})) : nullptr},
         w.attributes);
}

void ConvTranspose(Case& c) {
  Random& random = c.random();
  const int64_t groups = random.Pick({1, 1, 2});
  const int64_t channels = groups * random.Int(1, 4, 64), filters = random.Int(1, 4, 32);
  Window w = AnyWindow(random, true, false, channels);
  if (groups > 1) w.attributes.emplace_back("group", groups);
  if (random.Chance(0.5)) w.attributes.emplace_back("kernel_shape", w.kernel);
  std::vector<int64_t> extra;
  for (int i = 0; i < w.dims(); ++i) {
    const auto at = static_cast<size_t>(i);
    extra.push_back(random.Int(0, std::max(w.strides[at], w.dilations[at]) - 1));
    w.pads[at] = random.Int(0, w.kernel[at] - 1, 1);
    w.pads[at + static_cast<size_t>(w.dims())] = random.Int(0, w.kernel[at] - 1, 1);
  }
  const bool valid = std::any_of(w.attributes.begin(), w.attributes.end(),
                                 [](const auto& a) { return a.first == "auto_pad"; });
  const auto kind = random.typical() ? 1 : random.Int(valid ? 2 : 0, valid ? 2 : 4);
  if (kind == 1) w.attributes.emplace_back("pads", w.pads);
  if (kind <= 2) w.attributes.emplace_back("output_padding", extra);
  if (kind == 3) {
    w.attributes.emplace_back("auto_pad", std::string(random.Pick({"SAME_UPPER", "SAME_LOWER"})));
  }
  if (kind == 4) {
    std::vector<int64_t> sizes;
    for (int i = 0; i < w.dims(); ++i) {
      const auto at = static_cast<size_t>(i);
      const int64_t full =
          (w.input[i + 2] - 1) * w.strides[at] + (w.kernel[at] - 1) * w.dilations[at] + 1;
      sizes.push_back(random.Int(std::max<int64_t>(1, full - 3), full));
    }
    w.attributes.emplace_back("output_shape", sizes);
  }
  c.tolerance = {1e-3, 1e-5, 1e-5};
  c.Only({c.Input(random.Values(kFloat, w.input)),
          c.Weights(random.Values(kFloat, WithKernel(channels, filters, w.kernel))),
          random.Chance(0.6) ? c.Weights(random.Values(kFloat, {filters * groups})) : nullptr},
         w.attributes);
}

void Pool(Case& c) {
  Random& random = c.random();
  const std::string_view name = c.subject().name;
  const bool dilates = name == "MaxPool"  ? c.opset() >= 10
                       : name == "LpPool" ? c.opset() >= 18
                                          : c.opset() >= 19;
  Window w = AnyWindow(random, dilates, true, random.Int(1, 5, 64));
  w.attributes.emplace_back("kernel_shape", w.kernel);
  const int ceil_since = name == "LpPool" ? 18 : 10;
  if (c.opset() >= ceil_since && random.Chance(0.4)) {
    w.attributes.emplace_back("ceil_mode", random.Int(0, 1));
  }
  ElementType type = random.Pick({kFloat, kFloat, kFloat16});
  int outputs = 1;
  if (name == "MaxPool") {
    type = c.opset() >= 12 ? random.Pick({kFloat, kFloat, kDouble, kInt8, kUint8}) : kFloat;
    if (c.opset() >= 8 && random.Chance(0.4)) {
      outputs = 2;
      if (random.Chance(0.4)) w.attributes.emplace_back("storage_order", random.Int(0, 1));
    }
  } else if (name == "AveragePool" && random.Chance(0.5)) {
    w.attributes.emplace_back("count_include_pad", random.Int(0, 1));
  } else if (name == "LpPool" && random.Chance(0.7)) {
    w.attributes.emplace_back("p", random.Int(1, 3));
  }
  c.Only({c.Input(random.Values(type, w.input, -50, 50))}, w.attributes, outputs);
}

void GlobalPool(Case& c) {
  Random& random = c.random();
  Shape shape = random.AnyShape(3, 5);
  for (int i = 0; i < shape.rank(); ++i) shape[i] = std::max<int64_t>(shape[i], 1);
  Attributes attributes;
  if (c.subject().name == "GlobalLpPool" && random.Chance(0.7)) {
    attributes.emplace_back("p", random.Int(1, 3));
  }
  c.Only({c.Input(random.Values(random.Pick({kFloat, kFloat, kFloat16}), shape))}, attributes);
}

void MaxUnpool(Case& c) {
  Random& random = c.random();
  // Of a MaxPool's own outputs, so that the indices are right.
  Value* const x =
      c.Input(random.Values(kFloat, {random.Int(1, 2), random.Int(1, 3, 64),
                                     2 * random.Int(1, 4, 28), 2 * random.Int(1, 4, 28)}));
  const Attributes window = {{"kernel_shape", std::vector<int64_t>{2, 2}},
                             {"strides", std::vector<int64_t>{2, 2}}};
  const Node& pool = c.Add("MaxPool", "", {x}, window, 2);
  c.Only({pool.output(0), pool.output(1)}, window);
}

void RoiPool(Case& c) {
  Random& random = c.random();
  const int64_t height = random.Int(4, 9, 50), width = random.Int(4, 9, 50);
  const int64_t rois = random.Int(1, 4, 50);
  const double unit = random.realistic() ? 6 : 1;
  Tensor boxes = random.Values(kFloat, {rois, 5}, 0, 4 * unit);
  const auto values = boxes.mutable_view().span<float>();
  for (size_t i = 0; i < values.size(); i += 5) {
    values[i] = static_cast<float>(random.Int(0, 1));
    values[i + 3] = values[i + 1] + static_cast<float>(random.Real(0.5, 5 * unit));
    values[i + 4] = values[i + 2] + static_cast<float>(random.Real(0.5, 5 * unit));
  }
  Attributes attributes = {
      {"pooled_shape", std::vector<int64_t>{random.Int(1, 3, 7), random.Int(1, 3, 7)}}};
  if (random.Chance(0.5)) attributes.emplace_back("spatial_scale", 0.5f);
  c.Only({c.Input(random.Values(kFloat, {2, random.Int(1, 3, 64), height, width})), c.Input(boxes)},
         attributes);
}

void RoiAlign(Case& c) {
  Random& random = c.random();
  const int64_t rois = random.Int(1, 4, 50);
  const double unit = random.realistic() ? 6 : 1;
  Tensor boxes = random.Values(kFloat, {rois, 4}, -1, 5 * unit);
  const auto values = boxes.mutable_view().span<float>();
  for (size_t i = 0; i < values.size(); i += 4) {
    values[i + 2] = values[i] + static_cast<float>(random.Real(0, 6 * unit));
    values[i + 3] = values[i + 1] + static_cast<float>(random.Real(0, 6 * unit));
  }
  Attributes attributes;
  if (random.Chance(0.5)) attributes.emplace_back("mode", std::string(random.Pick({"avg", "max"})));
  if (random.Chance(0.7)) attributes.emplace_back("output_height", random.Int(1, 4, 7));
  if (random.Chance(0.7)) attributes.emplace_back("output_width", random.Int(1, 4, 7));
  if (random.Chance(0.5)) attributes.emplace_back("sampling_ratio", random.Int(0, 3, 2));
  if (random.Chance(0.5)) attributes.emplace_back("spatial_scale", 0.7f);
  if (c.opset() >= 16 && random.Chance(0.5)) {
    attributes.emplace_back("coordinate_transformation_mode",
                            std::string(random.Pick({"half_pixel", "output_half_pixel"})));
  }
  c.Only({c.Input(random.Values(
              kFloat, {2, random.Int(1, 3, 64), random.Int(3, 8, 40), random.Int(3, 8, 40)})),
          c.Input(boxes), c.Input(random.Values(kInt64, {rois}, 0, 1))},
         attributes);
}

void Resize(Case& c) {
  Random& random = c.random();
  const std::string mode = random.Pick({"nearest", "linear", "cubic"});
  c.DeclareSizes();
  const int rank =
      mode == "cubic" ? 4 : static_cast<int>(random.Int(mode == "linear" ? 3 : 1, 5, 4));
  Shape shape;
  const bool spatial_only = mode != "nearest" || random.Chance(0.7);
  for (int i = 0; i < rank; ++i) {
    const bool outer = i < rank - 2;
    shape.Append(random.Int(1, outer ? 2 : 7, outer ? (i == 0 ? 1 : 32) : 50));
  }
  Attributes attributes = {{"mode", mode}};
  const auto scaled = [&](int i) { return !spatial_only || i >= rank - 2; };
  std::string transform = "half_pixel";
  if (c.opset() >= 11 && random.Chance(0.7)) {
    transform = random.Pick({"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"});
    if (c.opset() >= 19 && random.Chance(0.2)) transform = "half_pixel_symmetric";
    attributes.emplace_back("coordinate_transformation_mode", transform);
  }
  Tensor scales = *Tensor::Allocate(kFloat, {rank});
  std::vector<int64_t> sizes;
  for (int i = 0; i < rank; ++i) {
    double scale = !scaled(i)         ? 1
                   : random.typical() ? 2
                                      : random.Pick({0.5, 0.6, 0.8, 1.0, 1.3, 2.0, 2.5, 3.0});
    const int64_t size =
        std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(shape[i]) * scale));
    sizes.push_back(size);
    // The peer copies an output of the input's size whatever the scale.
    if (size == shape[i]) scale = 1;
    // A size of 0 is no image.
    scales.mutable_view().span<float>()[static_cast<size_t>(i)] =
        static_cast<float>(size == 1 && scale < 1 ? 1.0 : scale);
  }
  const ElementType type = random.Pick({kFloat, kFloat, kFloat, kUint8, kInt32});
  Value* const x = c.Input(random.Values(mode == "nearest" ? type : kFloat, shape, -50, 50));
  c.tolerance = {1e-3, 1e-4, 1e-5};
  if (c.opset() < 11) {
    attributes[0].second = mode == "cubic" ? std::string("linear") : mode;
    return c.Only({x, c.Constant(scales)}, attributes);
  }
  if (mode == "nearest" && random.Chance(0.7)) {
    attributes.emplace_back(
        "nearest_mode",
        std::string(random.Pick({"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"})));
  }
  if (mode == "cubic") {
    if (random.Chance(0.5)) attributes.emplace_back("cubic_coeff_a", -0.5f);
    if (random.Chance(0.4)) attributes.emplace_back("exclude_outside", int64_t{1});
  }
  if (c.opset() >= 18 && mode != "nearest" && random.Chance(0.3)) {
    attributes.emplace_back("antialias", int64_t{1});
  }
  Value* const none = c.opset() < 13 ? c.Constant(random.Values(kFloat, {0})) : nullptr;
  // With align_corners the peer rounds the length before it divides by it, the definition does not.
  if (transform != "align_corners" && random.Chance(0.5)) {
    return c.Only({x, none, c.Input(scales)}, attributes);
  }
  Value* const no_scales = c.opset() < 13 ? c.Constant(random.Values(kFloat, {0})) : nullptr;
  c.Only({x, none, no_scales, c.Input(Ints(sizes))}, attributes);
}

void Upsample(Case& c) {
  Random& random = c.random();
  const Shape shape = {random.Int(1, 2), random.Int(1, 3, 32), random.Int(1, 5, 50),
                       random.Int(1, 5, 50)};
  const std::vector<float> scales = {1, 1, static_cast<float>(random.Int(1, 3)),
                                     static_cast<float>(random.Int(2, 5)) / 2};
  Value* const x = c.Input(random.Values(kFloat, shape));
  Attributes attributes = {{"mode", std::string(random.Pick({"nearest", "linear"}))}};
  if (c.opset() < 9) {
    attributes.emplace_back("scales", scales);
    return c.Only({x}, attributes);
  }
  c.Only({x, c.Constant(Tensor::Vector<float>(std::span<const float>(scales)))}, attributes);
}

void GridSample(Case& c) {
  Random& random = c.random();
  const bool newer = c.opset() >= 20;
  const bool volume = newer && random.Chance(0.3);
  const int64_t batch = random.Int(1, 2);
  Shape shape = {batch, random.Int(1, 3, 32)}, grid = {batch};
  for (int i = 0; i < (volume ? 3 : 2); ++i) {
    shape.Append(random.Int(2, 6, volume ? 16 : 60));
    grid.Append(random.Int(1, 5, volume ? 16 : 60));
  }
  grid.Append(volume ? 3 : 2);
  Attributes attributes;
  if (random.Chance(0.8)) {
    const char* const old_mode = random.Pick({"bilinear", "nearest", "bicubic"});
    const char* const new_mode =
        volume ? random.Pick({"linear", "nearest"}) : random.Pick({"linear", "nearest", "cubic"});
    attributes.emplace_back("mode", std::string(newer ? new_mode : old_mode));
  }
  if (random.Chance(0.7)) {
    attributes.emplace_back("padding_mode",
                            std::string(random.Pick({"zeros", "border", "reflection"})));
  }
  if (random.Chance(0.5)) attributes.emplace_back("align_corners", random.Int(0, 1));
  c.tolerance = {1e-3, 1e-4, 1e-4};
  c.Only({c.Input(random.Values(kFloat, shape)), c.Input(random.Values(kFloat, grid, -1.4, 1.4))},
         attributes);
}

void AffineGrid(Case& c) {
  Random& random = c.random();
  const bool volume = random.Chance(0.4);
  const int64_t batch = random.Int(1, 2);
  std::vector<int64_t> size = {batch, random.Int(1, 3), random.Int(1, 5, 250),
                               random.Int(1, 5, 250)};
  if (volume) size.push_back(random.Int(1, 4, 8));
  Attributes attributes;
  if (random.Chance(0.5)) {
    attributes.emplace_back("align_corners", int64_t{1});
    // Where the one sample of an axis lies is undefined.
    for (size_t i = 2; i < size.size(); ++i) size[i] += 1;
  }
  c.Only({c.Input(random.Values(kFloat, volume ? Shape{batch, 3, 4} : Shape{batch, 2, 3})),
          c.Input(Ints(size))},
         attributes);
}

void Col2Im(Case& c) {
  Random& random = c.random();
  Window w = AnyWindow(random, true, false, 1);
  std::erase_if(w.attributes, [](const auto& attribute) { return attribute.first == "auto_pad"; });
  const int64_t channels = random.Int(1, 3, 64);
  int64_t blocks = 1, taps = 1;
  std::vector<int64_t> image;
  for (int i = 0; i < w.dims(); ++i) {
    const auto at = static_cast<size_t>(i);
    image.push_back(w.input[i + 2]);
    const int64_t extent = (w.kernel[at] - 1) * w.dilations[at] + 1;
    blocks *= (w.input[i + 2] - extent) / w.strides[at] + 1;
    taps *= w.kernel[at];
  }
  Value* const x = c.Input(random.Values(kFloat, {random.Int(1, 2), channels * taps, blocks}));
  Value* const size = c.Input(Ints(image));
  c.Only({x, size, c.Input(Ints(w.kernel))}, w.attributes);
}

void DeformConv(Case& c) {
  Random& random = c.random();
  const int64_t groups = random.Pick({1, 1, 2}), offset_groups = random.Pick({1, 1, 2});
  const int64_t channels = 2 * random.Int(1, 2, 16), filters = groups * random.Int(1, 3, 32);
  const int64_t kh = random.Int(1, 3, 3), kw = random.Int(1, 3, 3);
  const int64_t height = random.Int(3, 6, 40), width = random.Int(3, 6, 40);
  const int64_t oh = height - kh + 1, ow = width - kw + 1;
  Attributes attributes = {{"kernel_shape", std::vector<int64_t>{kh, kw}}};
  if (groups > 1) attributes.emplace_back("group", groups);
  if (offset_groups > 1) attributes.emplace_back("offset_group", offset_groups);
  c.tolerance = {1e-3, 1e-4, 1e-4};
  c.Only({c.Input(random.Values(kFloat, {1, channels, height, width})),
          c.Weights(random.Values(kFloat, {filters, channels / groups, kh, kw})),
          c.Input(random.Values(kFloat, {1, offset_groups * kh * kw * 2, oh, ow}, -1.5, 1.5)),
          random.Chance(0.5) ? c.Input(random.Values(kFloat, {filters})) : nullptr,
          random.Chance(0.5)
              ? c.Input(random.Values(kFloat, {1, offset_groups * kh * kw, oh, ow}, 0, 1))
              : nullptr},
         attributes);
}

}  // namespace

std::vector<Subject> ImageSubjects() {
  return {{"Conv", Convolution},
          {"ConvInteger", Convolution, "", 10},
          {"ConvTranspose", ConvTranspose},
          {"MaxPool", Pool},
          {"AveragePool", Pool},
          {"LpPool", Pool},
          {"GlobalAveragePool", GlobalPool},
          {"GlobalMaxPool", GlobalPool},
          {"GlobalLpPool", GlobalPool},
          {"MaxUnpool", MaxUnpool, "", 9},
          {"MaxRoiPool", RoiPool},
          {"RoiAlign", RoiAlign, "", 10},
          {"Resize", Resize, "", 10},
          {"Upsample", Upsample, "", 7, 9},
          {"GridSample", GridSample, "", 16},
          {"AffineGrid", AffineGrid, "", 20},
          {"Col2Im", Col2Im, "", 18},
          {"DeformConv", DeformConv, "", 19}};
}

}  // namespace mullion::differential
