// SPDX-License-Identifier: MIT
// Broken and hostile models: each gives its error, none a crash.
#include <gtest/gtest.h>

#include <ostream>
#include <random>

#include "tests/onnx/proto_builder.h"
#include "tests/onnx/temporary_folder.h"

namespace mullion {
namespace {

namespace field = onnx::field;
using namespace proto;  // NOLINT(build/namespaces)

struct BadCase {
  const char* name;
  Message model;
  std::string text;  // behind "model 'm.onnx': "
};

void PrintTo(const BadCase& c, std::ostream* stream) { *stream << c.name; }

Message Relu() { return Chain({MakeNode("Relu", {"x"}, {"y"})}); }

Message Named(std::string_view type_field_bytes) {
  const Message type = Message().Bytes(field::type::kTensor, type_field_bytes);
  return Message().Bytes(field::value_info::kName, "x").Add(field::value_info::kType, type);
}

Message DimOf(int64_t size) {
  const Message dim = Message().Int(field::type::kDimValue, size);
  const Message shape = Message().Add(field::type::kDim, dim);
  return Named(Message().Int(field::type::kElemType, 1).Add(field::type::kShape, shape).bytes);
}

Message DeepType(int depth) {
  Message type = Message().Add(field::type::kTensor, Message().Int(field::type::kElemType, 1));
  for (int i = 0; i < depth; ++i) {
    type = Message().Add(field::type::kSequence, Message().Add(field::type::kElemType, type));
  }
  return Message().Bytes(field::value_info::kName, "x").Add(field::value_info::kType, type);
}

Message WithInput(const Message& info) {
  return ModelOf(MakeGraph({MakeNode("Relu", {"x"}, {"y"})}, {info}, {Info("y", 1)}));
}

Message WithAttribute(const Message& attribute) {
  return ModelOf(Chain({MakeNode("Relu", {"x"}, {"y"}, {attribute})}));
}

Message AttributeOfKind(int64_t kind) {
  return Message().Bytes(field::attribute::kName, "a").Int(field::attribute::kType, kind);
}

Message Constant(const Messages& attributes) {
  return ModelOf(
      Chain({MakeNode("Constant", {}, {"w"}, attributes), MakeNode("Add", {"x", "w"}, {"y"})}));
}

Message Headless() {
  Message model;
  return model.Add(field::model::kGraph, Relu());
}

Message WithImport(int64_t version) {
  return ModelOf(Relu()).Add(field::model::kOpsetImport,
                             Message().Int(field::opset::kVersion, version));
}

Message ManyAttributes() {
  Messages attributes;
  for (int i = 0; i < 300; ++i) attributes.push_back(IntAttribute("a" + std::to_string(i), i));
  return ModelOf(Chain({MakeNode("Relu", {"x"}, {"y"}, attributes)}));
}

std::vector<BadCase> StructureCases() {
  const Message input = Info("x", 1, {{2}});
  const Message output = Info("y", 1, {{2}});
  const Message relu = MakeNode("Relu", {"x"}, {"y"}, {}, "", "r");
  return {
      {"empty file", Message(), "it is empty; fetch or export it again"},
      {"another kind of file", Message{"PK\x03\x04 this is a zip archive"},
       "at byte 2 stands an impossible field number; the file is cut short or damaged, fetch or "
       "export it again"},
      {"no IR version", Headless(),
       "it has no IR version, as every ONNX model does; is it another kind of file?"},
      {"no graph", Message().Int(field::model::kIrVersion, 8),
       "it has no graph, as every ONNX model does; is it another kind of file?"},
      {"no outputs", ModelOf(MakeGraph({relu}, {input}, {})),
       "its graph has no outputs; the file is damaged, export it again"},
      {"negative opset", WithImport(-3),
       "it imports version -3 of the operator set ''; the file is damaged, export it again"},
      {"huge opset", WithImport(int64_t{1} << 40),
       "it imports version 1099511627776 of the operator set ''; the file is damaged, export it "
       "again"},
      {"domain without import",
       ModelOf(Chain({MakeNode("Magic", {"x"}, {"y"}, {}, "org.magic", "m")})),
       "node 'm' (org.magic::Magic, opset 0): the model imports no version of the operator set "
       "'org.magic'; export it again with that import"},
      {"no operator", ModelOf(Chain({MakeNode("", {"x"}, {"y"})})),
       "the node 'y' names no operator; the file is damaged, export it again"},
      {"unknown input", ModelOf(Chain({MakeNode("Add", {"x", "w"}, {"y"}, {}, "", "a")})),
       "node 'a' (Add, opset 13): its input 1 is 'w', which no node, initializer or input "
       "provides; export the model again"},
      {"unknown output", ModelOf(MakeGraph({relu}, {input}, {Info("z", 1)})),
       "output 'z': no node, initializer or input provides it; export the model again"},
      {"value made twice", ModelOf(Chain({relu, relu})),
       "the node 'r' makes the value 'y', which is made elsewhere too; names of values must be "
       "unique, export the model again"},
      {"value that is an input", ModelOf(Chain({MakeNode("Relu", {"x"}, {"x"}, {}, "", "r")})),
       "the node 'r' makes the value 'x', which is made elsewhere too; names of values must be "
       "unique, export the model again"},
      {"two inputs of a name", ModelOf(MakeGraph({relu}, {input, input}, {output})),
       "there are two inputs named 'x' or one without a name; export the model again"},
      {"two outputs of a name", ModelOf(MakeGraph({relu}, {input}, {output, output})),
       "there are two outputs named 'y'; give each a name of its own"},
      {"two initializers of a name",
       ModelOf(Chain({relu}, {FloatTensor("w", {1}, {1}), FloatTensor("w", {1}, {1})})),
       "there are two initializers named 'w'; names of values must be unique, export the model "
       "again"},
      {"cycle",
       ModelOf(
           Chain({MakeNode("A", {"x", "b"}, {"y"}, {}, "", "first"), MakeNode("B", {"y"}, {"b"})})),
       "node 'first' (A, opset 13): it depends on its own output; a graph must not contain a "
       "cycle, "
       "export the model again"},
      {"many attributes", ManyAttributes(),
       "the node 'y' has 300 attributes; up to 256 are supported"},
      {"long name", ModelOf(Chain({MakeNode("Relu", {std::string(70000, 'n')}, {"y"})})),
       "at byte 10 stands a name of more than 65535 bytes; the file is cut short or damaged, fetch "
       "or export it again"},
  };
}

std::vector<BadCase> ValueCases() {
  const Message tensor = FloatTensor("w", {2}, {1, 2});
  return {
      {"raw size", ModelOf(Chain({}, {RawTensor("w", 1, {2, 3}, "123456789012")})),
       "initializer 'w': it has 12 bytes of raw data but float[2,3] needs 24; the file is damaged, "
       "export it again"},
      {"input without a type", WithInput(Message().Bytes(field::value_info::kName, "x")),
       "input 'x': it has no type, or one that this version does not know; tensors, sequences, "
       "maps "
       "and optionals are supported"},
      {"input of an unknown element type", WithInput(Info("x", 77)),
       "input 'x': it has no type, or one that this version does not know; tensors, sequences, "
       "maps "
       "and optionals are supported"},
      {"negative dimension", WithInput(DimOf(-5)),
       "input 'x': its type has the negative dimension -5; the file is damaged, export it again"},
      {"many dimensions", WithInput(Info("x", 1, {std::vector<int64_t>(17, 1)})),
       "input 'x': its type has more than 16 dimensions; tensors of up to 16 are supported"},
      {"deep type", WithInput(DeepType(17)),
       "input 'x': its type is nested more than 16 deep; the file is damaged, export it again"},
      {"attribute without a name", WithAttribute(Message().Int(field::attribute::kInt, 1)),
       "node 'y' (Relu, opset 13): an attribute has no name; the file is damaged, export it again"},
      {"attribute of an unknown kind", WithAttribute(AttributeOfKind(44)),
       "node 'y' (Relu, opset 13): attribute 'a': its kind is number 44, which this version does "
       "not know; export the model for an older opset"},
      {"attribute without its tensor", WithAttribute(AttributeOfKind(4)),
       "node 'y' (Relu, opset 13): attribute 'a': it says that it holds a tensor, graph or type "
       "but "
       "has none; the file is damaged, export it again"},
      {"two attributes of a name",
       ModelOf(
           Chain({MakeNode("Relu", {"x"}, {"y"}, {IntAttribute("a", 1), IntAttribute("a", 2)})})),
       "node 'y' (Relu, opset 13): it has two attributes named 'a'; the file is damaged, export it "
       "again"},
      {"broken tensor in an attribute",
       WithAttribute(TensorAttribute("a", RawTensor("", 1, {3}, "12"))),
       "node 'y' (Relu, opset 13): attribute 'a': it has 2 bytes of raw data but float[3] needs "
       "12; "
       "the file is damaged, export it again"},
      {"constant without a value", Constant({}),
       "node 'w' (Constant, opset 13): it has 0 attributes, but a constant has exactly one value; "
       "export the model again"},
      {"constant of a graph", Constant({GraphAttribute("value", Relu())}),
       "node 'w' (Constant, opset 13): its attribute 'value' (graph) is no constant; tensors, "
       "numbers and strings are"},
      {"constant with inputs",
       ModelOf(Chain({MakeNode("Constant", {"x"}, {"y"}, {IntAttribute("value_int", 1)})})),
       "node 'y' (Constant, opset 13): a constant has no inputs and one output; export the model "
       "again"},
      {"sparse initializer",
       ModelOf(Relu().Add(field::graph::kSparseInitializer, Message().Int(3, -1))),
       "a sparse initializer: the sparse tensor has negative dimensions or more than 16; the file "
       "is "
       "damaged, export it again"},
  };
}

std::vector<BadCase> WireCases() {
  const auto at = [](const std::string& what) {
    return what + "; the file is cut short or damaged, fetch or export it again";
  };
  return {
      {"length past the end", Message{"\x3a\x7f\x01"},
       at("at byte 0 a field runs past the end of its message")},
      {"length of 2^63", Message{"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"},
       at("at byte 0 a field runs past the end of its message")},
      {"endless number", Message{std::string(12, '\xff')},
       at("at byte 0 a number is cut off or too long")},
      {"field zero", Message{std::string("\x02\x00", 2)},
       at("at byte 0 stands an impossible field number")},
      {"text where a number belongs", Message().Bytes(field::model::kIrVersion, "eight"),
       at("at byte 0 a field has another encoding than ONNX gives it")},
      {"number where a graph belongs",
       Message().Int(field::model::kIrVersion, 8).Int(field::model::kGraph, 1),
       at("at byte 2 a field has another encoding than ONNX gives it")},
  };
}

class BadModel : public testing::TestWithParam<BadCase> {};

TEST_P(BadModel, GivesItsError) {
  EXPECT_EQ(ErrorOf(GetParam().model), "model 'm.onnx': " + GetParam().text);
}

std::string CaseName(const testing::TestParamInfo<BadCase>& info) {
  std::string name = info.param.name;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Structure, BadModel, testing::ValuesIn(StructureCases()), CaseName);
INSTANTIATE_TEST_SUITE_P(Values, BadModel, testing::ValuesIn(ValueCases()), CaseName);
INSTANTIATE_TEST_SUITE_P(Wire, BadModel, testing::ValuesIn(WireCases()), CaseName);

// A model with a bit of everything.
Message Rich() {
  const Message branch = MakeGraph({MakeNode("Add", {"x", "w"}, {"s"})}, {}, {Info("s", 1)});
  Message graph = MakeGraph(
      {MakeNode("Twice", {"x"}, {"t"}, {FloatAttribute("p", 2)}, "fn"),
       MakeNode("If", {"c"}, {"u"},
                {GraphAttribute("then_branch", branch), GraphAttribute("else_branch", branch)}),
       MakeNode("Constant", {}, {"k"}, {IntAttribute("value_int", 5)}),
       MakeNode("Any", {"t", "u", "k", "d", "n"}, {"y"})},
      {Info("x", 1, {{2, -1}}), Info("c", 9, {{}})}, {Info("y", 1, {{2}})},
      {FloatTensor("w", {2}, {1, 2}), RawTensor("d", 9, {3}, "\1\1\1"),
       Message()
           .Int(field::tensor::kDims, 2)
           .Int(field::tensor::kDataType, 7)
           .PackedInts(field::tensor::kInt64Data, {300, -1})
           .Bytes(field::tensor::kName, "n")});
  graph.Add(field::graph::kValueInfo, Info("t", 1, {{2, 3}}));
  const Message twice = MakeFunction(
      "Twice", {"a"}, {"b"},
      {MakeNode("Mul", {"a", "a"}, {"b"}, {Reference("q", "p", onnx::AttributeKind::kFloat)})},
      {FloatAttribute("p", 1)});
  return ModelOf(graph, {twice});
}

// Whatever comes back must be a whole graph or an error that names the model.
void ExpectSane(const std::string& bytes) {
  const auto model = Read(Message{bytes});
  if (model.ok()) {
    EXPECT_TRUE((*model)->graph->Validate().ok());
    return;
  }
  EXPECT_EQ(model.status().message().find("model 'm.onnx': "), 0u);
}

TEST(DamagedModel, CutAtEveryLength) {
  const std::string bytes = Rich().bytes;
  ASSERT_EQ(ErrorOf(Message{bytes}), "");
  int refused = 0;
  for (size_t length = 0; length < bytes.size(); ++length) {
    // A copy of its own, so that a sanitizer sees every byte read behind the end.
    const std::string cut(bytes.data(), length);
    ExpectSane(cut);
    if (!Read(Message{cut}).ok()) ++refused;
  }
  EXPECT_GT(refused, static_cast<int>(bytes.size()) - 100);
}

TEST(DamagedModel, EveryBitFlipped) {
  const std::string bytes = Rich().bytes;
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string broken = bytes;
    broken[i / 8] = static_cast<char>(broken[i / 8] ^ (1 << (i % 8)));
    ExpectSane(broken);
  }
}

TEST(DamagedModel, ManyBytesChanged) {
  const std::string bytes = Rich().bytes;
  std::mt19937 random(20);
  for (int round = 0; round < 20000; ++round) {
    std::string broken = bytes;
    const size_t changes = 1 + random() % 8;
    for (size_t i = 0; i < changes; ++i) {
      broken[random() % broken.size()] = static_cast<char>(random());
    }
    ExpectSane(broken);
  }
}

TEST(DamagedModel, PartsDoubledAndDropped) {
  const std::string bytes = Rich().bytes;
  std::mt19937 random(21);
  for (int round = 0; round < 20000; ++round) {
    const size_t from = random() % bytes.size();
    const size_t length = random() % (bytes.size() - from);
    std::string broken = bytes;
    if (round % 2 == 0) {
      broken.erase(from, length);
    } else {
      broken.insert(random() % bytes.size(), bytes.substr(from, length));
    }
    ExpectSane(broken);
  }
}

TEST(MissingModel, NamesThePath) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "none.onnx";
  const auto model = ReadModelFile(path);
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.status().code(), StatusCode::kNotFound);
  EXPECT_EQ(model.status().message(), "model '" + path.string() + "': cannot open '" +
                                          path.string() + "': No such file or directory");
  EXPECT_FALSE(ReadModelFile(folder.path()).ok()) << "a folder is no model";
  ReadOptions copying;
  copying.copy_data = true;
  EXPECT_FALSE(ReadModelFile(path, copying).ok());
  EXPECT_FALSE(ReadModelFile(folder.path(), copying).ok());
}

TEST(MissingModel, CopiedAndMappedAgree) {
  const TemporaryFolder folder;
  const auto path = folder.Write("m.onnx", Rich().bytes);
  ReadOptions copying;
  copying.copy_data = true;
  const auto mapped = ReadModelFile(path);
  const auto copied = ReadModelFile(path, copying);
  ASSERT_TRUE(mapped.ok() && copied.ok());
  EXPECT_EQ((*mapped)->graph->node_count(), (*copied)->graph->node_count());
  folder.Write("m.onnx", "");  // what was copied does not care
  const Node& any = *(*copied)->graph->nodes().back();
  EXPECT_EQ(any.input(4)->constant.span<int64_t>()[0], 300);
}

}  // namespace
}  // namespace mullion
