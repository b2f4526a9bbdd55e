// SPDX-License-Identifier: MIT
// Runs one operator on the CPU device outside any session: inference, Bind, Run. For unit tests of
// operators and kernels.
//
//   KernelTester tester("Softmax", 13);
//   tester.AddInput<float>({2, 3}, {1, 2, 3, 4, 5, 6});
//   tester.SetAttribute("axis", int64_t{1});
//   ASSERT_TRUE(tester.Run().ok());
//   EXPECT_EQ(tester.Output<float>(0), ...);
#ifndef MULLION_TESTS_KERNEL_TESTER_H_
#define MULLION_TESTS_KERNEL_TESTER_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/parallel.h"
#include "base/tensor.h"
#include "device/datum.h"
#include "graph/graph.h"

namespace mullion {

class KernelTester {
 public:
  explicit KernelTester(std::string_view operator_name, int opset, std::string_view domain = "");
  ~KernelTester();

  // `constant` inputs are known at load, others only at run time (their shape at binding).
  void AddInput(Tensor tensor, bool constant = false);
  template <typename T>
  void AddInput(const Shape& shape, std::vector<T> values, bool constant = false) {
    AddInput(Tensor::FromSpan<T>(shape, std::span<const T>(values)), constant);
  }
  void AddInput(Datum datum, TypeInfo type);  // a sequence, map or optional
  void SkipInput();                           // an optional input left out
  void SetAttribute(std::string_view name, AttributeValue value);
  void SetOutputCount(int count) { output_count_ = count; }
  void SkipOutput(int i) { skipped_.push_back(i); }  // an output nobody wants
  void SetParallel(Parallel* parallel) { parallel_ = parallel; }
  // Inference sees the contents of constant inputs only: outputs whose shape hangs on others get it
  // from the kernel, as when a value is computed in mid-evaluation.
  void HideContents() { hide_contents_ = true; }

  // Upgrades the node to the newest form, infers, makes the kernel, binds, and runs it `times`, the
  // last time into the same memory as the times before. Any step's error is returned.
  Status Run(int times = 2);

  const Datum& OutputDatum(int i) const { return outputs_[static_cast<size_t>(i)]; }
  const Tensor& OutputTensor(int i) const { return outputs_[static_cast<size_t>(i)].tensor; }
  Shape OutputShape(int i) const { return OutputDatum(i).view.shape; }
  template <typename T>
  std::vector<T> Output(int i) const {
    const auto span = OutputDatum(i).view.span<T>();
    return std::vector<T>(span.begin(), span.end());
  }

 private:
  Graph graph_;
  Node* node_;
  std::vector<Datum> inputs_;  // parallel to the node's inputs; skipped ones are unknown
  std::vector<Datum> outputs_;
  int output_count_ = 1;
  std::vector<int> skipped_;
  SerialParallel serial_;
  Parallel* parallel_ = nullptr;
  bool hide_contents_ = false;
};

}  // namespace mullion

#endif  // MULLION_TESTS_KERNEL_TESTER_H_
