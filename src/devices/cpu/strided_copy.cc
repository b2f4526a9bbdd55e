// SPDX-License-Identifier: MIT
#include "devices/cpu/strided_copy.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <string>

#include "base/rounding.h"
#include "devices/cpu/kernels/elementwise/fill.h"
#include "devices/cpu/kernels/matrix/transpose_tile.h"

namespace mullion::cpu {

namespace {

using Axis = StridedCopy::Axis;

// Bytes that one chunk of parallel work writes: some 5 us of copying, against about 1 us that
// handing out a chunk costs. With its source it fits a second-level cache of 256 KiB.
constexpr int64_t kChunkBytes = 64 << 10;

// Bytes of a transposition's tile: with its source, most of a first-level cache of 32 KiB.
constexpr int64_t kTileBytes = 16 << 10;

// Walks over all index combinations of some axes, the last axis fastest, and keeps the offsets.
class Odometer {
 public:
  Odometer(std::span<const Axis> axes, int64_t index) : axes_(axes) {
    for (size_t i = axes.size(); i-- > 0;) {
      counters_[i] = index % axes[i].extent;
      index /= axes[i].extent;
      from_ += counters_[i] * axes[i].from;
      to_ += counters_[i] * axes[i].to;
    }
  }

  int64_t from() const { return from_; }
  int64_t to() const { return to_; }

  void Next() {
    for (size_t i = axes_.size(); i-- > 0;) {
      from_ += axes_[i].from;
      to_ += axes_[i].to;
      if (++counters_[i] < axes_[i].extent) return;
      from_ -= axes_[i].extent * axes_[i].from;
      to_ -= axes_[i].extent * axes_[i].to;
      counters_[i] = 0;
    }
  }

 private:
  std::span<const Axis> axes_;
  std::array<int64_t, StridedCopy::kMaxAxes> counters_;
  int64_t from_ = 0;
  int64_t to_ = 0;
};

int64_t Combinations(std::span<const Axis> axes) {
  int64_t count = 1;
  for (const Axis& axis : axes) count *= axis.extent;
  return count;
}

// Copies `outer.extent` lines of `inner.extent` elements.
using LineFunction = void (*)(const uint8_t* from, uint8_t* to, const Axis& outer,
                              const Axis& inner);

// Lines whose elements lie side by side in both layouts: `inner.extent` counts bytes.
void CopyRows(const uint8_t* from, uint8_t* to, const Axis& outer, const Axis& inner) {
  const auto bytes = static_cast<size_t>(inner.extent);
  if (outer.from == 0 && outer.to == inner.extent && outer.extent > 2) {
    // One line, and then twice as many each time.
    const size_t all = bytes * static_cast<size_t>(outer.extent);
    CopyBytes(from, to, bytes);
    for (size_t done = bytes; done < all; done *= 2) {
      std::memcpy(to + done, to, std::min(done, all - done));
    }
    return;
  }
  for (int64_t i = 0; i < outer.extent; ++i) {
    CopyBytes(from + i * outer.from, to + i * outer.to, bytes);
  }
}

template <size_t kElement>
struct Element {
  uint8_t bytes[kElement];
};

// Lines from this many bytes on are filled in whole vectors.
constexpr int64_t kVectorLine = 256;

template <size_t kElement>
void FillLine(const uint8_t* from, uint8_t* to, int64_t count) {
  Element<kElement> value;
  std::memcpy(&value, from, kElement);
  const int64_t bytes = count * int64_t{kElement};
  if (kElement <= sizeof(uint64_t) && bytes >= kVectorLine) {
    uint64_t pattern = 0;
    for (size_t at = 0; at < sizeof(pattern); at += kElement) {
      std::memcpy(reinterpret_cast<uint8_t*>(&pattern) + at, &value, kElement);
    }
    FillBytes(pattern, to, static_cast<size_t>(bytes));
    return;
  }
  for (int64_t i = 0; i < count; ++i) std::memcpy(to + i * int64_t{kElement}, &value, kElement);
}

template <size_t kElement>
void GatherLine(const uint8_t* from, int64_t from_stride, uint8_t* to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(to + i * int64_t{kElement}, from + i * from_stride, kElement);
  }
}

template <size_t kElement>
void CopyLines(const uint8_t* from, uint8_t* to, const Axis& outer, const Axis& inner) {
  for (int64_t line = 0; line < outer.extent; ++line) {
    const uint8_t* source = from + line * outer.from;
    uint8_t* target = to + line * outer.to;
    if (inner.to == int64_t{kElement}) {
      if (inner.from == 0) {
        FillLine<kElement>(source, target, inner.extent);
      } else {
        GatherLine<kElement>(source, inner.from, target, inner.extent);
      }
      continue;
    }
    for (int64_t i = 0; i < inner.extent; ++i) {
      std::memcpy(target + i * inner.to, source + i * inner.from, kElement);
    }
  }
}

void CopyStringLines(const uint8_t* from, uint8_t* to, const Axis& outer, const Axis& inner) {
  for (int64_t line = 0; line < outer.extent; ++line) {
    for (int64_t i = 0; i < inner.extent; ++i) {
      const int64_t source = line * outer.from + i * inner.from;
      const int64_t target = line * outer.to + i * inner.to;
      *reinterpret_cast<std::string*>(to + target) =
          *reinterpret_cast<const std::string*>(from + source);
    }
  }
}

LineFunction LineFunctionFor(int64_t element) {
  switch (element) {
    case 1:
      return CopyLines<1>;
    case 2:
      return CopyLines<2>;
    case 4:
      return CopyLines<4>;
    case 8:
      return CopyLines<8>;
    default:
      return CopyLines<16>;
  }
}

// Runs `function` over all lines along `inner`, cut into chunks of about kChunkBytes. `element`
// bytes are written per step of `inner`.
void RunLines(std::span<const Axis> axes, const Axis& inner, int64_t element, LineFunction function,
              const uint8_t* from, uint8_t* to, Parallel& parallel) {
  const Axis next = axes.empty() ? Axis{} : axes.back();
  const auto outer = axes.empty() ? axes : axes.first(axes.size() - 1);
  const int64_t lines = Combinations(axes);
  const int64_t line_bytes = inner.extent * element;
  if (line_bytes > 2 * kChunkBytes) {
    const int64_t step = kChunkBytes / element;
    const int64_t pieces = DivideUp(inner.extent, step);
    parallel.For(lines * pieces, 1, [&](int64_t begin, int64_t end, int /*worker*/) {
      for (int64_t unit = begin; unit < end; ++unit) {
        const Odometer line(axes, unit / pieces);
        const int64_t first = unit % pieces * step;
        const Axis part{std::min(step, inner.extent - first), inner.from, inner.to};
        function(from + line.from() + first * inner.from, to + line.to() + first * inner.to, {},
                 part);
      }
    });
    return;
  }
  const int64_t chunk = std::max<int64_t>(1, kChunkBytes / line_bytes);
  parallel.For(lines, chunk, [&](int64_t begin, int64_t end, int /*worker*/) {
    Odometer block(outer, begin / next.extent);
    int64_t first = begin % next.extent;
    for (int64_t left = end - begin; left > 0;) {
      const Axis run{std::min(left, next.extent - first), next.from, next.to};
      function(from + block.from() + first * next.from, to + block.to() + first * next.to, run,
               inner);
      left -= run.extent;
      first = 0;
      block.Next();
    }
  });
}

// A matrix to transpose for each combination of the outer axes. Its elements lie side by side along
// `columns` in the source and along `rows` in the destination.
struct Matrices {
  std::span<const Axis> outer;
  Axis rows;
  Axis columns;
  size_t element;
};

void RunTiles(const Matrices& m, const uint8_t* from, uint8_t* to, Parallel& parallel) {
  const auto element = static_cast<int64_t>(m.element);
  // Squares of up to 256 bytes a side, so that both sides move whole cache lines; longer where the
  // other side of the matrix is short.
  const int64_t most = kTileBytes / element;
  const int64_t edge = std::clamp<int64_t>(256 / element, 16, 128);
  int64_t tile_rows = std::min(m.rows.extent, edge);
  const int64_t tile_columns = std::min(m.columns.extent, most / tile_rows);
  tile_rows = std::min(m.rows.extent, most / tile_columns);
  const int64_t row_tiles = DivideUp(m.rows.extent, tile_rows);
  const int64_t column_tiles = DivideUp(m.columns.extent, tile_columns);
  const int64_t tiles = row_tiles * column_tiles;
  const int64_t chunk = std::max<int64_t>(1, kChunkBytes / (tile_rows * tile_columns * element));
  parallel.For(Combinations(m.outer) * tiles, chunk, [&](int64_t begin, int64_t end, int) {
    Odometer matrix(m.outer, begin / tiles);
    int64_t tile = begin % tiles;
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t row = tile / column_tiles * tile_rows;
      const int64_t column = tile % column_tiles * tile_columns;
      TransposeTile(m.element, from + matrix.from() + row * m.rows.from + column * m.columns.from,
                    static_cast<ptrdiff_t>(m.rows.from),
                    to + matrix.to() + row * m.rows.to + column * m.columns.to,
                    static_cast<ptrdiff_t>(m.columns.to),
                    static_cast<size_t>(std::min(tile_rows, m.rows.extent - row)),
                    static_cast<size_t>(std::min(tile_columns, m.columns.extent - column)));
      if (++tile == tiles) {
        tile = 0;
        matrix.Next();
      }
    }
  });
}

// Joins or parts up to four streams along the matrices' long side `along`.
template <typename Function>
void RunStreams(const Matrices& m, const Axis& along, int64_t streams, const uint8_t* from,
                uint8_t* to, Parallel& parallel, Function function) {
  const int64_t bytes = streams * static_cast<int64_t>(m.element);
  const int64_t step = std::min(along.extent, kChunkBytes / bytes);
  const int64_t pieces = DivideUp(along.extent, step);
  const int64_t chunk = std::max<int64_t>(1, kChunkBytes / (step * bytes));
  parallel.For(Combinations(m.outer) * pieces, chunk, [&](int64_t begin, int64_t end, int) {
    Odometer matrix(m.outer, begin / pieces);
    int64_t first = begin % pieces * step;
    for (int64_t unit = begin; unit < end; ++unit) {
      function(from + matrix.from() + first * along.from, to + matrix.to() + first * along.to,
               static_cast<size_t>(std::min(step, along.extent - first)));
      first += step;
      if (first < along.extent) continue;
      first = 0;
      matrix.Next();
    }
  });
}

void RunMatrices(const Matrices& m, const uint8_t* from, uint8_t* to, Parallel& parallel) {
  const auto element = static_cast<int64_t>(m.element);
  if (CanInterleave(m.element, m.rows.extent) && m.columns.to == m.rows.extent * element) {
    const auto streams = static_cast<int>(m.rows.extent);
    RunStreams(m, m.columns, streams, from, to, parallel,
               [&](const uint8_t* source, uint8_t* target, size_t count) {
                 Interleave(m.element, streams, source, static_cast<ptrdiff_t>(m.rows.from), target,
                            count);
               });
  } else if (CanInterleave(m.element, m.columns.extent) &&
             m.rows.from == m.columns.extent * element) {
    const auto streams = static_cast<int>(m.columns.extent);
    RunStreams(m, m.rows, streams, from, to, parallel,
               [&](const uint8_t* source, uint8_t* target, size_t count) {
                 Deinterleave(m.element, streams, source, target,
                              static_cast<ptrdiff_t>(m.columns.to), count);
               });
  } else {
    RunTiles(m, from, to, parallel);
  }
}

// Elements that share bytes: on one thread, and one after the other but where lines are copied.
void RunPacked(std::span<const Axis> axes, int bits, const uint8_t* from, int64_t from_offset,
               uint8_t* to, int64_t to_offset) {
  const bool lines = !axes.empty() && axes.back().from == 1 && axes.back().to == 1;
  const int64_t line = lines ? axes.back().extent : 1;
  if (lines) axes = axes.first(axes.size() - 1);
  const int64_t count = Combinations(axes);
  Odometer place(axes, 0);
  for (int64_t i = 0; i < count; ++i) {
    CopyPacked(from, from_offset + place.from(), to, to_offset + place.to(), line, bits);
    place.Next();
  }
}

}  // namespace

StridedCopy::StridedCopy(ElementType type) : type_(type) {}

int64_t StridedCopy::unit() const {
  return IsSubByte(type_) ? 1 : static_cast<int64_t>(ByteSize(type_, 1));
}

void StridedCopy::AddAxis(int64_t extent, int64_t from_stride, int64_t to_stride) {
  if (extent == 1) return;
  if (extent == 0) {
    empty_ = true;
    return;
  }
  const Axis axis{extent, from_stride * unit(), to_stride * unit()};
  if (rank_ > 0) {
    Axis& last = axes_[static_cast<size_t>(rank_ - 1)];
    if (last.from == extent * axis.from && last.to == extent * axis.to) {
      last = {last.extent * extent, axis.from, axis.to};
      return;
    }
  }
  axes_[static_cast<size_t>(rank_++)] = axis;
}

void StridedCopy::Run(const void* from, int64_t from_offset, void* to, int64_t to_offset,
                      Parallel& parallel) const {
  if (empty_) return;
  std::span<const Axis> axes(axes_.data(), static_cast<size_t>(rank_));
  if (IsSubByte(type_)) {
    RunPacked(axes, ElementBits(type_), static_cast<const uint8_t*>(from), from_offset,
              static_cast<uint8_t*>(to), to_offset);
    return;
  }
  const uint8_t* const source = static_cast<const uint8_t*>(from) + from_offset * unit();
  uint8_t* const target = static_cast<uint8_t*>(to) + to_offset * unit();
  int64_t element = unit();
  Axis inner{1, element, element};
  if (type_ == ElementType::kString) {
    if (!axes.empty()) {
      inner = axes.back();
      axes = axes.first(axes.size() - 1);
    }
    RunLines(axes, inner, element, CopyStringLines, source, target, parallel);
    return;
  }
  // Elements that stay side by side move as one.
  if (!axes.empty() && axes.back().from == element && axes.back().to == element) {
    element *= axes.back().extent;
    axes = axes.first(axes.size() - 1);
  }
  const bool small = element == 1 || element == 2 || element == 4 || element == 8 || element == 16;
  if (!small || axes.empty()) {
    RunLines(axes, {element, 1, 1}, 1, CopyRows, source, target, parallel);
    return;
  }
  inner = axes.back();
  axes = axes.first(axes.size() - 1);
  const auto contiguous = std::find_if(axes.rbegin(), axes.rend(),
                                       [&](const Axis& axis) { return axis.from == element; });
  if (inner.to != element || contiguous == axes.rend()) {
    RunLines(axes, inner, element, LineFunctionFor(element), source, target, parallel);
    return;
  }
  std::array<Axis, kMaxAxes> outer;
  size_t count = 0;
  for (const Axis& axis : axes) {
    if (&axis != &*contiguous) outer[count++] = axis;
  }
  RunMatrices({std::span<const Axis>(outer.data(), count), inner, *contiguous,
               static_cast<size_t>(element)},
              source, target, parallel);
}

void CopyPacked(const uint8_t* from, int64_t from_index, uint8_t* to, int64_t to_index,
                int64_t count, int bits) {
  const int64_t in_byte = 8 / bits;
  const auto one_by_one = [&](int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      SetPacked(to, to_index + i, bits, GetPacked(from, from_index + i, bits));
    }
    from_index += n;
    to_index += n;
    count -= n;
  };
  one_by_one(std::min(count, (in_byte - to_index % in_byte) % in_byte));
  const int shift = static_cast<int>(from_index % in_byte) * bits;
  const int64_t in_word = 8 * in_byte;
  for (; count >= in_word; count -= in_word) {
    const uint8_t* const source = from + from_index / in_byte;
    uint64_t word;
    std::memcpy(&word, source, sizeof(word));
    // The lowest bits of the word are the first byte's.
    if (shift != 0) word = word >> shift | uint64_t{source[8]} << (64 - shift);
    std::memcpy(to + to_index / in_byte, &word, sizeof(word));
    from_index += in_word;
    to_index += in_word;
  }
  one_by_one(count);
}

void CopyTensor(const TensorView& from, const MutableTensorView& to, Parallel& parallel) {
  if (from.data == to.data) return;
  if (IsSubByte(from.type)) {
    CopyElements(from, to);
    return;
  }
  StridedCopy copy(from.type);
  copy.AddAxis(from.count(), 1, 1);
  copy.Run(from.data, 0, to.data, 0, parallel);
}

}  // namespace mullion::cpu
