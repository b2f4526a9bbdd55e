// SPDX-License-Identifier: MIT
// The subcommands. Each adds itself to the application with a callback that does its job and sets
// the exit code; failures are thrown as Failure.
#ifndef MULLION_TOOLS_COMMANDS_H_
#define MULLION_TOOLS_COMMANDS_H_

namespace CLI {
class App;
}

namespace mullion::tools {

void AddRun(CLI::App& app, int& exit_code);
void AddInfo(CLI::App& app, int& exit_code);
void AddBench(CLI::App& app, int& exit_code);
void AddVerify(CLI::App& app, int& exit_code);
void AddCompile(CLI::App& app, int& exit_code);
void AddConformance(CLI::App& app, int& exit_code);

}  // namespace mullion::tools

#endif  // MULLION_TOOLS_COMMANDS_H_
