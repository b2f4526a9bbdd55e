// SPDX-License-Identifier: MIT
#include "operators/pad.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "base/packed.h"
#include "devices/cpu/kernels/elementwise/fill.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/rows.h"
#include "devices/cpu/strided_copy.h"

namespace mullion::cpu {

namespace {

using operators::PadMode;
using operators::Pads;
using operators::PadSource;

struct PadAxis {
  int64_t from;    // dimension of the input
  int64_t to;      // dimension of the output
  int64_t before;  // output positions before the first input position; may be negative
  int64_t stride;  // elements of the input between neighbours
};

// The output as rows along the last axis that is padded. What follows that axis moves as blocks,
// and axes in front of it that are not padded count as one where they stand side by side.
struct Layout {
  PadMode mode = PadMode::kConstant;
  int rank = 0;  // of the axes around the rows; 0 also when nothing is padded
  std::array<PadAxis, kMaxRank> axes;
  PadAxis row{0, 0, 0, 0};
  int64_t rows = 1;
  int64_t block = 1;  // elements of one step along a row
  bool padded = false;
};

Layout MakeLayout(PadMode mode, const Pads& pads, const Shape& from, const Shape& to) {
  Layout layout;
  layout.mode = mode;
  const auto strides = RowMajorStrides(from);
  const auto is_padded = [&](int axis) {
    return pads.begin[static_cast<size_t>(axis)] != 0 || pads.end[static_cast<size_t>(axis)] != 0;
  };
  int last = from.rank() - 1;
  while (last >= 0 && !is_padded(last)) layout.block *= to[last--];
  if (last < 0) return layout;
  layout.padded = true;
  layout.row = {from[last], to[last], pads.begin[static_cast<size_t>(last)], layout.block};
  bool merge = false;  // the axis before this one was not padded
  for (int i = 0; i < last; ++i) {
    const auto axis = static_cast<size_t>(i);
    layout.rows *= to[i];
    if (merge && !is_padded(i)) {
      PadAxis& outer = layout.axes[static_cast<size_t>(layout.rank - 1)];
      outer = {outer.from * from[i], outer.to * to[i], 0, strides[axis]};
      continue;
    }
    layout.axes[static_cast<size_t>(layout.rank++)] = {from[i], to[i], pads.begin[axis],
                                                       strides[axis]};
    merge = !is_padded(i);
  }
  return layout;
}

// Walks over the rows of the output and tells where the row of the input that each shows begins.
class SourceRows {
 public:
  SourceRows(const Layout& layout, int64_t row) : layout_(layout) {
    for (int i = layout.rank - 1; i >= 0; --i) {
      const PadAxis& axis = layout.axes[static_cast<size_t>(i)];
      const int64_t rest = i > 0 ? row / axis.to : 0;
      at_[static_cast<size_t>(i)] = row - rest * axis.to;
      row = rest;
    }
    for (int i = 0; i < layout.rank; ++i) Look(i);
  }

  // -1 for a row of the border.
  int64_t source() const { return outside_ > 0 ? -1 : offset_; }

  // Steps over rows of the border, and says how many: this one, and along the innermost axis all
  // that follow where another axis is outside, but no more than `most`.
  int64_t SkipBorder(int64_t most) {
    int64_t skipped = 1;
    if (layout_.rank > 0) {
      const int inner = layout_.rank - 1;
      const auto axis = static_cast<size_t>(inner);
      if (outside_ > (part_[axis] < 0 ? 1 : 0)) {
        skipped = std::min(most, layout_.axes[axis].to - at_[axis]);
        Forget(inner);
        at_[axis] += skipped - 1;
        Look(inner);
      }
    }
    Next();
    return skipped;
  }

  void Next() {
    if (StepWithin()) return;
    for (int i = layout_.rank - 1; i >= 0; --i) {
      const auto axis = static_cast<size_t>(i);
      Forget(i);
      const bool within = ++at_[axis] < layout_.axes[axis].to;
      if (!within) at_[axis] = 0;
      Look(i);
      if (within) return;
    }
  }

  // As most steps are: from row to row of the data along the innermost axis. Takes no other step.
  bool StepWithin() {
    if (layout_.rank == 0) return false;
    const auto inner = static_cast<size_t>(layout_.rank - 1);
    const PadAxis& axis = layout_.axes[inner];
    const int64_t next = at_[inner] + 1;
    const int64_t source = next - axis.before;
    if (next >= axis.to || source <= 0 || source >= axis.from) return false;
    at_[inner] = next;
    part_[inner] += axis.stride;
    offset_ += axis.stride;
    return true;
  }

 private:
  // Adds what axis i has to say, and takes it away.
  void Look(int i) {
    const PadAxis& axis = layout_.axes[static_cast<size_t>(i)];
    int64_t source = at_[static_cast<size_t>(i)] - axis.before;
    if (source < 0 || source >= axis.from) source = PadSource(layout_.mode, source, axis.from);
    part_[static_cast<size_t>(i)] = source < 0 ? -1 : source * axis.stride;
    if (source < 0) {
      ++outside_;
    } else {
      offset_ += part_[static_cast<size_t>(i)];
    }
  }
  void Forget(int i) {
    const int64_t part = part_[static_cast<size_t>(i)];
    if (part < 0) {
      --outside_;
    } else {
      offset_ -= part;
    }
  }

  const Layout& layout_;
  std::array<int64_t, kMaxRank> at_{};
  std::array<int64_t, kMaxRank> part_{};
  int64_t offset_ = 0;
  int outside_ = 0;  // axes on which the row lies in the border
};

template <typename T>
void FillBorder(T* to, int64_t count, const T& value) {
  if constexpr (std::is_integral_v<T>) {
    FillBytes(RepeatBits(value), to, static_cast<size_t>(count) * sizeof(T));
  } else {
    std::fill_n(to, count, value);
  }
}

// T is an unsigned integer of the element's size, or a string. `filled`: the border is there.
template <typename T>
void PadRow(const Layout& layout, const T* input, int64_t source, const T& value, bool filled,
            T* output) {
  const int64_t block = layout.block;
  const int64_t width = layout.row.to;
  const int64_t before = layout.row.before;
  const int64_t dim = layout.row.from;
  if (source < 0) {
    if (!filled) FillBorder(output, width * block, value);
    return;
  }
  // Output steps [begin, end) show the data itself.
  const int64_t begin = std::clamp<int64_t>(before, 0, width);
  const int64_t end = std::clamp<int64_t>(before + dim, begin, width);
  const T* const row = input + source;
  const auto border = [&](int64_t first, int64_t last) {
    if (filled) return;
    if (layout.mode == PadMode::kConstant) {
      std::fill_n(output + first * block, (last - first) * block, value);
      return;
    }
    for (int64_t i = first; i < last; ++i) {
      const int64_t from = PadSource(layout.mode, i - before, dim);
      std::copy_n(row + from * block, block, output + i * block);
    }
  };
  border(0, begin);
  if (begin < end) {
    const T* const from = row + (begin - before) * block;
    const int64_t count = (end - begin) * block;
    if constexpr (std::is_same_v<T, std::string>) {
      std::copy_n(from, count, output + begin * block);
    } else {
      CopyBytes(reinterpret_cast<const uint8_t*>(from),
                reinterpret_cast<uint8_t*>(output + begin * block),
                static_cast<size_t>(count) * sizeof(T));
    }
  }
  border(end, width);
}

// Shorter rows are a few calls each: then all rows of a chunk are filled at once before the data
// goes in, and chunks are short enough that they stay in the level 1 cache meanwhile.
constexpr int64_t kShortPadRow = 1024;
constexpr int64_t kFilledAtOnce = 16 << 10;

template <typename T>
void PadAll(const Layout& layout, const T* input, const T& value, T* output, Parallel& parallel) {
  const int64_t width = layout.row.to * layout.block;
  const int64_t bytes = width * static_cast<int64_t>(sizeof(T));
  const bool filled =
      layout.mode == PadMode::kConstant && bytes < kShortPadRow && !std::is_same_v<T, std::string>;
  const int64_t chunk = filled ? std::max<int64_t>(1, kFilledAtOnce / bytes) : RowsPerChunk(bytes);
  parallel.For(layout.rows, chunk, [&](int64_t begin, int64_t end, int /*worker*/) {
    if (filled) FillBorder(output + begin * width, (end - begin) * width, value);
    SourceRows rows(layout, begin);
    for (int64_t row = begin; row < end; ++row, rows.Next()) {
      PadRow(layout, input, rows.source(), value, filled, output + row * width);
    }
  });
}

// Borders of at most so many bytes at the ends of a row are written as one piece each, and then the
// data over what they reach too far.
constexpr int64_t kPiece = 32;

struct RowEnds {
  int64_t begin;  // output steps [begin, end) show the data itself
  int64_t end;
};

RowEnds EndsOf(const Layout& layout) {
  const int64_t begin = std::clamp<int64_t>(layout.row.before, 0, layout.row.to);
  return {begin, std::clamp<int64_t>(layout.row.before + layout.row.from, begin, layout.row.to)};
}

bool HasNarrowBorders(const Layout& layout, int64_t element) {
  const RowEnds ends = EndsOf(layout);
  const int64_t step = layout.block * element;
  return layout.mode == PadMode::kConstant && layout.row.to * step >= kPiece &&
         ends.begin * step <= kPiece && (layout.row.to - ends.end) * step <= kPiece;
}

template <typename T>
void PadNarrow(const Layout& layout, const T* input, const T& value, T* output,
               Parallel& parallel) {
  constexpr auto kSize = static_cast<int64_t>(sizeof(T));
  const int64_t width = layout.row.to * layout.block;
  const RowEnds ends = EndsOf(layout);
  const int64_t skipped = (ends.begin - layout.row.before) * layout.block;
  const auto bytes = static_cast<size_t>((ends.end - ends.begin) * layout.block * kSize);
  T piece[kPiece / kSize];
  std::fill_n(piece, kPiece / kSize, value);
  parallel.For(layout.rows, RowsPerChunk(width * kSize), [&](int64_t begin, int64_t end, int) {
    SourceRows rows(layout, begin);
    for (int64_t row = begin; row < end;) {
      T* const to = output + row * width;
      if (rows.source() < 0) {
        const int64_t count = rows.SkipBorder(end - row);
        FillBorder(to, count * width, value);
        row += count;
        continue;
      }
      std::memcpy(to, piece, kPiece);
      std::memcpy(to + width - kPiece / kSize, piece, kPiece);
      CopyBytes(reinterpret_cast<const uint8_t*>(input + rows.source() + skipped),
                reinterpret_cast<uint8_t*>(to + ends.begin * layout.block), bytes);
      ++row;
      rows.Next();
    }
  });
}

// Where the first and last elements of every row come from, when they repeat the data and there are
// not too many.
struct BorderSources {
  static constexpr int64_t kMost = 64;
  bool known = false;
  RowEnds ends;
  std::array<int32_t, kMost> steps;

  explicit BorderSources(const Layout& layout) : ends(EndsOf(layout)) {
    const PadAxis& row = layout.row;
    known = layout.mode != PadMode::kConstant && layout.block == 1 &&
            ends.begin + row.to - ends.end <= kMost &&
            row.from <= std::numeric_limits<int32_t>::max();
    size_t count = 0;
    for (int64_t i = 0; known && i < row.to; ++i) {
      if (i == ends.begin) i = ends.end;
      if (i == row.to) break;
      steps[count++] = static_cast<int32_t>(PadSource(layout.mode, i - row.before, row.from));
    }
  }
};

template <typename T>
void PadRepeated(const Layout& layout, const BorderSources& sources, const T* input, T* output,
                 Parallel& parallel) {
  const int64_t width = layout.row.to;
  const auto [first, last] = sources.ends;
  const int64_t skipped = first - layout.row.before;
  const auto bytes = static_cast<size_t>(last - first) * sizeof(T);
  const int64_t chunk = RowsPerChunk(width * static_cast<int64_t>(sizeof(T)));
  parallel.For(layout.rows, chunk,
               [&, first = first, last = last](int64_t begin, int64_t end, int) {
                 SourceRows rows(layout, begin);
                 T* to = output + begin * width;
                 for (int64_t row = begin; row < end; ++row, rows.Next(), to += width) {
                   const T* const from = input + rows.source();
                   const int32_t* step = sources.steps.data();
                   for (int64_t i = 0; i < first; ++i) to[i] = from[*step++];
                   CopyBytes(reinterpret_cast<const uint8_t*>(from + skipped),
                             reinterpret_cast<uint8_t*>(to + first), bytes);
                   for (int64_t i = last; i < width; ++i) to[i] = from[*step++];
                 }
               });
}

struct Wide {
  uint64_t halves[2];
};

// Packed elements are padded as bytes.
void PadPacked(const Layout& layout, const TensorView& input, const TensorView* constant,
               const MutableTensorView& output, Parallel& parallel) {
  std::vector<uint8_t> from(static_cast<size_t>(input.count()));
  std::vector<uint8_t> to(static_cast<size_t>(output.count()));
  UnpackElements(input.type, input.data, from.data(), input.count());
  uint8_t value = 0;
  if (constant != nullptr) UnpackElements(input.type, constant->data, &value, 1);
  PadAll(layout, from.data(), value, to.data(), parallel);
  PackElements(output.type, to.data(), output.data, output.count());
}

template <typename T>
void PadTyped(const Layout& layout, const TensorView& input, const TensorView* constant,
              const MutableTensorView& output, Parallel& parallel) {
  const T value = constant != nullptr ? *constant->as<T>() : T{};
  if constexpr (std::is_integral_v<T>) {
    if (const BorderSources sources(layout); sources.known) {
      return PadRepeated(layout, sources, input.as<T>(), output.as<T>(), parallel);
    }
  }
  if constexpr (!std::is_same_v<T, std::string>) {
    if (HasNarrowBorders(layout, static_cast<int64_t>(sizeof(T)))) {
      return PadNarrow(layout, input.as<T>(), value, output.as<T>(), parallel);
    }
  }
  PadAll(layout, input.as<T>(), value, output.as<T>(), parallel);
}

class Pad final : public Executable {
 public:
  explicit Pad(const Node& node) : mode_(*operators::PadModeOf(node)) {}

  Status Run(RunContext& context) const override {
    const TensorView& input = context.Input(0);
    const Result<Pads> pads = Resolve(context);
    if (!pads.ok()) return context.Error(pads.status().message());
    const Result<Shape> shape = operators::PadTarget(input.shape, *pads, mode_);
    if (!shape.ok()) return context.Error(shape.status().message());
    const TensorView* const constant = context.HasInput(2) ? &context.Input(2) : nullptr;
    if (constant != nullptr && constant->count() != 1) {
      return context.Error("input 'constant_value' must have one element");
    }
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, *shape));
    if (output.count() == 0) return OkStatus();
    const Layout layout = MakeLayout(mode_, *pads, input.shape, *shape);
    Parallel& parallel = context.parallel();
    if (!layout.padded) {
      CopyTensor(input, output, parallel);
    } else if (input.type == ElementType::kString) {
      PadTyped<std::string>(layout, input, constant, output, parallel);
    } else if (IsSubByte(input.type)) {
      PadPacked(layout, input, constant, output, parallel);
    } else if (!DispatchSize(input.type, [&](auto tag) {
                 using T = typename decltype(tag)::type;
                 PadTyped<T>(layout, input, constant, output, parallel);
               })) {
      PadTyped<Wide>(layout, input, constant, output, parallel);
    }
    return OkStatus();
  }

 private:
  static Result<Pads> Resolve(const RunContext& context) {
    MULLION_ASSIGN_OR_RETURN(const IntList pads, ReadIntList(context.Input(1), "input 'pads'"));
    IntList axes;
    if (context.HasInput(3)) {
      MULLION_ASSIGN_OR_RETURN(axes, ReadIntList(context.Input(3), "input 'axes'"));
    }
    return operators::ResolvePads(context.Input(0).shape.rank(), pads,
                                  context.HasInput(3) ? &axes : nullptr);
  }

  PadMode mode_;
};

}  // namespace

void RegisterPad(KernelRegistry& registry) {
  registry.Add({.name = "Pad", .make = MakeKernel<Pad>});
}

}  // namespace mullion::cpu
