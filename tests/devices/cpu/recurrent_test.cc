// SPDX-License-Identifier: MIT
// RNN, GRU and LSTM: against the equations of the specification in double, and the vector code of
// all instruction levels against the plain code for double.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/devices/cpu/operator_case.h"

namespace mullion::cpu {
namespace {

int64_t Pick(int64_t low, int64_t high, std::mt19937& random) {
  return low + static_cast<int64_t>(random() % static_cast<uint32_t>(high - low + 1));
}

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

int Gates(const std::string& name) { return name == "LSTM" ? 4 : name == "GRU" ? 3 : 1; }

// A layer of random sizes with the inputs that ONNX defines: X, W, R, B, sequence_lens, initial_h,
// and for LSTM initial_c and P.
struct Layer {
  Layer(const std::string& layer, std::mt19937& random) : name(layer) {
    steps = Pick(1, 7, random);
    batch = Pick(1, 30, random);
    inputs = Pick(1, 20, random);
    hidden = Pick(1, 70, random);
    directions = Pick(1, 2, random);
    reverse = directions == 1 && Pick(0, 1, random) == 1;
    batch_first = Pick(0, 1, random) == 1;
    linear_before_reset = Pick(0, 1, random) == 1;
    const int64_t rows = Gates(name) * hidden;
    x = Rows({steps, batch, inputs}, random);
    w = Rows({directions, rows, inputs}, random);
    r = Rows({directions, rows, hidden}, random);
    if (Pick(0, 2, random) != 0) b = Rows({directions, 2 * rows}, random);
    if (Pick(0, 1, random) == 1) {
      for (int64_t i = 0; i < batch; ++i) {
        lengths.push_back(static_cast<int32_t>(Pick(0, steps, random)));
      }
    }
    if (Pick(0, 1, random) == 1) {
      h = Rows({directions, batch, hidden}, random);
      if (name == "LSTM") c = Rows({directions, batch, hidden}, random);
    }
    if (name == "LSTM" && Pick(0, 1, random) == 1) p = Rows({directions, 3 * hidden}, random);
  }

  static Tensor Rows(const Shape& shape, std::mt19937& random) {
    Tensor tensor = RandomTensor(shape, random);
    // Small enough that sums over the hidden size stay in the bend of the activations.
    for (int64_t i = 0; i < tensor.count(); ++i) {
      static_cast<float*>(tensor.mutable_data())[i] *= 0.2f;
    }
    return tensor;
  }

  OperatorCase Case() const {
    OperatorCase result;
    result.name = name;
    result.opset = 14;
    const Tensor lens =
        lengths.empty() ? Tensor() : Tensor::Vector<int32_t>(std::span<const int32_t>(lengths));
    result.inputs = {Turned(x, 1), w, r, b, lens, Turned(h, 1)};
    if (name == "LSTM") result.inputs.insert(result.inputs.end(), {Turned(c, 1), p});
    result.output_count = name == "LSTM" ? 3 : 2;
    result.Set("hidden_size", hidden);
    result.Set("layout", int64_t{batch_first ? 1 : 0});
    result.Set("direction", std::string(directions == 2 ? "bidirectional"
                                        : reverse       ? "reverse"
                                                        : "forward"));
    if (name == "GRU") result.Set("linear_before_reset", int64_t{linear_before_reset ? 1 : 0});
    return result;
  }

  // Axes 0 and `axis` exchanged when the layer has the batch first.
  Tensor Turned(const Tensor& tensor, int axis) const {
    if (!tensor || !batch_first) return tensor;
    const Shape& shape = tensor.shape();
    Shape turned = shape;
    std::swap(turned[0], turned[axis]);
    Tensor result = *Tensor::Allocate(tensor.type(), turned);
    const int64_t width = shape.Product(axis + 1, shape.rank());
    const auto from = tensor.span<float>();
    for (int64_t i = 0; i < shape[0]; ++i) {
      for (int64_t j = 0; j < shape[axis]; ++j) {
        std::copy_n(from.data() + (i * shape[axis] + j) * width, width,
                    static_cast<float*>(result.mutable_data()) + (j * shape[0] + i) * width);
      }
    }
    return result;
  }

  std::string name;
  int64_t steps, batch, inputs, hidden, directions;
  bool reverse, batch_first, linear_before_reset;
  Tensor x, w, r, b, h, c, p;
  std::vector<int32_t> lengths;
};

double At(const Tensor& tensor, int64_t i) {
  return tensor ? static_cast<double>(tensor.span<float>()[static_cast<size_t>(i)]) : 0.0;
}

// One row of the batch in one direction; Y is [steps][directions][batch][hidden].
class Reference {
 public:
  Reference(const Layer& layer, int64_t direction, int64_t row)
      : l_(layer), d_(direction), row_(row), h_(Count(layer.hidden)), c_(Count(layer.hidden)) {
    for (int64_t j = 0; j < l_.hidden; ++j) {
      h_[Count(j)] = At(l_.h, (d_ * l_.batch + row_) * l_.hidden + j);
      c_[Count(j)] = At(l_.c, (d_ * l_.batch + row_) * l_.hidden + j);
    }
  }

  // Calls `visit(time, hidden)` after each step.
  template <typename Visit>
  void Run(const Visit& visit) {
    const int64_t length = l_.lengths.empty() ? l_.steps : l_.lengths[Count(row_)];
    const bool backwards = d_ == 1 || l_.reverse;
    for (int64_t step = 0; step < length; ++step) {
      const int64_t time = backwards ? length - 1 - step : step;
      Step(time);
      visit(time, h_);
    }
  }

  const std::vector<double>& hidden() const { return h_; }
  const std::vector<double>& cell() const { return c_; }

 private:
  static size_t Count(int64_t n) { return static_cast<size_t>(n); }

  double Input(int64_t gate, int64_t j, int64_t time) const {
    const int64_t row = d_ * Gates(l_.name) * l_.hidden + gate * l_.hidden + j;
    double sum = 0;
    for (int64_t k = 0; k < l_.inputs; ++k) {
      sum += At(l_.w, row * l_.inputs + k) * At(l_.x, (time * l_.batch + row_) * l_.inputs + k);
    }
    return sum + At(l_.b, d_ * 2 * Gates(l_.name) * l_.hidden + gate * l_.hidden + j);
  }
  double Recurrent(int64_t gate, int64_t j, const std::vector<double>& state) const {
    const int64_t gates = Gates(l_.name);
    const int64_t row = d_ * gates * l_.hidden + gate * l_.hidden + j;
    double sum = 0;
    for (int64_t k = 0; k < l_.hidden; ++k) sum += At(l_.r, row * l_.hidden + k) * state[Count(k)];
    return sum + At(l_.b, (d_ * 2 + 1) * gates * l_.hidden + gate * l_.hidden + j);
  }
  double Peephole(int64_t gate, int64_t j) const {
    return At(l_.p, (d_ * 3 + gate) * l_.hidden + j);
  }

  void Step(int64_t time) {
    std::vector<double> next = h_;
    const auto sum = [&](int64_t gate, int64_t j) {
      return Input(gate, j, time) + Recurrent(gate, j, h_);
    };
    if (l_.name == "RNN") {
      for (int64_t j = 0; j < l_.hidden; ++j) next[Count(j)] = std::tanh(sum(0, j));
    } else if (l_.name == "LSTM") {
      for (int64_t j = 0; j < l_.hidden; ++j) {
        double& c = c_[Count(j)];
        const double i = Sigmoid(sum(0, j) + Peephole(0, j) * c);
        const double f = Sigmoid(sum(2, j) + Peephole(2, j) * c);
        c = f * c + i * std::tanh(sum(3, j));
        next[Count(j)] = Sigmoid(sum(1, j) + Peephole(1, j) * c) * std::tanh(c);
      }
    } else {
      std::vector<double> scaled = h_;
      for (int64_t j = 0; j < l_.hidden; ++j) scaled[Count(j)] *= Sigmoid(sum(1, j));
      for (int64_t j = 0; j < l_.hidden; ++j) {
        const double z = Sigmoid(sum(0, j));
        const double recurrent = l_.linear_before_reset ? Sigmoid(sum(1, j)) * Recurrent(2, j, h_)
                                                        : Recurrent(2, j, scaled);
        const double n = std::tanh(Input(2, j, time) + recurrent);
        next[Count(j)] = (1 - z) * n + z * h_[Count(j)];
      }
    }
    h_ = next;
  }

  const Layer& l_;
  int64_t d_;
  int64_t row_;
  std::vector<double> h_;
  std::vector<double> c_;
};

// Y, Y_h and Y_c in layout 0.
std::vector<Tensor> Expected(const Layer& l) {
  std::vector<float> y(static_cast<size_t>(l.steps * l.directions * l.batch * l.hidden));
  std::vector<float> last(static_cast<size_t>(l.directions * l.batch * l.hidden));
  std::vector<float> cell = last;
  for (int64_t d = 0; d < l.directions; ++d) {
    for (int64_t row = 0; row < l.batch; ++row) {
      Reference reference(l, d, row);
      reference.Run([&](int64_t time, const std::vector<double>& h) {
        std::copy(h.begin(), h.end(),
                  y.begin() + ((time * l.directions + d) * l.batch + row) * l.hidden);
      });
      const auto at = (d * l.batch + row) * l.hidden;
      std::copy(reference.hidden().begin(), reference.hidden().end(), last.begin() + at);
      std::copy(reference.cell().begin(), reference.cell().end(), cell.begin() + at);
    }
  }
  const Shape state{l.directions, l.batch, l.hidden};
  return {FloatTensor({l.steps, l.directions, l.batch, l.hidden}, y), FloatTensor(state, last),
          FloatTensor(state, cell)};
}

class Recurrent : public testing::TestWithParam<const char*> {};

TEST_P(Recurrent, FollowsTheEquations) {
  std::mt19937 random(17);
  for (int i = 0; i < 40; ++i) {
    SCOPED_TRACE(i);
    const Layer layer(GetParam(), random);
    OperatorCase c = layer.Case();
    c.constant_parameters = false;
    const std::vector<Tensor> expected = Expected(layer);
    const auto expect = [&](const std::vector<Tensor>& actual, double tolerance) {
      ASSERT_FALSE(actual.empty());
      // [batch, steps, directions, hidden] back to [steps, directions, batch, hidden].
      Tensor y = actual[0];
      if (layer.batch_first) {
        y = layer.Turned(y.Reshaped({layer.batch, layer.steps * layer.directions, layer.hidden}), 1)
                .Reshaped(expected[0].shape());
      }
      ExpectClose(y, expected[0], tolerance);
      for (size_t o = 1; o < actual.size(); ++o) {
        ExpectClose(layer.Turned(actual[o], 1), expected[o], tolerance);
      }
    };
    expect(c.Run(), 1e-5);
    expect(c.RunInDouble(), 2e-7);
  }
}

TEST_P(Recurrent, AgreesOnEveryLevel) {
  std::mt19937 random(18);
  const std::vector<std::string> kinds = {"Affine", "Relu",       "LeakyRelu", "ThresholdedRelu",
                                          "Tanh",   "ScaledTanh", "Sigmoid",   "HardSigmoid",
                                          "Elu",    "Softsign",   "Softplus"};
  for (int i = 0; i < 12; ++i) {
    SCOPED_TRACE(i);
    const Layer layer(GetParam(), random);
    OperatorCase c = layer.Case();
    // sequence_lens would be known at load too.
    c.constant_parameters = layer.lengths.empty() && Pick(0, 1, random) == 1;
    const int64_t per_direction = layer.name == "LSTM" ? 3 : layer.name == "GRU" ? 2 : 1;
    std::vector<std::string> names;
    std::vector<float> alphas, betas;
    for (int64_t a = 0; a < per_direction * layer.directions; ++a) {
      names.push_back(kinds[static_cast<size_t>(Pick(0, 10, random))]);
      alphas.push_back(0.3f);
      betas.push_back(0.2f);
    }
    c.Set("activations", names);
    c.Set("activation_alpha", alphas);
    c.Set("activation_beta", betas);
    c.Set("clip", 0.7f);
    ExpectAgreement(c, 1e-4);
  }
}

TEST_P(Recurrent, KeepsNaNThroughClipAndActivations) {
  std::mt19937 random(22);
  for (const char* const kind : {"Relu", "HardSigmoid", "Tanh", "Softplus"}) {
    SCOPED_TRACE(kind);
    OperatorCase c;
    c.name = GetParam();
    c.opset = 14;
    const int64_t gates = Gates(c.name);
    c.inputs = {Layer::Rows({2, 1, 3}, random), Layer::Rows({1, gates * 5, 3}, random),
                Layer::Rows({1, gates * 5, 5}, random)};
    static_cast<float*>(c.inputs[0].mutable_data())[1] = std::numeric_limits<float>::quiet_NaN();
    c.Set("hidden_size", int64_t{5});
    c.Set("activations",
          std::vector<std::string>(static_cast<size_t>(gates == 1 ? 1 : gates - 1), kind));
    c.Set("clip", 0.7f);
    for (const float y : Floats(c.Run()[0])) EXPECT_TRUE(std::isnan(y));
    ExpectAgreement(c, 1e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(Layers, Recurrent, testing::Values("RNN", "GRU", "LSTM"));

// Products of this size are cut into parts for several threads.
TEST(Lstm, LargeLayerAgreesWithSeveralThreads) {
  std::mt19937 random(19);
  OperatorCase c;
  c.name = "LSTM";
  c.opset = 14;
  c.constant_parameters = true;
  c.inputs = {Layer::Rows({3, 1, 40}, random), Layer::Rows({1, 4 * 400, 40}, random),
              Layer::Rows({1, 4 * 400, 400}, random)};
  c.Set("hidden_size", int64_t{400});
  ExpectAgreement(c, 1e-4);
}

TEST(Lstm, OldestFormGivesTheSame) {
  std::mt19937 random(20);
  OperatorCase c;
  c.name = "LSTM";
  c.inputs = {Layer::Rows({2, 1, 3}, random), Layer::Rows({1, 8, 3}, random),
              Layer::Rows({1, 8, 2}, random)};
  c.opset = 7;
  const std::vector<Tensor> newer = c.Run();
  c.opset = 1;
  c.Set("output_sequence", int64_t{1});
  ExpectClose(c.Run()[0], newer[0], 0);
}

TEST(Lstm, SaysWhatIsWrong) {
  std::mt19937 random(21);
  OperatorCase c;
  c.name = "LSTM";
  c.opset = 14;
  c.inputs = {RandomTensor({2, 1, 3}, random), RandomTensor({1, 8, 3}, random),
              RandomTensor({1, 8, 2}, random)};
  OperatorCase long_sequence = c;
  const std::vector<int32_t> lengths = {3};
  long_sequence.inputs.push_back(Tensor());
  long_sequence.inputs.push_back(Tensor::Vector<int32_t>(std::span<const int32_t>(lengths)));
  EXPECT_NE(long_sequence.RunError().find("sequence_lens"), std::string::npos);
  OperatorCase wrong_weights = c;
  wrong_weights.inputs[2] = RandomTensor({1, 8, 3}, random);
  EXPECT_NE(wrong_weights.RunError().find("must have shape"), std::string::npos);
  OperatorCase unknown = c;
  unknown.Set("activations", std::vector<std::string>{"Sigmoid", "Tanh", "Cosine"});
  EXPECT_NE(unknown.RunError().find("'Cosine'"), std::string::npos);
}

}  // namespace
}  // namespace mullion::cpu
