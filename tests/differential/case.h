// SPDX-License-Identifier: MIT
// One small model with its inputs, under construction by a family's maker.
//
// Where the peer has no kernel for an old form of an operator, a case has a twin: a second model of
// the same inputs that says the same in newer words, which the peer runs instead.
#ifndef MULLION_TESTS_DIFFERENTIAL_CASE_H_
#define MULLION_TESTS_DIFFERENTIAL_CASE_H_

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "graph/model.h"
#include "tests/differential/random.h"
#include "tools/compare.h"

namespace mullion::differential {

class Case;

// An operator, or a kind of chain, to be tested: `make` builds one random case of it.
struct Subject {
  std::string_view name;
  void (*make)(Case&);
  std::string_view domain = "";
  int first_opset = 7;  // of ai.onnx: the opset of a case is between these two
  int last_opset = 25;
  int times = 1;              // so many times the cases of others
  bool hostile_only = false;  // the peer has no kernel, nor other words for it
};

inline constexpr std::string_view kMl = "ai.onnx.ml";
inline constexpr std::string_view kMicrosoft = "com.microsoft";

using Attributes = std::vector<std::pair<std::string_view, AttributeValue>>;

class Case {
 public:
  Case(const Subject& subject, uint64_t seed, Manner manner = Manner::kSmall,
       ElementType type = ElementType::kFloat);

  const Subject& subject() const { return subject_; }
  Random& random() { return random_; }
  // The version of ai.onnx; ai.onnx.ml's version is a choice of the maker.
  int opset() const { return opset_; }
  void set_opset(int opset) { opset_ = opset; }
  void set_ml_opset(int opset) { ml_opset_ = opset; }
  bool twinned() const { return twin_ != nullptr; }

  // What flows into nodes. Input() is fed or, in one case of four, an initializer.
  Value* Input(Tensor tensor);
  Value* Fed(Tensor tensor);
  Value* Constant(Tensor tensor);
  // What models have as an initializer: always so at realistic sizes, else like Input().
  Value* Weights(Tensor tensor);

  // A node of the given operator, or of the subject's. Inputs that are null are left out.
  Node& Add(std::string_view name, std::string_view domain, std::vector<Value*> inputs,
            Attributes attributes = {}, int outputs = 1);
  Node& Add(std::vector<Value*> inputs, Attributes attributes = {}, int outputs = 1) {
    return Add(subject_.name, subject_.domain, std::move(inputs), std::move(attributes), outputs);
  }
  void Return(Value* value);
  void Return(const Node& node);  // all its outputs
  // The whole of most makers: one node whose outputs are the model's.
  void Only(std::vector<Value*> inputs, Attributes attributes = {}, int outputs = 1) {
    Return(Add(std::move(inputs), std::move(attributes), outputs));
  }

  // Begins the twin; nodes and outputs added from now on are the twin's. All inputs must exist.
  void BeginTwin(int opset);
  // The value of the twin that stands for an input or constant of the first model.
  Value* Twin(Value* value) { return value == nullptr ? nullptr : twins_.at(value); }
  Value* TwinConstant(Tensor tensor);

  // Turns all floats of a case without a twin into `type`, float16 or bfloat16; the twin computes
  // in float what was rounded so, and rounds its results. False where that cannot be.
  bool Halve(ElementType type);

  // What is compared, and how. Integers and strings are equal; `steps` allows integers that were
  // rounded to differ by so much.
  tools::Tolerance tolerance{1e-4, 1e-6, 1e-6};
  int steps = 0;
  void Loose(double factor) {
    tolerance.rtol *= factor;
    tolerance.atol *= factor;
    tolerance.atol_range *= factor;
  }
  // Inputs are declared with their sizes.
  void DeclareSizes() { symbolic_ = false; }
  // Random content: only types and shapes are compared.
  bool shapes_only = false;
  // Local functions that the model calls, as fields of a ModelProto to be put behind its others.
  // Outputs are tensors of float then, as our inference sees models without calls only.
  std::string functions;

  const std::vector<Tensor>& inputs() const { return inputs_; }
  std::vector<Tensor>& inputs() { return inputs_; }
  // Ends the construction: declares outputs, names everything. False when inference refuses the
  // model; `problem` says why.
  bool Finish(std::string* problem);
  const Model& model() const { return model_; }
  Model& model() { return model_; }
  const Model& peer_model() const { return twin_ == nullptr ? model_ : *twin_; }
  // "Softmax-11 axis=1 (float[2,3])".
  std::string Describe() const;

 private:
  Model& current() { return twin_ == nullptr ? model_ : *twin_; }
  int VersionOf(std::string_view domain) const;

  const Subject& subject_;
  Random random_;
  int opset_;
  int ml_opset_ = 3;
  int twin_opset_ = 0;
  Model model_;
  std::unique_ptr<Model> twin_;
  std::vector<Tensor> inputs_;  // of model_.inputs
  std::unordered_map<Value*, Value*> twins_;
  bool symbolic_;  // declares the sizes of inputs as unknown
};

// Every operator that has a maker.
std::vector<Subject> AllSubjects();

}  // namespace mullion::differential

#endif  // MULLION_TESTS_DIFFERENTIAL_CASE_H_
