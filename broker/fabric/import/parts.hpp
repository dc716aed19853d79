// Private to broker/fabric/import: the readers of the two forms.
#pragma once
#include "broker/fabric/import/load.hpp"

namespace weft::broker::fabric {

Loaded load_yaml(std::string_view text, std::string_view default_name);
Loaded load_ibnetdiscover(std::string_view text, std::string_view default_name);

}  // namespace weft::broker::fabric
