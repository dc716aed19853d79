// weft: the command line of a broker's clients, and of `weft up`.
#include <csignal>

#include "client/cli/verbs.hpp"

int main(int count, char** values) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that goes away (`weft ps | head`) is not an accident
  weft::cli::Arguments arguments(values + 1, values + count);
  if (!arguments.empty() && arguments.front() == "--version") arguments.front() = "version";
  return weft::cli::dispatch("weft", weft::cli::verbs(), arguments);
}
