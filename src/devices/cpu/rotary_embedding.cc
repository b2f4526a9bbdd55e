// SPDX-License-Identifier: MIT
#include "operators/rotary_embedding.h"

#include <algorithm>
#include <memory>
#include <type_traits>
#include <utility>

#include "base/str_cat.h"
#include "devices/cpu/kernels/sequence/rotate.h"
#include "devices/cpu/registry.h"

namespace mullion::cpu {

namespace {

using operators::RotaryShape;

using RotaryTypes = TypeList<float, Float16, Bfloat16>;

constexpr int64_t kChunk = 16 * 1024;

struct BoundRotary final : BoundState {
  RotaryShape shape;
};

// Element pairs (i, i + half), or (2i, 2i + 1) when interleaved, turn by the angle of their row of
// the tables.
template <typename T>
void Rotate(bool interleaved, const T* x, const T* cosines, const T* sines, int64_t half, T* y) {
  using C = ComputeType<T>;
  for (int64_t i = 0; i < half; ++i) {
    const int64_t first = interleaved ? 2 * i : i;
    const int64_t second = interleaved ? 2 * i + 1 : i + half;
    const C a = static_cast<C>(x[first]);
    const C b = static_cast<C>(x[second]);
    const C cosine = static_cast<C>(cosines[i]);
    const C sine = static_cast<C>(sines[i]);
    y[first] = static_cast<T>(a * cosine - b * sine);
    y[second] = static_cast<T>(b * cosine + a * sine);
  }
}

// The cosines and sines of one token, as its heads' vectors want them: interleaved pairs have them
// twice, the sine of the first with the opposite sign.
class FloatTurn {
 public:
  // Heads of more elements than this take the plain loop.
  static constexpr int64_t kMost = 512;

  FloatTurn(bool interleaved, const float* cosines, const float* sines, int64_t half)
      : interleaved_(interleaved), cosines_(cosines), sines_(sines), half_(half) {
    if (!interleaved) return;
    for (int64_t i = 0; i < half; ++i) {
      twice_cosines_[2 * i] = twice_cosines_[2 * i + 1] = cosines[i];
      twice_sines_[2 * i] = -sines[i];
      twice_sines_[2 * i + 1] = sines[i];
    }
  }

  void Head(const float* x, float* y) const {
    const auto half = static_cast<size_t>(half_);
    if (interleaved_) {
      RotateNeighbours(x, twice_cosines_, twice_sines_, 2 * half, y);
    } else {
      RotateHalves(x, cosines_, sines_, half, y);
    }
  }

 private:
  bool interleaved_;
  const float* cosines_;
  const float* sines_;
  int64_t half_;
  float twice_cosines_[kMost];
  float twice_sines_[kMost];
};

class RotaryEmbedding final : public Executable {
 public:
  explicit RotaryEmbedding(const Node& node)
      : interleaved_(node.IntAttribute("interleaved", 0) != 0) {}

  Status Bind(BindContext& context) const override {
    auto bound = std::make_unique<BoundRotary>();
    const BindContext::Port* const positions = context.input(3);
    MULLION_ASSIGN_OR_RETURN(
        bound->shape,
        RotaryShape::FromShapes(context.node(), context.input(0)->shape, context.input(1)->shape,
                                positions != nullptr ? &positions->shape : nullptr));
    context.SetState(std::move(bound));
    return OkStatus();
  }

  Status Run(RunContext& context) const override {
    const RotaryShape& s = context.state<BoundRotary>()->shape;
    const TensorView& input = context.Input(0);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, input.shape));
    MULLION_RETURN_IF_ERROR(CheckPositions(context, s));
    DispatchType(RotaryTypes(), input.type,
                 [&](auto tag) { RunAs<typename decltype(tag)::type>(context, s, output); });
    return OkStatus();
  }

 private:
  // The row of the tables for a token.
  static int64_t RowOf(const RunContext& context, const RotaryShape& s, int64_t batch,
                       int64_t token) {
    if (!context.HasInput(3)) return batch * s.tokens + token;
    const auto positions = context.Input(3).span<int64_t>();
    if (positions.size() == 1) return positions[0] + token;
    return positions[static_cast<size_t>(batch * s.tokens + token)];
  }

  static Status CheckPositions(const RunContext& context, const RotaryShape& s) {
    if (!context.HasInput(3)) return OkStatus();
    for (int64_t batch = 0; batch < s.batch; ++batch) {
      for (int64_t token = 0; token < s.tokens; ++token) {
        const int64_t row = RowOf(context, s, batch, token);
        if (row >= 0 && row < s.positions) continue;
        return context.Error("position ", row, " is outside the tables, which have ", s.positions,
                             " rows");
      }
    }
    return OkStatus();
  }

  template <typename T>
  void RunAs(const RunContext& context, const RotaryShape& s,
             const MutableTensorView& output) const {
    const auto* const from = context.Input(0).as<T>();
    const auto* const cosines = context.Input(1).as<T>();
    const auto* const sines = context.Input(2).as<T>();
    auto* const to = output.as<T>();
    const int64_t half = s.rotated / 2;
    const int64_t token_work = std::max<int64_t>(s.heads * s.size, 1);
    context.parallel().For(
        s.batch * s.tokens, std::max<int64_t>(kChunk / token_work, 1),
        [&](int64_t begin, int64_t end, int) {
          for (int64_t i = begin; i < end; ++i) {
            const int64_t row = RowOf(context, s, i / s.tokens, i % s.tokens) * half;
            const int64_t start = i / s.tokens * s.batch_stride + i % s.tokens * s.token_stride;
            if constexpr (std::is_same_v<T, float>) {
              if (s.rotated <= FloatTurn::kMost) {
                const FloatTurn turn(interleaved_, cosines + row, sines + row, half);
                ForEachHead(s, from + start, to + start,
                            [&](const float* x, float* y) { turn.Head(x, y); });
                continue;
              }
            }
            ForEachHead(s, from + start, to + start, [&](const T* x, T* y) {
              Rotate(interleaved_, x, cosines + row, sines + row, half, y);
            });
          }
        });
  }

  // Calls rotate(x, y) for every head of a token; what is not rotated stays.
  template <typename T, typename Function>
  static void ForEachHead(const RotaryShape& s, const T* from, T* to, Function rotate) {
    for (int64_t head = 0; head < s.heads; ++head) {
      const T* const x = from + head * s.head_stride;
      T* const y = to + head * s.head_stride;
      rotate(x, y);
      std::copy(x + s.rotated, x + s.size, y + s.rotated);
    }
  }

  bool interleaved_;
};

}  // namespace

void RegisterRotaryEmbedding(KernelRegistry& registry) {
  registry.Add({.name = "RotaryEmbedding",
                .since = 23,
                .types = RotaryTypes::kSet,
                .make = MakeKernel<RotaryEmbedding>});
}

}  // namespace mullion::cpu
