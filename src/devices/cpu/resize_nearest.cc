// SPDX-License-Identifier: MIT
#include "devices/cpu/resize_nearest.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "devices/cpu/axis_loops.h"

namespace mullion::cpu {

namespace {

struct Bytes16 {
  uint64_t words[2];
};

// One element of `type` with the value of `number`, as bytes.
std::array<char, 16> ElementOf(ElementType type, float number) {
  std::array<char, 16> bytes{};
  DispatchType(NumericTypes{}, type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T value = static_cast<T>(number);
    std::memcpy(bytes.data(), &value, sizeof(value));
  });
  return bytes;
}

// The innermost axis that changes, of positions of `inner` elements each.
struct Line {
  const ResizeTable* table;
  int64_t inner;
};

template <typename T>
void CopyLine(const Line& line, const T* x, T* y) {
  const ResizeTable& table = *line.table;
  if (line.inner > 1) {
    for (int64_t j = 0; j < table.output; ++j, y += line.inner) {
      const T* const from = x + table.index[static_cast<size_t>(j)] * line.inner;
      std::copy(from, from + line.inner, y);
    }
  } else if (table.repeat_factor == 2) {
    for (int64_t i = 0; i < table.input; ++i) {
      y[2 * i] = x[i];
      y[2 * i + 1] = x[i];
    }
  } else {
    for (int64_t j = 0; j < table.output; ++j) y[j] = x[table.index[static_cast<size_t>(j)]];
  }
}

// Walks over the lines of the output: all axes but those from the innermost changing one on.
class Lines {
 public:
  explicit Lines(const ResizePlan& plan) : plan_(plan), last_(plan.steps.back().axis) {
    for (const ResizePlan::Step& step : plan.steps) {
      tables_[static_cast<size_t>(step.axis)] = &step.table;
    }
  }

  int64_t count() const { return plan_.output.Product(0, last_); }

  // The input line that output line `index` is taken from, or -1 when it lies outside the region.
  int64_t Source(int64_t index) const {
    int64_t source = 0;
    int64_t stride = 1;
    for (int axis = last_ - 1; axis >= 0; --axis) {
      const int64_t size = plan_.output[axis];
      int64_t position = index % size;
      index /= size;
      if (const ResizeTable* const table = tables_[static_cast<size_t>(axis)]) {
        const auto j = static_cast<size_t>(position);
        if (!table->outside.empty() && table->outside[j] != 0) return -1;
        position = table->index[j];
      }
      source += position * stride;
      stride *= plan_.input[axis];
    }
    return source;
  }

 private:
  const ResizePlan& plan_;
  int last_;
  std::array<const ResizeTable*, kMaxRank> tables_{};
};

template <typename T>
void ResizeAs(const ResizePlan& plan, const T& fill, const TensorView& input,
              const MutableTensorView& output, Parallel& parallel) {
  const Lines lines(plan);
  const ResizePlan::Step& last = plan.steps.back();
  const Line line{&last.table, plan.output.Product(last.axis + 1, plan.output.rank())};
  const int64_t input_line = last.table.input * line.inner;
  const int64_t output_line = last.table.output * line.inner;
  const int64_t chunk = std::max<int64_t>(kParallelElements / std::max<int64_t>(output_line, 1), 1);
  parallel.For(lines.count(), chunk, [&](int64_t begin, int64_t end, int) {
    int64_t before = -1;
    T* y = output.as<T>() + begin * output_line;
    for (int64_t i = begin; i < end; ++i, y += output_line) {
      const int64_t source = lines.Source(i);
      if (source < 0) {
        std::fill_n(y, output_line, fill);
      } else if (source == before) {
        std::copy(y - output_line, y, y);  // enlarging: the same line again
      } else {
        CopyLine(line, input.as<T>() + source * input_line, y);
        for (size_t j = 0; j < last.table.outside.size(); ++j) {
          if (last.table.outside[j] == 0) continue;
          std::fill_n(y + static_cast<int64_t>(j) * line.inner, line.inner, fill);
        }
      }
      before = source;
    }
  });
}

template <typename T>
void ResizeBytes(const ResizePlan& plan, float extrapolation, const TensorView& input,
                 const MutableTensorView& output, Parallel& parallel) {
  T fill;
  std::memcpy(&fill, ElementOf(input.type, extrapolation).data(), sizeof(fill));
  ResizeAs<T>(plan, fill, input, output, parallel);
}

}  // namespace

void ResizeNearest(const ResizePlan& plan, float extrapolation, const TensorView& input,
                   const MutableTensorView& output, Parallel& parallel) {
  if (plan.steps.empty()) {
    CopyElements(input, output);
  } else if (input.type == ElementType::kString) {
    ResizeAs<std::string>(plan, std::string(), input, output, parallel);
  } else if (ElementBits(input.type) == 8) {
    ResizeBytes<uint8_t>(plan, extrapolation, input, output, parallel);
  } else if (ElementBits(input.type) == 16) {
    ResizeBytes<uint16_t>(plan, extrapolation, input, output, parallel);
  } else if (ElementBits(input.type) == 32) {
    ResizeBytes<uint32_t>(plan, extrapolation, input, output, parallel);
  } else if (ElementBits(input.type) == 64) {
    ResizeBytes<uint64_t>(plan, extrapolation, input, output, parallel);
  } else {
    ResizeBytes<Bytes16>(plan, extrapolation, input, output, parallel);
  }
}

}  // namespace mullion::cpu
