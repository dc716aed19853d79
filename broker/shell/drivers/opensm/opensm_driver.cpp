#include "broker/shell/drivers/opensm/opensm_driver.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "broker/fabric/opensm/config.hpp"
#include "broker/fabric/opensm/lft_file.hpp"
#include "broker/shell/drivers/opensm/files.hpp"
#include "broker/shell/drivers/opensm/opensm_class.hpp"

namespace weft::broker {

OpenSmDriver::OpenSmDriver(std::unique_ptr<const fabric::Fabric> fabric, OpenSmOptions options,
                           std::unique_ptr<SmpPort> port, FabricReader reader)
    : fabric_(std::move(fabric)),
      options_(std::move(options)),
      port_(std::move(port)),
      reader_(std::move(reader)),
      manager_(options_.pid, options_.pid_file),
      present_(fabric::present(fabric_->rails[0])) {}

Result<void> OpenSmDriver::learn_files() {
  // Not there, or not weft's: epoch 0, and the first transition writes new ones.
  for (const char* name : {"/partitions.conf", "/lfts.txt"})
    if (const auto text = whole_file(options_.folder + name)) {
      const Epoch found =
          name[1] == 'p' ? fabric::partitions_epoch(*text) : fabric::lft_epoch(*text);
      epoch_ = std::max(epoch_, found);
    }
  const auto strangers = reader_.strangers();
  if (strangers.empty()) return {};
  return fail(Code::fabric_unread,
              fmt::format("the fabric is not the described one: {} ({} such places)",
                          strangers.front(), strangers.size()));
}

Result<std::unique_ptr<Driver>> open_opensm(const fabric::Fabric& fabric, OpenSmOptions options) {
  if (fabric.rails.size() != 1)
    return fail(Code::fabric_plan,
                "driver opensm: one rail; each further rail is a subnet and an "
                "OpenSM of its own");
  if (options.folder.empty() || options.folder[0] != '/')
    return fail(Code::fabric_plan, "driver opensm: the folder must be an absolute path");
  if (auto good = fabric::check_lids(fabric.rails[0]); !good)
    return tl::make_unexpected(good.error());
  auto port = SmpPort::open(options.device);
  if (!port) return tl::make_unexpected(port.error());
  auto own = std::make_unique<const fabric::Fabric>(fabric);
  auto reader = FabricReader::make(own->rails[0], **port);
  if (!reader) return tl::make_unexpected(reader.error());
  auto out = std::make_unique<OpenSmDriver>(std::move(own), std::move(options), std::move(*port),
                                            std::move(*reader));
  if (auto learned = out->learn_files(); !learned) return tl::make_unexpected(learned.error());
  return out;
}

}  // namespace weft::broker
