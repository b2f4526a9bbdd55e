// SPDX-License-Identifier: MIT
// Additions that were fused because the names of dimensions say that both sides have one shape, of
// inputs that have not.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/runtime/test_model.h"

namespace mullion {
namespace {

constexpr int64_t kSamples = -2;  // a name that both inputs have

// Relu(operator(x, ...) + z)
class ResidualModel {
 public:
  ResidualModel(std::string_view name, const Shape& x, const std::vector<Shape>& weights,
                const Shape& z)
      : x_(x), z_(z) {
    std::vector<Value*> inputs = {&model_.Input("x", Named(x))};
    Value& added = model_.Input("z", Named(z));
    for (const Shape& shape : weights) {
      inputs.push_back(&model_.Constant(RandomFloats(shape, 1)));
    }
    Value& sum = model_.Add("Add", {&model_.Add(name, inputs), &added});
    model_.Output(model_.Add("Relu", {&sum}));
    session_ = model_.MakeSession();
  }

  Status Run(int64_t samples, int64_t others) {
    const Datum inputs[] = {Datum::FromTensor(RandomFloats(Sized(x_, samples), 2)),
                            Datum::FromTensor(RandomFloats(Sized(z_, others), 3))};
    Datum outputs[1];
    return session_->Run(inputs, outputs);
  }

 private:
  static Shape Sized(Shape shape, int64_t samples) {
    shape[0] = samples;
    return shape;
  }
  static Shape Named(const Shape& shape) { return Sized(shape, kSamples); }

  TestModel model_;
  Shape x_, z_;
  std::unique_ptr<Session> session_;
};

void ExpectRefusal(ResidualModel model) {
  for (const int64_t samples : {4, 1, 300}) {
    EXPECT_TRUE(model.Run(samples, samples).ok());
    for (const int64_t others : {1, 3, 500}) {
      if (others == samples) continue;
      const Status status = model.Run(samples, others);
      EXPECT_FALSE(status.ok()) << samples << " and " << others;
      EXPECT_NE(status.message().find("where they share a name"), std::string::npos)
          << status.message();
    }
  }
}

TEST(Residual, OfAnotherSizeIsRefused) {
  ExpectRefusal({"MatMul", {0, 8}, {{8, 5}}, {0, 5}});
  ExpectRefusal({"Gemm", {0, 8}, {{8, 5}, {5}}, {0, 5}});
  ExpectRefusal({"Conv", {0, 3, 6, 6}, {{4, 3, 3, 3}}, {0, 4, 4, 4}});
  ExpectRefusal({"Conv", {0, 3, 6}, {{4, 3, 3}, {4}}, {0, 4, 4}});
  ExpectRefusal({"ConvTranspose", {0, 3, 6, 6}, {{3, 4, 3, 3}}, {0, 4, 8, 8}});
  ExpectRefusal({"InstanceNormalization", {0, 3, 6, 6}, {{3}, {3}}, {0, 3, 6, 6}});
}

// The middle of an image is added to what two unpadded convolutions made of it, as networks of
// style transfer do: not copied, but read where it lies.
Tensor AddMiddle(int64_t samples, bool optimize, int threads) {
  TestModel model;
  const Shape image{kSamples, 8, 13, 17};
  Value* x = &model.Add("Relu", {&model.Input("x", image)});
  Value& whole = *x;
  for (int i = 0; i < 2; ++i) {
    x = &model.Add("Conv", {x, &model.Constant(RandomFloats({8, 8, 3, 3}, 1))});
    x = &model.Add("InstanceNormalization", {x, &model.Constant(RandomFloats({8}, 2)),
                                             &model.Constant(RandomFloats({8}, 3))});
  }
  const auto list = [&](const std::vector<int64_t>& values) {
    return &model.Constant(Tensor::Vector<int64_t>(values));
  };
  Value& middle = model.Add("Slice", {&whole, list({3, 1}), list({12, -3}), list({2, -1})});
  model.Output(model.Add("Relu", {&model.Add("Add", {x, &middle})}));
  const std::unique_ptr<Session> session = model.MakeSession(threads, optimize);
  const Datum inputs[] = {Datum::FromTensor(RandomFloats({samples, 8, 13, 17}, 4))};
  Datum outputs[1];
  const Status status = session->Run(inputs, outputs);
  EXPECT_TRUE(status.ok()) << status.message();
  return *outputs[0].OwnedTensor();
}

TEST(Residual, IsReadFromALargerImage) {
  for (const int64_t samples : {1, 3}) {
    const Tensor expected = AddMiddle(samples, false, 1);
    for (const int threads : {1, 3}) {
      const Tensor result = AddMiddle(samples, true, threads);
      ASSERT_EQ(result.shape(), (Shape{samples, 8, 9, 13}));
      for (int64_t i = 0; i < result.count(); ++i) {
        const auto at = static_cast<size_t>(i);
        ASSERT_NEAR(result.span<float>()[at], expected.span<float>()[at], 1e-4) << i;
      }
    }
  }
}

}  // namespace
}  // namespace mullion
