// SPDX-License-Identifier: MIT
#ifndef MULLION_LEARNING_MODEL_SESSION_OPTIONS_H_
#define MULLION_LEARNING_MODEL_SESSION_OPTIONS_H_

#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "mullion/c/mullion.h"
#include "mullion/kinds.h"

namespace mullion {

// How a session is made. A plain value: copies are independent, and a session copies it.
class LearningModelSessionOptions final {
 public:
  // A size for the free batch dimension of all inputs and outputs: the one with the denotation
  // DATA_BATCH, else the leading one. 0, the default, leaves it as the model has it. (Windows ML's
  // default is 1.)
  uint32_t BatchSizeOverride() const { return batch_size_; }
  void BatchSizeOverride(uint32_t size) { batch_size_ = size; }

  // Closes the model when the session has been made. Default false.
  bool CloseModelOnSessionCreation() const { return close_model_; }
  void CloseModelOnSessionCreation(bool close) { close_model_ = close; }

  // A size for a named free dimension; 0 leaves it free. Names that no input has are ignored.
  void OverrideNamedDimension(const std::string& name, uint32_t size) {
    dimensions_.emplace_back(name, size);
  }

  // Threads of an evaluation, the caller's included: 0, the default, takes all processors that the
  // process may use; at most 1024. Results do not depend on it. Whatever it is, opening a session
  // packs weights of 16 MiB and more on up to four of those processors.
  uint32_t Threads() const { return threads_; }
  void Threads(uint32_t threads) { threads_ = threads; }

  // Float16 allows half precision where the device is faster so: products (Conv, Gemm, MatMul) of
  // float tensors with constant weights then round their operands to float16 and sum up to 64
  // products in it, which changes a result by about a thousandth of its tensor's range per layer;
  // values beyond 65504 become infinite. Tensors stay float. Where the device has no such
  // arithmetic (AVX512-FP16) everything is computed in float: LearningModelSession::Precision
  // tells. Default Float32; other numbers give ErrorCode::InvalidArgument when a session is made.
  ProductPrecision Precision() const { return precision_; }
  void Precision(ProductPrecision precision) { precision_ = precision; }

  // Graph rewrites; off for comparing. Default true.
  bool Optimize() const { return optimize_; }
  void Optimize(bool optimize) { optimize_ = optimize; }

  // The same for calls of the C interface.
  struct Deleter {
    void operator()(MullionSessionOptions* options) const {
      MullionSessionOptions_Release(options);
    }
  };
  std::unique_ptr<MullionSessionOptions, Deleter> ToC() const {
    std::unique_ptr<MullionSessionOptions, Deleter> options(MullionSessionOptions_Create());
    if (options == nullptr) throw std::bad_alloc();
    MullionSessionOptions_SetBatchSizeOverride(options.get(), batch_size_);
    MullionSessionOptions_SetCloseModelOnSessionCreation(options.get(), close_model_ ? 1 : 0);
    MullionSessionOptions_SetThreads(options.get(), threads_);
    MullionSessionOptions_SetPrecision(options.get(), static_cast<MullionPrecision>(precision_));
    MullionSessionOptions_SetOptimize(options.get(), optimize_ ? 1 : 0);
    for (const auto& [name, size] : dimensions_) {
      MullionSessionOptions_OverrideNamedDimension(options.get(), name.c_str(), size);
    }
    return options;
  }

 private:
  uint32_t batch_size_ = 0;
  bool close_model_ = false;
  uint32_t threads_ = 0;
  ProductPrecision precision_ = ProductPrecision::Float32;
  bool optimize_ = true;
  std::vector<std::pair<std::string, uint32_t>> dimensions_;
};

}  // namespace mullion

#endif  // MULLION_LEARNING_MODEL_SESSION_OPTIONS_H_
