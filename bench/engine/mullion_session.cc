// SPDX-License-Identifier: MIT
// Mullion through its C++ interface.
#include <optional>

#include "bench/engine/session.h"
#include "mullion/mullion.h"

namespace mullion::bench {

namespace {

class MullionSession final : public Session {
 public:
  MullionSession(const std::string& path, int threads) {
    const LearningModel model = LearningModel::LoadFromFilePath(path);
    LearningModelSessionOptions options;
    options.Threads(static_cast<uint32_t>(threads));
    session_ =
        LearningModelSession(model, LearningModelDevice(LearningModelDeviceKind::Cpu), options);
    for (const auto& descriptor : model.InputFeatures()) {
      const MullionFeature* const feature = descriptor.get();
      Feature& input = inputs_.emplace_back();
      input.name = MullionFeature_Name(feature);
      input.type = static_cast<int>(MullionFeature_TensorKind(feature));
      for (int axis = 0; axis < MullionFeature_Rank(feature); ++axis) {
        input.dims.push_back(MullionFeature_Dimension(feature, axis));
        input.dim_names.emplace_back(MullionFeature_DimensionName(feature, axis));
      }
    }
  }

  const std::vector<Feature>& inputs() const override { return inputs_; }

  void Bind(const std::vector<Content>& contents) override {
    binding_.emplace(session_);
    for (size_t i = 0; i < inputs_.size(); ++i) {
      const Content& content = contents[i];
      if (content.type == MULLION_TENSOR_STRING) {
        binding_->Bind(inputs_[i].name,
                       TensorString::CreateFromArray(content.dims, content.strings));
        continue;
      }
      binding_->Bind(inputs_[i].name, ILearningModelFeatureValue(detail::CreateTensor(
                                          static_cast<TensorKind>(content.type), content.dims,
                                          content.bytes.data(), content.bytes.size())));
    }
  }

  void RunAndKeepOutputs() override {
    for (const auto& [name, value] : session_.Evaluate(*binding_).Outputs()) {
      const bool tensor = ITensor::IsInstance(value.get()) &&
                          MullionValue_TensorKind(value.get()) != MULLION_TENSOR_STRING;
      if (tensor) binding_->Bind(name, value);
    }
  }

  void Run() override { session_.Run(*binding_); }

 private:
  LearningModelSession session_ = nullptr;
  std::vector<Feature> inputs_;
  std::optional<LearningModelBinding> binding_;
};

}  // namespace

std::unique_ptr<Session> OpenSession(const std::string& model, int threads) {
  return std::make_unique<MullionSession>(model, threads);
}

std::string EngineName() { return "mullion"; }
std::string EngineVersion() { return MullionCpuLevel(); }

}  // namespace mullion::bench
