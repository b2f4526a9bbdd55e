// SPDX-License-Identifier: MIT
// Nodes, graphs and functions as the file has them: names and encoded parts, nothing resolved. All
// views point into the file.
#ifndef MULLION_ONNX_RECORDS_H_
#define MULLION_ONNX_RECORDS_H_

#include <string_view>
#include <vector>

#include "graph/model.h"
#include "onnx/read_context.h"

namespace mullion::onnx {

struct NodeRecord {
  std::string_view name;
  std::string_view operator_name;
  std::string_view domain;  // "" for ai.onnx
  std::string_view overload;
  std::vector<std::string_view> inputs;
  std::vector<std::string_view> outputs;
  std::vector<std::string_view> attributes;  // AttributeProto

  // How messages and inlined names call it: its name, or else its first output's.
  std::string_view Label() const;
};

struct GraphRecord {
  std::string_view name;
  std::vector<NodeRecord> nodes;
  std::vector<std::string_view> initializers;         // TensorProto
  std::vector<std::string_view> sparse_initializers;  // SparseTensorProto
  std::vector<std::string_view> inputs;               // ValueInfoProto, as the next two
  std::vector<std::string_view> outputs;
  std::vector<std::string_view> value_infos;
};

struct FunctionRecord {
  std::string_view name;
  std::string_view domain;
  std::string_view overload;
  std::vector<std::string_view> inputs;
  std::vector<std::string_view> outputs;
  std::vector<std::string_view> defaults;  // AttributeProto of attributes that have a default
  std::vector<NodeRecord> nodes;
  std::vector<OpsetImport> opsets;
};

Result<GraphRecord> ReadGraphRecord(std::string_view bytes, ReadContext& context);
Result<FunctionRecord> ReadFunctionRecord(std::string_view bytes, ReadContext& context);

// Adds an OperatorSetIdProto; of two for one domain the newer counts.
Status ReadOpsetImport(std::string_view bytes, const ReadContext& context,
                       std::vector<OpsetImport>& opsets);

// "ai.onnx" is another name of the default domain "".
std::string_view NormalizeDomain(std::string_view domain);

}  // namespace mullion::onnx

#endif  // MULLION_ONNX_RECORDS_H_
