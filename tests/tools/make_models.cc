// SPDX-License-Identifier: MIT
// Writes the small models that the command-line tests use: make_models FOLDER.
// What is broken in a model, its file name says.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/onnx/proto_builder.h"

namespace mullion {
namespace {

namespace fs = std::filesystem;
namespace field = onnx::field;
using namespace proto;  // NOLINT(build/namespaces)

// TensorProto.DataType.
constexpr int kFloat = 1;
constexpr int kInt8 = 3;
constexpr int kInt64 = 7;
constexpr int kString = 8;
constexpr int kBool = 9;

struct File {
  std::string name;
  std::string bytes;
};

File ModelFile(const std::string& name, const Message& graph) {
  return {name + ".onnx", ModelOf(graph).bytes};
}

// An input whose dimensions have names ("batch") or sizes ("3"); "" is unnamed.
Message NamedInput(std::string_view name, int type, const std::vector<std::string>& dims) {
  Message shape;
  for (const std::string& dim : dims) {
    const bool is_size = !dim.empty() && dim[0] >= '0' && dim[0] <= '9';
    Message one;
    if (is_size) one.Int(field::type::kDimValue, std::stoll(dim));
    if (!is_size && !dim.empty()) one.Bytes(field::type::kDimParam, dim);
    shape.Add(field::type::kDim, one);
  }
  const Message tensor =
      Message().Int(field::type::kElemType, type).Add(field::type::kShape, shape);
  return Message()
      .Bytes(field::value_info::kName, name)
      .Add(field::value_info::kType, Message().Add(field::type::kTensor, tensor));
}

Message SequenceInfo(std::string_view name) {
  const Message tensor = Message().Int(field::type::kElemType, kFloat);
  const Message element = Message().Add(field::type::kTensor, tensor);
  const Message sequence = Message().Add(field::type::kElemType, element);
  return Message()
      .Bytes(field::value_info::kName, name)
      .Add(field::value_info::kType, Message().Add(field::type::kSequence, sequence));
}

Message Int64Tensor(std::string_view name, const std::vector<int64_t>& values) {
  return Message()
      .Int(field::tensor::kDims, static_cast<int64_t>(values.size()))
      .Int(field::tensor::kDataType, kInt64)
      .PackedInts(field::tensor::kInt64Data, values)
      .Bytes(field::tensor::kName, name);
}

Message Add(std::string_view name = "") { return MakeNode("Add", {"x", "w"}, {"y"}, {}, "", name); }

// y = x + w, x of [2, 3].
Message AddGraph() {
  return MakeGraph({Add("sum")}, {Info("x", kFloat, {{2, 3}})}, {Info("y", kFloat, {{2, 3}})},
                   {FloatTensor("w", {3}, {10, 20, 30})});
}

// Every input goes to an output of its name with "same_" in front.
Message Mirror(const std::vector<std::pair<std::string, Message>>& inputs) {
  Messages nodes;
  Messages infos;
  Messages outputs;
  for (const auto& [name, info] : inputs) {
    const std::string output = "same_" + name;
    nodes.push_back(MakeNode("Identity", {name}, {output}));
    infos.push_back(info);
    outputs.push_back(Message().Bytes(field::value_info::kName, output));
  }
  return MakeGraph(nodes, infos, outputs);
}

Message One(const std::string& name, const Message& info) { return Mirror({{name, info}}); }

// A picture of one pixel: red 51, green 102, blue 153.
File Dot() {
  const std::string header(
      "BM\x3a\0\0\0\0\0\0\0\x36\0\0\0"
      "\x28\0\0\0\1\0\0\0\1\0\0\0\1\0\x18\0",
      30);
  return {"dot.bmp", header + std::string(24, '\0') + "\x99\x66\x33" + std::string(1, '\0')};
}

// A SequenceProto of two tensors, for sequence.onnx.
File SequenceFile() {
  Message sequence;
  sequence.Int(field::sequence::kElemType, 1);
  sequence.Add(field::sequence::kTensors, FloatTensor("", {2}, {1, 2}));
  sequence.Add(field::sequence::kTensors, FloatTensor("", {1}, {3}));
  return {"sequence.pb", sequence.bytes};
}

std::vector<File> GoodModels() {
  const Message x23 = Info("x", kFloat, {{2, 3}});
  return {
      ModelFile("add", AddGraph()),
      ModelFile("scores", MakeGraph({MakeNode("Softmax", {"x"}, {"y"}, {}, "", "probabilities")},
                                    {Info("x", kFloat, {{1, 4}})}, {Info("y", kFloat, {{1, 4}})})),
      ModelFile("logits", MakeGraph({MakeNode("Neg", {"x"}, {"y"})}, {Info("x", kFloat, {{1, 3}})},
                                    {Info("y", kFloat, {{1, 3}})})),
      ModelFile("dynamic", One("x", NamedInput("x", kFloat, {"batch", "", "width"}))),
      ModelFile("ids", Mirror({{"input_ids", NamedInput("input_ids", kInt64, {"batch", "seq"})},
                               {"attention_mask", Info("attention_mask", kInt64, {{1, 3}})},
                               {"token_type_ids", Info("token_type_ids", kInt64, {{1, 3}})},
                               {"position_ids", Info("position_ids", kInt64, {{2, 3}})},
                               {"flags", Info("flags", kBool, {{4}})},
                               {"count", Info("count", kInt8, {{}})}})),
      ModelFile("small_types", Mirror({{"i", Info("i", kInt8, {{3}})},
                                       {"b", Info("b", kBool, {{2}})},
                                       {"s", NamedInput("s", kString, {"n"})}})),
      ModelFile("picture", One("p", Info("p", kFloat, {{1, 3, 2, 2}}))),
      ModelFile("two_pictures", Mirror({{"a", Info("a", kFloat, {{1, 3, 2, 2}})},
                                        {"b", Info("b", kFloat, {{1, 3, 2, 2}})}})),
      ModelFile("sequence", One("q", SequenceInfo("q"))),
      ModelFile("any_rank", One("x", Info("x", kFloat))),
      ModelFile("gather", MakeGraph({MakeNode("Gather", {"x", "i"}, {"y"}, {}, "", "pick")},
                                    {Info("x", kFloat, {{3}}), NamedInput("i", kInt64, {"n"})},
                                    {Info("y", kFloat)})),
      ModelFile("reshape", MakeGraph({MakeNode("Reshape", {"x", "s"}, {"y"}, {}, "", "form")},
                                     {Info("x", kFloat, {{4}}), NamedInput("s", kInt64, {"n"})},
                                     {Info("y", kFloat)})),
      ModelFile("broadcast",
                MakeGraph({MakeNode("Add", {"a", "b"}, {"y"}, {}, "", "sum")},
                          {NamedInput("a", kFloat, {"n"}), NamedInput("b", kFloat, {"m"})},
                          {Info("y", kFloat)})),
      ModelFile("zeros", MakeGraph({MakeNode("ConstantOfShape", {"s"}, {"y"}, {}, "", "zeros")},
                                   {NamedInput("s", kInt64, {"n"})}, {Info("y", kFloat)})),
      ModelFile("inputs_that_are_constants",
                MakeGraph({MakeNode("Identity", {"c"}, {"y"})}, {}, {Info("y", kFloat)},
                          {FloatTensor("c", {2}, {1, 2})})),
      ModelFile("data/external",
                MakeGraph({Add()}, {x23}, {Info("y", kFloat, {{2, 3}})},
                          {ExternalTensor("w", {3}, {{"location", "weights.bin"}})})),
      {"data/weights.bin", Raw({10, 20, 30})},
      Dot(),
      SequenceFile(),
  };
}

// What is no model at all.
std::vector<File> NoModels() {
  const std::string whole = ModelOf(AddGraph()).bytes;
  std::string flipped = whole;
  flipped[whole.size() / 2] = static_cast<char>(flipped[whole.size() / 2] ^ 0x40);
  return {
      {"empty.onnx", ""},
      {"text.onnx", "This is not a model.\n"},
      {"zip.onnx", std::string("PK\x03\x04\x14\x00", 6)},
      {"cut_in_the_middle.onnx", whole.substr(0, whole.size() / 2)},
      {"cut_by_one_byte.onnx", whole.substr(0, whole.size() - 1)},
      {"flipped_bit.onnx", flipped},
      {"no_graph.onnx", Message().Int(field::model::kIrVersion, 8).bytes},
      {"no_ir_version.onnx", Message().Add(field::model::kGraph, AddGraph()).bytes},
      {"endless_length.onnx", "\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"},
  };
}

// Graphs that do not hold together.
std::vector<File> BrokenGraphs() {
  const Message x = Info("x", kFloat, {{2}});
  const Message y = Info("y", kFloat, {{2}});
  const Message relu = MakeNode("Relu", {"x"}, {"y"}, {}, "", "r");
  Message deep = Chain({MakeNode("Identity", {"x"}, {"y"})});
  for (int i = 0; i < 100; ++i) {
    deep = Chain({MakeNode(
        "If", {"x"}, {"y"},
        {GraphAttribute("then_branch", deep), GraphAttribute("else_branch", Chain({relu}))})});
  }
  const Message recursive =
      MakeFunction("Again", {"a"}, {"b"}, {MakeNode("Again", {"a"}, {"b"}, {}, "fn")});
  return {
      ModelFile("no_outputs", MakeGraph({relu}, {x}, {})),
      ModelFile("cycle", Chain({MakeNode("Add", {"x", "b"}, {"y"}, {}, "", "first"),
                                MakeNode("Neg", {"y"}, {"b"}, {}, "", "second")})),
      ModelFile("own_output", Chain({MakeNode("Add", {"x", "y"}, {"y"}, {}, "", "self")})),
      ModelFile("made_twice", Chain({relu, relu})),
      ModelFile("dangling_input", Chain({MakeNode("Add", {"x", "nobody"}, {"y"}, {}, "", "sum")})),
      ModelFile("dangling_output", MakeGraph({relu}, {x}, {Info("z", kFloat)})),
      ModelFile("two_inputs_of_a_name", MakeGraph({relu}, {x, x}, {y})),
      ModelFile("deep", deep),
      {"recursive_function.onnx",
       ModelOf(Chain({MakeNode("Again", {"x"}, {"y"}, {}, "fn")}), {recursive}).bytes},
      ModelFile("no_else",
                Chain({MakeNode("If", {"x"}, {"y"}, {GraphAttribute("then_branch", Chain({relu}))},
                                "", "choose")})),
      ModelFile("unknown_operator", Chain({MakeNode("Frobnicate", {"x"}, {"y"}, {}, "", "frob")})),
      ModelFile("attribute_kind", Chain({MakeNode("LeakyRelu", {"x"}, {"y"},
                                                  {IntAttribute("alpha", 1)}, "", "leaky")})),
      ModelFile("unknown_domain",
                Chain({MakeNode("Relu", {"x"}, {"y"}, {}, "com.nobody", "theirs")})),
  };
}

// Nodes that cannot mean what they say.
std::vector<File> WrongNodes() {
  const Message x = Info("x", kFloat, {{1, 3, 8, 8}});
  const Message any = Message().Bytes(field::value_info::kName, "y");
  const auto conv = [&](const Message& weights) {
    return MakeGraph({MakeNode("Conv", {"x", "w"}, {"y"}, {}, "", "conv")}, {x}, {any}, {weights});
  };
  const std::vector<float> zeros(12);
  return {
      ModelFile("too_few_inputs", Chain({MakeNode("Add", {"x"}, {"y"}, {}, "", "sum")})),
      ModelFile("too_many_inputs", Chain({MakeNode("Relu", {"x", "x"}, {"y"}, {}, "", "r")})),
      ModelFile("wrong_types", MakeGraph({Add("sum")}, {Info("x", kFloat, {{2}})}, {any},
                                         {Int64Tensor("w", {1, 2})})),
      ModelFile("relu_of_text", MakeGraph({MakeNode("Relu", {"x"}, {"y"}, {}, "", "r")},
                                          {Info("x", kString, {{2}})}, {any})),
      ModelFile("wrong_shapes", MakeGraph({Add("sum")}, {Info("x", kFloat, {{2, 3}})}, {any},
                                          {FloatTensor("w", {4}, {1, 2, 3, 4})})),
      ModelFile("conv_rank", conv(FloatTensor("w", {3, 4}, zeros))),
      ModelFile("conv_channels", conv(FloatTensor("w", {1, 12, 1, 1}, zeros))),
      ModelFile("softmax_axis", MakeGraph({MakeNode("Softmax", {"x"}, {"y"},
                                                    {IntAttribute("axis", 7)}, "", "soft")},
                                          {x}, {any})),
      ModelFile("reshape_count", MakeGraph({MakeNode("Reshape", {"x", "s"}, {"y"}, {}, "", "form")},
                                           {x}, {any}, {Int64Tensor("s", {7, -1})})),
      ModelFile("concat_ranks", MakeGraph({MakeNode("Concat", {"x", "w"}, {"y"},
                                                    {IntAttribute("axis", 1)}, "", "join")},
                                          {x}, {any}, {FloatTensor("w", {4, 3}, zeros)})),
  };
}

// Tensors that do not hold what they claim.
std::vector<File> WrongTensors() {
  const auto with = [](const Message& tensor) { return Chain({Add()}, {tensor}); };
  const auto external = [&](const std::vector<std::pair<std::string, std::string>>& entries) {
    return with(ExternalTensor("w", {2}, entries));
  };
  const int64_t huge = int64_t{1} << 40;
  return {
      ModelFile("raw_size", with(RawTensor("w", kFloat, {2, 3}, "123456789012"))),
      ModelFile("element_type", with(RawTensor("w", 77, {2}, "12345678"))),
      ModelFile("negative_dimension", with(RawTensor("w", kFloat, {-2}, "12345678"))),
      ModelFile("huge_tensor", with(RawTensor("w", kFloat, {huge, huge}, "1234"))),
      ModelFile("large_claim", with(RawTensor("w", kFloat, {1 << 30}, "1234"))),
      ModelFile("huge_input", One("x", Info("x", kFloat, {{int64_t{1} << 46, 2}}))),
      ModelFile("data/missing_file", external({{"location", "nowhere.bin"}})),
      ModelFile("data/parent_folder", external({{"location", "../add.onnx"}})),
      ModelFile("data/absolute_path", external({{"location", "/etc/hostname"}})),
      ModelFile("data/linked_file", external({{"location", "link.bin"}})),
      ModelFile("data/no_location", external({{"offset", "0"}})),
      ModelFile("data/behind_the_end", external({{"location", "weights.bin"}, {"offset", "8"}})),
      ModelFile("data/negative_offset", external({{"location", "weights.bin"}, {"offset", "-4"}})),
      ModelFile("data/is_a_folder", external({{"location", "."}})),
  };
}

// Test data for add.onnx, right and wrong.
std::vector<File> TestData() {
  const std::string input = FloatTensor("x", {2, 3}, {1, 2, 3, 4, 5, 6}).bytes;
  const auto output = [](float last) {
    return FloatTensor("y", {2, 3}, {11, 22, 33, 14, 25, last}).bytes;
  };
  const std::string set = "/test_data_set_0/";
  return {
      {"right" + set + "input_0.pb", input},
      {"right" + set + "output_0.pb", output(36)},
      {"right" + set + "input_9.pb", "belongs to nothing"},
      {"right/test_data_set_1/input_0.pb", input},
      {"right/test_data_set_1/output_0.pb", output(36)},
      {"wrong" + set + "input_0.pb", input},
      {"wrong" + set + "output_0.pb", output(36.5F)},
      {"other_shape" + set + "input_0.pb", input},
      {"other_shape" + set + "output_0.pb", FloatTensor("y", {6}, {1, 2, 3, 4, 5, 6}).bytes},
      {"other_type" + set + "input_0.pb", input},
      {"other_type" + set + "output_0.pb", Int64Tensor("y", {1, 2}).bytes},
      {"broken_input" + set + "input_0.pb", input.substr(0, 20)},
      {"broken_input" + set + "output_0.pb", output(36)},
      {"broken_output" + set + "input_0.pb", input},
      {"broken_output" + set + "output_0.pb", output(36).substr(0, 20)},
      {"input_shape" + set + "input_0.pb", FloatTensor("x", {3}, {1, 2, 3}).bytes},
      {"input_shape" + set + "output_0.pb", output(36)},
      {"no_outputs_there" + set + "input_0.pb", input},
      {"no_input_there" + set + "output_0.pb", output(36)},
      {"conformance/test_passes/model.onnx", ModelOf(AddGraph()).bytes},
      {"conformance/test_passes" + set + "input_0.pb", input},
      {"conformance/test_passes" + set + "output_0.pb", output(36)},
      {"conformance/test_nearly/model.onnx", ModelOf(AddGraph()).bytes},
      {"conformance/test_nearly" + set + "input_0.pb",
       FloatTensor("x", {2, 3}, {-10, -20, -30, -10, -20, -30}).bytes},
      {"conformance/test_nearly" + set + "output_0.pb",
       FloatTensor("y", {2, 3}, {0, 0, 0, 0, 0, 5e-6F}).bytes},
      {"conformance/test_fails/model.onnx", ModelOf(AddGraph()).bytes},
      {"conformance/test_fails" + set + "input_0.pb", input},
      {"conformance/test_fails" + set + "output_0.pb", output(37)},
      {"conformance/deeper/test_unknown/model.onnx",
       ModelOf(Chain({MakeNode("Frobnicate", {"x"}, {"y"}, {}, "", "frob")})).bytes},
      {"conformance/deeper/test_unknown" + set + "input_0.pb", input},
      {"conformance/deeper/test_unknown" + set + "output_0.pb", output(36)},
  };
}

int Write(const fs::path& folder) {
  for (const auto& files :
       {GoodModels(), NoModels(), BrokenGraphs(), WrongNodes(), WrongTensors(), TestData()}) {
    for (const File& file : files) {
      const fs::path path = folder / file.name;
      fs::create_directories(path.parent_path());
      std::ofstream(path, std::ios::binary) << file.bytes;
    }
  }
  fs::create_symlink("../add.onnx", folder / "data/link.bin");
  return 0;
}

}  // namespace
}  // namespace mullion

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: make_models FOLDER\n");
    return 2;
  }
  std::filesystem::remove_all(arguments[1]);
  return mullion::Write(arguments[1]);
}
