// A rail of a fabric as the text that ibnetdiscover would print of it; ibsim simulates a subnet
// from the same text. What the form has no words for (the fabric's name, link rate, reserved hosts)
// stands in `#WEFT key=value` comments. Hosts come first: ibsim attaches the subnet manager to the
// first node. Elements without a link are left out, as nobody would discover them.
// Thread: any. Errors: none.
#pragma once
#include <cstdint>
#include <string>

#include "broker/fabric/model/fabric.hpp"

namespace weft::broker::fabric {

// load() gives the rail back: equal, if every pod, leaf, tree and place up to the last has an
// element; otherwise missing ones move behind those that are there.
std::string to_ibnetdiscover(const Fabric& fabric, std::uint32_t rail = 0);
// fabric.yaml of a whole fabric as generate() makes it: its tree, rails, rate, name.
std::string to_yaml(const Fabric& fabric);

}  // namespace weft::broker::fabric
