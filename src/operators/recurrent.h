// SPDX-License-Identifier: MIT
// What RNN, GRU and LSTM have in common: parsed attributes, and inference.
#ifndef MULLION_OPERATORS_RECURRENT_H_
#define MULLION_OPERATORS_RECURRENT_H_

#include <array>
#include <cstdint>

#include "operators/inference.h"

namespace mullion::operators {

enum class RecurrentKind : uint8_t { kRnn, kGru, kLstm };

// Weight blocks per direction: RNN one; GRU update, reset, hidden; LSTM input, output, forget,
// cell.
constexpr int GateCount(RecurrentKind kind) {
  return kind == RecurrentKind::kLstm ? 4 : kind == RecurrentKind::kGru ? 3 : 1;
}
// Activation functions per direction: RNN f; GRU f, g; LSTM f, g, h.
constexpr int ActivationCount(RecurrentKind kind) {
  return kind == RecurrentKind::kLstm ? 3 : kind == RecurrentKind::kGru ? 2 : 1;
}

struct RecurrentActivation {
  enum class Kind : uint8_t {
    kAffine,           // alpha x + beta
    kRelu,             // max(x, 0)
    kLeakyRelu,        // x < 0 ? alpha x : x
    kThresholdedRelu,  // x > alpha ? x : 0
    kTanh,
    kScaledTanh,  // alpha tanh(beta x)
    kSigmoid,
    kHardSigmoid,  // min(max(alpha x + beta, 0), 1)
    kElu,          // x < 0 ? alpha (e^x - 1) : x
    kSoftsign,     // x / (1 + |x|)
    kSoftplus,     // log(1 + e^x)
  };
  Kind kind = Kind::kTanh;
  float alpha = 0.0f;
  float beta = 0.0f;
};

struct RecurrentParameters {
  int directions = 1;
  bool first_is_reverse = false;  // direction 0 runs backwards; direction 1 always does
  int64_t hidden = 0;             // 0 when the attribute is absent: the weights tell
  float clip = 0.0f;              // 0 for none
  bool batch_first = false;       // layout 1
  bool input_forget = false;      // LSTM: the forget gate is 1 - the input gate
  bool linear_before_reset = false;
  // ActivationCount per direction, the second direction's after the first's.
  std::array<RecurrentActivation, 6> activations;
};

// The error names the attribute that is wrong.
Result<RecurrentParameters> ParseRecurrent(const Node& node, RecurrentKind kind);

// Outputs Y, Y_h and, for LSTM, Y_c of a node in its newest form.
Status InferRecurrent(InferenceContext& context, RecurrentKind kind);

// The form of opset 1 said by `output_sequence` whether Y is wanted; naming the output says so too.
Status UpgradeRecurrent1(Node& node, int next);

}  // namespace mullion::operators

#endif  // MULLION_OPERATORS_RECURRENT_H_
