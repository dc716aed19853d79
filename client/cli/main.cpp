// weft: the command line of a broker's clients, and of `weft up`.
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "client/cli/verbs.hpp"

int main(int count, char** values) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that goes away (`weft ps | head`) is not an accident
  weft::cli::Arguments arguments(values + 1, values + count);
  if (!arguments.empty() && arguments.front() == "--version") arguments.front() = "version";
  const int code = weft::cli::dispatch("weft", weft::cli::verbs(), arguments);
  std::fflush(nullptr);
  std::_Exit(code);  // see cli::Connection
}
