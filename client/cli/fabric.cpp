// weft fabric: descriptions and pictures of fabrics, job traces, and what a fabric makes of them.
#include <array>

#include "client/cli/fabric_flags.hpp"

namespace weft::cli {
namespace {

constexpr std::array fabric_verbs{
    Verb{"import", "check a fabric's file: what is there, what is odd", fabric_import},
    Verb{"generate", "write the file of a whole fat tree", fabric_generate},
    Verb{"show", "draw a fabric, on the terminal or as SVG", fabric_show},
    Verb{"rehome", "what would have to move so that a slice fits", fabric_rehome},
    Verb{"clear", "take everything out of quarantine", fabric_clear},
    Verb{"trace", "write a job trace", fabric_trace},
    Verb{"simulate", "run a trace through a fabric, say how well it was used", fabric_simulate}};

}  // namespace

int verb_fabric(const Arguments& arguments) {
  return dispatch("weft fabric", fabric_verbs, arguments);
}

}  // namespace weft::cli
