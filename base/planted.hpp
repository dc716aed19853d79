// Bugs planted on purpose. WEFT_PLANT is 0 in every shipped build; the suite in tests/sim is built
// once per number and must fail for each one. A search that stays green there is itself broken.
// The list of numbers with what each breaks stands in docs/planted-bugs.md.
#pragma once

#ifndef WEFT_PLANT
#define WEFT_PLANT 0
#endif

namespace weft {
constexpr bool planted(int number) { return number == WEFT_PLANT; }
}  // namespace weft
