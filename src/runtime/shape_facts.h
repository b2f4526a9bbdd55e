// SPDX-License-Identifier: MIT
// What is known of a program's values before they exist: types, shapes, and the contents of
// constants and of arithmetic on shapes.
//
// Facts are learned step by step for one set of shapes after the other. Those of the time before
// stay to compare with: a step none of whose inputs has changed gives what it gave, and is not
// looked at again. Of a decoder whose cache grows that is nearly everything.
#ifndef MULLION_RUNTIME_SHAPE_FACTS_H_
#define MULLION_RUNTIME_SHAPE_FACTS_H_

#include <memory>
#include <vector>

#include "planner/program.h"
#include "runtime/run_node.h"

namespace mullion {

class ShapeFacts {
 public:
  explicit ShapeFacts(const Program& program);

  // Before the first value of another set of shapes is learned.
  void Begin();
  void Learn(int slot, const TypeInfo& type, const Tensor& data = Tensor());

  enum class Outcome : uint8_t {
    kUnknown,  // the types of its outputs hang on values that are not there yet
    kFolded,   // its outputs are known contents: it need not run
    kRuns,
  };
  // Works out what step `index` gives, after the steps before it. The error is that of a step whose
  // inputs cannot go together.
  Result<Outcome> LearnStep(int index);
  // Steps before `end_step` were learned. Without it nothing will count as unchanged the next time.
  void End(int end_step) { learned_steps_ = end_step; }

  // Whether the step gives what it gave before, since it reads what it read.
  bool Unchanged(int index) const;

  const TypeInfo& type(int slot) const { return facts_[static_cast<size_t>(slot)].type; }
  TypeInfo& type(int slot) { return facts_[static_cast<size_t>(slot)].type; }
  // The content of the value where it is constant, or known and small; else null.
  const TensorView* view(int slot) const {
    const auto& content = facts_[static_cast<size_t>(slot)].content;
    return content == nullptr ? nullptr : &content->view;
  }
  const Tensor& tensor(int slot) const { return facts_[static_cast<size_t>(slot)].content->tensor; }

 private:
  struct Content {
    Tensor tensor;
    TensorView view;
  };
  struct Fact {
    TypeInfo type;
    std::unique_ptr<Content> content;
  };
  // Apart from the facts, which are large and mostly not looked at again.
  struct Mark {
    bool constant = false;
    bool known = false;
    bool changed = true;  // it is not what it was before
  };

  const Mark& MarkOf(int slot) const { return marks_[static_cast<size_t>(slot)]; }
  void Set(int slot, const TypeInfo& type, const Tensor& data);
  bool AskExecutable(const Step& step);
  Result<bool> InferStep(const Step& step);
  bool AllInputsKnown(const Step& step) const;
  Result<bool> FoldStep(const Step& step);

  const Program& program_;
  std::vector<Fact> facts_;
  std::vector<Mark> marks_;
  std::vector<Outcome> outcomes_;  // of the steps
  int known_steps_ = 0;            // that were learned before
  int learned_steps_ = 0;
  // Of the step at hand; kept so that not every step allocates.
  std::vector<TypeInfo> types_;
  std::vector<InferenceContext::Input> inputs_;
  std::vector<const Shape*> shapes_;
  NodeRunner runner_;
};

inline bool SameType(const TypeInfo& a, const TypeInfo& b) {
  return a.kind == b.kind && a.element_type == b.element_type && a.has_shape == b.has_shape &&
         a.shape == b.shape;
}

inline bool IsStaticTensor(const TypeInfo& type) {
  return type.IsTensor() && type.has_shape && type.shape.IsConcrete();
}

}  // namespace mullion

#endif  // MULLION_RUNTIME_SHAPE_FACTS_H_
