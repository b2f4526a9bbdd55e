// SPDX-License-Identifier: MIT
// mullion_operator_page FILE [--check]: writes docs/operators.md, or exits with 1 when it is stale.
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

#include "tools/operator_support.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: mullion_operator_page FILE [--check]\n";
    return 2;
  }
  const std::string page = mullion::tools::OperatorPage();
  if (argc > 2 && std::string_view(argv[2]) == "--check") {
    std::ifstream file(argv[1], std::ios::binary);
    const std::string old((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (old == page) return 0;
    std::cerr << argv[1] << " is stale; run mullion_operator_page " << argv[1] << "\n";
    return 1;
  }
  std::ofstream(argv[1], std::ios::binary) << page;
  return 0;
}
