// SPDX-License-Identifier: MIT
#include "onnx/function_inliner.h"

#include "base/str_cat.h"
#include "onnx/attribute_reader.h"

namespace mullion::onnx {

namespace {

std::string Join(const std::string& before, std::string_view name) {
  return before.empty() ? std::string(name) : StrCat(before, "/", name);
}

}  // namespace

FunctionInliner::FunctionInliner(GraphReader& reader, const FunctionRecord& function,
                                 const NodeRecord& call, const Environment& caller, Scope& scope)
    : reader_(reader), function_(function), call_(call), caller_(caller), scope_(scope) {
  environment_.opsets = &function.opsets;
  environment_.ir_version = caller.ir_version;
  environment_.caller = &caller;
  environment_.function = &function;
  environment_.function_path = Join(caller.function_path, function.name);
  environment_.prefix = StrCat(caller.prefix, call.Label(), "/");
}

Status FunctionInliner::Fail(std::string_view text) const {
  return InvalidModel("the call ", Quoted(call_.Label()), " of the function ",
                      Quoted(environment_.function_path), ": ", text);
}

Status FunctionInliner::Inline() {
  const DepthGuard guard(reader_.depth_);
  MULLION_RETURN_IF_ERROR(guard.Check());
  if (caller_.IsInside(function_)) {
    return Fail("a function must not call itself, directly or by way of others");
  }
  constexpr size_t kPerName = 64;
  MULLION_RETURN_IF_ERROR(reader_.ChargeFor(
      sizeof(Environment), kPerName * (function_.inputs.size() + function_.defaults.size())));
  Scope body(scope_.place(), nullptr);
  MULLION_RETURN_IF_ERROR(BindInputs(body));
  MULLION_RETURN_IF_ERROR(BindAttributes(body));
  MULLION_RETURN_IF_ERROR(DeclareOutputs(body));
  MULLION_RETURN_IF_ERROR(reader_.DeclareNodeOutputs(function_.nodes, environment_, body));
  for (const auto& [name, value] : pending_) {
    if (body.IsExpected(name)) {
      return Fail(StrCat("no node of the function makes its output ", Quoted(name),
                         "; export the model again"));
    }
  }
  for (const NodeRecord& node : function_.nodes) {
    MULLION_RETURN_IF_ERROR(reader_.AddNode(node, environment_, body));
  }
  return PassInputsOn(body);
}

Status FunctionInliner::BindInputs(Scope& body) {
  if (call_.inputs.size() > function_.inputs.size()) {
    return Fail(StrCat("it has ", call_.inputs.size(), " inputs but the function takes ",
                       function_.inputs.size(), "; export the model again"));
  }
  for (size_t i = 0; i < function_.inputs.size(); ++i) {
    const std::string_view name = i < call_.inputs.size() ? call_.inputs[i] : std::string_view();
    Value* value = nullptr;
    if (!name.empty() && !scope_.Resolve(name, value)) {
      return Fail(StrCat("its input ", i, " is ", Quoted(name),
                         ", which no node, initializer or input provides; export the model again"));
    }
    if (!body.DeclareGiven(function_.inputs[i], value)) {
      return Fail(StrCat("the function has two inputs named ", Quoted(function_.inputs[i]),
                         "; export the model again"));
    }
  }
  return OkStatus();
}

Status FunctionInliner::BindAttributes(const Scope& body) {
  for (const std::string_view bytes : call_.attributes) {
    MULLION_ASSIGN_OR_RETURN(const AttributeHead head, ReadAttributeHead(bytes, reader_.context_));
    BoundAttribute bound{bytes, &caller_, &scope_};
    if (!head.reference.empty() && caller_.function == nullptr) {
      return Fail(StrCat("the attribute ", Quoted(head.name),
                         " refers to one of a function, but stands in none; export the model "
                         "again"));
    }
    if (!head.reference.empty()) {
      const auto found = caller_.attributes.find(head.reference);
      if (found == caller_.attributes.end()) continue;
      bound = found->second;
    }
    environment_.attributes.emplace(head.name, bound);
  }
  for (const std::string_view bytes : function_.defaults) {
    MULLION_ASSIGN_OR_RETURN(const AttributeHead head, ReadAttributeHead(bytes, reader_.context_));
    if (!head.reference.empty()) {
      return Fail(StrCat("the default of the attribute ", Quoted(head.name),
                         " refers to another attribute; export the model again"));
    }
    environment_.attributes.emplace(head.name, BoundAttribute{bytes, &environment_, &body});
  }
  return OkStatus();
}

Status FunctionInliner::DeclareOutputs(Scope& body) {
  if (call_.outputs.size() > function_.outputs.size()) {
    return Fail(StrCat("it has ", call_.outputs.size(), " outputs but the function gives ",
                       function_.outputs.size(), "; export the model again"));
  }
  for (size_t i = 0; i < call_.outputs.size(); ++i) {
    if (call_.outputs[i].empty()) continue;
    const std::string_view inner = function_.outputs[i];
    Value* const value = scope_.FindHere(call_.outputs[i]);
    (body.DeclareExpected(inner, value) ? pending_ : passed_).emplace_back(inner, value);
  }
  return OkStatus();
}

Status FunctionInliner::PassInputsOn(const Scope& body) {
  for (const auto& [name, into] : passed_) {
    Value* value = nullptr;
    body.Resolve(name, value);
    if (value == nullptr) {
      return Fail(StrCat("its output ", Quoted(name),
                         " is an input that the call leaves out; export the model again"));
    }
    reader_.PassOn(*value, *into, environment_);
  }
  return OkStatus();
}

}  // namespace mullion::onnx
