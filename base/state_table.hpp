// Life cycles as data. A table has one row for every pair (state, input); a row says the next state
// or `refused`. The compiler proves that no pair is missing or named twice:
//   constexpr Row<S, I> rows[] = {...};
//   static_assert(one_row_for_every_pair<S, I, state_count, input_count>(rows));
#pragma once
#include <cstddef>
#include <optional>

namespace weft {

template <class State, class Input>
struct Row {
  State from;
  Input on;
  std::optional<State> to;  // empty: refused (state.illegal), nothing changes
};

template <class State, class Input, std::size_t states, std::size_t inputs, std::size_t count>
consteval bool one_row_for_every_pair(const Row<State, Input> (&rows)[count]) {
  if (count != states * inputs) return false;
  bool seen[states][inputs]{};
  for (const auto& row : rows) {
    bool& here = seen[static_cast<std::size_t>(row.from)][static_cast<std::size_t>(row.on)];
    if (here) return false;
    here = true;
  }
  return true;
}

template <class State, class Input, std::size_t count>
constexpr std::optional<State> next_state(const Row<State, Input> (&rows)[count], State from,
                                          Input on) {
  for (const auto& row : rows)
    if (row.from == from && row.on == on) return row.to;
  return std::nullopt;
}

// Does any input lead from `from` to `to`? What a fact may claim.
template <class State, class Input, std::size_t count>
constexpr bool reachable(const Row<State, Input> (&rows)[count], State from, State to) {
  for (const auto& row : rows)
    if (row.from == from && row.to == to) return true;
  return false;
}

}  // namespace weft
