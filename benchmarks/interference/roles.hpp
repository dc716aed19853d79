// What the benchmark's own processes do inside hosts. Each ends by itself: with its parent, and
// after two minutes at the latest.
#pragma once
#include <string>
#include <vector>

namespace weft::bench {

// `rank BYTES TIMES`: all-reduces of that size in its mesh; prints one line "us N" for each after
// the first two, by rank 0. Exit code 0, or 3 when one failed.
int rank(const std::vector<std::string>& arguments);
// `noise SPACE ADDRESS PEER ..`: in that namespace, sends as fast as TCP lets it to every peer,
// over four connections each, and takes what peers send. Ends on TERM.
int noise(const std::vector<std::string>& arguments);

inline constexpr int streams = 4;  // of noise, to one peer

}  // namespace weft::bench
