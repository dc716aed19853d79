// Sets of hosts and links of the fabric, as schemas/state.hpp has them. Thread: any.
#pragma once
#include "schemas/state.hpp"

namespace weft::broker {

void merge(Links& into, const Links& add);
void remove(Links& from, const Links& gone);
bool touches(const Links& a, const Links& b);  // a host or a link is in both

}  // namespace weft::broker
