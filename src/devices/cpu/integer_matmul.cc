// SPDX-License-Identifier: MIT
#include "devices/cpu/integer_matmul.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/str_cat.h"
#include "devices/cpu/integer_operand.h"
#include "devices/cpu/kernels/integer/integer_input.h"

namespace mullion::cpu {

namespace {

// Bytes that one task stages or packs.
constexpr int64_t kStagedBytes = 64 * 1024;

// Zero point `index` of `count` in a row or column; stacked matrices may share them.
int32_t ZeroOf(const TensorView& zeros, int64_t matrix, int64_t index, int64_t count) {
  const int64_t elements = zeros.count();
  if (elements == 1) return ByteAt(zeros, 0);
  return ByteAt(zeros, elements == count ? index : matrix * count + index);
}

// All `count` of them, plus `shift`; says whether any is not 0 then. With one row of a product this
// is as much work as the product, so without a question for each.
bool FillZeros(const TensorView& zeros, int64_t matrix, int64_t count, int32_t shift, int32_t* to) {
  const int64_t elements = zeros.count();
  if (elements == 1) {
    const int32_t zero = ByteAt(zeros, 0) + shift;
    std::fill_n(to, count, zero);
    return zero != 0;
  }
  const auto fill = [&](const auto* from) {
    int32_t any = 0;
    for (int64_t i = 0; i < count; ++i) {
      to[i] = from[i] + shift;
      any |= to[i];
    }
    return any != 0;
  };
  const int64_t first = elements == count ? 0 : matrix * count;
  return zeros.type == ElementType::kInt8 ? fill(zeros.as<int8_t>() + first)
                                          : fill(zeros.as<uint8_t>() + first);
}

}  // namespace

struct IntegerMatmul::Bound : BoundState {
  operators::MatrixShape shape;
  IntegerPanels panels;
  int64_t products;   // how many, each of `rows` rows
  int64_t matrices;   // right ones
  int64_t groups;     // products that are made at once, as threads share them: all or one
  int64_t rows;       // all rows at once where there is one right matrix
  int64_t left_rows;  // of all left matrices
  bool staged;        // the left operand is not read in place
  bool row_zeros;     // the left operand has a zero point for each row
  int64_t row_bytes;
  // Offsets into scratch memory.
  int64_t left, left_zeros, packed, packed_zeros, zeros, init, scales, biases, factors, kernel;
};

IntegerPanels IntegerMatmul::Panels(const Shape& right) const {
  IntegerPanels panels;
  panels.form = form_;
  panels.columns = right.rank() > 1 ? right.Back(0) : 1;
  panels.depth = right.rank() > 1 ? right.Back(1) : right[0];
  return panels;
}

IntegerSource IntegerMatmul::SourceOf(const IntegerPanels& panels, const TensorView& right,
                                      int64_t matrix) {
  return {right.as<uint8_t>() + matrix * panels.columns * panels.depth,
          right.type == ElementType::kInt8, 1, 0, panels.columns};
}

Status IntegerMatmul::Prepare(const Node& node, WeightStore& store) {
  form_ = CurrentIntegerForm();
  const Value* const right = node.input(ports_.right);
  const Value* const zeros = node.input(ports_.right_zero);
  if (!right->IsConstant()) return OkStatus();
  const bool bytes = form_ == IntegerForm::kBytes;
  // In word form zero points are part of what is packed.
  if (!bytes && zeros != nullptr && !zeros->IsConstant()) return OkStatus();
  const IntegerPanels panels = Panels(right->constant.shape());
  const int64_t matrix_size = std::max<int64_t>(panels.columns * panels.depth, 1);
  const int64_t matrices = right->constant.count() / matrix_size;
  std::string format = StrCat("integer_matmul:", static_cast<int>(form_));
  std::vector<int32_t> values(static_cast<size_t>(matrices * panels.columns));
  if (!bytes && zeros != nullptr) {
    for (size_t i = 0; i < values.size(); ++i) {
      const auto at = static_cast<int64_t>(i);
      values[i] =
          ZeroOf(zeros->constant.view(), at / panels.columns, at % panels.columns, panels.columns);
      if (values[i] != 0) format += StrCat(":", i, "=", values[i]);
    }
  }
  MULLION_ASSIGN_OR_RETURN(
      packed_, store.Get(right->constant, format, static_cast<size_t>(matrices * panels.bytes()),
                         [&](const TensorView& source, void* memory) {
                           for (int64_t i = 0; i < matrices; ++i) {
                             PackIntegers(panels, SourceOf(panels, source, i),
                                          values.data() + i * panels.columns,
                                          static_cast<uint8_t*>(memory) + i * panels.bytes());
                           }
                         }));
  return OkStatus();
}

Status IntegerMatmul::Bind(BindContext& context, int64_t extra) const {
  const BindContext::Port& left = *context.input(ports_.left);
  const BindContext::Port& right = *context.input(ports_.right);
  auto bound = std::make_unique<Bound>();
  Bound& b = *bound;
  MULLION_ASSIGN_OR_RETURN(
      b.shape, operators::MatrixShape::FromShapes(context.node(), left.shape, right.shape));
  b.panels = Panels(right.shape);
  b.matrices = b.shape.right_batch.ElementCount();
  const bool together = b.matrices == 1;
  b.products = together ? 1 : b.shape.batch.ElementCount();
  b.rows = b.shape.rows * (together ? b.shape.left_batch.ElementCount() : 1);
  b.left_rows = b.shape.rows * b.shape.left_batch.ElementCount();
  const BindContext::Port* const zeros =
      ports_.left_is_made ? nullptr : context.input(ports_.left_zero);
  b.row_zeros = zeros != nullptr && zeros->shape.ElementCount() > 1;
  b.groups = b.matrices == b.products && !b.row_zeros ? b.products : 1;
  // Read in place, units of the last row may not reach beyond the operand.
  b.staged = form_ == IntegerForm::kWords || LeftIsSigned(left.type) ||
             b.panels.depth % UnitElements(form_) != 0;
  b.row_bytes = b.staged ? b.panels.units() * 4 : b.panels.depth;

  ScratchLayout layout;
  layout.Take(extra);
  b.left = layout.Take(b.staged ? b.left_rows * b.row_bytes : 0);
  b.left_zeros = layout.Take(b.row_zeros ? b.left_rows * 4 : 0);
  const bool packs_zeros = packed_ == nullptr && form_ == IntegerForm::kWords;
  b.packed = layout.Take(packed_ == nullptr ? b.matrices * b.panels.bytes() : 0);
  const int64_t values = b.panels.padded_columns() * 4 * b.groups;
  b.zeros = layout.Take(values);
  b.init = layout.Take(values);
  b.scales = layout.Take(values);
  b.biases = layout.Take(values);
  b.factors = layout.Take(values);
  b.packed_zeros = layout.Take(packs_zeros ? b.matrices * b.panels.columns * 4 : 0);
  b.kernel = layout.size();
  IntegerProduct product;
  product.panels = b.panels;
  context.RequestScratch(
      static_cast<size_t>(b.kernel + IntegerScratchBytes(product, context.threads())));
  context.SetState(std::move(bound));
  return OkStatus();
}

const uint8_t* IntegerMatmul::StageLeft(const RunContext& context, const Bound& b,
                                        const Job& job) const {
  const TensorView& left = context.Input(ports_.left);
  const auto* const from = ports_.left_is_made ? job.made_left : left.as<uint8_t>();
  const bool is_signed = LeftIsSigned(left.type);
  const auto zero_of = [&](int64_t row) {
    if (ports_.left_is_made) return job.made_left_zero;
    if (!context.HasInput(ports_.left_zero)) return 0;
    return ZeroOf(context.Input(ports_.left_zero), row / b.shape.rows, row % b.shape.rows,
                  b.shape.rows);
  };
  if (b.row_zeros) {
    auto* const zeros = ScratchAt<int32_t>(context, b.left_zeros);
    for (int64_t r = 0; r < b.left_rows; ++r) zeros[r] = zero_of(r) + (is_signed ? 128 : 0);
  }
  if (!b.staged) return from;
  auto* const to = ScratchAt<uint8_t>(context, b.left);
  const int64_t chunk = std::max<int64_t>(kStagedBytes / std::max<int64_t>(b.row_bytes, 1), 1);
  context.parallel().For(b.left_rows, chunk, [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) {
      ConvertIntegers({form_, is_signed, zero_of(r)}, from + r * b.panels.depth, b.panels.depth,
                      to + r * b.row_bytes);
    }
  });
  return to;
}

// All matrices; those of run time are packed first, by all threads.
const uint8_t* IntegerMatmul::PackedRight(const RunContext& context, const Bound& b) const {
  if (packed_ != nullptr) return static_cast<const uint8_t*>(packed_.get());
  const TensorView& right = context.Input(ports_.right);
  auto* const packed = ScratchAt<uint8_t>(context, b.packed);
  const int32_t* zeros = nullptr;
  if (form_ == IntegerForm::kWords && context.HasInput(ports_.right_zero)) {
    auto* const filled = ScratchAt<int32_t>(context, b.packed_zeros);
    for (int64_t i = 0; i < b.matrices; ++i) {
      FillZeros(context.Input(ports_.right_zero), i, b.panels.columns, 0,
                filled + i * b.panels.columns);
    }
    zeros = filled;
  }
  const int64_t count = b.panels.count();
  if (count == 0) return packed;
  const int64_t chunk =
      std::max<int64_t>(kStagedBytes / std::max<int64_t>(b.panels.bytes() / count, 1), 1);
  context.parallel().For(b.matrices * count, chunk, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t matrix = i / count;
      PackIntegerPanel(b.panels, SourceOf(b.panels, right, matrix),
                       zeros == nullptr ? nullptr : zeros + matrix * b.panels.columns, i % count,
                       packed + matrix * b.panels.bytes());
    }
  });
  return packed;
}

// What sums begin with, and the zero points that they are corrected by.
void IntegerMatmul::FillColumns(const RunContext& context, const Bound& b, int64_t matrix,
                                int64_t group, const Job& job, IntegerProduct& product) const {
  const int64_t columns = b.panels.columns;
  const int64_t padded = b.panels.padded_columns();
  auto* const init = ScratchAt<int32_t>(context, b.init) + group * padded;
  if (form_ == IntegerForm::kBytes) {
    const auto left_zero = static_cast<uint32_t>(b.row_zeros ? 0 : product.left_zero);
    const int32_t* const sums = b.panels.ColumnSums(product.packed + group * b.panels.bytes());
    for (int64_t c = 0; c < padded; ++c) {
      init[c] = static_cast<int32_t>(0 - left_zero * static_cast<uint32_t>(sums[c]));
    }
    // What was shifted by 128 takes its zero point along.
    const int32_t shift = context.Input(ports_.right).type == ElementType::kUint8 ? -128 : 0;
    if (!context.HasInput(ports_.right_zero) || context.Input(ports_.right_zero).count() == 1) {
      product.right_zero = ByteInput(context, ports_.right_zero) + shift;
    } else {
      auto* const all_zeros = ScratchAt<int32_t>(context, b.zeros);
      int32_t* const zeros = all_zeros + group * padded;
      if (FillZeros(context.Input(ports_.right_zero), matrix, columns, shift, zeros)) {
        product.finish.right_zeros = all_zeros;
      }
      std::fill(zeros + columns, zeros + padded, 0);
    }
  } else {
    std::fill_n(init, padded, 0);
  }
  if (job.addends != nullptr) {
    for (int64_t c = 0; c < columns; ++c) {
      init[c] = static_cast<int32_t>(static_cast<uint32_t>(init[c]) +
                                     static_cast<uint32_t>(job.addends[c]));
    }
  }
}

void IntegerMatmul::FillScales(const RunContext& context, const Bound& b, int64_t matrix,
                               int64_t index, int64_t group, const Job& job,
                               IntegerFinish& finish) const {
  const int64_t columns = b.panels.columns;
  const int64_t padded = b.panels.padded_columns();
  if (job.scales != nullptr) {
    auto* const all_scales = ScratchAt<float>(context, b.scales);
    float* const scales = all_scales + group * padded;
    const float* const from = job.scales + matrix * job.scales_step;
    if (job.one_scale) {
      std::fill_n(scales, columns, job.factor * *from);
    } else {
      for (int64_t c = 0; c < columns; ++c) scales[c] = job.factor * from[c];
    }
    std::fill(scales + columns, scales + padded, 0.0f);
    finish.scales = all_scales;
  }
  const auto padded_copy = [&](const float* from, int64_t offset, bool one) -> const float* {
    if (from == nullptr) return nullptr;
    auto* const all = ScratchAt<float>(context, offset);
    float* const to = all + group * padded;
    std::fill(one ? std::fill_n(to, columns, *from) : std::copy_n(from, columns, to), to + padded,
              0.0f);
    return all;
  };
  finish.rescale = job.rescale;
  finish.rescale.factors = padded_copy(job.rescale.factors, b.factors, false);
  // Bytes have no float biases.
  if (const float* const shifts = job.rescale.shifts; shifts != nullptr) {
    const int64_t row = index * job.shift_rows / b.products;
    const float* const from = shifts + row * (job.one_shift ? 1 : columns);
    finish.rescale.shifts = padded_copy(from, b.biases, job.one_shift);
  }
  if (job.biases != nullptr) finish.biases = padded_copy(job.biases, b.biases, false);
}

void IntegerMatmul::Run(const RunContext& context, const Job& job) const {
  const Bound& b = *context.state<Bound>();
  const bool bytes = form_ == IntegerForm::kBytes;
  const uint8_t* const left = StageLeft(context, b, job);
  const uint8_t* const packed = PackedRight(context, b);
  const bool is_signed = LeftIsSigned(context.Input(ports_.left).type);
  IntegerProduct product;
  product.groups = b.groups;
  product.rows = b.rows;
  product.panels = b.panels;
  product.init = ScratchAt<int32_t>(context, b.init);
  product.finish.output = job.output;
  product.finish.zero_point = job.zero_point;
  if (bytes) {
    const int32_t zero =
        ports_.left_is_made ? job.made_left_zero : ByteInput(context, ports_.left_zero);
    product.left_zero = zero + (is_signed ? 128 : 0);
  }
  product.row_stride = b.panels.columns;
  product.group_step = b.rows * b.panels.columns;
  for (int64_t i = 0; i < b.products; i += b.groups) {
    const auto left_row = [&](int64_t group) {
      return b.products == 1 ? 0 : b.shape.LeftMatrix(i + group) * b.shape.rows;
    };
    const int64_t right_matrix = b.products == 1 ? 0 : b.shape.RightMatrix(i);
    product.packed = packed + right_matrix * b.panels.bytes();
    product.finish.right_zeros = nullptr;
    for (int64_t g = 0; g < b.groups; ++g) {
      FillColumns(context, b, right_matrix + g, g, job, product);
      FillScales(context, b, right_matrix + g, i + g, g, job, product.finish);
    }
    if (bytes && b.row_zeros) {
      product.finish.left_zeros = ScratchAt<int32_t>(context, b.left_zeros) + left_row(0);
    }
    product.out = static_cast<uint8_t*>(job.out) + i * product.group_step * OutputBytes(job.output);
    const auto make_rows = [&](const IntegerRowRequest& request) {
      const uint8_t* row = left + (left_row(request.group) + request.first_row) * b.row_bytes;
      for (int64_t r = 0; r < request.row_count; ++r, row += b.row_bytes) request.rows[r] = row;
    };
    MultiplyIntegers(product, make_rows, ScratchAt<void*>(context, b.kernel), context.parallel());
  }
}

}  // namespace mullion::cpu
