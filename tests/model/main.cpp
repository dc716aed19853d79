// weft-model: tries every history up to a length in a world of two nodes and two jobs, over the
// real broker core. Worlds that cannot be told apart are followed once. Prints how many states and
// histories were covered, and the history that broke a promise, move by move.
#include <fmt/core.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <string>

#include "tests/model/world.hpp"

namespace {

using namespace weft;
using model::World;

struct Leaf {
  World world;
  std::vector<std::uint8_t> history;
  std::uint64_t histories = 1;  // how many lead here
};

int broken(const Leaf& from, int move, const std::string& what) {
  fmt::print(stderr, "a promise broke: {}\nthe history:\n", what);
  for (const std::uint8_t made : from.history) fmt::print(stderr, "  {}\n", model::move_name(made));
  if (move >= 0) fmt::print(stderr, "  {}\n", model::move_name(move));
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  int depth = 6;
  double budget = 75;             // seconds; a level that was begun is finished or named as cut
  std::uint64_t rest_every = 16;  // of the states: does everything still come to rest from there?
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--depth") == 0)
      depth = std::atoi(argv[i + 1]);
    else if (std::strcmp(argv[i], "--seconds") == 0)
      budget = std::atof(argv[i + 1]);
    else {
      fmt::print(stderr, "usage: weft-model [--depth N] [--seconds S]\n");
      return 2;
    }
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto spent = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  std::set<Digest> known;
  std::vector<Leaf> level{{World(), {}, 1}};
  if (!level[0].world.broken().empty()) return broken(level[0], -1, level[0].world.broken());
  std::uint64_t states = 1, steps = 0, rests = 0, histories = 1;
  for (int d = 1; d <= depth; ++d) {
    std::map<Digest, Leaf> next;
    std::uint64_t made_here = 0;
    bool cut = false;
    for (const Leaf& node : level) {
      if (spent() > budget) {
        cut = true;
        break;
      }
      for (int move = 0; move < model::moves; ++move) {
        World world(node.world);
        if (!world.make(move)) continue;
        ++steps;
        made_here += node.histories;
        if (!world.broken().empty()) return broken(node, move, world.broken());
        const Digest mark = world.mark();
        if (known.contains(mark)) continue;
        if (const auto again = next.find(mark); again != next.end()) {
          again->second.histories += node.histories;
          continue;
        }
        if (states % rest_every == 0) {
          ++rests;
          if (std::string what = world.comes_to_rest(); !what.empty())
            return broken(node, move, what);
        }
        ++states;
        std::vector<std::uint8_t> history = node.history;
        history.push_back(static_cast<std::uint8_t>(move));
        next.emplace(mark, Leaf{std::move(world), std::move(history), node.histories});
      }
    }
    histories += made_here;
    fmt::print("length {}: {} new states, {} histories{}, {:.1f} s\n", d, next.size(), made_here,
               cut ? " (cut: time is up)" : "", spent());
    std::fflush(stdout);
    for (const auto& [mark, node] : next) known.insert(mark);
    level.clear();
    for (auto& [mark, node] : next) level.push_back(std::move(node));
    if (cut) break;
  }
  fmt::print(
      "{} states, {} histories, {} steps of the core checked, {} states followed to their rest, "
      "{:.1f} s\n",
      states, histories, steps, rests, spent());
  return 0;
}
