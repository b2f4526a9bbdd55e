// SPDX-License-Identifier: MIT
// com.microsoft's weights of a few bits in blocks that have a scale each.
#include <algorithm>

#include "tests/differential/spelled_out.h"
#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

using enum ElementType;

// Weights of `bits` in blocks along k, with zero points as packed numbers, as floats, or none.
struct BlockNumbers {
  BlockNumbers(Random& random, int64_t number_bits, int64_t rows, int64_t columns, int64_t width)
      : bits(number_bits),
        k(rows),
        n(columns),
        block(width),
        blocks((k + block - 1) / block),
        flat(random.Chance(0.2)),
        numbers(random.Values(kUint8, {n, blocks, block * bits / 8}, 0, 255)),
        scales(random.Values(kFloat, each(), 0.01, 0.1)) {
    if (!random.Chance(0.5)) return;
    const int64_t row = (blocks * bits + 7) / 8;
    zeros = random.Chance(0.3)
                ? random.Values(kFloat, each(), 0, static_cast<double>(1 << bits))
                : random.Values(kUint8, flat ? Shape{n * row} : Shape{n, row}, 0, 255);
  }

  Shape each() const { return flat ? Shape{n * blocks} : Shape{n, blocks}; }
  bool HasFloatZeros() const { return zeros.type() == kFloat; }

  // Number i of row `row` of several bytes.
  int Number(const Tensor& bytes, int64_t row, int64_t i) const {
    const int64_t per_byte = 8 / bits, row_bytes = bytes.count() / n;
    const auto byte = bytes.span<uint8_t>()[static_cast<size_t>(row * row_bytes + i / per_byte)];
    return byte >> (i % per_byte * bits) & ((1 << bits) - 1);
  }

  // [k, n], where row k has the scale and zero point of the block that `groups` says.
  Tensor Floats(const Tensor& groups) const {
    std::vector<float> floats;
    for (int64_t row = 0; row < k; ++row) {
      const int64_t at = groups ? groups.span<int32_t>()[static_cast<size_t>(row)] : row / block;
      for (int64_t column = 0; column < n; ++column) {
        const auto place = static_cast<size_t>(column * blocks + at);
        const float zero = !zeros            ? static_cast<float>(1 << (bits - 1))
                           : HasFloatZeros() ? zeros.span<float>()[place]
                                             : static_cast<float>(Number(zeros, column, at));
        floats.push_back((static_cast<float>(Number(numbers, column, row)) - zero) *
                         scales.span<float>()[place]);
      }
    }
    return Tensor::FromSpan<float>({k, n}, std::span<const float>(floats));
  }

  int64_t bits, k, n, block, blocks;
  bool flat;
  Tensor numbers, scales, zeros;
};

void MatMulNBits(Case& c) {
  Random& random = c.random();
  const int64_t bits = random.Pick<int64_t>({4, 4, 8, 2});
  const int64_t block = random.PickSize({16, 32, 64}, 32);
  const int64_t k = random.Chance(0.7) ? random.Int(1, 5, 64) * 16 : random.Int(1, 80, 1000);
  const BlockNumbers weights(random, bits, k, random.Int(1, 20, 1024), block);
  const int64_t m = random.Int(1, 5, random.typical() ? 1 : 64);
  const bool fed = !random.realistic() && random.Chance(0.15);
  const auto given = [&](const Tensor& tensor) {
    return !tensor ? nullptr : fed ? c.Fed(tensor) : c.Constant(tensor);
  };
  Tensor groups;
  if (random.Chance(0.15)) {
    groups = random.Values(kInt32, {k}, 0, static_cast<double>(weights.blocks - 1));
  }
  Value* const x = c.Fed(random.Values(kFloat, random.Chance(0.4) ? Shape{2, m, k} : Shape{m, k}));
  Value* const bias = random.Chance(0.3) ? c.Constant(random.Values(kFloat, {weights.n})) : nullptr;
  c.tolerance = {1e-3, 1e-3, 1e-4};
  c.Only({x, given(weights.numbers), given(weights.scales), given(weights.zeros),
          groups ? c.Constant(groups) : nullptr, bias},
         {{"K", k}, {"N", weights.n}, {"bits", bits}, {"block_size", block}});
  // Of groups the peer only has those of 4 bits without zero points, and of numbers of 8 bits none
  // with zero points of float.
  if (!groups && !(bits == 8 && weights.HasFloatZeros())) return;
  c.BeginTwin(13);
  const Words w{c};
  Value* const product = w("MatMul", {c.Twin(x), c.TwinConstant(weights.Floats(groups))});
  c.Return(bias == nullptr ? product : w("Add", {product, c.Twin(bias)}));
}

void MatMulBnb4(Case& c) {
  Random& random = c.random();
  const int64_t k = random.Int(1, 40, 1024), n = random.Int(1, 20, 1024);
  const int64_t m = random.Int(1, 5, random.typical() ? 1 : 64);
  const int64_t block = random.PickSize({16, 32, 64}, 64);
  const bool turned = random.Chance(0.7), fed = !random.realistic() && random.Chance(0.2);
  const auto given = [&](const Tensor& tensor) { return fed ? c.Fed(tensor) : c.Constant(tensor); };
  Attributes attributes = {
      {"K", k}, {"N", n}, {"block_size", block}, {"quant_type", random.Int(0, 1)}};
  if (!turned || random.Chance(0.5)) attributes.emplace_back("transB", int64_t{turned});
  const int64_t width = turned ? k : n;
  c.tolerance = {1e-4, 1e-5, 1e-5};
  Value* const x =
      c.Fed(random.Values(kFloat, random.Chance(0.4) ? Shape{2, m, width} : Shape{m, width}));
  Value* const numbers = given(random.Values(kUint8, {(n * k + 1) / 2}, 0, 255));
  Value* const scales = given(random.Values(kFloat, {(n * k + block - 1) / block}, 0.1, 1));
  c.Only({x, numbers, scales}, attributes);
  if (turned) return;
  // The peer's results have nothing to do with such weights: it gives them, transposed, as those of
  // one row for each column.
  c.BeginTwin(13);
  const Words w{c};
  Tensor rows = random.Values(kFloat, {k, k}, 0, 0);
  for (int64_t i = 0; i < k; ++i)
    rows.mutable_view().span<float>()[static_cast<size_t>(i * k + i)] = 1;
  attributes.back() = {"transB", int64_t{1}};
  Value* const weights =
      c.Add({c.TwinConstant(rows), c.Twin(numbers), c.Twin(scales)}, attributes).output(0);
  c.Return(w("MatMul", {c.Twin(x), w("Transpose", {weights})}));
}

void GatherBlockQuantized(Case& c) {
  Random& random = c.random();
  const int64_t rows = random.Int(2, 6, 4000);
  const int64_t width = random.Chance(0.7) ? random.Int(1, 3, 16) * 32 : random.Int(1, 12) * 4;
  const bool bytes = random.Chance(0.5), floats = !bytes && random.Chance(0.2);
  const int64_t block = floats ? random.Pick<int64_t>({0, 16}) : random.Pick<int64_t>({16, 16, 32});
  const int64_t bits = bytes ? random.Pick<int64_t>({4, 8, 2}) : 4;
  const ElementType type = bytes    ? kUint8
                           : floats ? random.Pick({kFloat8E4M3FN, kFloat8E5M2, kFloat4E2M1})
                                    : random.Pick({kUint4, kInt4});
  Shape shape = {rows, width};
  if (random.Chance(0.3)) shape = {rows, random.Int(1, 3), width};
  const int rank = shape.rank();
  const auto gather = bytes || random.Chance(0.6) ? 0 : random.Int(0, rank - 1);
  const auto quantize = bytes || random.Chance(0.6) ? rank - 1 : random.Int(0, rank - 1);
  const int64_t size = shape[static_cast<int>(quantize)];
  Shape blocks = shape;
  blocks[static_cast<int>(quantize)] = block == 0 ? 1 : (size + block - 1) / block;
  const auto packed = [&](Shape whole) {
    if (bytes) whole[rank - 1] = (whole[rank - 1] * bits + 7) / 8;
    return whole;
  };
  Attributes attributes = {
      {"block_size", block}, {"quantize_axis", quantize}, {"gather_axis", gather}};
  if (bytes) attributes.emplace_back("bits", bits);
  const int64_t places = shape[static_cast<int>(gather)];
  Value* const table = c.Constant(random.Values(type, packed(shape), 0, 255));
  Value* const indices =
      c.Input(random.Values(random.Pick({kInt64, kInt32}), random.AnyShape(0, 2, 6, {4, 128}),
                            static_cast<double>(-places), static_cast<double>(places - 1)));
  Shape scale_shape = blocks;
  if (floats && random.Chance(0.4) && quantize != 0) scale_shape[0] = 1;
  Value* const scales = c.Constant(random.Values(kFloat, scale_shape, 0.01, 0.1));
  Value* const zeros = !floats && random.Chance(0.5)
                           ? c.Constant(random.Values(type, packed(blocks), 0, 255))
                           : nullptr;
  c.Only({table, indices, scales, zeros}, attributes);
  if (!floats) return;
  c.BeginTwin(23);  // the peer has whole numbers only
  const Words w{c};
  std::vector<int64_t> at;
  for (int64_t i = 0; i < size; ++i) at.push_back(block == 0 ? 0 : i / block);
  Value* const each = w("Gather", {c.Twin(scales), w.Ints(at)}, {{"axis", quantize}});
  c.Return(w("Gather", {w("Mul", {w.Cast(c.Twin(table), kFloat), each}), c.Twin(indices)},
             {{"axis", gather}}));
}

}  // namespace

std::vector<Subject> BlockWeightSubjects() {
  return {{"MatMulNBits", MatMulNBits, kMicrosoft, 13},
          {"MatMulBnb4", MatMulBnb4, kMicrosoft, 13},
          {"GatherBlockQuantized", GatherBlockQuantized, kMicrosoft, 13}};
}

}  // namespace mullion::differential
