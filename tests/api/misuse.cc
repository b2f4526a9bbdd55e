// SPDX-License-Identifier: MIT
// Code that must not compile, one case at a time; case 0 must.
#include "mullion/mullion.h"

struct Unrelated {};

void Use(const mullion::LearningModelSession& session) {
  mullion::LearningModelBinding binding(session);
  const std::vector<int64_t> shape = {2};
  const std::vector<float> data = {1, 2};
#if MULLION_CASE == 0
  binding.Bind("x", mullion::TensorFloat::CreateFromArray(shape, data));
#elif MULLION_CASE == 1
  binding.Bind("x", Unrelated());
#elif MULLION_CASE == 2  // elements of another type
  binding.Bind("x", mullion::TensorInt64Bit::CreateFromArray(shape, data));
#elif MULLION_CASE == 3  // a shape of int
  binding.Bind("x", mullion::TensorFloat::CreateFromArray(std::vector<int>{2}, data));
#elif MULLION_CASE == 4  // a device is not made by accident
  const mullion::LearningModelSession other(session.Model(), mullion::LearningModelDeviceKind::Cpu);
#elif MULLION_CASE == 5  // a model is not a session
  mullion::LearningModelBinding wrong(session.Model());
#elif MULLION_CASE == 6  // read-only memory to write into
  binding.Bind("x", mullion::TensorFloat::CreateFromBuffer(shape, std::span<const float>(data)));
#elif MULLION_CASE == 7  // a map with keys of no ONNX type
  binding.Bind("x", std::map<float, float>());
#endif
}
