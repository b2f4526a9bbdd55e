// SPDX-License-Identifier: MIT
// The smallest program that uses an installed Mullion: a blank picture through the digits model.
#include <mullion/mullion.h>

#include <cstdio>
#include <vector>

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const auto model = mullion::LearningModel::LoadFromFilePath(arguments[1]);
  const mullion::LearningModelSession session(model);
  mullion::LearningModelBinding binding(session);
  const std::vector<float> pixels(32 * 32, 0.0f);
  binding.Bind("image", mullion::TensorFloat::CreateFromArray({1, 1, 32, 32}, pixels));
  const auto result = session.Evaluate(binding, "");
  const auto tensor = result.Outputs().Lookup("probabilities").as<mullion::TensorFloat>();
  const auto values = tensor.GetAsVectorView();
  float sum = 0;
  for (const float value : values) sum += value;
  if (values.size() != 10 || sum < 0.999f || sum > 1.001f) return 1;
  std::printf("ok %zu\n", static_cast<size_t>(values.size()));
}
