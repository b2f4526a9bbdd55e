// SPDX-License-Identifier: MIT
#include "tests/devices/cpu/movement_case.h"

#include <cstring>

#include "tests/devices/cpu/thread_parallel.h"
#include "tests/kernel_tester.h"

namespace mullion::cpu {

namespace {

struct Way {
  const char* name;
  bool hidden;
  bool constant;  // inputs from 1 on
  int threads;
};

constexpr Way kWays[] = {{"contents known", false, false, 1},
                         {"contents hidden", true, false, 1},
                         {"constants", false, true, 1},
                         {"three threads", false, false, 3}};

Status RunOneWay(const OperatorCase& c, const Way& way, std::vector<Tensor>& outputs) {
  KernelTester tester(c.name, c.opset, c.domain);
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    if (c.inputs[i]) {
      tester.AddInput(c.inputs[i], way.constant && i > 0);
    } else {
      tester.SkipInput();
    }
  }
  for (const auto& [name, value] : c.attributes) tester.SetAttribute(name, value);
  tester.SetOutputCount(c.output_count);
  if (way.hidden) tester.HideContents();
  ThreadParallel parallel(way.threads);
  tester.SetParallel(&parallel);
  MULLION_RETURN_IF_ERROR(tester.Run());
  for (int i = 0; i < c.output_count; ++i) {
    MULLION_ASSIGN_OR_RETURN(Tensor tensor, tester.OutputDatum(i).OwnedTensor());
    outputs.push_back(std::move(tensor));
  }
  return OkStatus();
}

bool Same(const Tensor& a, const Tensor& b) {
  if (a.type() != b.type() || a.shape() != b.shape()) return false;
  if (a.type() != ElementType::kString) return std::memcmp(a.data(), b.data(), a.bytes()) == 0;
  const auto x = a.span<std::string>();
  const auto y = b.span<std::string>();
  return std::equal(x.begin(), x.end(), y.begin());
}

}  // namespace

std::vector<Tensor> RunEveryWay(const OperatorCase& c) {
  std::vector<Tensor> first;
  for (const Way& way : kWays) {
    std::vector<Tensor> outputs;
    const Status status = RunOneWay(c, way, outputs);
    EXPECT_TRUE(status.ok()) << way.name << ": " << status.message();
    if (!status.ok()) return {};
    if (first.empty()) first = outputs;
    for (size_t i = 0; i < first.size(); ++i) {
      EXPECT_TRUE(Same(first[i], outputs[i])) << "output " << i << " differs with " << way.name;
    }
  }
  return first;
}

void ExpectError(const OperatorCase& c, const std::string& text) {
  for (const Way& way : kWays) {
    std::vector<Tensor> outputs;
    const Status status = RunOneWay(c, way, outputs);
    EXPECT_FALSE(status.ok()) << way.name;
    EXPECT_NE(status.message().find(text), std::string::npos) << status.message();
  }
}

int64_t NumberOf(const Shape& shape, const std::vector<int64_t>& at) {
  int64_t number = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    number = number * shape[axis] + at[static_cast<size_t>(axis)];
  }
  return number;
}

}  // namespace mullion::cpu
