// SPDX-License-Identifier: MIT
// Runs trained machine-learning models (ONNX) inside an application:
//
//   const auto model = mullion::LearningModel::LoadFromFilePath("model.onnx");
//   const mullion::LearningModelSession session(model);
//   mullion::LearningModelBinding binding(session);
//   binding.Bind("input", mullion::TensorFloat::CreateFromArray({1, 3}, {1, 2, 3}));
//   const auto result = session.Evaluate(binding);
//   const auto output = result.Outputs().Lookup("output").as<mullion::TensorFloat>();
//   for (const float value : output.data()) { ... }
//
// Failures throw mullion::Error. Text is UTF-8. Classes are cheap handles: copies mean the same
// object. Windows ML programs find its classes here by their names.
#ifndef MULLION_MULLION_H_
#define MULLION_MULLION_H_

#include "mullion/error.h"
#include "mullion/evaluation_cancellation.h"
#include "mullion/evaluation_result.h"
#include "mullion/feature_descriptor.h"
#include "mullion/feature_value.h"
#include "mullion/image_binding_options.h"
#include "mullion/image_feature_value.h"
#include "mullion/kinds.h"
#include "mullion/learning_model.h"
#include "mullion/learning_model_binding.h"
#include "mullion/learning_model_device.h"
#include "mullion/learning_model_session.h"
#include "mullion/learning_model_session_options.h"
#include "mullion/map_value.h"
#include "mullion/sequence_value.h"
#include "mullion/software_bitmap.h"
#include "mullion/tensor.h"
#include "mullion/tensor_string.h"

#endif  // MULLION_MULLION_H_
