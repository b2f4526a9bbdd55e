// SPDX-License-Identifier: MIT
// Caches of keys or values that attention cannot read as they lie: of numbers of few bits, of the
// last tokens only, or of beams that went on from one another.
#ifndef MULLION_DEVICES_CPU_CACHED_ROWS_H_
#define MULLION_DEVICES_CPU_CACHED_ROWS_H_

#include <cstddef>
#include <cstdint>

#include "devices/cpu/kernels/sequence/attention.h"

namespace mullion::cpu {

// What happens to the rows of each batch, one number per batch.
struct CachePlan {
  const int64_t* held = nullptr;  // past rows that are read
  const int64_t* drops =
      nullptr;  // the first ones of these, and then of the new ones, are not kept
  // Not null: past row t of batch b is that of beam origins[b * columns + t] of b's group of beams.
  const int32_t* origins = nullptr;
  int64_t beams = 1;
  int64_t columns = 0;
};

// Heads of keys or of values: dense [batch, heads, rows, size].
struct CachedRows {
  int64_t heads = 0;
  int64_t size = 0;
  int64_t bits = 0;     // of a number in a cache: 0 of floats, 8 signed, 4 with 8 added and packed
  bool float8 = false;  // those of 8 are float8e4m3fn
  const float* scale = nullptr;  // with bits: one step, or one for each number of a head
  bool scale_each = false;
  const std::byte* past = nullptr;
  int64_t past_rows = 0;
  std::byte* present = nullptr;  // null, or where the rows that are kept go; may be the past
  int64_t present_rows = 0;

  // Moves the past rows that are kept to the front of the present, which has nothing behind them.
  void Keep(const CachePlan& plan, int64_t batch, int64_t head) const;

  // Writes past and new rows to `all`, [batch, heads, all_rows, size], as the caches hold them, and
  // what is kept of both to the present.
  void Gather(const CachePlan& plan, int64_t batch, int64_t head, const HeadRows& now,
              int64_t new_rows, float* all, int64_t all_rows) const;

 private:
  int64_t BytesOf(int64_t numbers) const {
    return bits == 0 ? numbers * int64_t{sizeof(float)} : bits == 8 ? numbers : (numbers + 1) / 2;
  }
  float StepOf(int64_t head, int64_t i) const { return scale[scale_each ? head * size + i : 0]; }
  void Decode(const std::byte* from, int64_t rows, int64_t head, float* to) const;
  // A part of a row, of kRowPart numbers at most.
  void DecodePart(const std::byte* from, int64_t head, int64_t first, int64_t count,
                  float* to) const;
  void EncodePart(const float* from, int64_t head, int64_t first, int64_t count,
                  std::byte* to) const;
};

}  // namespace mullion::cpu

#endif  // MULLION_DEVICES_CPU_CACHED_ROWS_H_
