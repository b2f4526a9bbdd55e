// SPDX-License-Identifier: MIT
#include "onnx/function_inliner.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/onnx/proto_builder.h"

namespace mullion {
namespace {

namespace field = onnx::field;
using namespace proto;  // NOLINT(build/namespaces)

Message Call(std::string_view function, const Names& inputs, const Names& outputs,
             const Messages& attributes = {}, std::string_view name = "") {
  return MakeNode(function, inputs, outputs, attributes, "fn", name);
}

// "Relu(x) -> call/r", one line a node.
std::string Listing(const Graph& graph) {
  std::string text;
  for (const auto& node : graph.nodes()) {
    text += node->operator_name() + "(";
    for (const Value* const input : node->inputs()) text += (input ? input->name() : "-") + " ";
    text += ") ->";
    for (const Value* const output : node->outputs()) text += " " + (output ? output->name() : "-");
    text += "\n";
  }
  return text;
}

TEST(FunctionInliner, PutsTheBodyInPlaceOfTheCall) {
  const Message twice =
      MakeFunction("Twice", {"a"}, {"b"},
                   {MakeNode("Neg", {"a"}, {"t"}, {}, "", "n"), MakeNode("Abs", {"t"}, {"b"})});
  const auto model = Read(ModelOf(
      Chain({Call("Twice", {"x"}, {"u"}, {}, "one"), Call("Twice", {"u"}, {"y"})}), {twice}));
  ASSERT_TRUE(model.ok()) << model.status().message();
  const Graph& graph = *(*model)->graph;
  EXPECT_EQ(Listing(graph),
            "Neg(x ) -> one/t\n"
            "Abs(one/t ) -> u\n"
            "Neg(u ) -> y/t\n"
            "Abs(y/t ) -> y\n");
  const Origin& origin = graph.nodes().front()->origin;
  EXPECT_EQ(origin.function_path, "Twice");
  EXPECT_EQ(origin.ToString(), "node 'one/n' in function Twice (Neg, opset 13)");
  EXPECT_TRUE(graph.Validate().ok());
}

TEST(FunctionInliner, NestedCallsHaveAPath) {
  const Message inner = MakeFunction("Inner", {"a"}, {"b"}, {MakeNode("Neg", {"a"}, {"b"})});
  const Message outer = MakeFunction("Outer", {"a"}, {"b"},
                                     {Call("Inner", {"a"}, {"t"}), Call("Inner", {"t"}, {"b"})});
  const auto model = Read(ModelOf(Chain({Call("Outer", {"x"}, {"y"})}), {outer, inner}));
  ASSERT_TRUE(model.ok()) << model.status().message();
  EXPECT_EQ(Listing(*(*model)->graph), "Neg(x ) -> y/t\nNeg(y/t ) -> y\n");
  EXPECT_EQ((*model)->graph->nodes().front()->origin.function_path, "Outer/Inner");
}

TEST(FunctionInliner, AttributesComeFromTheCallOrTheDefault) {
  const auto kInt = onnx::AttributeKind::kInt;
  const Message scale =
      MakeFunction("F", {"a"}, {"b"},
                   {MakeNode("Op", {"a"}, {"b"},
                             {Reference("given", "p", kInt), Reference("default", "q", kInt),
                              Reference("overridden", "r", kInt), Reference("absent", "s", kInt)})},
                   {IntAttribute("q", 20), IntAttribute("r", 30)});
  const auto model = Read(ModelOf(
      Chain({Call("F", {"x"}, {"y"}, {IntAttribute("p", 1), IntAttribute("r", 3)})}), {scale}));
  ASSERT_TRUE(model.ok()) << model.status().message();
  const Node& node = *(*model)->graph->nodes().front();
  EXPECT_EQ(node.IntAttribute("given", 0), 1);
  EXPECT_EQ(node.IntAttribute("default", 0), 20);
  EXPECT_EQ(node.IntAttribute("overridden", 0), 3);
  EXPECT_FALSE(node.HasAttribute("absent"));
}

TEST(FunctionInliner, AttributesPassThroughNestedCalls) {
  const auto kFloat = onnx::AttributeKind::kFloat;
  const Message inner =
      MakeFunction("Inner", {"a"}, {"b"},
                   {MakeNode("Constant", {}, {"c"}, {Reference("value_float", "v", kFloat)}),
                    MakeNode("Mul", {"a", "c"}, {"b"})});
  const Message outer = MakeFunction("Outer", {"a"}, {"b"},
                                     {Call("Inner", {"a"}, {"b"}, {Reference("v", "w", kFloat)})});
  const auto model = Read(
      ModelOf(Chain({Call("Outer", {"x"}, {"y"}, {FloatAttribute("w", 2.5f)})}), {outer, inner}));
  ASSERT_TRUE(model.ok()) << model.status().message();
  const Node& mul = *(*model)->graph->nodes().front();
  EXPECT_EQ(mul.input(1)->constant.span<float>()[0], 2.5f);
}

TEST(FunctionInliner, GraphAttributesSeeTheCaller) {
  // The branch names values of the graph that holds the call, which the function itself cannot.
  const Message branch = MakeGraph({MakeNode("Add", {"x", "w"}, {"s"})}, {}, {Info("s", 1)});
  const Message choose =
      MakeFunction("Choose", {"c"}, {"r"},
                   {MakeNode("If", {"c"}, {"r"},
                             {Reference("then_branch", "g", onnx::AttributeKind::kGraph),
                              Reference("else_branch", "g", onnx::AttributeKind::kGraph)})});
  const auto model =
      Read(ModelOf(MakeGraph({Call("Choose", {"c"}, {"y"}, {GraphAttribute("g", branch)})},
                             {Info("x", 1, {{2}}), Info("c", 9, {{}})}, {Info("y", 1)},
                             {FloatTensor("w", {2}, {1, 2})}),
                   {choose}));
  ASSERT_TRUE(model.ok()) << model.status().message();
  const Node& node = *(*model)->graph->nodes().front();
  const Graph* const subgraph = node.GraphAttribute("then_branch");
  ASSERT_NE(subgraph, nullptr);
  EXPECT_EQ(subgraph->parent(), (*model)->graph.get());
  EXPECT_EQ(subgraph->nodes().front()->input(0), (*model)->graph->inputs()[0]);
}

TEST(FunctionInliner, OptionalInputsAndOutputsMayBeLeftOut) {
  const Message f =
      MakeFunction("F", {"a", "b", "c"}, {"p", "q"}, {MakeNode("Op", {"a", "b", "c"}, {"p", "q"})});
  const auto model = Read(ModelOf(
      Chain({Call("F", {"x", "", "x"}, {"y"}, {}, "one"), Call("F", {"y"}, {"", "z"}, {}, "two")}),
      {f}));
  ASSERT_TRUE(model.ok()) << model.status().message();
  EXPECT_EQ(Listing(*(*model)->graph), "Op(x - x ) -> y one/q\nOp(y ) -> two/p z\n");
}

TEST(FunctionInliner, OutputsThatAreInputsGetAnIdentity) {
  const Message f = MakeFunction("F", {"a"}, {"a", "b", "b"}, {MakeNode("Op", {"a"}, {"b"})});
  const auto model = Read(ModelOf(
      Chain({Call("F", {"x"}, {"p", "q", "r"}), MakeNode("Sum", {"p", "q", "r"}, {"y"})}), {f}));
  ASSERT_TRUE(model.ok()) << model.status().message();
  EXPECT_EQ(Listing(*(*model)->graph),
            "Op(x ) -> q\nIdentity(x ) -> p\nIdentity(q ) -> r\nSum(p q r ) -> y\n");
}

TEST(FunctionInliner, CallsInSubgraphsAndOutOfOrderWork) {
  const Message f = MakeFunction("F", {"a"}, {"b"},
                                 {MakeNode("Abs", {"t"}, {"b"}), MakeNode("Neg", {"a"}, {"t"})});
  const Message branch = MakeGraph({Call("F", {"late"}, {"s"})}, {}, {Info("s", 1)});
  const auto model =
      Read(ModelOf(MakeGraph({MakeNode("If", {"c"}, {"y"}, {GraphAttribute("then_branch", branch)}),
                              Call("F", {"x"}, {"late"})},
                             {Info("x", 1, {{2}}), Info("c", 9, {{}})}, {Info("y", 1)}),
                   {f}));
  ASSERT_TRUE(model.ok()) << model.status().message();
  const Graph& graph = *(*model)->graph;
  EXPECT_EQ(Listing(graph), "Neg(x ) -> late/t\nAbs(late/t ) -> late\nIf(c ) -> y\n");
  EXPECT_EQ(Listing(*graph.nodes().back()->GraphAttribute("then_branch")),
            "Neg(late ) -> s/t\nAbs(s/t ) -> s\n");
  EXPECT_TRUE(graph.Validate().ok());
}

TEST(FunctionInliner, OverloadsAreToldApart) {
  Message one = MakeFunction("F", {"a"}, {"b"}, {MakeNode("One", {"a"}, {"b"})});
  one.Bytes(field::function::kOverload, "1");
  Message two = MakeFunction("F", {"a"}, {"b"}, {MakeNode("Two", {"a"}, {"b"})});
  two.Bytes(field::function::kOverload, "2");
  Message call = Call("F", {"x"}, {"y"});
  call.Bytes(field::node::kOverload, "2");
  const auto model = Read(ModelOf(Chain({call}), {one, two}));
  ASSERT_TRUE(model.ok()) << model.status().message();
  EXPECT_EQ((*model)->graph->nodes().front()->operator_name(), "Two");
}

TEST(FunctionInliner, NodesFollowTheFunctionsOwnImports) {
  Message f = MakeFunction("F", {"a"}, {"b"}, {MakeNode("Op", {"a"}, {"b"})});
  f.Add(field::function::kOpsetImport, Message().Int(field::opset::kVersion, 17));
  const auto model =
      Read(ModelOf(Chain({Call("F", {"x"}, {"t"}), MakeNode("Op", {"t"}, {"y"})}), {f}));
  ASSERT_TRUE(model.ok());
  EXPECT_EQ((*model)->graph->nodes().front()->opset(), 17);
  EXPECT_EQ((*model)->graph->nodes().back()->opset(), 13);
}

struct BadFunction {
  Messages nodes;
  Messages functions;
  const char* text;
};

TEST(FunctionInliner, RefusesBrokenFunctions) {
  const Message self = MakeFunction("F", {"a"}, {"b"}, {Call("F", {"a"}, {"b"})});
  const Message ping = MakeFunction("Ping", {"a"}, {"b"}, {Call("Pong", {"a"}, {"b"})});
  const Message pong = MakeFunction("Pong", {"a"}, {"b"}, {Call("Ping", {"a"}, {"b"})});
  const Message plain = MakeFunction("F", {"a"}, {"b"}, {MakeNode("Neg", {"a"}, {"b"})});
  const Message lazy = MakeFunction("F", {"a"}, {"b"}, {MakeNode("Neg", {"a"}, {"c"})});
  const Message blind = MakeFunction("F", {"a"}, {"b"}, {MakeNode("Neg", {"x"}, {"b"})});
  const Message hollow = MakeFunction("F", {"a"}, {"a"}, {});
  const Message twins = MakeFunction("F", {"a", "a"}, {"b"}, {MakeNode("Neg", {"a"}, {"b"})});
  const Message shadow = MakeFunction("F", {"a"}, {"b"}, {MakeNode("Neg", {"a"}, {"b", "a"})});
  const Message call = Call("F", {"x"}, {"y"});
  const BadFunction cases[] = {
      {{call},
       {self},
       "the call 'b' of the function 'F/F': a function must not call itself, directly or by way of "
       "others"},
      {{Call("Ping", {"x"}, {"y"})},
       {ping, pong},
       "the call 'b' of the function 'Ping/Pong/Ping': a function must not call itself, directly "
       "or "
       "by way of others"},
      {{call},
       {plain, plain},
       "the function 'F' is defined twice; give one of them another name or overload"},
      {{Call("F", {"x", "x"}, {"y"})},
       {plain},
       "the call 'y' of the function 'F': it has 2 inputs but the function takes 1; export the "
       "model again"},
      {{Call("F", {"x"}, {"y", "z"})},
       {plain},
       "the call 'y' of the function 'F': it has 2 outputs but the function gives 1; export the "
       "model again"},
      {{Call("F", {"nobody"}, {"y"})},
       {plain},
       "the call 'y' of the function 'F': its input 0 is 'nobody', which no node, initializer or "
       "input provides; export the model again"},
      {{call},
       {lazy},
       "the call 'y' of the function 'F': no node of the function makes its output 'b'; export the "
       "model again"},
      {{call},
       {blind},
       "node 'y/b' in function F (Neg, opset 13): its input 0 is 'x', which no node, initializer "
       "or "
       "input provides; export the model again"},
      {{Call("F", {""}, {"y"})},
       {hollow},
       "the call 'y' of the function 'F': its output 'a' is an input that the call leaves out; "
       "export the model again"},
      {{call},
       {twins},
       "the call 'y' of the function 'F': the function has two inputs named 'a'; export the model "
       "again"},
      {{call},
       {shadow},
       "the node 'b' makes the value 'a', which is made elsewhere too; names of values must be "
       "unique, export the model again"},
      {{Call("F", {"x"}, {"y"}, {Reference("p", "q", onnx::AttributeKind::kInt)})},
       {plain},
       "the call 'y' of the function 'F': the attribute 'p' refers to one of a function, but "
       "stands "
       "in none; export the model again"},
      {{MakeNode("Neg", {"x"}, {"y"}, {Reference("p", "q", onnx::AttributeKind::kInt)})},
       {},
       "node 'y' (Neg, opset 13): attribute 'p': it refers to the attribute 'q' of a function, but "
       "stands in none; export the model again"},
  };
  for (const BadFunction& c : cases) {
    EXPECT_EQ(ErrorOf(ModelOf(Chain(c.nodes), c.functions)),
              std::string("model 'm.onnx': ") + c.text);
  }
}

TEST(FunctionInliner, ExponentialCallsEndInAnError) {
  // Thirty functions that each call the next twice: 2^30 calls from a kilobyte.
  Messages functions;
  for (int i = 0; i < 30; ++i) {
    const std::string next = "F" + std::to_string(i + 1);
    functions.push_back(MakeFunction("F" + std::to_string(i), {"a"}, {"b"},
                                     {Call(next, {"a"}, {"t"}), Call(next, {"t"}, {"b"})}));
  }
  functions.push_back(MakeFunction("F30", {"a"}, {"a"}, {}));
  EXPECT_EQ(
      ErrorOf(ModelOf(Chain({Call("F0", {"x"}, {"y"})}), functions)),
      "model 'm.onnx': reading it would take more than 256 MiB of memory, which its size does "
      "not justify; the file is damaged or made to exhaust memory");
}

}  // namespace
}  // namespace mullion
