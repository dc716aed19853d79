// weft: the command line of a broker's clients, and of `weft up`.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "client/cli/verbs.hpp"

int main(int count, char** values) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that goes away (`weft ps | head`) is not an accident
  weft::cli::Arguments arguments(values + 1, values + count);
  if (!arguments.empty() && arguments.front() == "--version") arguments.front() = "version";
  int code = weft::cli::dispatch("weft", weft::cli::verbs(), arguments);
  errno = 0;
  const bool lost = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
  if (lost && errno != EPIPE && code == 0) {
    std::fputs("weft: standard output could not be written\n", stderr);
    code = 1;
  }
  std::fflush(stderr);
  std::_Exit(code);  // see cli::Connection
}
