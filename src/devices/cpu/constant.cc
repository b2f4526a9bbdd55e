// SPDX-License-Identifier: MIT
// Constant, ConstantOfShape, Range, EyeLike.
#include "operators/constant.h"

#include <algorithm>
#include <cstring>

#include "base/str_cat.h"
#include "devices/cpu/registry.h"
#include "devices/cpu/strided_copy.h"
#include "operators/int_list.h"

namespace mullion::cpu {

namespace {

class Constant final : public Executable {
 public:
  explicit Constant(const Node& node) : value_(*operators::ConstantValue(node)) {}

  Status Run(RunContext& context) const override {
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, value_.shape()));
    CopyTensor(value_.view(), output, context.parallel());
    return OkStatus();
  }

 private:
  Tensor value_;
};

class ConstantOfShape final : public Executable {
 public:
  explicit ConstantOfShape(const Node& node) {
    const Tensor* const value = node.TensorAttribute("value");
    value_ = value != nullptr ? *value : Tensor::Scalar(0.0f);
    // A packed value stands for a byte full of them.
    const int bits = ElementBits(value_.type());
    if (bits > 0 && bits < 8) {
      for (int i = 0; i < 8 / bits; ++i) {
        SetPacked(&packed_, i, bits,
                  GetPacked(static_cast<const uint8_t*>(value_.data()), 0, bits));
      }
    }
  }

  Status Run(RunContext& context) const override {
    const Result<IntList> dims = ReadIntList(context.Input(0), "input 'input'");
    if (!dims.ok()) return context.Error(dims.status().message());
    const bool fits = dims->size() <= kMaxRank &&
                      std::all_of(dims->begin(), dims->end(), [](int64_t d) { return d >= 0; });
    if (!fits) {
      return context.Error("input 'input' must hold up to ", kMaxRank,
                           " dimensions that are 0 or more");
    }
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, Shape(dims->span())));
    if (output.count() == 0) return OkStatus();
    if (IsSubByte(output.type)) {
      std::memset(output.data, packed_, output.bytes());
      return OkStatus();
    }
    StridedCopy copy(output.type);
    copy.AddAxis(output.count(), 0, 1);
    copy.Run(value_.data(), 0, output.data, 0, context.parallel());
    return OkStatus();
  }

 private:
  Tensor value_;
  uint8_t packed_ = 0;
};

// Element i is start + i * delta, integers modulo their size. The 16-bit floats are worked out in
// float, as Range-27 asks with its default stash_type of 1.
template <typename T>
void FillRange(T start, T delta, MutableTensorView output, Parallel& parallel) {
  T* const out = output.as<T>();
  parallel.For(output.count(), 16384, [&](int64_t begin, int64_t end, int /*worker*/) {
    if constexpr (std::is_integral_v<T>) {
      using U = std::make_unsigned_t<T>;
      constexpr int64_t kBlock = 64;
      const auto step = static_cast<uint64_t>(delta);
      U steps[kBlock];
      for (int64_t k = 0; k < kBlock; ++k) {
        steps[k] = static_cast<U>(static_cast<uint64_t>(k) * step);
      }
      auto next = static_cast<uint64_t>(start) + static_cast<uint64_t>(begin) * step;
      for (int64_t i = begin; i < end; i += kBlock, next += kBlock * step) {
        const auto n = static_cast<int>(std::min(kBlock, end - i));
        const auto first = static_cast<U>(next);
        if (n == kBlock) {
          for (int k = 0; k < kBlock; ++k) out[i + k] = static_cast<T>(first + steps[k]);
        } else {
          for (int k = 0; k < n; ++k) out[i + k] = static_cast<T>(first + steps[k]);
        }
      }
    } else {
      using C = ComputeType<T>;
      const auto first = static_cast<C>(start);
      const auto step = static_cast<C>(delta);
      for (int64_t i = begin; i < end; ++i) {
        out[i] = static_cast<T>(first + static_cast<C>(i) * step);
      }
    }
  });
}

class Range final : public Executable {
 public:
  explicit Range(const Node& /*node*/) {}

  Status Run(RunContext& context) const override {
    for (int i = 0; i < 3; ++i) {
      if (context.Input(i).count() != 1) return context.Error("input ", i, " is no scalar");
    }
    const int64_t count =
        operators::RangeCount(context.Input(0), context.Input(1), context.Input(2));
    if (count < 0) return context.Error(operators::kRangeProblem);
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output,
                             context.AllocateOutput(0, Shape{count}));
    DispatchType(operators::RangeTypes{}, output.type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      FillRange(*context.Input(0).as<T>(), *context.Input(2).as<T>(), output, context.parallel());
    });
    return OkStatus();
  }
};

class EyeLike final : public Executable {
 public:
  explicit EyeLike(const Node& node) : k_(node.IntAttribute("k", 0)) {}

  Status Run(RunContext& context) const override {
    const Shape& shape = context.Input(0).shape;
    MULLION_ASSIGN_OR_RETURN(const MutableTensorView output, context.AllocateOutput(0, shape));
    std::memset(output.data, 0, output.bytes());
    if (output.type == ElementType::kBool) {
      PutOnes<bool>(output);
    } else {
      DispatchType(NumericTypes{}, output.type,
                   [&](auto tag) { PutOnes<typename decltype(tag)::type>(output); });
    }
    return OkStatus();
  }

 private:
  template <typename T>
  void PutOnes(const MutableTensorView& output) const {
    const int64_t rows = output.shape[0];
    const int64_t columns = output.shape[1];
    if (k_ >= columns || k_ <= -rows) return;
    const int64_t first = std::max<int64_t>(0, -k_);
    const int64_t last = std::min(rows, columns - k_);
    for (int64_t i = first; i < last; ++i) {
      output.as<T>()[i * columns + i + k_] = static_cast<T>(ComputeType<T>{1});
    }
  }

  int64_t k_;
};

}  // namespace

void RegisterConstant(KernelRegistry& registry) {
  registry.Add({.name = "Constant", .make = MakeKernel<Constant>});
  registry.Add({.name = "ConstantOfShape", .make = MakeKernel<ConstantOfShape>});
  registry.Add({.name = "Range", .make = MakeKernel<Range>});
  registry.Add({.name = "EyeLike", .make = MakeKernel<EyeLike>});
}

}  // namespace mullion::cpu
