// SPDX-License-Identifier: MIT
#include "devices/cpu/cached_rows.h"

#include <algorithm>
#include <cstring>

#include "base/packed.h"
#include "devices/cpu/kernels/elementwise/convert.h"
#include "devices/cpu/kernels/elementwise/quantize.h"

namespace mullion::cpu {

namespace {

// Numbers that are taken at a time; even, as two are in a byte.
constexpr int64_t kRowPart = 256;

// Steps and zero points of such a part.
struct PartSteps {
  PartSteps(const CachedRows& rows, int64_t head, int64_t first, int64_t count)
      : steps{rows.scale + (rows.scale_each ? head * rows.size + first : 0), zeros,
              rows.scale_each} {
    std::fill_n(zeros, rows.scale_each ? count : 1, rows.bits == 4 ? 8.0f : 0.0f);
  }
  QuantizationSteps steps;
  float zeros[kRowPart];
};

}  // namespace

void CachedRows::DecodePart(const std::byte* from, int64_t head, int64_t first, int64_t count,
                            float* to) const {
  if (float8) {
    ConvertElements(ElementType::kFloat8E4M3FN, from, ElementType::kFloat, to,
                    static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) to[i] *= StepOf(head, first + i);
    return;
  }
  const PartSteps part(*this, head, first, count);
  if (bits == 8) return DequantizeBytes(from, true, to, count, part.steps);
  uint8_t numbers[kRowPart];
  UnpackElements(ElementType::kUint4, from, numbers, count);
  DequantizeBytes(numbers, false, to, count, part.steps);
}

void CachedRows::EncodePart(const float* from, int64_t head, int64_t first, int64_t count,
                            std::byte* to) const {
  if (float8) {
    float parts[kRowPart];
    for (int64_t i = 0; i < count; ++i) parts[i] = from[i] / StepOf(head, first + i);
    return ConvertElements(ElementType::kFloat, parts, ElementType::kFloat8E4M3FN, to,
                           static_cast<size_t>(count));  // what is too large becomes the largest
  }
  const PartSteps part(*this, head, first, count);
  if (bits == 8) return QuantizeToBytes(from, true, to, count, part.steps);
  float whole[kRowPart];
  std::copy_n(from, count, whole);
  QuantizeFloats(whole, count, part.steps, 0, 15);
  uint8_t numbers[kRowPart];
  std::transform(whole, whole + count, numbers, [](float x) { return static_cast<uint8_t>(x); });
  PackElements(ElementType::kUint4, numbers, to, count);
}

void CachedRows::Decode(const std::byte* from, int64_t rows, int64_t head, float* to) const {
  const int64_t bytes = BytesOf(size);
  if (bits == 0) {
    std::memcpy(to, from, static_cast<size_t>(rows * bytes));
    return;
  }
  // Rows of one step for all are one long row.
  const bool joined = !scale_each && bits == 8;
  const int64_t columns = joined ? rows * size : size;
  for (int64_t row = 0; row < (joined ? 1 : rows); ++row, from += bytes, to += size) {
    for (int64_t i = 0; i < columns; i += kRowPart) {
      DecodePart(from + BytesOf(i), head, i, std::min(kRowPart, columns - i), to + i);
    }
  }
}

void CachedRows::Keep(const CachePlan& plan, int64_t batch, int64_t head) const {
  const int64_t bytes = BytesOf(size);
  const std::byte* const from = past + (batch * heads + head) * past_rows * bytes;
  std::byte* const to = present + (batch * heads + head) * present_rows * bytes;
  const int64_t kept = std::max<int64_t>(plan.held[batch] - plan.drops[batch], 0);
  if (kept > 0 && (to != from || plan.drops[batch] > 0)) {
    std::memmove(to, from + plan.drops[batch] * bytes, static_cast<size_t>(kept * bytes));
  }
  if (to == from) return;
  std::memset(to + kept * bytes, 0, static_cast<size_t>((present_rows - kept) * bytes));
}

void CachedRows::Gather(const CachePlan& plan, int64_t batch, int64_t head, const HeadRows& now,
                        int64_t new_rows, float* all, int64_t all_rows) const {
  const int64_t bytes = BytesOf(size);
  const int64_t held = plan.held[batch];
  float* to = all + (batch * heads + head) * all_rows * size;
  const auto past_row = [&](int64_t b, int64_t t) {
    return past + ((b * heads + head) * past_rows + t) * bytes;
  };
  if (plan.origins == nullptr) {
    if (held > 0) Decode(past_row(batch, 0), held, head, to);
  } else {
    for (int64_t t = 0; t < held; ++t) {
      const int64_t beam = plan.origins[batch * plan.columns + t];
      Decode(past_row(batch - batch % plan.beams + beam, t), 1, head, to + t * size);
    }
  }
  to += held * size;
  if (present != nullptr) Keep(plan, batch, head);
  for (int64_t t = 0; t < new_rows; ++t, to += size) {
    const float* const from =
        static_cast<const float*>(now.data) + batch * now.batch + head * now.head + t * now.row;
    const int64_t place = held + t - plan.drops[batch];
    std::byte* const kept = present == nullptr || place < 0
                                ? nullptr
                                : present + ((batch * heads + head) * present_rows + place) * bytes;
    if (bits == 0) {
      std::copy_n(from, size, to);
      if (kept != nullptr) std::memcpy(kept, from, static_cast<size_t>(bytes));
      continue;
    }
    for (int64_t i = 0; i < size; i += kRowPart) {
      const int64_t count = std::min(kRowPart, size - i);
      std::byte encoded[kRowPart];
      EncodePart(from + i, head, i, count, encoded);
      DecodePart(encoded, head, i, count, to + i);
      if (kept == nullptr) continue;
      std::memcpy(kept + BytesOf(i), encoded, static_cast<size_t>(BytesOf(count)));
    }
  }
}

}  // namespace mullion::cpu
