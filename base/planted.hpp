// Bugs planted on purpose. In every shipped build WEFT_PLANT is 0 and planted() is a constant
// false. The tests in tests/canary build the core a second time with WEFT_PLANT_RUNTIME, where a
// global names the bug that is switched on, and the suite must fail for each one. A search that
// stays green there is itself broken. The list of numbers with what each breaks stands in
// docs/planted-bugs.md.
#pragma once

#ifndef WEFT_PLANT
#define WEFT_PLANT 0
#endif

namespace weft {
#ifdef WEFT_PLANT_RUNTIME
inline int plant_number = WEFT_PLANT;  // set once, before any thread starts
inline bool planted(int number) { return number == plant_number; }
#else
constexpr bool planted(int number) { return number == WEFT_PLANT; }
#endif
}  // namespace weft
