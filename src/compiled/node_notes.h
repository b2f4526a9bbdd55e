// SPDX-License-Identifier: MIT
// What ONNX has no room for in a node, written into its domain and an attribute.
#ifndef MULLION_COMPILED_NODE_NOTES_H_
#define MULLION_COMPILED_NODE_NOTES_H_

#include "base/status.h"
#include "graph/graph.h"

namespace mullion::compiled {

// For every node of the graph and its subgraphs. Afterwards the graph is only good to be written.
void WriteNotes(Graph& graph);

// The reverse. kInvalidModel when a note is missing or makes no sense.
Status ReadNotes(Graph& graph);

}  // namespace mullion::compiled

#endif  // MULLION_COMPILED_NODE_NOTES_H_
