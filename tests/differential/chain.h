// SPDX-License-Identifier: MIT
// Random models of many nodes, for what the optimizer makes of them: the peer runs them as they
// are. Steps are continuous, so that what is rounded differently stays close.
#ifndef MULLION_TESTS_DIFFERENTIAL_CHAIN_H_
#define MULLION_TESTS_DIFFERENTIAL_CHAIN_H_

#include <cmath>
#include <string_view>
#include <vector>

#include "tests/differential/case.h"

namespace mullion::differential {

using Axes = std::vector<int64_t>;

// A value of known shape, to go on from.
struct Flow {
  Value* value;
  Shape shape;
};

class Chain {
 public:
  explicit Chain(Case& c) : c_(c), random_(c.random()) {}

  Flow Enter(const Shape& shape) {
    return Keep(c_.Fed(random_.Values(ElementType::kFloat, shape)), shape);
  }

  // Returns the last value, and now and then others that later steps read too.
  void Finish() {
    if (flows_.back().value->producer() == nullptr) {
      Keep((*this)("Relu", {flows_.back().value}), flows_.back().shape);
    }
    c_.Return(flows_.back().value);
    for (size_t i = 0; i + 1 < flows_.size(); ++i) {
      if (flows_[i].value->producer() != nullptr && random_.Chance(0.06)) {
        c_.Return(flows_[i].value);
      }
    }
    c_.tolerance = {2e-3, 1e-5, 2e-4};
  }

  Random& random() { return random_; }
  bool Chance(double probability) { return random_.Chance(probability); }
  int64_t Int(int64_t low, int64_t high) { return random_.Int(low, high); }

  const Flow& Last() const { return flows_.back(); }
  // Mostly the newest.
  Flow Any() {
    if (Chance(0.75)) return flows_.back();
    return flows_[static_cast<size_t>(Int(0, std::ssize(flows_) - 1))];
  }
  // One of this shape that is not `flow`, or `flow`.
  Flow Mate(const Flow& flow) {
    std::vector<Flow> mates;
    for (const Flow& other : flows_) {
      if (other.shape == flow.shape && other.value != flow.value) mates.push_back(other);
    }
    return mates.empty() ? flow : random_.Pick(mates);
  }
  Flow Keep(Value* value, const Shape& shape) {
    flows_.push_back(Flow{value, shape});
    return flows_.back();
  }
  Flow Keep(const Flow& flow) { return Keep(flow.value, flow.shape); }

  Value* operator()(std::string_view name, std::vector<Value*> inputs, Attributes attributes = {}) {
    return c_.Add(name, "", std::move(inputs), std::move(attributes)).output(0);
  }
  Case& made() { return c_; }
  Value* Weights(const Shape& shape, double low, double high) {
    Tensor tensor = random_.Values(ElementType::kFloat, shape, low, high);
    return Chance(0.9) ? c_.Constant(std::move(tensor)) : c_.Fed(std::move(tensor));
  }
  // Of a product that sums up so many terms.
  Value* Factors(const Shape& shape, int64_t terms) {
    const double most = 1.5 / std::sqrt(static_cast<double>(std::max<int64_t>(terms, 1)));
    return Weights(shape, -most, most);
  }
  Value* Number(double value) { return c_.Constant(Tensor::Scalar(static_cast<float>(value))); }
  Value* Ints(const Axes& values) { return c_.Constant(differential::Ints(values)); }

 private:
  Case& c_;
  Random& random_;
  std::vector<Flow> flows_;
};

inline Attributes With(const char* name, AttributeValue value) {
  return {{name, std::move(value)}};
}

// Appends what windows leave of an image's height and width, pads included; false where none fits.
inline bool AppendWindows(Shape& shape, const Shape& image, int64_t pads, int64_t reach,
                          int64_t stride) {
  for (const int axis : {2, 3}) {
    const int64_t size = image[axis] + pads - reach;
    if (size < 0) return false;
    shape.Append(size / stride + 1);
  }
  return true;
}

Value* Activated(Chain& k, Value* x);
// `x` with another value, which broadcasts to it; axis `channel` is that of channels.
void Arithmetic(Chain& k, const Flow& x, int channel);
// (x - mean) / sqrt(variance + epsilon) over an axis, in the ways that exporters spell it.
Value* Normalized(Chain& k, const Flow& x, bool centred, int64_t axis);

void ImageChain(Case& c);
void TokenChain(Case& c);
void QuantizedChain(Case& c);

}  // namespace mullion::differential

#endif  // MULLION_TESTS_DIFFERENTIAL_CHAIN_H_
