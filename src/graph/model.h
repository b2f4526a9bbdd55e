// SPDX-License-Identifier: MIT
// A loaded model: its main graph and what the file says about itself.
#ifndef MULLION_GRAPH_MODEL_H_
#define MULLION_GRAPH_MODEL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"

namespace mullion {

struct OpsetImport {
  std::string domain;  // "" is ai.onnx
  int version = 0;
};

// A graph input or output as the file declares it.
struct FeatureInfo {
  std::string name;
  std::string description;
  std::string denotation;  // TypeProto.denotation: "IMAGE", "TENSOR", ...
  TypeInfo type;
  std::vector<std::string> dim_names;        // dim_param of each dimension, "" when none
  std::vector<std::string> dim_denotations;  // "DATA_BATCH", ..., "" when none
};

struct Model {
  std::string path;  // for messages; "<memory>" when it came from a buffer
  int64_t ir_version = 0;
  std::string producer_name;
  std::string producer_version;
  std::string domain;
  std::string description;
  int64_t model_version = 0;
  std::vector<OpsetImport> opsets;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<FeatureInfo> inputs;   // without those that have an initializer
  std::vector<FeatureInfo> outputs;  // in graph order, as graph->outputs()
  std::unique_ptr<Graph> graph;      // graph->inputs() are those of `inputs`
  // The files that it was read from: its own path, then those of external data, relative to its
  // folder. Empty when it came from elsewhere.
  std::vector<std::string> files;
  // The graph is optimized, and weights may be packed: it came from a compiled file.
  bool compiled = false;
};

}  // namespace mullion

#endif  // MULLION_GRAPH_MODEL_H_
