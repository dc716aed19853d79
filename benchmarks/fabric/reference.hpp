// Utilisation in percent that an independent implementation of docs/specs/005-slices.md measured,
// seeds 1, 2, 3, 10,000 jobs: what the simulation is checked against.
#pragma once
#include <array>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace weft::bench {

struct TraceRow {
  const char* name;
  std::uint32_t radix;
  bool ai;
  // baseline, ta, laas, jigsaw
  std::array<std::array<double, 3>, 4> reference;
};

// Null: there is none.
constexpr const std::array<double, 3>* reference(const TraceRow& row, std::string_view policy) {
  constexpr std::string_view known[] = {"baseline", "ta", "laas", "jigsaw"};
  for (std::size_t i = 0; i < std::size(known); ++i)
    if (known[i] == policy) return &row.reference[i];
  return nullptr;
}

inline constexpr TraceRow trace_rows[] = {
    {"Synth-16",
     16,
     false,
     {{{99.02, 99.01, 99.03},
       {89.83, 90.09, 89.95},
       {91.02, 91.00, 90.98},
       {96.30, 96.24, 96.35}}}},
    {"Synth-22",
     22,
     false,
     {{{99.44, 99.43, 99.46},
       {90.27, 90.48, 90.35},
       {90.95, 91.13, 91.11},
       {96.83, 96.65, 96.71}}}},
    {"Synth-28",
     28,
     false,
     {{{99.65, 99.64, 99.64},
       {90.25, 90.72, 90.62},
       {91.12, 91.33, 91.17},
       {97.03, 97.07, 97.13}}}},
    {"Exp-36",
     36,
     false,
     {{{99.79, 99.79, 99.78},
       {90.38, 90.75, 90.46},
       {91.35, 91.57, 91.34},
       {97.34, 97.28, 97.38}}}},
    {"ai-36",
     36,
     true,
     {{{97.86, 98.35, 97.12},
       {95.69, 94.02, 94.56},
       {92.20, 91.15, 91.45},
       {92.84, 92.92, 92.26}}}},
};

}  // namespace weft::bench
