// SPDX-License-Identifier: MIT
// Steps that keep the shape, and the list of chains.
#include "tests/differential/chain.h"
#include "tests/differential/subjects.h"

namespace mullion::differential {

namespace {

Value* Gelu(Chain& k, Value* x) {
  Value* const root = k.Number(std::sqrt(2.0));
  Value* const erf = k("Erf", {k("Div", {x, root})});
  Value* const gate = k("Add", {erf, k.Number(1)});
  if (k.Chance(0.5)) return k("Mul", {k("Mul", {x, gate}), k.Number(0.5)});
  return k("Mul", {k("Mul", {x, k.Number(0.5)}), gate});
}

Value* GeluTanh(Chain& k, Value* x) {
  Value* const cube = k.Chance(0.5) ? k("Pow", {x, k.Number(3)}) : k("Mul", {k("Mul", {x, x}), x});
  Value* const inner = k("Add", {x, k("Mul", {cube, k.Number(0.044715)})});
  Value* const tanh = k("Tanh", {k("Mul", {inner, k.Number(0.7978845608)})});
  return k("Mul", {k("Mul", {x, k.Number(0.5)}), k("Add", {tanh, k.Number(1)})});
}

// An operand that broadcasts to the shape, whose axis `channel` is that of channels.
Value* Operand(Chain& k, const Flow& x, int channel) {
  const double low = k.Chance(0.3) ? 0.3 : -1.5;
  switch (k.Int(0, 4)) {
    case 0:
      return k.Weights({}, low, 1.5);
    case 1:
      return k.Weights(k.Chance(0.5) ? Shape{1} : Shape::Filled(x.shape.rank(), 1), low, 1.5);
    case 2: {
      Shape shape = Shape::Filled(x.shape.rank() - channel, 1);
      shape[0] = x.shape[channel];
      return k.Weights(shape, low, 1.5);
    }
    case 3:
      return k.Weights(x.shape, low, 1.5);
    default:
      return k.Mate(x).value;
  }
}

}  // namespace

Value* Activated(Chain& k, Value* x) {
  switch (k.Int(0, 14)) {
    case 0:
      return k("Relu", {x});
    case 1:
      return k("Clip", {x, k.Number(0), k.Number(k.Chance(0.5) ? 6 : 1)});
    case 2:
      return k("LeakyRelu", {x}, With("alpha", static_cast<float>(k.random().Real(-0.2, 1.2))));
    case 3:
      return k("Mul", {x, k("Sigmoid", {x})});
    case 4:
      return k("Mul", {k("Sigmoid", {x}), x});
    case 5:
      return k("HardSigmoid", {x}, With("alpha", 1.0f / 6));
    case 6:
      return k("Mul", {x, k("HardSigmoid", {x}, With("alpha", 1.0f / 6))});
    case 7: {  // x * clip(x + 3, 0, 6) / 6
      Value* const gate = k("Clip", {k("Add", {x, k.Number(3)}), k.Number(0), k.Number(6)});
      return k("Div", {k("Mul", {x, gate}), k.Number(6)});
    }
    case 8:
      return Gelu(k, x);
    case 9:
      return GeluTanh(k, x);
    case 10:
      return k("Mul", {x, k("Tanh", {k("Softplus", {x})})});
    case 11:
      return k("Elu", {x});
    case 12:
      return k("Max", {x, k("Mul", {x, k.Number(0.1)})});
    case 13:
      return k("Sigmoid", {x});
    default:
      return k("Tanh", {x});
  }
}

void Arithmetic(Chain& k, const Flow& x, int channel) {
  Value* const other = Operand(k, x, channel);
  const char* const name = k.random().Pick({"Add", "Add", "Mul", "Sub", "Min", "Max"});
  k.Keep(k.Chance(0.5) ? k(name, {x.value, other}) : k(name, {other, x.value}), x.shape);
}

Value* Normalized(Chain& k, const Flow& x, bool centred, int64_t axis) {
  const Attributes over = With("axes", Axes{axis});
  Value* y = x.value;
  if (centred) y = k("Sub", {y, k("ReduceMean", {y}, over)});
  Value* const square = k.Chance(0.5) ? k("Mul", {y, y}) : k("Pow", {y, k.Number(2)});
  Value* const variance = k("ReduceMean", {square}, over);
  Value* const deviation = k("Sqrt", {k("Add", {variance, k.Number(1e-2)})});
  return k.Chance(0.6) ? k("Div", {y, deviation}) : k("Mul", {y, k("Reciprocal", {deviation})});
}

std::vector<Subject> ChainSubjects() {
  return {{"chain:image", ImageChain, "", 14, 17, 20},
          {"chain:tokens", TokenChain, "", 14, 17, 20},
          {"chain:quantized", QuantizedChain, "", 14, 17, 20}};
}

}  // namespace mullion::differential
