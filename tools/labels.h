// SPDX-License-Identifier: MIT
// Names of classes.
#ifndef MULLION_TOOLS_LABELS_H_
#define MULLION_TOOLS_LABELS_H_

#include <string>
#include <vector>

namespace mullion::tools {

// Reads a text file with one label a line, or "INDEX,LABEL" or "INDEX LABEL" a line, or a JSON
// array of strings or object from index to label. Throws Failure.
std::vector<std::string> ReadLabels(const std::string& path);

// The label of class `index`, or "" where there is none.
inline std::string LabelOf(const std::vector<std::string>& labels, int64_t index) {
  return index >= 0 && static_cast<size_t>(index) < labels.size()
             ? labels[static_cast<size_t>(index)]
             : std::string();
}

}  // namespace mullion::tools

#endif  // MULLION_TOOLS_LABELS_H_
