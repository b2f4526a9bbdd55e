// SPDX-License-Identifier: MIT
// Reads one handwritten digit: read_digit digits.onnx images/7.png
#include <mullion/image_codecs.h>
#include <mullion/mullion.h>

#include <algorithm>
#include <cstdio>

int main(int count, char** arguments) {
  if (count != 3) return 2;
  using namespace mullion;
  LearningModelSession session(LearningModel::LoadFromFilePath(arguments[1]));
  LearningModelBinding binding(session);
  binding.Bind("image",
               ImageFeatureValue::CreateFromVideoFrame(VideoFrame::CreateFromFile(arguments[2])));
  auto result = session.Evaluate(binding, "");
  auto scores = result.Outputs().Lookup("probabilities").as<TensorFloat>().GetAsVectorView();
  auto best = std::max_element(scores.begin(), scores.end());
  std::printf("%d (%.1f %%)\n", static_cast<int>(best - scores.begin()), 100 * *best);
}
