// SPDX-License-Identifier: MIT
// What an operator's inference function sees and says: types, shapes, and known contents.
//
// The same function serves twice. When a model is loaded, dimensions may be unknown (negative) and
// contents are known only of constants. When a session binds concrete input shapes, all dimensions
// that do not hang on run-time values are known.
#ifndef MULLION_OPERATORS_INFERENCE_H_
#define MULLION_OPERATORS_INFERENCE_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "graph/graph.h"

namespace mullion {

class InferenceContext {
 public:
  // Facts about one input. `data` is set when the content is known on the host.
  struct Input {
    const TypeInfo* type = nullptr;    // null when the input is left out
    const Shape* shape = nullptr;      // null when even the rank is unknown
    const TensorView* data = nullptr;  // null when the content is not known
  };

  InferenceContext(const Node& node, std::span<const Input> inputs, std::span<TypeInfo> outputs)
      : node_(node), inputs_(inputs), outputs_(outputs) {}

  const Node& node() const { return node_; }
  int input_count() const { return static_cast<int>(inputs_.size()); }
  int output_count() const { return static_cast<int>(outputs_.size()); }

  bool HasInput(int i) const { return i < input_count() && At(i).type != nullptr; }
  const TypeInfo& InputInfo(int i) const { return *At(i).type; }
  ElementType InputType(int i) const {
    return HasInput(i) ? At(i).type->element_type : ElementType::kUndefined;
  }
  // Null when the input is left out or its rank is unknown.
  const Shape* InputShape(int i) const { return i < input_count() ? At(i).shape : nullptr; }
  // Null when the input is left out or its content is unknown.
  const TensorView* InputData(int i) const { return i < input_count() ? At(i).data : nullptr; }
  // The content of an integer input (int64, int32 and smaller kinds) of any rank, widened.
  std::optional<std::vector<int64_t>> InputInts(int i) const;
  // The content of a float, double or half input, widened.
  std::optional<std::vector<float>> InputFloats(int i) const;

  // True when the caller wants output i. Setting an unwanted one is allowed and ignored.
  bool WantsOutput(int i) const { return i < output_count(); }
  void SetOutput(int i, TypeInfo info);
  void SetOutput(int i, ElementType type, const Shape& shape) {
    SetOutput(i, TypeInfo::Tensor(type, shape));
  }
  // A tensor of unknown rank.
  void SetOutput(int i, ElementType type) { SetOutput(i, TypeInfo::Tensor(type)); }
  const TypeInfo& OutputInfo(int i) const { return outputs_[static_cast<size_t>(i)]; }

  // An error that begins with the node's origin. `pieces`, joined as by StrCat, say which input or
  // attribute is wrong, why and what would be right.
  template <typename... Pieces>
  [[gnu::always_inline]] Status Error(const Pieces&... pieces) const {
    return node_.Error(StatusCode::kInvalidModel, pieces...);
  }
  // "input 1 'W' is float[64,3,7]": for messages.
  std::string DescribeInput(int i) const;

  // Checks with complete messages.
  Status RequireInput(int i) const;  // the input is there
  Status RequireRank(int i, int rank) const;
  Status RequireRankAtLeast(int i, int rank) const;
  Status RequireType(int i, ElementTypeSet allowed) const;
  Status RequireSameType(int i, int j) const;
  // `axis` counted from the front; an error when outside [-rank, rank).
  Result<int> Axis(int64_t axis, int rank) const;

 private:
  const Input& At(int i) const { return inputs_[static_cast<size_t>(i)]; }
  const Node& node_;
  std::span<const Input> inputs_;
  std::span<TypeInfo> outputs_;
};

// Inference that many operators share.
Status InferSameAsFirst(InferenceContext& context);  // output 0: type and shape of input 0
Status InferBroadcast(InferenceContext& context);    // type of input 0, all inputs broadcast
Status InferCompare(InferenceContext& context);      // bool, all inputs broadcast

// Output 0 has elements of `type` and the shape of input 0, known or not.
void SetLikeFirst(InferenceContext& context, ElementType type);

// `type` without a shape, for values whose shape shows only when they are there.
TypeInfo WithoutShape(TypeInfo type);

// An error of a node whose attributes or shapes contradict each other or the standard.
template <typename... Pieces>
[[gnu::always_inline]] inline Status WrongNode(const Node& node, const Pieces&... pieces) {
  return node.Error(StatusCode::kInvalidModel, pieces...);
}

}  // namespace mullion

#endif  // MULLION_OPERATORS_INFERENCE_H_
